"""How well one column alone tells the outcome, and whose times come too late, counted in the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backends.data_files.columns import TableColumn
from backends.data_files.contract_counts import present
from backends.data_files.table import Table
from backends.store.sql import quoted, run

FOLDS: Final = 5
"""Parts of the rows. A category is scored by the outcomes of the other four, so that no row tells its own outcome."""

SCATTER: Final = 2654435761
"""Multiplies row numbers so that neighbours lie far apart (Knuth 1973, 6.4): no engine's own hash, which another version may change."""

PRIOR: Final = 10
"""Rows of the overall share that are added to each category: a rare one says little."""


@dataclass(frozen=True, slots=True)
class Told:
    """Pairs of one positive and one negative row that a column puts in order, as a share; `share` None where a class has no value."""

    share: float | None
    positives: int
    negatives: int


def outcome_sql(column: TableColumn) -> str:
    """The outcome as 0 or 1; NULL where it is neither."""
    if column.kind == "boolean":
        return f"CAST({quoted(column.name)} AS INTEGER)"
    return f"CASE WHEN {quoted(column.name)} IN (0, 1) THEN CAST({quoted(column.name)} AS INTEGER) END"


def outcomes(table: Table, column: TableColumn) -> tuple[int, int, int]:
    """Rows with outcome 1, with outcome 0, and with a value that is neither."""
    outcome = outcome_sql(column)
    asked = f"count(*) FILTER ({outcome} = 1), count(*) FILTER ({outcome} = 0), count({present(column)}) - count({outcome})"
    positives, negatives, others = run(table.connection, f"SELECT {asked} FROM {table.relation}")[0]
    return int(positives), int(negatives), int(others)


def told_by_value(table: Table, column: TableColumn, label: TableColumn) -> Told:
    """AUC of a column in its own order: numbers and times as they are, of categories the share of outcome 1 in the other folds."""
    value = column.value if column.kind == "timestamp" else present(column)
    if column.kind in {"numeric", "timestamp"}:
        return _auc(table, f"SELECT {value} AS v, {outcome_sql(label)} AS y FROM {table.relation}")
    rows = f"SELECT {value} AS c, {outcome_sql(label)} AS y, row_number() OVER () % {FOLDS} AS f FROM {table.relation}"
    parts = f"SELECT c, f, sum(y) AS p, count(*) AS n FROM ({rows}) WHERE c IS NOT NULL AND y IS NOT NULL GROUP BY c, f"
    folds = "SELECT *, sum(p) OVER (PARTITION BY f) AS fp, sum(n) OVER (PARTITION BY f) AS fn, sum(p) OVER () AS ap, sum(n) OVER () AS an"
    others = f"(sum(p) OVER (PARTITION BY c) - p + {PRIOR} * prior) / (sum(n) OVER (PARTITION BY c) - n + {PRIOR})"
    prior = f"SELECT *, (ap - fp) / greatest(an - fn, 1) AS prior FROM ({folds} FROM ({parts}))"
    scored = f"SELECT round({others}, 12) AS v, p, n - p AS m FROM ({prior})"
    return _of_groups(table, f"SELECT v, sum(p) AS p, sum(m) AS m FROM ({scored}) GROUP BY v")


def told_by_absence(table: Table, column: TableColumn, label: TableColumn) -> Told:
    """AUC of whether the column has a value."""
    return _auc(table, f"SELECT CAST({present(column)} IS NULL AS INTEGER) AS v, {outcome_sql(label)} AS y FROM {table.relation}")


def later_than(table: Table, column: TableColumn, limit: TableColumn) -> tuple[int, int]:
    """Rows whose time in `column` is later than that in `limit`, and rows that have both times."""
    both = f"{column.value} IS NOT NULL AND {limit.value} IS NOT NULL"
    asked = f"count(*) FILTER ({both} AND {column.value} > {limit.value}), count(*) FILTER ({both})"
    late, rows = run(table.connection, f"SELECT {asked} FROM {table.relation}")[0]
    return int(late), int(rows)


def first_later(table: Table, column: TableColumn, limit: TableColumn, most: int) -> list[tuple[int, str, str]]:
    """The first rows, counted from 1, whose time in `column` is later than that in `limit`, with both times as text."""
    named = f"CAST({quoted(column.name)} AS VARCHAR) AS a, CAST({quoted(limit.name)} AS VARCHAR) AS b"
    late = f"{column.value} > {limit.value} AS late"
    numbered = f"SELECT row_number() OVER () AS n, {named}, {late} FROM {table.relation}"
    return [(int(n), str(a), str(b)) for n, a, b in run(table.connection, f"SELECT n, a, b FROM ({numbered}) WHERE late LIMIT {most}")]


def drawn_by_outcome(
    table: Table, columns: Sequence[TableColumn], label: TableColumn, most: int
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[Any]]]:
    """Outcomes and values of at most so many rows of each outcome, the same ones at every call, in the order of the file.

    Rows are drawn by their number, scattered over the file: rows that follow each other are often alike. Missing values are NaN, or None.
    """
    scattered = f"(n * {SCATTER}) % 4294967296"
    numbered = f"SELECT row_number() OVER () AS n, {outcome_sql(label)} AS y FROM {table.relation}"
    ranked = f"SELECT n, y, row_number() OVER (PARTITION BY y ORDER BY {scattered}, n) AS r FROM ({numbered}) WHERE y IS NOT NULL"
    values = ", ".join(f"{_learnt(column)} AS v{at}" for at, column in enumerate(columns))
    rows = f"SELECT row_number() OVER () AS n, {values} FROM {table.relation}"
    drawn = f"SELECT * FROM ({rows}) JOIN (SELECT n, y FROM ({ranked}) WHERE r <= {most}) USING (n) ORDER BY n"
    found = table.connection.execute(drawn).fetchnumpy()
    filled = [_filled(found[f"v{at}"]) for at in range(len(columns))]
    return np.ma.getdata(found["y"]).astype(np.int64), filled


def _learnt(column: TableColumn) -> str:
    """Numbers, times and truth values as numbers, categories as text."""
    if column.kind == "timestamp":
        return f"CAST({column.value} AS DOUBLE)"
    if column.kind in {"numeric", "boolean"}:
        return f"CAST({present(column) if column.kind == 'numeric' else quoted(column.name)} AS DOUBLE)"
    return f"CAST({present(column)} AS VARCHAR)"


def _filled(values: Any) -> npt.NDArray[Any]:
    plain: npt.NDArray[Any] = np.ma.getdata(values)
    found = plain.copy() if plain.dtype == object else plain.astype(np.float64)
    found[np.ma.getmaskarray(values)] = None if plain.dtype == object else np.nan
    return found


def _auc(table: Table, rows: str) -> Told:
    return _of_groups(table, f"SELECT v, sum(y) AS p, sum(1 - y) AS m FROM ({rows}) WHERE v IS NOT NULL AND y IS NOT NULL GROUP BY v")


def _of_groups(table: Table, groups: str) -> Told:
    """Mann and Whitney's count: a positive row beats the negative rows of lower values, and half of those of its own."""
    before = "coalesce(sum(m) OVER (ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)"
    ordered = f"SELECT p, m, {before} AS under FROM ({groups})"
    row = run(table.connection, f"SELECT sum(p * (under + m / 2.0)), sum(p), sum(m) FROM ({ordered})")[0]
    won, positives, negatives = (0 if each is None else each for each in row)
    share = float(won) / (float(positives) * float(negatives)) if positives and negatives else None
    return Told(share, int(positives), int(negatives))
