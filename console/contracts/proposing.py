"""A contract from rows that are known to be good: what they are is what later ones must be."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Final

from backends.data_files.described import Described, described, longest_gap
from backends.data_files.problem import DataFileProblem
from backends.data_files.table import ENGINE_MIB, Table, opened
from backends.durations import format_duration
from console.analysis.intervals import wilson

TIMES_GAP: Final = 2
"""Times the longest silence of the reference until its successor counts as old."""

ROWS_A_CATEGORY: Final = 10
"""Rows that each listed category must have on the average; with fewer, others are still to be expected."""

SIGNIFICANT: Final = 3
"""Digits of a share of missing values, rounded up."""

OLDEST: Final = timedelta(days=9999)
"""The longest age that can be written."""

MICROSECOND: Final = timedelta(microseconds=1)

MOST_NAMED: Final = 200
"""Characters of the name of a column."""


def proposed(given: str, name: str) -> dict[str, Any]:
    """The content of a contract that these rows fulfil. Raises DataFileProblem."""
    with opened(given, engine_mib=ENGINE_MIB) as table:
        return proposed_from(table, name)


def proposed_from(table: Table, name: str, model: str | None = None) -> dict[str, Any]:
    """The content of a contract, of `model` if there is one, that the rows of a table fulfil. Raises DataFileProblem."""
    found = described(table)
    body: dict[str, Any] = {
        "format": 1,
        "name": name[:MOST_NAMED] or "contract",
        **({"model": model} if model is not None else {}),
        "columns": [_column(each, table.rows) for each in found],
    }
    known = {each.column.name for each in found}
    ignored = [column for column in table.columns if column not in known]
    if ignored:
        body["ignored"] = ignored
    unique = [{"columns": [each.column.name]} for each in found if _is_key(each, table.rows)]
    if unique:
        body["unique"] = unique
    fresh = _freshness(table, found)
    if fresh is not None:
        body["freshness"] = fresh
    _refuse(table.given, body)
    return body


def _refuse(given: str, body: dict[str, Any]) -> None:
    if not body["columns"]:
        raise DataFileProblem(f"{given} has no column of numbers, texts, times or truth values: there is nothing that a contract could say")
    long = next((name for name in [*(each["name"] for each in body["columns"]), *body.get("ignored", ())] if len(name) > MOST_NAMED), None)
    if long is not None:
        raise DataFileProblem(f"{given}: a column's name has {len(long)} characters; a contract takes {MOST_NAMED}")


def _column(each: Described, rows: int) -> dict[str, Any]:
    kind = {"empty": "text"}.get(each.column.kind, each.column.kind)
    if kind == "categorical" and each.categories is None and each.distinct is not None and 2 * each.distinct > rows - each.missing:
        kind = "text"
    body: dict[str, Any] = {"name": each.column.name, "kind": kind, "max_null_share": _most_missing(each.missing, rows)}
    if each.low is not None:
        body |= {"minimum": _at_most(each.low), "maximum": -_at_most(-each.high)}
    if each.categories is not None and rows - each.missing >= ROWS_A_CATEGORY * len(each.categories):
        body["allowed"] = list(each.categories)
    return body


def _most_missing(missing: int, rows: int) -> float:
    """The upper end of the 95 % interval of the share, rounded up: what the same process could well show again."""
    interval = wilson(missing, rows)
    high = 1.0 if interval is None else interval.high
    step = 10.0 ** (math.floor(math.log10(high)) - SIGNIFICANT + 1)
    return min(1.0, float(f"{math.ceil(high / step) * step:.{SIGNIFICANT}g}"))


def _at_most(value: Any) -> float:
    """The float nearest to a number that is not above it."""
    near = float(value)
    return math.nextafter(near, -math.inf) if near > value else near


def _is_key(each: Described, rows: int) -> bool:
    fit = each.column.kind == "categorical" or (each.column.kind == "numeric" and each.column.whole)
    return fit and rows > 1 and each.missing == 0 and each.distinct == rows


def _freshness(table: Table, found: list[Described]) -> dict[str, Any] | None:
    """By the first time that every row has: twice its longest silence, in whole minutes."""
    for each in found:
        if each.column.kind == "timestamp" and not each.missing and not each.column.why_not:
            gap = longest_gap(table, each.column.name)
            if gap is None:
                continue
            age = timedelta(minutes=max(1, math.ceil(TIMES_GAP * gap / 60e6))) if TIMES_GAP * gap < OLDEST / MICROSECOND else OLDEST
            body = {"column": each.column.name, "at_most": format_duration(age)}
            return body if each.column.zoned else body | {"zone": "UTC"}
    return None
