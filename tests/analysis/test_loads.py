"""Reading analysis and profiles loads arithmetic only."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import console.analysis

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(module.name for module in pkgutil.iter_modules(console.analysis.__path__))


def loaded_by(*modules: str) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("heavy", ["scipy", "sklearn", "pandas", "polars", "duckdb", "textual", "sqlite3", "httpx"])
def test_analysis_loads_no(heavy: str, loaded: set[str]) -> None:
    assert heavy not in loaded


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    found = loaded_by(*(f"console.analysis.{name}" for name in MODULES))
    assert "numpy" in found
    return found


def test_profiles_need_neither_numpy_nor_an_engine_to_be_imported() -> None:
    assert not {"numpy", "duckdb", "pydantic"} & loaded_by("backends.profile.reference", "backends.profile.sql", "backends.profile.windows")
