"""The same requests in two tables, side by side by their key: values that differ, missing values and defaults of either side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from backends.data_files.columns import TableColumn
from backends.data_files.contract_counts import present
from backends.data_files.table import Table
from backends.store.columns import LONGEST
from backends.store.sql import quoted, run, text

PAIRS = "paired_requests"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Requests that stand once in either table, by the relation that has both sides; and those that stand on one side, or twice."""

    relation: str
    matched: int
    offline_only: int
    online_only: int
    repeated_offline: int
    repeated_online: int


@dataclass(frozen=True, slots=True)
class Differing:
    """One column over the matched requests. `differing` counts values that differ and those that only one side has."""

    differing: int
    nulls_offline: int
    nulls_online: int
    defaults_offline: int | None
    defaults_online: int | None
    largest: float | None
    """The largest distance of two finite numbers."""


@contextmanager
def paired(
    offline: Table, online: Table, keys: Sequence[str], columns: Sequence[str], moment: TableColumn | None = None
) -> Iterator[Pairs]:
    """Join two tables of one connection by the texts of their keys. Rows that lack a part of the key take no part.

    Columns of the relation are `k`, for the column numbered 0 `a0` offline and `b0` online, and `m`: the time `moment` of the online side.
    """
    connection = offline.connection
    for side, table in (("a", offline), ("b", online)):
        key = " || chr(31) || ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in keys)
        values = [f"{_value(table.columns[name])} AS {side}{at}" for at, name in enumerate(columns)]
        when = moment.value if side == "b" and moment is not None else "CAST(NULL AS BIGINT)"
        rows = f"SELECT {', '.join([f'{key} AS k', *values, f'{when} AS m{side}'])} FROM {table.relation}"
        run(connection, f"CREATE OR REPLACE TEMP TABLE {PAIRS}_{side} AS SELECT * FROM ({rows}) WHERE k IS NOT NULL")
    try:
        once = {side: f"(SELECT k FROM {PAIRS}_{side} GROUP BY k HAVING count(*) = 1)" for side in "ab"}
        names = {side: f"(SELECT DISTINCT k FROM {PAIRS}_{side})" for side in "ab"}
        repeated = {side: f"SELECT count(*) FROM (SELECT k FROM {PAIRS}_{side} GROUP BY k HAVING count(*) > 1)" for side in "ab"}
        only = "SELECT count(*) FROM {0} x ANTI JOIN {1} y USING (k)"
        both = f"({PAIRS}_a SEMI JOIN {once['a']} USING (k))", f"({PAIRS}_b SEMI JOIN {once['b']} USING (k))"
        listed = ", ".join([*(f"a{at}, b{at}" for at in range(len(columns))), "mb AS m"])
        joined = " JOIN ".join(f"(SELECT * FROM {side})" for side in both)
        run(connection, f"CREATE OR REPLACE TEMP TABLE {PAIRS} AS SELECT k, {listed} FROM {joined} USING (k)")
        yield Pairs(
            PAIRS,
            _count(connection, f"SELECT count(*) FROM {PAIRS}"),
            _count(connection, only.format(names["a"], names["b"])),
            _count(connection, only.format(names["b"], names["a"])),
            _count(connection, repeated["a"]),
            _count(connection, repeated["b"]),
        )
    finally:
        for name in (f"{PAIRS}_a", f"{PAIRS}_b", PAIRS):
            run(connection, f"DROP TABLE IF EXISTS {name}")


def differing(
    table: Table, pairs: Pairs, columns: Sequence[tuple[TableColumn, TableColumn]], tolerance: float, defaults: Mapping[int, str]
) -> list[Differing]:
    """Count every column in one pass, in their order. `tolerance` is relative to the greater of two numbers; `defaults` by number."""
    if not columns:
        return []
    asked: list[str] = []
    for at, (offline, online) in enumerate(columns):
        a, b = f"a{at}", f"b{at}"
        asked += [f"count(*) FILTER ({_differs(at, offline, online, tolerance)})", f"count(*) - count({a})", f"count(*) - count({b})"]
        asked += [_default(a, offline, defaults.get(at)), _default(b, online, defaults.get(at))]
        numbers = offline.kind == online.kind == "numeric"
        gap = f"abs(CAST({a} AS DOUBLE) - CAST({b} AS DOUBLE))"
        asked.append(f"max({gap}) FILTER (isfinite({gap}))" if numbers else "NULL")
    row: tuple[Any, ...] = run(table.connection, f"SELECT {', '.join(asked)} FROM {pairs.relation}")[0]
    return [Differing(*row[6 * at : 6 * at + 6]) for at in range(len(columns))]


def first_differing(
    table: Table, pairs: Pairs, at: int, columns: tuple[TableColumn, TableColumn], tolerance: float, most: int
) -> list[tuple[str, str | None, str | None]]:
    """The first requests by their key that differ in a column: key, offline and online value as texts."""
    values = ", ".join(f"left(CAST({each} AS VARCHAR), {LONGEST})" for each in ("k", f"a{at}", f"b{at}"))
    where = _differs(at, *columns, tolerance)
    found = run(table.connection, f"SELECT {values} FROM {pairs.relation} WHERE {where} ORDER BY k LIMIT {most}")
    return [(str(k), None if a is None else str(a), None if b is None else str(b)) for k, a, b in found]


def _value(column: TableColumn) -> str:
    return column.value if column.kind == "timestamp" else present(column)


def _differs(at: int, offline: TableColumn, online: TableColumn, tolerance: float) -> str:
    a, b = f"a{at}", f"b{at}"
    one = f"({a} IS NULL) <> ({b} IS NULL)"
    if offline.kind == online.kind == "numeric":
        x, y = f"CAST({a} AS DOUBLE)", f"CAST({b} AS DOUBLE)"
        far = f"NOT isfinite({x} - {y}) OR abs({x} - {y}) > {tolerance!r} * greatest(abs({x}), abs({y}))"
        return f"{one} OR coalesce({a} <> {b} AND ({far}), false)"
    return f"{one} OR coalesce(CAST({a} AS VARCHAR) <> CAST({b} AS VARCHAR), false)"


def _default(name: str, column: TableColumn, value: str | None) -> str:
    if value is None:
        return "NULL"
    if column.kind == "numeric":
        return f"count(*) FILTER (CAST({name} AS DOUBLE) = TRY_CAST({text(value)} AS DOUBLE))"
    return f"count(*) FILTER (CAST({name} AS VARCHAR) = {text(value)})"


def _count(connection: Any, sql: str) -> int:
    return int(run(connection, sql)[0][0])
