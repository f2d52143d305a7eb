"""Severity from a column's own past: how large the number was in earlier windows of the same length, never a fixed limit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from backends.records import State

MINIMUM_ROWS: Final = 200
"""Values below which a window says nothing about a distribution."""

MINIMUM_WINDOWS: Final = 5
"""Earlier windows below which there is no band."""

CRITICAL_FACTOR: Final = 2.0
"""Times the limit of a warning: from here on critical."""

SMALL_EFFECT: Final = 0.1
"""PSI, JS or KS below which a difference is small, however unusual: it never alarms."""


@dataclass(frozen=True, slots=True)
class Band:
    """Where the number lay in `n` earlier windows of the same length: lowest, median, highest, and each, in order of time."""

    low: float
    median: float
    high: float
    n: int
    values: tuple[float, ...]

    def above(self, value: float) -> int:
        """How many earlier windows were further from the reference."""
        return sum(earlier > value for earlier in self.values)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state and the sentence that says why."""

    state: State
    reason: str
    value: float | None = None
    band: Band | None = None
    warning_over: float | None = None
    critical_over: float | None = None


def band(past_values: Iterable[float | None]) -> Band | None:
    """The band of earlier windows; windows without a number do not count. None if none has one."""
    values = tuple(float(value) for value in past_values if value is not None and math.isfinite(value))
    if not values:
        return None
    return Band(min(values), float(np.median(values)), max(values), len(values), values)


def verdict(
    value: float | None,
    past: Band | None,
    n: int,
    *,
    minimum_n: int = MINIMUM_ROWS,
    minimum_windows: int = MINIMUM_WINDOWS,
    critical_factor: float = CRITICAL_FACTOR,
    small_effect: float = SMALL_EFFECT,
    window: str = "window",
) -> Verdict:
    """Judge a distance against the band of earlier windows of the same length.

    - `unknown`: no number, fewer than `minimum_n` rows, or fewer than `minimum_windows` earlier windows.
    - `ok`: not above the highest earlier window ("big but usual" when it is above `small_effect`), or not above `small_effect` at all.
    - `warning`: above every earlier window.
    - `critical`: above `critical_factor` times what warns, that is the highest earlier window or `small_effect`, whichever is larger.

    `window` names the length in the sentence: "week", "day".
    """
    if value is None or not math.isfinite(value):
        return Verdict(State.UNKNOWN, "not computable: no number for this window", None, past)
    if n < minimum_n:
        return Verdict(State.UNKNOWN, f"only {n} rows: below {minimum_n} the number is mostly chance", value, past)
    if past is None or past.n < minimum_windows:
        have = past.n if past else 0
        return Verdict(State.UNKNOWN, f"only {_many(have, window)} to judge by; {minimum_windows} are needed", value, past)
    warning_over, critical_over = max(past.high, small_effect), critical_factor * max(past.high, small_effect)
    above = past.above(value)
    if value > critical_over:
        state = State.CRITICAL
        times = f"{value / past.high:.1f} times the highest" if past.high > 0 else "and they were all 0"
        reason = f"far beyond all {_many(past.n, window)}: {times} ({_short(past.high)})"
    elif value > warning_over:
        state, reason = State.WARNING, f"beyond all {_many(past.n, window)} (most {_short(past.high)})"
    elif above == 0 and value > past.high:
        state, reason = (
            State.OK,
            f"beyond all {_many(past.n, window)} (most {_short(past.high)}), but small: not over {_short(small_effect)}",
        )
    elif value > small_effect:
        further = f"{above} of {_many(past.n, window)} {'was' if above == 1 else 'were'} further from the reference"
        state, reason = State.OK, f"big but usual: {further if above else f'as far as the furthest of {_many(past.n, window)}'}"
    else:
        state, reason = State.OK, f"usual: {above} of {_many(past.n, window)} {'was' if above == 1 else 'were'} further from the reference"
    return Verdict(state, reason, value, past, warning_over, critical_over)


def _many(count: int, window: str) -> str:
    return f"{count} earlier {window}{'' if count == 1 else 's'}"


def _short(value: float) -> str:
    if not 0.01 <= value < 10:
        return f"{value:.1f}" if value >= 10 else f"{value:.2g}".removeprefix("0") or "0"
    return f"{value:.2f}".removeprefix("0")


@dataclass(frozen=True, slots=True)
class EqualWeekdays:
    """Reference days with the same mix of weekdays as the current days; empty, with the reason, when there is none."""

    days: tuple[date, ...]
    reason: str


def equal_weekdays(reference_days: Sequence[date], current_days: Sequence[date]) -> EqualWeekdays:
    """Choose reference days so that each weekday has the share it has now: how a column that follows the calendar is compared.

    Each weekday of the current period is taken k times as often as it occurs there, with the largest k the reference allows; the
    latest days win. Merge the profiles of these days and compare with the current period.
    """
    needed = [sum(day.weekday() == weekday for day in current_days) for weekday in range(7)]
    offered = [sorted((day for day in set(reference_days) if day.weekday() == weekday), reverse=True) for weekday in range(7)]
    if not any(needed):
        return EqualWeekdays((), "there are no current days")
    times = min(len(offered[weekday]) // count for weekday, count in enumerate(needed) if count)
    if not times:
        return EqualWeekdays((), "the reference has too few days of the same weekdays")
    chosen = [day for weekday, count in enumerate(needed) for day in offered[weekday][: times * count]]
    return EqualWeekdays(tuple(sorted(chosen)), f"compared with {len(chosen)} reference days of the same weekdays")
