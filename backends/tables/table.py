"""A table made of files: its columns and rows known, cut into pieces that are small enough to be held."""

from __future__ import annotations

import contextlib
import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.store.ingest_text import DELIMITERS, MAX_COLUMNS
from backends.store.sql import confine, connect, parquet, run, text, texts
from backends.tables.columns import TableColumn, column_of
from backends.tables.files import TableFiles, table_files
from backends.tables.problem import TableProblem, first_line
from backends.tables.text_columns import text_columns

if TYPE_CHECKING:
    import duckdb

PIECE_ROWS: Final = 1 << 20
"""Rows that are fetched at once."""

ENGINE_MIB: Final = 384
"""What the engine may hold before it puts parts of its work into temporary files."""


@dataclass(frozen=True, slots=True)
class Table:
    """One side of a comparison. `relation` is SQL for all rows; each of `pieces` is SQL for some, together they are all of them."""

    given: str
    rows: int
    columns: dict[str, TableColumn]
    relation: str
    pieces: tuple[str, ...]
    sampled: str = ""
    """SQL for some rows from all over the table; empty when there are so few that all of them are taken."""


SAMPLE_STRETCHES: Final = 8
SAMPLE_ROWS: Final = 8192
"""Rows of each of the stretches that a sample is made of: enough in all for a quantile to be off by less than half a hundredth."""


def _stretches(rows: int) -> list[tuple[int, int]]:
    """First and last row of stretches spread over a table; none when they would be most of it."""
    if rows < 4 * SAMPLE_STRETCHES * SAMPLE_ROWS:
        return []
    starts = [(rows - SAMPLE_ROWS) * each // (SAMPLE_STRETCHES - 1) for each in range(SAMPLE_STRETCHES)]
    return [(start, start + SAMPLE_ROWS - 1) for start in starts]


def _between(name: str, stretches: Sequence[tuple[int, int]]) -> str:
    return " OR ".join(f"{name} BETWEEN {first} AND {last}" for first, last in stretches)


@dataclass(frozen=True, slots=True)
class Tables:
    """Both sides, open in one connection; one cursor of it a thread."""

    connection: duckdb.DuckDBPyConnection
    reference: Table
    current: Table


@contextlib.contextmanager
def opened(reference: str, current: str) -> Iterator[Tables]:
    """Open two tables. Text files are read once, into temporary space that is gone afterwards. Raises `TableProblem`."""
    import duckdb  # noqa: PLC0415 - only who compares pays for it

    sides = table_files(reference), table_files(current)
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as spill:
        connection = connect(spill=Path(spill))
        try:
            run(connection, f"SET memory_limit='{ENGINE_MIB}MiB'")
            run(connection, "SET preserve_insertion_order=false")
            confine(connection, [*{*sides[0].files, *sides[1].files}, Path(spill)])
            tables = [_opened(connection, side, name) for side, name in zip(sides, ("reference_rows", "current_rows"), strict=True)]
            yield Tables(connection, tables[0], tables[1])
        except duckdb.Error as error:
            raise TableProblem(f"the files cannot be read: {first_line(error)}") from None
        finally:
            connection.close()


def _opened(connection: duckdb.DuckDBPyConnection, side: TableFiles, name: str) -> Table:
    import duckdb  # noqa: PLC0415

    try:
        match side.format:
            case "parquet":
                table = _parquet_table(connection, side)
            case "csv":
                table = _csv_table(connection, side, name)
            case "jsonl":
                table = _json_table(connection, side, name)
    except duckdb.Error as error:
        raise TableProblem(f"{side.given} cannot be read: {first_line(error)}") from None
    if not table.rows:
        raise TableProblem(f"{side.given} has no rows: there is nothing to compare")
    return table


def _parquet_table(connection: duckdb.DuckDBPyConnection, side: TableFiles) -> Table:
    first, types = side.files[0], _types(connection, parquet([side.files[0]], alike=True))
    for file in side.files[1:]:
        _agrees(first, types, file, _types(connection, parquet([file], alike=True)))
    _no_doubles(first, _top_names(connection, first))
    counts = [(file, int(run(connection, f"SELECT count(*) FROM {parquet([file], alike=True)}")[0][0])) for file in side.files]
    relation = parquet(side.files, alike=True)
    columns = {name: column_of(name, engine_type) for name, engine_type in types.items()}
    return Table(side.given, sum(rows for _, rows in counts), columns, relation, tuple(_parquet_pieces(counts)), _parquet_sample(counts))


def _parquet_sample(counts: Sequence[tuple[Path, int]]) -> str:
    stretches = _stretches(sum(rows for _, rows in counts))
    selects, before = [], 0
    for file, rows in counts:
        mine = [(max(0, first - before), last - before) for first, last in stretches if first < before + rows and last >= before]
        if mine:
            numbered = f"read_parquet({text(str(file))}, hive_partitioning=false, file_row_number=true)"
            selects += [f"SELECT * FROM {numbered} WHERE file_row_number BETWEEN {first} AND {last}" for first, last in mine]
        before += rows
    return f"({' UNION ALL '.join(selects)})" if selects else ""


def _parquet_pieces(counts: Sequence[tuple[Path, int]]) -> Iterator[str]:
    """Small files together, large files in stretches of rows."""
    together: list[Path] = []
    held = 0
    for file, rows in counts:
        if rows > PIECE_ROWS:
            numbered = f"read_parquet({text(str(file))}, hive_partitioning=false, file_row_number=true)"
            for start in range(0, rows, PIECE_ROWS):
                yield f"(SELECT * FROM {numbered} WHERE file_row_number BETWEEN {start} AND {start + PIECE_ROWS - 1})"
            continue
        if together and held + rows > PIECE_ROWS:
            yield parquet(together, alike=True)
            together, held = [], 0
        together.append(file)
        held += rows
    if together:
        yield parquet(together, alike=True)


def _csv_table(connection: duckdb.DuckDBPyConnection, side: TableFiles, name: str) -> Table:
    header, delimiter = _header(side.files[0])
    for file in side.files[1:]:
        if _header(file) != (header, delimiter):
            raise TableProblem(f"the files do not agree: line 1 of {file.name} is not that of {side.files[0].name}")
    columns = "{" + ", ".join(f"{text(column)}: 'VARCHAR'" for column in header) + "}"
    options = f"columns={columns}, auto_detect=false, header=true, delim={text(delimiter)}, quote='\"', escape='\"'"
    files = texts(str(file) for file in side.files)
    run(connection, f"CREATE TABLE {name} AS SELECT * FROM read_csv({files}, {options}, strict_mode=true, hive_partitioning=false)")
    return _loaded(connection, side, name, text_columns(connection, name, header))


def _json_table(connection: duckdb.DuckDBPyConnection, side: TableFiles, name: str) -> Table:
    files = texts(str(file) for file in side.files)
    options = "format='newline_delimited', records='true', sample_size=-1, map_inference_threshold=-1, field_appearance_threshold=0"
    options += ", maximum_depth=2, union_by_name=true, hive_partitioning=false"
    run(connection, f"CREATE TABLE {name} AS SELECT * FROM read_json({files}, {options})")
    types = _types(connection, name)
    return _loaded(connection, side, name, [column_of(column, engine_type) for column, engine_type in types.items()])


def _loaded(connection: duckdb.DuckDBPyConnection, side: TableFiles, name: str, columns: Sequence[TableColumn]) -> Table:
    rows = int(run(connection, f"SELECT count(*) FROM {name}")[0][0])
    pieces = [f"(SELECT * FROM {name} WHERE rowid BETWEEN {start} AND {start + PIECE_ROWS - 1})" for start in range(0, rows, PIECE_ROWS)]
    return Table(
        side.given,
        rows,
        {column.name: replace(column, inferred=True) for column in columns},
        name,
        tuple(pieces) if len(pieces) > 1 else (name,),
    )


def _types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in run(connection, f"DESCRIBE SELECT * FROM {relation}")}


def _agrees(first: Path, types: dict[str, str], file: Path, others: dict[str, str]) -> None:
    for name in [*types, *others]:
        one, two = types.get(name), others.get(name)
        if one != two:
            has = f"{name} is {one or 'not there'} in {first.name} and {two or 'not there'} in {file.name}"
            raise TableProblem(f"the files do not agree: column {has}; compare files of one schema")


def _top_names(connection: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    """The names of the columns as they stand in the file: the engine would give the second of two equal ones another name."""
    rows: list[Any] = run(connection, f"SELECT name, coalesce(num_children, 0) FROM parquet_schema({text(str(file))})")
    names: list[str] = []
    at = 1
    while at < len(rows):
        names.append(str(rows[at][0]))
        left = 1
        while left and at < len(rows):
            left += int(rows[at][1]) - 1
            at += 1
    return names


def _no_doubles(file: Path, names: Sequence[str]) -> None:
    lowered = [name.lower() for name in names]
    twice = [name for name in names if lowered.count(name.lower()) > 1]
    if twice:
        raise TableProblem(f"{file.name} has the same column twice: {', '.join(twice[:4])}; rename one")


def _header(file: Path) -> tuple[list[str], str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            first = lines.readline(1 << 20)
            delimiter = max(DELIMITERS, key=first.count)
            header = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError as error:
        raise TableProblem(f"{file.name} is not UTF-8 text (byte 0x{error.object[error.start]:02X}); convert it, or give Parquet") from None
    except csv.Error as error:
        raise TableProblem(f"{file.name} is not CSV: line 1: {error}") from None
    names = [name.strip() for name in header]
    if not names or len(names) > MAX_COLUMNS or "" in names:
        raise TableProblem(f"{file.name}: line 1 must name every column, and at most {MAX_COLUMNS} of them")
    _no_doubles(file, names)
    return names, delimiter


def threads() -> int:
    """How many columns are worth working on at once."""
    return max(1, min(4, os.cpu_count() or 1))
