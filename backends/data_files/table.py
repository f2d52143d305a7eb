"""A table made of files: its columns and rows known, cut into pieces that are small enough to be held."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.data_files.columns import TableColumn
from backends.data_files.files import TableFiles, table_files
from backends.data_files.parquet_rows import parquet_rows
from backends.data_files.problem import DataFileProblem, first_line, in_parquet
from backends.data_files.text_rows import csv_rows, json_rows, ragged
from backends.store.sql import confine, connect, run

if TYPE_CHECKING:
    import duckdb

ENGINE_MIB: Final = 384
"""What the engine may hold beside columns that are compared, before it puts parts of its work into temporary files."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one path or pattern. `relation` is SQL for all of them; each of `pieces` is SQL for some, together they are all."""

    given: str
    files: tuple[Path, ...]
    rows: int
    columns: dict[str, TableColumn]
    relation: str
    pieces: tuple[str, ...]
    sampled: str
    """SQL for some rows from all over the table; empty when there are so few that all of them are taken."""
    connection: duckdb.DuckDBPyConnection

    def column(self, name: str) -> TableColumn:
        """A column. Raises `DataFileProblem` with the names there are."""
        if name not in self.columns:
            listed = ", ".join(list(self.columns)[:12]) + (", ..." if len(self.columns) > 12 else "")
            raise DataFileProblem(f"{self.given} has no column {name!r}; it has: {listed}")
        return self.columns[name]

    def is_empty(self, name: str) -> bool:
        """Whether a column holds no value at all. Raises `DataFileProblem`."""
        column = self.column(name)
        return column.kind == "empty" or run(self.connection, f"SELECT count({column.value}) FROM {self.relation}")[0][0] == 0

    def fetch(self, expressions: Sequence[str]) -> list[Any]:
        """One numpy array an expression (masked where it is null), in one pass, in the order of the file."""
        listed = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(expressions))
        found = self.connection.execute(f"SELECT {listed} FROM {self.relation}").fetchnumpy()
        return [found[f"c{number}"] for number in range(len(expressions))]


@dataclass(frozen=True, slots=True)
class Tables:
    """Two tables in one connection; one cursor of it a thread."""

    connection: duckdb.DuckDBPyConnection
    reference: Table
    current: Table


@contextlib.contextmanager
def opened(given: str, *, engine_mib: int | None = None) -> Iterator[Table]:
    """Open one table, rows in the order of the file. `engine_mib` is what the engine may hold before it spills.

    Raises `DataFileProblem`, also for what goes wrong while it is read.
    """
    settings = [] if engine_mib is None else [f"SET memory_limit='{engine_mib}MiB'"]
    with _session((given,), *settings) as (connection, sides):
        yield _opened(connection, sides[0], "rows_of_file")


@contextlib.contextmanager
def opened_pair(reference: str, current: str) -> Iterator[Tables]:
    """Open two tables, rows in any order, in little memory. Raises `DataFileProblem`, also for what goes wrong while they are read."""
    settings = f"SET memory_limit='{ENGINE_MIB}MiB'", "SET preserve_insertion_order=false"
    with _session((reference, current), *settings) as (connection, sides):
        yield Tables(connection, _opened(connection, sides[0], "reference_rows"), _opened(connection, sides[1], "current_rows"))


@contextlib.contextmanager
def opened_beside(connection: duckdb.DuckDBPyConnection, side: TableFiles, name: str) -> Iterator[Table]:
    """Open a table in a connection that may read its files; `name` is for rows of text. Raises `DataFileProblem`, also while it is read."""
    import duckdb  # loaded already, by the connection

    try:
        yield _opened(connection, side, name)
    except duckdb.Error as error:
        raise DataFileProblem(f"{side.given} cannot be read: {first_line(error)}") from None


def threads() -> int:
    """How many columns are worth working on at once."""
    return max(1, min(4, os.cpu_count() or 1))


@contextlib.contextmanager
def _session(given: Sequence[str], *settings: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[TableFiles]]]:
    """An engine that sees these files and a temporary folder, which is gone afterwards. Text files are read into it once."""
    import duckdb  # only who reads pays for it

    sides = [table_files(each) for each in given]
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as spill:
        connection = connect(spill=Path(spill))
        try:
            for setting in settings:
                run(connection, setting)
            confine(connection, [*{file for side in sides for file in side.files}, Path(spill)])
            yield connection, sides
        except duckdb.Error as error:
            said = in_parquet(error) if {side.format for side in sides} == {"parquet"} else first_line(error)
            raise DataFileProblem(f"{' or '.join(dict.fromkeys(given))} cannot be read: {said}") from None
        finally:
            connection.close()


def _opened(connection: duckdb.DuckDBPyConnection, side: TableFiles, name: str) -> Table:
    import duckdb  # loaded already, by the session

    try:
        match side.format:
            case "parquet":
                found = parquet_rows(connection, side)
            case "csv":
                found = csv_rows(connection, side, name)
            case "jsonl":
                found = json_rows(connection, side, name)
    except duckdb.Error as error:
        why = in_parquet(error) if side.format == "parquet" else (side.format == "csv" and ragged(side)) or first_line(error)
        raise DataFileProblem(f"{side.given} cannot be read: {why}") from None
    if not found.rows:
        raise DataFileProblem(f"{side.given} has no rows")
    return Table(side.given, side.files, found.rows, found.columns, found.relation, found.pieces, found.sampled, connection)
