"""What every format says of its rows, and how long tables are cut up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backends.data_files.columns import TableColumn
from backends.data_files.problem import DataFileProblem
from backends.store.sql import run

if TYPE_CHECKING:
    import duckdb

PIECE_ROWS: Final = 1 << 20
"""Rows that are fetched at once."""

SAMPLE_STRETCHES: Final = 8
SAMPLE_ROWS: Final = 8192
"""Rows of each of the stretches that a sample is made of: enough in all for a quantile to be off by less than half a hundredth."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of some files. `relation`, each of `pieces` and `sampled` are SQL: for all rows, for some, for a sample."""

    rows: int
    columns: dict[str, TableColumn]
    relation: str
    pieces: tuple[str, ...]
    sampled: str


def stretches(rows: int) -> list[tuple[int, int]]:
    """First and last row of stretches spread over a table; none when they would be most of it."""
    if rows < 4 * SAMPLE_STRETCHES * SAMPLE_ROWS:
        return []
    starts = [(rows - SAMPLE_ROWS) * each // (SAMPLE_STRETCHES - 1) for each in range(SAMPLE_STRETCHES)]
    return [(start, start + SAMPLE_ROWS - 1) for start in starts]


def types_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The engine's names of the types of the columns, in order."""
    return {str(row[0]): str(row[1]) for row in run(connection, f"DESCRIBE SELECT * FROM {relation}")}


def no_doubles(file: Path, names: Sequence[str]) -> None:
    """Raises `DataFileProblem` when a column is there twice: the engine would rename the second, and which one was meant nobody knows."""
    lowered = [name.lower() for name in names]
    twice = [name for name in names if lowered.count(name.lower()) > 1]
    if twice:
        raise DataFileProblem(f"{file.name} has the same column twice: {', '.join(twice[:4])}; rename one")


TYPELESS: Final = "NULL"
"""The type of a column of Parquet that was written without one, since nothing stood in it."""


def agree(first: Path, types: Mapping[str, str], file: Path, others: Mapping[str, str]) -> None:
    """Raises `DataFileProblem` with the first column in which two files of one table differ. One without a type takes any."""
    for name in [*types, *others]:
        one, two = types.get(name), others.get(name)
        if one != two and (one is None or two is None or TYPELESS not in {one, two}):
            has = f"{name} is {one or 'not there'} in {first.name} and {two or 'not there'} in {file.name}"
            raise DataFileProblem(f"the files do not agree: column {has}; bring them to one schema")
