"""What a contract asks of a table, counted in one pass and one more for each key; and the first rows that break a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.data_files.columns import TableColumn
from backends.data_files.table import Table
from backends.store.columns import LONGEST, ColumnCheck, outside, value_of
from backends.store.sql import quoted, run


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows that break a rule: without a value by column, outside the contract by column, repeated by key.

    `newest` is the latest time of the column asked for, in microseconds since 1970; None where it has no value.
    """

    missing: Mapping[str, int]
    outside: Mapping[str, int]
    repeats: Mapping[tuple[str, ...], int]
    newest: int | None


def counted(
    table: Table, columns: Sequence[str], checks: Sequence[ColumnCheck], keys: Sequence[tuple[str, ...]], newest: str | None
) -> Counted:
    """Count all of it. Columns, checks and keys name columns that the table has."""
    asked = [f"count(*) - count({present(table.columns[name])})" for name in columns]
    asked += [f"count(*) FILTER ({outside(check, table.columns[check.column].type)})" for check in checks]
    asked.append(f"max({table.columns[newest].value})" if newest is not None else "NULL")
    found: list[Any] = list(run(table.connection, f"SELECT {', '.join(asked)} FROM {table.relation}")[0])
    latest = found.pop()
    counts = iter(map(int, found))
    return Counted(
        {name: next(counts) for name in columns},
        {check.column: next(counts) for check in checks},
        {key: _repeats(table, key) for key in keys},
        None if latest is None else int(latest),
    )


def first_missing(table: Table, column: str, most: int) -> list[tuple[int, str | None]]:
    """The first rows, counted from 1 in the order of the file, that have no value."""
    return _first(table, f"{present(table.columns[column])} IS NULL", "CAST(NULL AS VARCHAR)", most)


def first_outside(table: Table, check: ColumnCheck, most: int) -> list[tuple[int, str | None]]:
    """The first rows whose value lies outside the contract, with that value as text."""
    return _first(table, outside(check, table.columns[check.column].type), _as_text((check.column,)), most)


def first_repeated(table: Table, key: tuple[str, ...], most: int) -> list[tuple[int, str | None]]:
    """The first rows whose key stood in an earlier row already."""
    values = [present(table.columns[name]) for name in key]
    whole = " AND ".join(f"{value} IS NOT NULL" for value in values)
    named = ", ".join(f"{value} AS k{at}" for at, value in enumerate(values))
    keys = ", ".join(f"k{at}" for at in range(len(key)))
    numbered = f"SELECT row_number() OVER () AS n, {whole} AS whole, {named}, {_as_text(key)} AS v FROM {table.relation}"
    first = f"SELECT {keys}, min(n) AS first FROM ({numbered}) WHERE whole GROUP BY {keys} HAVING count(*) > 1"
    again = f"SELECT n, v FROM ({numbered}) JOIN ({first}) USING ({keys}) WHERE whole AND n > first"
    return _pairs(run(table.connection, f"{again} ORDER BY n LIMIT {most}"))


def strangers(table: Table, columns: tuple[str, ...], relation: str) -> int:
    """Rows that have all of the columns, whose values together, as texts, stand in no row of `relation`."""
    return int(run(table.connection, f"SELECT count(*) FROM {table.relation} WHERE {_strange(table, columns, relation)}")[0][0])


def first_strangers(table: Table, columns: tuple[str, ...], relation: str, most: int) -> list[tuple[int, str | None]]:
    """The first of these rows, with their values as text."""
    return _first(table, _strange(table, columns, relation), _as_text(columns), most)


def _strange(table: Table, columns: tuple[str, ...], relation: str) -> str:
    there = " AND ".join(f"{present(table.columns[name])} IS NOT NULL" for name in columns)
    values = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in columns)
    return f"{there} AND row({values}) NOT IN (SELECT v FROM {relation})"


def _repeats(table: Table, key: tuple[str, ...]) -> int:
    """By grouping, which the engine spills to disk where keys are more than it may hold; a count of different values it does not."""
    values = [present(table.columns[name]) for name in key]
    whole = " AND ".join(f"{value} IS NOT NULL" for value in values)
    grouped = f"SELECT count(*) - 1 AS again FROM {table.relation} WHERE {whole} GROUP BY {', '.join(values)}"
    return int(run(table.connection, f"SELECT coalesce(sum(again), 0) FROM ({grouped})")[0][0])


def present(column: TableColumn) -> str:
    """The value of a column with NaN as a missing one."""
    return "NULL" if column.kind == "empty" else value_of(column.name, column.type)


def _first(table: Table, wrong: str, shown: str, most: int) -> list[tuple[int, str | None]]:
    numbered = f"SELECT row_number() OVER () AS n, {shown} AS v, {wrong} AS wrong FROM {table.relation}"
    return _pairs(run(table.connection, f"SELECT n, v FROM ({numbered}) WHERE wrong LIMIT {most}"))


def _as_text(key: Sequence[str]) -> str:
    parts = [f"left(CAST({quoted(name)} AS VARCHAR), {LONGEST})" for name in key]
    return parts[0] if len(parts) == 1 else " || ', ' || ".join(parts)


def _pairs(rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, str | None]]:
    return [(int(number), None if value is None else str(value)) for number, value in rows]
