"""The floors hold, and each contract really catches what it forbids."""

from __future__ import annotations

import shutil
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

pytestmark = pytest.mark.source

ROOT = Path(__file__).parents[2]
PACKAGES = ("console", "backends", "widgets", "playbooks")

BREACHES = {
    "Floors: console over widgets and playbooks over backends": ("backends/breach.py", "import console.clock\n"),
    "Only the application, its screens and the widgets know Textual": ("console/views/breach.py", "import textual\n"),
    "Databases and HTTP are spoken in backends only": ("console/views/breach.py", "import duckdb\n"),
    "Analysis is arithmetic: no I/O and no clock": ("console/analysis/breach.py", "import pathlib\n"),
    "Only control reaches the journal": ("console/views/breach.py", "import backends.journal\n"),
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}
    )


def _copy(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_floors_hold() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("contract", BREACHES)
def test_a_breach_of_a_contract_is_caught(contract: str, tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    path, breach = BREACHES[contract]
    (folder / path).write_text(breach)
    result = _lint(folder)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in " ".join(result.stdout.split())


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert "console.session" in imports["console.screens.application"], "imports that are made for types alone count too"
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(reversed(circle.args[1])))


def test_the_clock_is_asked_nowhere_else(tmp_path: Path) -> None:
    breach = tmp_path / "breach.py"
    breach.write_text("import time\nfrom datetime import UTC, datetime\n\nstarted = time.time()\nseen = datetime.now(UTC)\n")
    ruff = [
        str(Path(sys.executable).with_name("ruff")),
        "check",
        "--no-cache",
        "--output-format",
        "concise",
        "--config",
        str(ROOT / "pyproject.toml"),
    ]
    found = subprocess.run([*ruff, str(breach)], capture_output=True, text=True, check=False).stdout
    assert found.count("TID251") == 2
