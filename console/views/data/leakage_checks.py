"""One check of rows for what they could not have known, and when an AUC is too good."""

from __future__ import annotations

import math
from typing import Final, Literal

from backends.records import State
from backends.text import Untrusted
from console.views.health.model import View

WARNING: Final = 0.9
CRITICAL: Final = 0.98
"""AUC of one column alone beyond which it is suspect, and beyond which it knows the outcome."""

LEAST: Final = 30
"""Rows of each outcome below which an AUC has no verdict."""

NORMAL_95: Final = 1.96

CheckName = Literal["as-of key", "time", "alone", "absence", "together", "shuffled"]


class Late(View):
    """A row, counted from 1, with a time that is later than another one."""

    row: int
    time: Untrusted
    limit: Untrusted


class LeakageCheck(View):
    """One check and its verdict."""

    check: CheckName
    column: Untrusted | None
    state: State
    why: str
    auc: float | None = None
    """Of `alone` and `absence`, turned so that it is at least .5; of `together` and `shuffled`, that of all columns. With its interval of
    95 % (Hanley and McNeil 1982)."""
    low: float | None = None
    high: float | None = None
    left: float | None = None
    """Of `shuffled`: what is left of that AUC with this column shuffled."""
    lost: float | None = None
    """Of `shuffled`: the share of what all columns tell beyond chance that goes with it, (auc - left) / (auc - .5)."""
    count: int | None = None
    """Of `time` and `as-of key`: rows that break it."""
    rows: int
    """Rows that the check rests on."""
    sample: tuple[Late, ...] = ()


def standard_error(auc: float, positives: int, negatives: int) -> float:
    """Of an AUC, by Hanley and McNeil (1982), from the numbers of rows alone."""
    first, second = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = (positives - 1) * (first - auc * auc) + (negatives - 1) * (second - auc * auc)
    return math.sqrt((auc * (1 - auc) + spread) / (positives * negatives))


def interval(auc: float, positives: int, negatives: int) -> tuple[float, float]:
    """Of 95 %."""
    half = NORMAL_95 * standard_error(auc, positives, negatives)
    return max(0.0, auc - half), min(1.0, auc + half)


def too_good(low: float) -> State:
    """The verdict on an AUC by the lower end of its interval."""
    return State.CRITICAL if low > CRITICAL else State.WARNING if low > WARNING else State.OK


def passed(state: State) -> str:
    """The limit that a verdict says was passed, in words to append; empty of an `ok`."""
    return {State.CRITICAL: f"; over {CRITICAL:.2f}", State.WARNING: f"; over {WARNING:.2f}"}.get(state, "")
