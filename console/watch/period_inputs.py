"""The inputs of the reference and of weeks laid out as one matrix, for a classifier that tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from backends.profile.days import DAY, day_start
from backends.profile.reference import FREE_TEXT
from backends.profile.sql import kind_of
from backends.records import Column
from backends.text import Untrusted
from console.learning.encoding import codes, numbers
from console.learning.process import Arrays
from console.views.health.windows import Ints, Rows, micros

WINDOW_DAYS: Final = 7
EARLIER_WINDOWS: Final = 6
LOOK_BACK: Final = 12
"""Windows back from the last days among which the earlier ones are found."""

MINIMUM_ROWS: Final = 200
"""Rows of a window, or of the reference, below which nothing is told apart."""

MOST_ROWS: Final = 2_000
"""Rows of each window, and of the reference, that a classifier is given."""

DAY_MICROS: Final = 86_400_000_000

_REFUSED: Final = {"text": FREE_TEXT, "timestamp": "a time tells every period from every other"}


@dataclass(frozen=True, slots=True)
class Span:
    """Days [first, last] of the model's zone, the places of their rows, and those of the reference that they are compared with."""

    first: date
    last: date
    rows: Ints
    reference: Ints


def as_logged(stored: Mapping[str, str]) -> list[Column]:
    """Inputs that nobody declared, by their engine's types."""
    return [Column(name=name, kind=kind_of(engine_type) or "categorical") for name, engine_type in sorted(stored.items())]


def learnable(
    columns: Sequence[Column], stored: Mapping[str, str], free: Mapping[str, str]
) -> tuple[list[Column], list[tuple[Untrusted, str]]]:
    """The columns that periods are told apart by, and those that are not, with the reason.

    `stored` are the engine's types by name; `free` says of columns of texts, by name, why they have no categories.
    """
    taken, left = [], []
    for column in columns:
        reason = free.get(column.name) or ("it follows the calendar" if column.calendar else _REFUSED.get(column.kind, ""))
        if not reason:
            reason = _unlike(column, stored.get(column.name))
        if reason:
            left.append((Untrusted(column.name), reason))
        else:
            taken.append(column)
    return taken, left


def _unlike(column: Column, stored: str | None) -> str:
    """Why a column cannot be used as it is stored; empty when it can."""
    if stored is None:
        return "it is not logged with the predictions"
    kind = kind_of(stored)
    if column.kind != "categorical" and kind not in {"numeric", "boolean"}:
        return f"it is declared {column.kind}, and logged as {'a time' if kind == 'timestamp' else 'text'}"
    return ""


def spans_of(rows: Rows, reference: slice, current: date, zone: ZoneInfo) -> list[Span]:
    """Up to six earlier weeks, oldest first, and the current one last; empty when that, or what it is compared with, has too few rows.

    A week that reaches into the reference is compared with the rest of the reference.
    """
    held = np.arange(reference.start, reference.stop)
    found: list[Span] = []
    for back in range(LOOK_BACK + 1):
        first = current - back * WINDOW_DAYS * DAY
        span = rows.between(micros(day_start(first, zone)), micros(day_start(first + WINDOW_DAYS * DAY, zone)))
        against = held[(held < span.start) | (held >= span.stop)]
        enough = span.stop - span.start >= MINIMUM_ROWS and len(against) >= MINIMUM_ROWS
        if back == 0 and not enough:
            return []
        if enough:
            found.append(Span(first, first + (WINDOW_DAYS - 1) * DAY, _some(np.arange(span.start, span.stop)), _some(against)))
        if len(found) > EARLIER_WINDOWS:
            break
    return found[::-1]


def earliest(reference_from: datetime, current: date, zone: ZoneInfo) -> datetime:
    """From when rows are needed for the reference and every earlier week."""
    return min(reference_from, day_start(current - LOOK_BACK * WINDOW_DAYS * DAY, zone))


def matrix_of(rows: Rows, columns: Sequence[Column], spans: Sequence[Span]) -> Arrays:
    """`columns` (rows, columns; NaN missing, codes for categories), `categorical` (places of columns), and of each row `pair` (which of
    the spans it is for), `current` (not of the reference) and `day`.
    """
    places = np.concatenate([part for span in spans for part in (span.reference, span.rows)])
    matrix = [codes(rows.columns[each.name][places]) if each.kind == "categorical" else numbers(rows.columns[each.name][places])
              for each in columns]  # fmt: skip
    return {
        "columns": np.column_stack(matrix),
        "categorical": np.array([place for place, each in enumerate(columns) if each.kind == "categorical"], dtype=np.int64),
        "pair": np.concatenate([np.full(len(span.reference) + len(span.rows), number) for number, span in enumerate(spans)]),
        "current": np.concatenate([np.repeat([False, True], [len(span.reference), len(span.rows)]) for span in spans]),
        "day": rows.event_at[places] // DAY_MICROS,
    }


def last_days(at: datetime, zone: ZoneInfo) -> date:
    """First day of the last whole week of days before the day that is going on."""
    return at.astimezone(zone).date() - timedelta(days=WINDOW_DAYS)


def _some(places: Ints) -> Ints:
    """At most so many rows, drawn so that the same rows are drawn again."""
    if len(places) <= MOST_ROWS:
        return places
    return np.sort(np.random.default_rng(0).choice(places, MOST_ROWS, replace=False))
