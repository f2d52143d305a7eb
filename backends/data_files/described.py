"""What the columns of a table hold, for somebody who writes a contract from it: one pass, and one more for the few categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from backends.data_files.columns import TableColumn
from backends.data_files.contract_counts import present
from backends.data_files.table import Table
from backends.store.sql import quoted, run

FEW: Final = 30
"""Categories up to which they are listed."""


ABOUT: Final = 2
"""Times the engine's sketch of a number of different values may be off, by a wide margin: beyond it no exact count is asked for."""


@dataclass(frozen=True, slots=True)
class Described:
    """One column. `low` and `high` are of finite numbers; `categories` are listed when there are at most `FEW`.

    `distinct` is None where values repeat so often, or so little is asked, that nobody needs the exact number.
    """

    column: TableColumn
    missing: int
    distinct: int | None
    low: Any = None
    high: Any = None
    categories: tuple[str, ...] | None = None


def described(table: Table) -> list[Described]:
    """Every column that has values which can be told apart, in the order of the file.

    Different values are sketched for all columns in one pass and counted one column at a time where the sketch leaves a question open, so
    that the engine holds the values of one column, or spills them.
    """
    columns = [column for column in table.columns.values() if column.kind not in {"nested", "binary", "mixed"}]
    if not columns:
        return []
    asked = [part for column in columns for part in _asked(column)]
    row = run(table.connection, f"SELECT {', '.join(asked)} FROM {table.relation}")[0]
    return [_described(table, column, *row[4 * at : 4 * at + 4]) for at, column in enumerate(columns)]


def _described(table: Table, column: TableColumn, present_rows: int, about: int, low: Any, high: Any) -> Described:
    missing = table.rows - present_rows
    few = column.kind == "categorical" and 0 < about <= ABOUT * FEW
    categories = _listed(table, column) if few else None
    if categories is not None:
        return Described(column, missing, len(categories), categories=categories)
    is_open = column.kind == "categorical" or column.whole
    distinct = _different(table, column) if is_open and 2 * ABOUT * about > present_rows else None
    return Described(column, missing, distinct, low, high)


def longest_gap(table: Table, name: str) -> tuple[int, int] | None:
    """Microseconds between two times of the column that follow each other, at most, and the newest; None with fewer than two."""
    value = table.columns[name].value
    times = f"SELECT DISTINCT {value} AS t FROM {table.relation} WHERE {value} IS NOT NULL"
    found = run(table.connection, f"SELECT max(gap), max(t) FROM (SELECT t, t - lag(t) OVER (ORDER BY t) AS gap FROM ({times}))")[0]
    return None if found[0] is None else (int(found[0]), int(found[1]))


def _asked(column: TableColumn) -> Sequence[str]:
    value = present(column)
    sketched = f"approx_count_distinct({value})" if column.kind == "categorical" or column.whole else "0"
    if column.kind != "numeric":
        return f"count({value})", sketched, "NULL", "NULL"
    finite = f" FILTER (isfinite({quoted(column.name)}))" if column.type in {"DOUBLE", "FLOAT"} else ""
    return f"count({value})", sketched, f"min({value}){finite}", f"max({value}){finite}"


def _different(table: Table, column: TableColumn) -> int:
    value = present(column)
    return int(
        run(table.connection, f"SELECT count(*) FROM (SELECT DISTINCT {value} AS v FROM {table.relation}) WHERE v IS NOT NULL")[0][0]
    )


def _listed(table: Table, column: TableColumn) -> tuple[str, ...] | None:
    value = column.value
    rows = run(table.connection, f"SELECT DISTINCT {value} AS v FROM {table.relation} WHERE {value} IS NOT NULL LIMIT {FEW + 1}")
    return None if len(rows) > FEW else tuple(sorted(str(row[0]) for row in rows))
