"""What a start does not load: each of these packages costs more than everything before the first line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, days_of_predictions, made

ROOT = Path(__file__).resolve().parents[2]
HEAVY = frozenset(
    {
        "textual",
        "rich",
        "pydantic",
        "duckdb",
        "numpy",
        "pandas",
        "polars",
        "sklearn",
        "scipy",
        "httpx",
        "keyring",
        "plotext",
        "starlette",
        "uvicorn",
    }
)
NEVER_READ = frozenset(
    {"textual", "rich", "pandas", "polars", "sklearn", "scipy", "pyarrow", "plotext", "keyring", "httpx", "starlette", "uvicorn"}
)
"""What a verb that reads never loads; duckdb, pydantic and numpy are its tools."""

VERB = """
import contextlib, io, json, sys
from console.cli.main import main
said = io.StringIO()
with contextlib.redirect_stdout(said):
    try:
        code = int(main(sys.argv[1:]))
    except SystemExit as stop:
        code = int(stop.code or 0)
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules}), said.getvalue()]))
"""

FIRST_FRAME = """
import asyncio, json, sys, threading
from pathlib import Path
from console.cli.start import Located
from console.session import Session
from console.app import ConsoleApp

async def first_frame():
    app = ConsoleApp(Session(Located(Path(sys.argv[1]), "the test")))
    reads = []

    def behind_the_first_frame():
        reads.append(threading.current_thread() is threading.main_thread())

    app.lookout = app.stamp = behind_the_first_frame  # who reads the store, and asks whether it has changed
    async with app.run_test(size=(80, 24)) as pilot:
        while not (rows := getattr(getattr(app.screen, "content", None), "rows", ())):
            await pilot.pause()
        text = "\\n".join(row.line.text for row in rows)
    assert reads and not any(reads), "read by the thread that draws"
    return text

text = asyncio.run(first_frame())
print(json.dumps([0, sorted({name.split(".")[0] for name in sys.modules}), text]))
"""


def run(code: str, *arguments: str) -> tuple[int, frozenset[str], str]:
    """Exit code, top-level packages loaded at the end, and what was printed."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    exit_code, loaded, text = json.loads(done.stdout.splitlines()[-1])
    return exit_code, frozenset(loaded), text


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty days of scores of one model, evaluated."""
    small = made(tmp_path_factory.mktemp("start") / "ws", START + 60 * DAY)
    days_of_predictions(small, 60, 40, temp=lambda _day, row: float(row % 50))
    assert run(VERB, "-w", str(small.root), "watch", "--once")[0] == 0
    return small.root


def test_version_loads_nothing_but_the_interpreter() -> None:
    code, loaded, text = run(VERB, "--version")
    assert code == 0 and text.startswith("quarterdeck ")
    assert not loaded & (HEAVY | {"argparse", "email", "dataclasses", "pathlib", "importlib.metadata"})


def test_the_overview_loads_no_library() -> None:
    code, loaded, text = run(VERB, "--help")
    assert code == 0 and "Exit codes" in text
    assert not loaded & (HEAVY | {"sqlite3", "dataclasses"})


@pytest.mark.parametrize(
    "words",
    [
        ["versions", "--help"],
        ["approve", "--help"],
        ["drift", "--help"],
        ["kill", "--help"],
        ["watch", "--help"],
        ["serve", "--help"],
        ["nonsense"],
        ["--nonsense"],
    ],
)
def test_help_and_refusals_load_nothing_heavy(words: list[str]) -> None:
    code, loaded, _ = run(VERB, *words)
    assert code == (0 if "--help" in words else 2)
    assert not loaded & HEAVY - {"pydantic"}


READS = [  # beside those that load still less, below

    "audit verify", "explain psi", "doctor",
]  # fmt: skip


@pytest.mark.parametrize("verb", READS)
def test_a_verb_that_reads_loads_neither_a_screen_nor_a_data_frame(verb: str, workspace: Path) -> None:
    code, loaded, text = run(VERB, "-w", str(workspace), *verb.split(), "--json")
    assert code in {0, 5}, text
    assert code == 5 or json.loads(text)["schema"].startswith("quarterdeck/")
    assert not loaded & NEVER_READ


def test_comparing_two_files_loads_neither_a_screen_nor_a_data_frame(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("x,k\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(300)))
    code, loaded, text = run(VERB, "compare", str(file), str(file), "--json")
    assert code == 0 and json.loads(text)["$schema"] == "quarterdeck/compare/1"
    assert not loaded & NEVER_READ


def test_holding_a_file_against_a_contract_loads_neither_a_screen_nor_a_data_frame(tmp_path: Path) -> None:
    file, contract = tmp_path / "rows.csv", tmp_path / "contract.yaml"
    file.write_text("x,k\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(300)))
    for words in (("propose", str(file), "--to", str(contract)), ("check", str(contract), str(file), "--json")):
        code, loaded, text = run(VERB, "-w", str(tmp_path / "none"), "contract", *words)
        assert code == 0, text
        assert not loaded & NEVER_READ
    assert json.loads(text)["schema"] == "quarterdeck/contract-check/1"


WITHOUT_THE_STORE = (
    "fleet", "model delay", "drift delay", "quality delay", "labels delay", "incidents", "alerts", "audit log", "actions", "approvals",
    "breakers", "traffic delay", "playbook list", "playbook show quality-collapse", "can-i kill delay",
)  # fmt: skip
WITHOUT_ARITHMETIC = (
    "retention", "versions delay", "versions delay@1", "card delay", "maturity delay", "lineage delay", "switches", "changes delay",
    "badges delay", "sources", "reviews",
)  # fmt: skip
"""What asks the store for records, events and counts alone."""


def test_what_stands_in_summary_and_control_is_read_without_the_store(workspace: Path) -> None:
    for verb in WITHOUT_THE_STORE:
        code, loaded, text = run(VERB, "-w", str(workspace), *verb.split(), "--json")
        assert code == 0, text
        assert not loaded & (NEVER_READ | {"duckdb", "numpy"}), verb


def test_records_are_read_without_arithmetic(workspace: Path) -> None:
    for verb in WITHOUT_ARITHMETIC:
        code, loaded, text = run(VERB, "-w", str(workspace), *verb.split(), "--json")
        assert code == 0, text
        assert "duckdb" in loaded and not loaded & (NEVER_READ | {"numpy"}), verb


def test_the_first_frame_shows_the_fleet_without_store_and_records(workspace: Path) -> None:
    _, loaded, text = run(FIRST_FRAME, str(workspace))
    assert "delay" in text
    assert loaded & HEAVY == {"textual", "rich"}
    assert "sqlite3" not in loaded


def test_the_skeleton_is_drawn_before_textual_and_the_session() -> None:
    code = (
        "import sys, json; from console.cli import start; "
        "print(json.dumps([0, sorted({n.split('.')[0] for n in sys.modules} | {n for n in sys.modules if n.startswith('console.')}), '']))"
    )
    _, loaded, _ = run(code)
    assert not loaded & (HEAVY | {"dataclasses", "inspect", "zoneinfo", "socket", "console.session", "console.app", "console.commands"})
