"""The examples of docs/landing.md are run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from backends.store.reader import open_reader
from console.config import Workspace, init_workspace

DOCUMENT = Path(__file__).parents[2] / "docs" / "landing.md"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return init_workspace(tmp_path / "mine", name="mine")


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, f"docs/landing.md has no example in {language}"
    return found[1]


def test_the_python_example_lands_one_prediction(workspace: Workspace) -> None:
    exec(compile(example("python"), str(DOCUMENT), "exec"), {"workspace": str(workspace.paths.root)})
    with open_reader(workspace.paths) as reader:
        assert reader.sql("SELECT model, version, key, score, amount FROM predictions") == [("churn", "1", "a1", 0.2, 10.0)]


def test_the_sql_example_lands_one_label(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.paths.root)
    folder = workspace.paths.landing / "labels"
    folder.mkdir(parents=True, exist_ok=True)
    duckdb.connect().execute(example("sql"))
    (folder / ".today.tmp").rename(folder / "today.parquet")
    with open_reader(workspace.paths) as reader:
        assert reader.sql("SELECT model, key, label, known_at > event_at FROM labels") == [("churn", "a1", 1.0, True)]
