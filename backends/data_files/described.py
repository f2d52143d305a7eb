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


@dataclass(frozen=True, slots=True)
class Described:
    """One column. `low` and `high` are of finite numbers; `categories` are listed when there are at most `FEW`."""

    column: TableColumn
    missing: int
    distinct: int
    low: Any = None
    high: Any = None
    categories: tuple[str, ...] | None = None


def described(table: Table) -> list[Described]:
    """Every column that has values which can be told apart, in the order of the file."""
    columns = [column for column in table.columns.values() if column.kind not in {"nested", "binary", "mixed"}]
    if not columns:
        return []
    asked = [part for column in columns for part in _asked(column)]
    row = run(table.connection, f"SELECT {', '.join(asked)} FROM {table.relation}")[0]
    found = [
        Described(column, table.rows - int(row[4 * at]), int(row[4 * at + 1]), row[4 * at + 2], row[4 * at + 3])
        for at, column in enumerate(columns)
    ]
    return [_listed(table, each) if each.column.kind == "categorical" and 0 < each.distinct <= FEW else each for each in found]


def longest_gap(table: Table, name: str) -> int | None:
    """Microseconds between two times of the column that follow each other, at most; None with fewer than two."""
    value = table.columns[name].value
    times = f"SELECT DISTINCT {value} AS t FROM {table.relation} WHERE {value} IS NOT NULL"
    found = run(table.connection, f"SELECT max(gap) FROM (SELECT t - lag(t) OVER (ORDER BY t) AS gap FROM ({times}))")[0][0]
    return None if found is None else int(found)


def _asked(column: TableColumn) -> Sequence[str]:
    value = present(column)
    if column.kind != "numeric":
        return f"count({value})", f"count(DISTINCT {value})", "NULL", "NULL"
    finite = f" FILTER (isfinite({quoted(column.name)}))" if column.type in {"DOUBLE", "FLOAT"} else ""
    return f"count({value})", f"count(DISTINCT {value})", f"min({value}){finite}", f"max({value}){finite}"


def _listed(table: Table, each: Described) -> Described:
    value = each.column.value
    rows = run(table.connection, f"SELECT DISTINCT {value} FROM {table.relation} WHERE {value} IS NOT NULL ORDER BY 1")
    return Described(each.column, each.missing, each.distinct, categories=tuple(str(row[0]) for row in rows))
