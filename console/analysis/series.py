"""Since when? Readings of a history of windows: when the current state began, what broke first, and what is usual there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from backends.records import State

Moment = TypeVar("Moment")

WARNING_QUANTILE: Final = 0.95
"""Share of the reference's windows that lie within the limit of a warning."""

CRITICAL_MARGIN: Final = 1.0
"""Times the largest value of the reference: above it, critical."""

MINIMUM_HISTORY: Final = 48
"""Windows below which a reference period gives no limits."""


@dataclass(frozen=True, slots=True)
class Since:
    """The current state and the window in which it began; `windows` counts the windows it has lasted."""

    state: State
    index: int
    began: object
    windows: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for the size of a number, calibrated on a reference period; None, with the reason, when that was too short."""

    warning: float | None
    critical: float | None
    n: int
    reason: str

    def judge(self, value: float | None) -> State:
        """State of a number by its size, sign ignored; `unknown` without limits or number."""
        if value is None or not math.isfinite(value) or self.warning is None or self.critical is None:
            return State.UNKNOWN
        return State.CRITICAL if abs(value) > self.critical else State.WARNING if abs(value) > self.warning else State.OK


def since(ends: Sequence[object], states: Sequence[State]) -> Since | None:
    """When the current state (the last one) began: the first window of the unbroken run of equal states. None without windows.

    Raises ValueError when `ends` and `states` differ in length.
    """
    if len(ends) != len(states):
        raise ValueError(f"{len(ends)} window ends for {len(states)} states")
    if not states:
        return None
    index = len(states) - 1
    while index and states[index - 1] == states[-1]:
        index -= 1
    return Since(states[-1], index, ends[index], len(states) - index)


def broke_first(states: Sequence[State], bridge: int = 0) -> int | None:
    """Index of the first window of the trouble that is still on; None if it is over or never was.

    Trouble is `warning` or `critical`. Windows without a verdict (`unknown`, `stale`) neither begin nor end it. Up to `bridge` windows
    of `ok` in a row do not end it: a rolling gap that dips under its limit for a night is one incident, not two.
    """
    first: int | None = None
    quiet = 0
    for index in range(len(states) - 1, -1, -1):
        if states[index] in {State.WARNING, State.CRITICAL}:
            first, quiet = index, 0
        elif states[index] == State.OK:
            quiet += 1
            if quiet > bridge:
                break
    return first


def limit_from_history(
    values: Iterable[float | None],
    *,
    warning_quantile: float = WARNING_QUANTILE,
    critical_margin: float = CRITICAL_MARGIN,
    minimum: int = MINIMUM_HISTORY,
    smallest: float = 0.0,
) -> Limits:
    """Limits of a gap from the windows of a reference period, in which nothing was wrong.

    Warning: above the quantile .95 of |value|, as one window in twenty of the reference is. Critical: above every |value| of the
    reference, which for windows that overlap (24 h, one an hour) over weeks is rare without a cause. `smallest` is a floor of both, in
    the unit of the values, for numbers that hardly ever move. Fewer than `minimum` windows give no limits.
    """
    sizes = np.array([abs(value) for value in values if value is not None and math.isfinite(value)])
    if sizes.size < minimum:
        return Limits(None, None, int(sizes.size), f"only {sizes.size} windows in the reference; {minimum} are needed")
    warning = max(float(np.quantile(sizes, warning_quantile)), smallest)
    critical = critical_margin * max(float(sizes.max()), smallest)
    times = "" if critical_margin == 1 else f"{critical_margin:g} times "
    reason = f"{warning_quantile:.0%} of {sizes.size} reference windows are within warning; critical is beyond {times}their largest"
    return Limits(warning, critical, int(sizes.size), reason)
