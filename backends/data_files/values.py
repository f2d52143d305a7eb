"""Columns of two tables as arrays and counts: values of numbers, pairs of counts of categories."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from backends.data_files.columns import WHOLE_UP_TO, TableColumn
from backends.data_files.problem import DataFileProblem
from backends.data_files.table import Table
from backends.store.sql import run

if TYPE_CHECKING:
    import duckdb

LISTED: Final = 100
"""Categories that are listed by name on each side; how many there are in all is said beside."""

NAME_LENGTH: Final = 200
"""Characters of a category's name that are kept."""

REPEATS: Final = 20
"""Values that would come twice by chance, from which on it is no accident that none does: 1 in 500 million."""

Floats = npt.NDArray[np.float64]


Cursor: TypeAlias = "duckdb.DuckDBPyConnection"
"""What one thread reads through."""


class TooLarge(DataFileProblem):
    """A column of whole numbers of which floats lose the last digits."""


def numbers(cursor: Cursor, table: Table, column: TableColumn) -> Floats:
    """The present values of a number or time, sorted, NaN left out; a time in seconds since 1970 (UTC).

    Raises `TooLarge` for whole numbers that floats cannot tell apart; what `from_least` makes of the column never does.
    """
    found = np.empty(table.rows, dtype=np.float64)
    filled = 0
    for piece in table.pieces:
        part = _values(cursor, piece, column)
        found[filled : filled + part.size] = part
        filled += int(part.size)
    return _ordered(found[:filled], column)


def pieces_of_numbers(
    cursor: Cursor, table: Table, column: TableColumn, above: float | None = None, up_to: float | None = None
) -> Iterator[Floats]:
    """The same values, piece by piece, each sorted; with ends only those `above` the one and `up_to` the other."""
    for piece in table.pieces:
        values = _ordered(_values(cursor, piece, column, _roughly(column, above, up_to)).astype(np.float64), column)
        first = 0 if above is None else int(np.searchsorted(values, above, side="right"))
        yield values[first : None if up_to is None else int(np.searchsorted(values, up_to, side="right"))]


def _roughly(column: TableColumn, above: float | None, up_to: float | None) -> str:
    """SQL that leaves out most of what is not asked for, and nothing that is: the engine may round a value in another way."""
    ends = [(">", above, -1), ("<", up_to, 1)]
    conditions = [
        f" AND CAST({column.value} AS DOUBLE) {sign} CAST('{(end + side * (abs(end) * 1e-9 + 1e-300)) * column.per_unit!r}' AS DOUBLE)"
        for sign, end, side in ends
        if end is not None and math.isfinite(end)
    ]
    return "".join(conditions)


def sampled_numbers(cursor: Cursor, table: Table, column: TableColumn) -> Floats:
    """Values from all over the table, sorted: of few rows all of them."""
    return _ordered(_values(cursor, table.sampled or table.relation, column).astype(np.float64), column)


def _values(cursor: Cursor, relation: str, column: TableColumn, wanted: str = "") -> npt.NDArray[Any]:
    # Missing values are left out by the engine, so that the array has no mask.
    found = cursor.execute(f"SELECT {column.value} AS v FROM {relation} WHERE {column.value} IS NOT NULL{wanted}").fetchnumpy()["v"]
    return np.ma.getdata(found)


def _ordered(values: Floats, column: TableColumn) -> Floats:
    values.sort()
    values = values[: int(np.searchsorted(values, np.nan))]
    if column.whole and values.size and max(-values[0], values[-1]) > WHOLE_UP_TO:
        raise TooLarge(f"{column.name} holds whole numbers beyond {WHOLE_UP_TO:,}")
    return values if column.per_unit == 1.0 else values / column.per_unit


def from_least(cursor: Cursor, sides: Sequence[tuple[Table, TableColumn]]) -> tuple[int, int, list[TableColumn]]:
    """Columns of whole numbers as their distances from the least of all of them: that least one, the longest distance, the columns.

    Floats hold distances up to `WHOLE_UP_TO` exactly, and every comparison of the numbers is one of the distances.
    """
    ends = [
        run(cursor, f"SELECT min({column.value})::HUGEINT, max({column.value})::HUGEINT FROM {table.relation}")[0]
        for table, column in sides
    ]
    least = min(int(low) for low, _ in ends if low is not None)
    longest = max(int(high) for _, high in ends if high is not None) - least
    value = "CAST(CAST({} AS HUGEINT) - ({}) AS DOUBLE)"
    return least, longest, [replace(column, value=value.format(column.value, least), whole=False) for _, column in sides]


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    """Two columns of categories side by side.

    `reference[i]` and `current[i]` are the counts of `times[i]` categories: millions of categories have few different pairs.
    `new` and `vanished` are the most frequent ones that the other side lacks, at most `LISTED`; the `_count`s are of all.
    """

    reference: Floats
    current: Floats
    times: Floats
    new: tuple[str, ...]
    vanished: tuple[str, ...]
    new_count: int
    vanished_count: int

    @property
    def n(self) -> tuple[int, int]:
        """Rows with a value on both sides."""
        return round(float((self.times * self.reference).sum())), round(float((self.times * self.current).sum()))


def categories(cursor: Cursor, reference: Table, current: Table, columns: tuple[TableColumn, TableColumn], name: str) -> CategoryCounts:
    """Count two columns of categories; `name` is that of a table nobody else uses."""
    sides = [
        f"(SELECT {column.value} AS v, count(*) AS n FROM {table.relation} WHERE {column.value} IS NOT NULL GROUP BY 1)"
        for table, column in zip((reference, current), columns, strict=True)
    ]
    joined = f"SELECT v, coalesce(r.n, 0) AS r, coalesce(c.n, 0) AS c FROM {sides[0]} r FULL JOIN {sides[1]} c USING (v)"
    run(cursor, f"CREATE TABLE {name} AS {joined}")
    try:
        pairs = cursor.execute(f"SELECT r, c, count(*) AS times FROM {name} GROUP BY ALL ORDER BY ALL").fetchnumpy()
        new, vanished = (_missing_on(cursor, name, absent, there) for absent, there in (("r", "c"), ("c", "r")))
    finally:
        run(cursor, f"DROP TABLE {name}")
    arrays = [np.ma.getdata(pairs[key]).astype(np.float64) for key in ("r", "c", "times")]
    return CategoryCounts(arrays[0], arrays[1], arrays[2], new[0], vanished[0], new[1], vanished[1])


def _missing_on(cursor: Cursor, name: str, absent: str, there: str) -> tuple[tuple[str, ...], int]:
    rows: list[Any] = run(
        cursor, f"SELECT left(v, {NAME_LENGTH}), count(*) OVER () FROM {name} WHERE {absent} = 0 ORDER BY {there} DESC, v LIMIT {LISTED}"
    )
    return tuple(str(row[0]) for row in rows), int(rows[0][1]) if rows else 0


def names_rows(cursor: Cursor, table: Table, column: TableColumn) -> bool:
    """Whether a column of whole numbers is an identifier: no value comes twice, although chance alone would have repeated some.

    So many values drawn from a range as long as theirs would meet `REPEATS` times and more. Numbers beyond those that floats can tell
    apart are keys or hashes when none repeats, however long their range.
    """
    source = f"(SELECT {column.value} AS v FROM {table.relation})"
    counted = f"SELECT count(v), min(v)::DOUBLE, max(v)::DOUBLE, approx_count_distinct(v) FROM {source}"
    n, low, high, about = (float(each or 0) for each in run(cursor, counted)[0])
    # The engine's sketch may be off by a third: it only spares columns that plainly repeat the exact count.
    if not n or about < 0.5 * n or (column.whole and n * n < 2 * REPEATS * (high - low + 1)):
        return False
    return float(run(cursor, f"SELECT count(DISTINCT v) FROM {source}")[0][0]) == n


def present(cursor: Cursor, table: Table, column: TableColumn) -> int:
    """How many rows have a value, whatever it is."""
    return int(run(cursor, f"SELECT count({column.value}) FROM {table.relation}")[0][0])
