"""The examples of docs/landing.md do what they say, and its tables name the columns that there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from backends.store import queries
from backends.store.compactor import compact
from backends.store.paths import WorkspacePaths
from backends.store.reader import open_reader
from backends.store.schema import FACT_COLUMNS, TABLES
from console.config import init_workspace, open_workspace

TEXT = (Path(__file__).parents[2] / "docs" / "landing.md").read_text(encoding="utf-8")
NOW = datetime(2024, 2, 1, tzinfo=UTC)


def example(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return found


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    return init_workspace(tmp_path / "w", name="w").paths


def landed(paths: WorkspacePaths) -> dict[str, int]:
    with open_reader(paths) as reader:
        assert reader.unreadable == {}
        return {name: number for name, number in queries.counts(reader).items() if number}


def run_python(paths: WorkspacePaths) -> None:
    environ = {**os.environ, "QUARTERDECK_WORKSPACE": str(paths.root)}
    subprocess.run([sys.executable, "-c", example("python")], env=environ, check=True)


def run_sql(paths: WorkspacePaths) -> None:
    (paths.landing / "labels").mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", f"import duckdb; duckdb.sql({example('sql')!r})"], cwd=paths.root, check=True)
    assert landed(paths).get("labels") is None, "a name that begins with a dot is never read"
    subprocess.run(["sh", "-e", "-c", example("sh")], cwd=paths.root, check=True)


def test_the_python_example_lands_a_prediction_with_its_input(paths: WorkspacePaths) -> None:
    run_python(paths)
    assert landed(paths) == {"predictions": 1}
    with open_reader(paths) as reader:
        relation = reader.rows("predictions", model="delay")
        rows = reader.fetch(f"SELECT event_at, version, key, score, role, served_by, environment, source, distance FROM {relation}")
    assert rows == [(datetime(2024, 1, 1, 12, 0), "1", "r-17", 0.42, "live", "model", "production", "local", 1089.0)]  # noqa: DTZ001


def test_the_sql_example_lands_an_outcome_in_utc(paths: WorkspacePaths) -> None:
    run_sql(paths)
    with open_reader(paths) as reader:
        rows = reader.fetch(f"SELECT key, label, event_at, known_at FROM {reader.rows('labels', model='delay')}")
    assert rows == [("r-17", 1.0, datetime(2024, 1, 1, 19, 10), datetime(2024, 1, 1, 19, 15))]  # noqa: DTZ001


def test_landing_the_same_again_adds_nothing(paths: WorkspacePaths) -> None:
    run_python(paths)
    run_python(paths)
    assert len(list((paths.landing / "predictions").iterdir())) == 2
    assert landed(paths) == {"predictions": 1}
    compact(paths, NOW)
    assert landed(paths) == {"predictions": 1}


def test_the_examples_are_about_ten_lines() -> None:
    assert len(example("python").splitlines()) <= 13
    assert len(example("sql").splitlines()) <= 10


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_column_is_documented(name: str) -> None:
    first, *_ = [line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |")]
    common = set(FACT_COLUMNS)
    assert common <= {line.split("`")[1] for line in TEXT.splitlines() if line.startswith("| `")}
    named = set(re.findall(r"`([a-z_]+)`", first)) | common
    assert set(TABLES[name].all_columns) <= named


def test_columns_called_needed_are_needed(paths: WorkspacePaths) -> None:
    folder = paths.landing / "labels"
    folder.mkdir(parents=True)
    without_label = "SELECT TIMESTAMP '2024-01-01' AS event_at, 'delay' AS model, 'a' AS key"
    duckdb.sql(f"COPY ({without_label}) TO '{folder / 'x.parquet'}' (FORMAT parquet)")
    assert compact(paths, NOW).rejected
    assert [path.name for path in paths.rejects.rglob("*.parquet")] != []


def test_the_settings_of_a_database_file_are_ones_that_the_program_takes(paths: WorkspacePaths) -> None:
    paths.workspace_toml.write_text(paths.workspace_toml.read_text() + example("toml"))
    [source] = open_workspace(paths.root).settings.duckdb.values()
    assert [each.table for each in source.tables] == ["main.scores", "outcomes"]
