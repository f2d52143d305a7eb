"""A `.duckdb` file of the user's own as a source: named in workspace.toml, read by the watch, told by `sources` and `doctor`."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from backends.store import queries
from backends.store.reader import open_reader
from console.cli.main import main
from console.clock import SimulatedClock, SystemClock
from console.config import ClockSettings, Workspace, WorkspaceProblem, init_workspace, open_workspace
from console.watch.rounds import Round, watch_once

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)

SETTINGS = """
[duckdb.warehouse]
path = "{path}"

[[duckdb.warehouse.tables]]
table = "scores"
facts = "predictions"
model = "delay"
version = "3"
columns = {{ score = "p_late", event_at = "asked_at" }}
newer_by = "written_at"

[[duckdb.warehouse.tables]]
table = "main.outcomes"
facts = "labels"
model = "delay"
zone = "America/New_York"
"""


def write(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def scores(first: int, last: int) -> str:
    return (
        f"SELECT 'r-' || i AS key, i / 100 AS p_late, TIMESTAMPTZ '2024-02-29 12:00:00+00' + to_minutes(i) AS asked_at, "
        f"i * 10 AS distance, i AS written_at FROM range({first}, {last}) t(i)"
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.duckdb"
    write(
        path,
        f"CREATE TABLE scores AS {scores(0, 50)}",
        "CREATE TABLE outcomes AS SELECT 'r-' || i AS key, i % 2 AS label, TIMESTAMP '2024-02-29 09:00:00' AS event_at FROM range(20) t(i)",
    )
    return path


@pytest.fixture
def workspace(tmp_path: Path, file: Path) -> Workspace:
    made = init_workspace(tmp_path / "w", name="w", clock=ClockSettings(start=NOW))
    made.paths.workspace_toml.write_text(made.paths.workspace_toml.read_text() + SETTINGS.format(path=file))
    return open_workspace(made.paths.root)


def watched(workspace: Workspace, hours: float = 0) -> Round:
    return watch_once(workspace, SimulatedClock(NOW + timedelta(hours=hours), SystemClock().real_now(), 0.0))


def counted(workspace: Workspace) -> tuple[int, int]:
    with open_reader(workspace.paths) as reader:
        counts = queries.counts(reader)
    return counts["predictions"], counts["labels"]


def source(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(["-w", str(workspace.paths.root), "sources", "--json"]) == 0
    [found] = [each for each in json.loads(capsys.readouterr().out)["sources"] if each["id"] == "file:warehouse"]
    return found


def test_its_tables_become_facts_with_its_name_as_their_source(workspace: Workspace) -> None:
    done = watched(workspace)
    assert done.problems == []
    assert "collect warehouse: scores, 50 new predictions, 0 repeated, 0 refused" in done.lines
    with open_reader(workspace.paths) as reader:
        [row] = reader.sql("SELECT version, score, distance, source, CAST(event_at AS VARCHAR) FROM predictions WHERE key = 'r-7'")
        [label] = reader.sql("SELECT CAST(event_at AS VARCHAR), label FROM labels WHERE key = 'r-7'")
    assert row == ("3", 0.07, 70, "warehouse", "2024-02-29 12:07:00")
    # Times without a zone are in the zone that the settings name.
    assert label == ("2024-02-29 14:00:00", 1.0)


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_adds_what_is_new(workspace: Workspace, file: Path) -> None:
    watched(workspace)
    assert not [line for line in watched(workspace).lines if line.startswith("collect")]
    write(file, f"INSERT INTO scores {scores(50, 60)}")
    done = watched(workspace)
    # Of the table that only grows the newest row is read again, the other one as a whole; neither adds a fact twice.
    assert "collect warehouse: scores, 10 new predictions, 1 repeated, 0 refused" in done.lines
    assert "collect warehouse: main.outcomes, 0 new labels, 20 repeated, 0 refused" in done.lines
    assert counted(workspace) == (60, 20)


def test_without_its_memory_everything_is_read_again_and_nothing_is_doubled(workspace: Workspace) -> None:
    watched(workspace)
    (workspace.paths.store / "collected.json").unlink()
    assert "collect warehouse: scores, 0 new predictions, 50 repeated, 0 refused" in watched(workspace).lines
    assert counted(workspace) == (50, 20)


def test_a_file_that_somebody_writes_is_named_with_the_process_and_taken_the_next_time(
    workspace: Workspace, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = f"import duckdb, sys\nheld = duckdb.connect({str(file)!r})\nprint('held', flush=True)\nsys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    try:
        done = watched(workspace)
        assert any(f"process {holder.pid}" in problem for problem in done.problems)
        assert done.lines, "the other steps went on"
        told = source(workspace, capsys)
        assert told["state"] == "critical" and f"process {holder.pid}" in str(told["why"])
        main(["-w", str(workspace.paths.root), "doctor", "--json"])
        findings = {each["id"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
        found = findings["store.duckdb.warehouse"]
        assert found["state"] == "warning" and f"process {holder.pid}" in found["what"] and "close it there" in found["to_do"]
    finally:
        holder.communicate("")
    assert watched(workspace).problems == []
    assert counted(workspace) == (50, 20)
    assert source(workspace, capsys)["state"] == "ok"


def test_what_was_never_collected_is_unknown_however_readable_it_is(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    found = source(workspace, capsys)
    assert found["state"] == "unknown" and str(found["why"]).startswith("never collected, quarterdeck watch --once does")
    watched(workspace)
    found = source(workspace, capsys)
    assert (found["state"], found["rows"]) == ("ok", 70) and "collected just now" in str(found["why"])


def test_a_file_that_is_gone_is_asked_for_once_a_round_and_its_breaker_spares_it_then(workspace: Workspace, file: Path) -> None:
    file.unlink()
    for _ in range(3):
        [problem] = [each for each in watched(workspace).problems if each.startswith("warehouse: ")]
        assert "is not there" in problem
    [problem] = [each for each in watched(workspace).problems if each.startswith("warehouse: ")]
    assert "no call is made, its breaker is open" in problem


def test_a_view_that_reads_another_file_is_refused_and_the_other_tables_are_taken(workspace: Workspace, file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("key,p_late,asked_at\nhunter2,0.5,2024-01-01T00:00:00Z\n")
    write(file, "DROP TABLE scores", f"CREATE VIEW scores AS SELECT *, 1 AS written_at FROM read_csv('{tmp_path / 'secret.csv'}')")
    done = watched(workspace)
    [problem] = done.problems
    assert "scores" in problem and "outside the database, which is refused" in problem and "hunter2" not in problem
    assert counted(workspace) == (0, 20)


def test_rows_that_are_no_facts_stand_in_rejects_with_the_reason(workspace: Workspace, file: Path) -> None:
    write(file, "UPDATE scores SET p_late = 'nan'::DOUBLE WHERE written_at = 3")
    done = watched(workspace)
    assert any("1 rows of scores are no predictions" in problem for problem in done.problems)
    [rejects] = workspace.paths.rejects.iterdir()
    assert "finite" in json.loads(rejects.read_text())["reason"]
    assert counted(workspace) == (49, 20)


def test_a_table_that_is_gone_is_a_problem_that_says_what_is_there(workspace: Workspace, file: Path) -> None:
    write(file, "DROP TABLE outcomes")
    [problem] = watched(workspace).problems
    assert "no table 'main.outcomes'; it has: main.scores" in problem


def test_every_type_of_a_column_keeps_its_value(tmp_path: Path) -> None:
    path = tmp_path / "types.duckdb"
    write(
        path,
        "CREATE TABLE t AS SELECT 'k' AS key, 0.5 AS score, TIMESTAMPTZ '2024-02-29 12:00:00+02' AS event_at, "
        "170141183460469231731687303715884105727::HUGEINT AS huge, 18446744073709551615::UBIGINT AS wide, 1.25::DECIMAL(9, 2) AS price, "
        "'0012' AS code, true AS flag, DATE '2024-02-29' AS day, [1, 2] AS list, {'a': 1} AS struct, 'b'::ENUM('a', 'b') AS letter, "
        "CAST(NULL AS INTEGER) AS nothing, 'infinity'::TIMESTAMP AS never",
    )
    root = tmp_path / "w"
    workspace = init_workspace(root, name="w")
    assert main(["-w", str(root), "ingest", "predictions", str(path), "--table", "t", "--model", "m", "--version", "1"]) == 0
    with open_reader(workspace.paths) as reader:
        [row] = reader.sql(
            "SELECT CAST(event_at AS VARCHAR), huge, wide, price, code, flag, CAST(day AS VARCHAR), list, struct, letter FROM predictions"
        )
        assert not {"never", "nothing"} & set(reader.features("m"))
    assert row == (
        "2024-02-29 10:00:00", 2.0**127, 2.0**64, 1.25, "0012", True, "2024-02-29 00:00:00", "[1,2]", '{"a":1}', "b",
    )  # fmt: skip


def test_what_is_missing_in_some_rows_is_missing_and_no_zero(tmp_path: Path) -> None:
    path = tmp_path / "holes.duckdb"
    held = {
        "number INTEGER": "7", "share DOUBLE": "0.5", "taken BOOLEAN": "true", "born DATE": "DATE '2024-02-29'",
        "seen TIMESTAMP": "TIMESTAMP '2024-02-29 01:00:00'", "word VARCHAR": "'x'", "parts INTEGER[]": "[1]",
    }  # fmt: skip
    names = [each.partition(" ")[0] for each in held]
    some = ", ".join(
        f"CASE WHEN n % 3 > 0 THEN {value} END::{each.partition(' ')[2]} AS {each.partition(' ')[0]}" for each, value in held.items()
    )
    moment = "TIMESTAMPTZ '2024-02-29 12:00:00+00' + to_minutes(n) AS event_at"
    write(path, f"CREATE TABLE t AS SELECT n::VARCHAR AS key, 0.5 AS score, {moment}, {some} FROM range(9) r(n)")
    root = tmp_path / "w"
    workspace = init_workspace(root, name="w")
    assert main(["-w", str(root), "ingest", "predictions", str(path), "--table", "t", "--model", "m", "--version", "1"]) == 0
    with open_reader(workspace.paths) as reader:
        [counts] = reader.sql(f"SELECT {', '.join(f'count({name})' for name in names)} FROM predictions")
        rows = reader.sql("SELECT number, share, taken, word, parts FROM predictions WHERE key IN ('1', '3') ORDER BY key")
    assert counts == (6,) * len(names)
    assert rows == [(7, 0.5, True, "x", "[1]"), (None,) * 5]


def test_records_in_a_table_are_records(tmp_path: Path) -> None:
    path = tmp_path / "registry.duckdb"
    write(
        path,
        "CREATE TABLE runs AS SELECT 'run' AS kind, 'r1' AS name, 'delay' AS model, 'succeeded' AS status, "
        "{'depth': 3} AS params, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS event_at, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS started_at",
    )
    root = tmp_path / "w"
    workspace = init_workspace(root, name="w")
    assert main(["-w", str(root), "ingest", "records", str(path), "--table", "runs"]) == 0
    with open_reader(workspace.paths) as reader:
        [record] = queries.records_of(reader, "run", environment="production")
    assert record.params == {"depth": 3}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('facts = "scores"', "facts"),
        ('facts = "labels"\nzone = "Mars/Base"', "not an IANA time zone"),
        ('facts = "labels"\nenvironment = "moon"', "no environment 'moon'"),
        ('facts = "labels"\nkind = "x"', "kind"),
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(workspace: Workspace, line: str, said: str) -> None:
    text = workspace.paths.workspace_toml.read_text() + f'\n[[duckdb.warehouse.tables]]\ntable = "scores"\n{line}\n'
    workspace.paths.workspace_toml.write_text(text)
    with pytest.raises(WorkspaceProblem, match=said):
        open_workspace(workspace.paths.root)


def test_a_file_named_from_the_workspace_is_found(workspace: Workspace, file: Path) -> None:
    text = workspace.paths.workspace_toml.read_text().replace(str(file), "../mine.duckdb")
    workspace.paths.workspace_toml.write_text(text)
    watched(open_workspace(workspace.paths.root))
    assert counted(workspace) == (50, 20)


def test_a_database_without_a_table_named_is_one_line(workspace: Workspace, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["-w", str(workspace.paths.root), "ingest", "labels", str(file), "--model", "delay"]
    assert main(words) == 2
    assert "say which table or view of it with --table" in capsys.readouterr().err
    assert main([*words, "--table", "scores"]) == 2
    assert "no column event_at, label; say what it is called with --column event_at=NAME; there are: key, p_late" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("taken_away", "said"),
    [
        ('zone = "America/New_York"', 'say at the table the zone they are in, for example zone = "UTC"'),
        ('score = "p_late", ', 'no column score; say at the table columns = { score = "NAME" }'),
        ('version = "3"', 'no column version; say at the table version = "NAME"'),
    ],
)
def test_what_a_table_lacks_is_asked_for_by_the_key_of_the_settings(workspace: Workspace, taken_away: str, said: str) -> None:
    path = workspace.paths.workspace_toml
    path.write_text(path.read_text().replace(taken_away, ""))
    [problem] = watched(open_workspace(workspace.paths.root)).problems
    assert said in problem
    assert "--" not in problem
