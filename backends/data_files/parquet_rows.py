"""The rows of Parquet files, which are read in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.data_files import rows as cutting
from backends.data_files.columns import column_of
from backends.data_files.files import TableFiles
from backends.data_files.rows import Rows, agree, no_doubles, stretches, types_of
from backends.store.sql import parquet, run, text

if TYPE_CHECKING:
    import duckdb


def parquet_rows(connection: duckdb.DuckDBPyConnection, side: TableFiles) -> Rows:
    """Read what the footers say. Raises `DataFileProblem` when the files do not agree, the engine's own error when one is damaged."""
    first, types = side.files[0], _types(connection, side.files[0])
    for file in side.files[1:]:
        agree(first, types, file, _types(connection, file))
    no_doubles(first, [name for name, _ in _top(connection, first)])
    counts = [(file, int(run(connection, f"SELECT count(*) FROM {parquet([file], alike=True)}")[0][0])) for file in side.files]
    columns = {name: column_of(name, engine_type) for name, engine_type in types.items()}
    return Rows(sum(rows for _, rows in counts), columns, parquet(side.files, alike=True), tuple(_pieces(counts)), _sample(counts))


def _sample(counts: Sequence[tuple[Path, int]]) -> str:
    wanted = stretches(sum(rows for _, rows in counts))
    selects, before = [], 0
    for file, rows in counts:
        mine = [(max(0, first - before), last - before) for first, last in wanted if first < before + rows and last >= before]
        selects += [f"SELECT * FROM {_numbered(file)} WHERE file_row_number BETWEEN {first} AND {last}" for first, last in mine]
        before += rows
    return f"({' UNION ALL '.join(selects)})" if selects else ""


def _pieces(counts: Sequence[tuple[Path, int]]) -> Iterator[str]:
    """Small files together, large files in stretches of rows."""
    most = cutting.PIECE_ROWS
    together: list[Path] = []
    held = 0
    for file, rows in counts:
        if rows > most:
            for start in range(0, rows, most):
                yield f"(SELECT * FROM {_numbered(file)} WHERE file_row_number BETWEEN {start} AND {start + most - 1})"
            continue
        if together and held + rows > most:
            yield parquet(together, alike=True)
            together, held = [], 0
        together.append(file)
        held += rows
    if together:
        yield parquet(together, alike=True)


def _numbered(file: Path) -> str:
    return f"read_parquet({text(str(file))}, hive_partitioning=false, file_row_number=true)"


def _types(connection: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    """Type by name. A column that was written without a type is NULL, which not every line of the engine says of itself."""
    typeless = {name for name, logical in _top(connection, file) if logical == "NullType()"}
    return {name: "NULL" if name in typeless else kind for name, kind in types_of(connection, parquet([file], alike=True)).items()}


def _top(connection: duckdb.DuckDBPyConnection, file: Path) -> list[tuple[str, str | None]]:
    """Name and logical type of the columns as they stand in the file: the engine would give the second of two equal names another."""
    listed = "name, coalesce(num_children, 0), logical_type"
    rows: list[Any] = run(connection, f"SELECT {listed} FROM parquet_schema({text(str(file))})")
    found: list[tuple[str, str | None]] = []
    at = 1
    while at < len(rows):
        found.append((str(rows[at][0]), rows[at][2]))
        left = 1
        while left and at < len(rows):
            left += int(rows[at][1]) - 1
            at += 1
    return found
