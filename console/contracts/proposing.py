"""A contract from rows that are known to be good: what they are is what later ones must be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

MOST_NAMED: Final = 200
"""Characters of the name of a column."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The content of a contract, and what to say of what it does not say."""

    body: dict[str, Any]
    notes: tuple[str, ...] = ()


def proposed(given: str, name: str, at: datetime) -> Proposal:
    """The contract that these rows fulfil at a moment: what comes no more cannot be fresh. Raises DataFileProblem."""
    with opened(given, engine_mib=ENGINE_MIB) as table:
        return proposed_from(table, name, at=at)


def proposed_from(table: Table, name: str, model: str | None = None, *, at: datetime | None = None) -> Proposal:
    """The contract, of `model` if there is one, that the rows of a table fulfil. Raises DataFileProblem.

    With `at` freshness is proposed only if the rows are fresh then; without it they are taken to go on.
    """
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
    fresh, note = _freshness(table, found, at)
    if fresh is not None:
        body["freshness"] = fresh
    _refuse(table.given, body)
    return Proposal(body, (note,) if note else ())


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


def _freshness(table: Table, found: list[Described], at: datetime | None) -> tuple[dict[str, Any] | None, str]:
    """By the first time that every row has: twice its longest silence, in whole minutes. And why there is none, if rows are not fresh."""
    for each in found:
        if each.column.kind == "timestamp" and not each.missing and not each.column.why_not:
            gap = longest_gap(table, each.column.name)
            if gap is None:
                continue
            silence, newest = gap
            age = timedelta(minutes=max(1, math.ceil(TIMES_GAP * silence / 60e6))) if TIMES_GAP * silence < OLDEST / MICROSECOND else OLDEST
            apart = None if at is None else (at - EPOCH) // MICROSECOND - newest
            if apart is not None and abs(apart) > age / MICROSECOND:
                return None, _not_fresh(each.column.name, apart, format_duration(age))
            body = {"column": each.column.name, "at_most": format_duration(age)}
            return (body if each.column.zoned else body | {"zone": "UTC"}), ""
    return None, ""


def _not_fresh(column: str, apart: int, age: str) -> str:
    lies = "ago" if apart > 0 else "ahead of the clock"
    length = format_duration(timedelta(minutes=min(abs(apart) // 60_000_000, OLDEST // timedelta(minutes=1))))
    return (
        f"no freshness is proposed: the newest time in {column!r} lies {length} {lies}, more than twice the longest silence ({age})."
        f" If these rows are to go on, write it by hand: freshness: {{column: ..., at_most: {age}}}"
    )
