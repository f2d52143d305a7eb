"""A DuckDB file of the user's own: read as it is, and able to reach nothing but itself."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from store_facts import NOON, start

from backends.duckdb_file.reading import read_table, tables
from backends.protocol import BackendError, BackendUnavailable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    secret = tmp_path / "secret.csv"
    secret.write_text("token\nhunter2\n")
    path = tmp_path / "mine.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE scores AS SELECT i AS key, i / 10 AS score, TIMESTAMPTZ '2013-04-26 08:00:00-04' AS at FROM range(5) t(i)"
        )
        connection.execute('CREATE SCHEMA other; CREATE TABLE other."we""ird name" AS SELECT [1, 2] AS nested')
        connection.execute("CREATE VIEW doubled AS SELECT key * 2 AS twice FROM scores")
        connection.execute(f"CREATE VIEW leak AS SELECT * FROM read_csv('{secret}')")
        connection.execute("CREATE VIEW folder AS SELECT * FROM glob('/etc/*')")
        connection.execute(f"CREATE VIEW implicit AS SELECT * FROM '{secret}'")
    return path


def test_tables_and_views_are_listed_with_their_columns(file: Path) -> None:
    listed = {f"{each.schema}.{each.name}": each for each in tables(file)}
    assert list(listed) == ["main.doubled", "main.folder", "main.implicit", "main.leak", "main.scores", 'other.we"ird name']
    assert listed["main.doubled"].is_view
    assert [name for name, _ in listed["main.scores"].columns] == ["key", "score", "at"]


def test_rows_are_read_up_to_a_limit_that_is_told(file: Path) -> None:
    found = read_table(file, "scores", 3)
    assert found.truncated
    assert found.rows[1] == (1, 0.1, NOON.replace(tzinfo=None))
    assert not read_table(file, "main.scores", 5).truncated
    assert read_table(file, 'other.we"ird name', 5).rows == (("[1, 2]",),)
    assert read_table(file, "doubled", 10).rows[-1] == (8,)


@pytest.mark.parametrize("view", ["leak", "folder", "implicit"])
def test_a_view_in_it_cannot_read_other_files(file: Path, view: str) -> None:
    with pytest.raises(BackendError) as caught:
        read_table(file, view, 10)
    assert "hunter2" not in str(caught.value)
    assert "outside the database, which is refused" in str(caught.value)


def test_a_view_cannot_read_variables_of_this_program(tmp_path: Path) -> None:
    path = tmp_path / "mine.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE harvest AS SELECT 1 AS x")
        connection.execute("CREATE VIEW taken AS SELECT * FROM harvest")
        connection.execute("DROP TABLE harvest")
    harvest = {"x": [1]}  # what a replacement scan would find
    with pytest.raises(BackendError, match="harvest"):
        read_table(path, "taken", 10)
    assert harvest


def test_a_locked_file_names_the_process_that_holds_it(file: Path) -> None:
    holder = start("import duckdb\nheld = duckdb.connect(sys.argv[1])\nprint('held', flush=True)\nsys.stdin.read()", file)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(BackendUnavailable, match=rf"is open for writing in python.* \(process {holder.pid}\); close it there"):
            tables(file)
    finally:
        holder.communicate("")
    assert len(tables(file)) == 6


def test_reading_leaves_the_file_as_it_is(file: Path) -> None:
    before = file.read_bytes()
    read_table(file, "scores", 1)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["mine.duckdb", "secret.csv"]


def test_what_is_no_database_or_no_table_is_one_clear_line(file: Path, tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("not a database, just text " * 400)
    with pytest.raises(BackendError, match="is not a DuckDB database"):
        tables(tmp_path / "text.duckdb")
    with pytest.raises(BackendUnavailable, match="is not there"):
        tables(tmp_path / "none.duckdb")
    with pytest.raises(BackendError, match=r"has no table 'nope'; it has: main\.doubled"):
        read_table(file, "nope", 1)
