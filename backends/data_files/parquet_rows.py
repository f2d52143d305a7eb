"""The rows of Parquet files, which are read in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.data_files import rows as cutting
from backends.data_files.columns import column_of
from backends.data_files.files import TableFiles
from backends.data_files.rows import TYPELESS, Rows, agree, no_doubles, stretches, types_of
from backends.store.sql import parquet, quoted, run, text

if TYPE_CHECKING:
    import duckdb


_ALL: Final = " UNION ALL BY NAME "
"""Files of one table may have their columns in different orders."""


@dataclass(frozen=True, slots=True)
class _File:
    """`typed` is for its columns that were written without a type: what the other files hold there."""

    path: Path
    rows: int
    typed: Mapping[str, str]

    def read(self, first: int | None = None, last: int = 0) -> str:
        """SQL of its rows, or of those from `first` to `last`."""
        casts = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in self.typed.items())
        columns = f"* REPLACE ({casts})" if casts else "*"
        if first is None:
            return f"SELECT {columns} FROM {parquet([self.path], alike=True)}"
        numbered = f"read_parquet({text(str(self.path))}, hive_partitioning=false, file_row_number=true)"
        return f"SELECT {columns} FROM {numbered} WHERE file_row_number BETWEEN {first} AND {last}"


def parquet_rows(connection: duckdb.DuckDBPyConnection, side: TableFiles) -> Rows:
    """Read what the footers say. Raises `DataFileProblem` when the files do not agree, the engine's own error when one is damaged."""
    first, of_files = side.files[0], [_types(connection, file) for file in side.files]
    types = dict(of_files[0])
    for file, others in zip(side.files, of_files, strict=True):
        agree(first, types, file, others)
        types = {name: others[name] if kind == TYPELESS else kind for name, kind in types.items()}
    no_doubles(first, [name for name, _ in _top(connection, first)])
    files = []
    for file, own in zip(side.files, of_files, strict=True):
        rows = int(run(connection, f"SELECT count(*) FROM {parquet([file], alike=True)}")[0][0])
        files.append(_File(file, rows, {name: types[name] for name, kind in own.items() if kind == TYPELESS != types[name]}))
    columns = {name: column_of(name, engine_type) for name, engine_type in types.items()}
    return Rows(sum(file.rows for file in files), columns, _together(files), tuple(_pieces(files)), _sample(files))


def _together(files: Sequence[_File]) -> str:
    """SQL of all rows of some files; those that hold every type are read at once, which is faster."""
    alike = [file.path for file in files if not file.typed]
    if len(alike) == len(files):
        return parquet(alike, alike=True)
    selects = [f"SELECT * FROM {parquet(alike, alike=True)}"] if alike else []
    return f"({_ALL.join([*selects, *(file.read() for file in files if file.typed)])})"


def _sample(files: Sequence[_File]) -> str:
    wanted = stretches(sum(file.rows for file in files))
    selects, before = [], 0
    for file in files:
        mine = [(max(0, first - before), last - before) for first, last in wanted if first < before + file.rows and last >= before]
        selects += [file.read(first, last) for first, last in mine]
        before += file.rows
    return f"({_ALL.join(selects)})" if selects else ""


def _pieces(files: Sequence[_File]) -> Iterator[str]:
    """Small files together, large files in stretches of rows."""
    most = cutting.PIECE_ROWS
    together: list[_File] = []
    held = 0
    for file in files:
        if file.rows > most:
            for start in range(0, file.rows, most):
                yield f"({file.read(start, start + most - 1)})"
            continue
        if together and held + file.rows > most:
            yield _together(together)
            together, held = [], 0
        together.append(file)
        held += file.rows
    if together:
        yield _together(together)


def _types(connection: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    """Type by name. A column that was written without a type is NULL, which not every line of the engine says of itself."""
    typeless = {name for name, logical in _top(connection, file) if logical == "NullType()"}
    return {name: TYPELESS if name in typeless else kind for name, kind in types_of(connection, parquet([file], alike=True)).items()}


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
