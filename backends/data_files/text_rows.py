"""The rows of CSV and JSON Lines files, which are read once into a table of the engine."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.data_files import rows as cutting
from backends.data_files.columns import TableColumn, column_of
from backends.data_files.files import TableFiles
from backends.data_files.problem import DataFileProblem
from backends.data_files.rows import Rows, no_doubles, stretches, types_of
from backends.data_files.text_columns import text_columns
from backends.store.ingest_text import DELIMITERS, MAX_COLUMNS
from backends.store.sql import quoted, run, text, texts

if TYPE_CHECKING:
    import duckdb


def csv_rows(connection: duckdb.DuckDBPyConnection, side: TableFiles, name: str) -> Rows:
    """Read CSV files of one header into the table `name`. Raises `DataFileProblem`, or the engine's own error for a damaged row."""
    header, delimiter = _header(side.files[0])
    for file in side.files[1:]:
        if _header(file) != (header, delimiter):
            raise DataFileProblem(f"the files do not agree: line 1 of {file.name} is not that of {side.files[0].name}")
    columns = "{" + ", ".join(f"{text(column)}: 'VARCHAR'" for column in header) + "}"
    options = f"columns={columns}, auto_detect=false, header=true, delim={text(delimiter)}, quote='\"', escape='\"'"
    files = texts(str(file) for file in side.files)
    run(connection, f"CREATE TABLE {name} AS SELECT * FROM read_csv({files}, {options}, strict_mode=true, hive_partitioning=false)")
    return _loaded(connection, name, {column.name: (column, read) for column, read in text_columns(connection, name, header)})


def json_rows(connection: duckdb.DuckDBPyConnection, side: TableFiles, name: str) -> Rows:
    """Read JSON Lines into the table `name`; a column that a line does not have is missing there. Raises the engine's own error."""
    files = texts(str(file) for file in side.files)
    options = "format='newline_delimited', records='true', sample_size=-1, map_inference_threshold=-1, field_appearance_threshold=0"
    # The engine's lines find times of different kinds in text, and one drops the zone: no text has these formats, so all stays text.
    options += ", maximum_depth=2, union_by_name=true, hive_partitioning=false, dateformat='never', timestampformat='never'"
    run(connection, f"CREATE TABLE {name} AS SELECT * FROM read_json({files}, {options})")
    types = types_of(connection, name)
    counts: list[Any] = run(connection, f"SELECT {', '.join(f'count({quoted(column)})' for column in types)} FROM {name}")
    columns = {
        column: column_of(column, engine_type) if count else TableColumn(column, engine_type, "empty", "NULL")
        for (column, engine_type), count in zip(types.items(), counts[0], strict=True)
    }
    # A text stays a text even when it could be a number: JSON has numbers. It has no times, so those are looked for.
    texts_of = [column.name for column in columns.values() if column.type == "VARCHAR" and column.kind == "categorical"]
    times = {column.name: (column, read) for column, read in text_columns(connection, name, texts_of) if column.kind == "timestamp"}
    return _loaded(connection, name, {column: times.get(column, (what, quoted(column))) for column, what in columns.items()})


def _loaded(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, tuple[TableColumn, str]]) -> Rows:
    rows = int(run(connection, f"SELECT count(*) FROM {name}")[0][0])
    relation = f"SELECT {', '.join(f'{read} AS {quoted(column)}' for column, (_, read) in columns.items())} FROM {name}"
    ends = range(0, rows, cutting.PIECE_ROWS)
    pieces = [f"({relation} WHERE rowid BETWEEN {start} AND {start + cutting.PIECE_ROWS - 1})" for start in ends]
    sampled = " OR ".join(f"rowid BETWEEN {first} AND {last}" for first, last in stretches(rows))
    return Rows(
        rows,
        {column: replace(what, inferred=True) for column, (what, _) in columns.items()},
        f"({relation})",
        tuple(pieces) if len(pieces) > 1 else (f"({relation})",),
        f"({relation} WHERE {sampled})" if sampled else "",
    )


def ragged(side: TableFiles) -> str:
    """Which line of CSV files has another number of values than its header; empty when none has."""
    for file in side.files:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines, contextlib.suppress(csv.Error, DataFileProblem):
            _, delimiter = _header(file)
            rows = csv.reader(lines, delimiter=delimiter)
            width = len(next(rows, []))
            for row in rows:
                if row and len(row) != width:
                    where = f"{file.name}, " if len(side.files) > 1 else ""
                    return f"{where}line {rows.line_num} has {len(row)} values, the header has {width}"
    return ""


def _header(file: Path) -> tuple[list[str], str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            first = lines.readline(1 << 20)
    except UnicodeDecodeError as error:
        raise DataFileProblem(
            f"{file.name} is not UTF-8 text (byte 0x{error.object[error.start]:02X}); convert it, or give Parquet"
        ) from None
    delimiter = "\t" if file.suffix.lower() == ".tsv" else max(DELIMITERS, key=first.count)
    try:
        names = _names(first, delimiter)
    except csv.Error as error:
        raise DataFileProblem(f"{file.name} is not CSV: line 1: {error}") from None
    if not names or len(names) > MAX_COLUMNS or "" in names:
        raise DataFileProblem(f"{file.name}: line 1 must name every column, and at most {MAX_COLUMNS} of them")
    no_doubles(file, names)
    return names, delimiter


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter, strict=True), [])]
