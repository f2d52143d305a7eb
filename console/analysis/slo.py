"""Error budgets: how fast they burn, how much is left, and when that is worth waking somebody.

Burn rate over w = (bad / total over w) / (1 - objective), windows [t - w, t). An alert fires when the long and the short window are
both strictly above its rate (the multi-window, multi-burn-rate method of Google's SRE workbook). No data is never good data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from backends.records import State
from console.analysis.intervals import Floats, Ints

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
"""Lengths in microseconds, the unit of every time here."""

MINIMUM_EVENTS: Final = 30
"""Events in the long window below which a rule stays silent: one bad event of three is no outage."""

ROUNDING: Final = 1e-12
"""Relative error of a float division: "strictly above" means above by more than this."""


@dataclass(frozen=True, slots=True)
class BurnRule:
    """Alert when both windows burn faster than `rate`; spends rate x long / period of the budget before it fires at a steady rate."""

    name: str
    severity: State
    long: int
    short: int
    rate: float


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Cumulative counts of good and bad events, for any window in two look-ups."""

    at: Ints
    total: Floats
    bad: Floats

    @classmethod
    def of(cls, event_at: npt.ArrayLike, bad: npt.ArrayLike, total: npt.ArrayLike | None = None) -> EventCounts:
        """From one entry an event (`bad` is 0 or 1), or from buckets (`bad` and `total` are counts, `event_at` their start).

        Raises ValueError for unequal lengths, negative counts, or more bad events than events.
        """
        at, wrong = np.asarray(event_at, dtype=np.int64), np.asarray(bad, dtype=np.float64)
        every = np.ones(at.size) if total is None else np.asarray(total, dtype=np.float64)
        if not at.size == wrong.size == every.size:
            raise ValueError(f"{at.size} times, {wrong.size} bad counts and {every.size} totals: they must be of one length")
        if not ((wrong >= 0) & (wrong <= every)).all():
            raise ValueError("bad events must lie between 0 and the total of their bucket")
        order = np.argsort(at, kind="stable")
        start = np.zeros(1)
        return cls(at[order], np.concatenate((start, np.cumsum(every[order]))), np.concatenate((start, np.cumsum(wrong[order]))))

    def over(self, start: int, end: int) -> tuple[float, float]:
        """Bad events and all events in [start, end)."""
        first, last = np.searchsorted(self.at, (start, end))
        return float(self.bad[last] - self.bad[first]), float(self.total[last] - self.total[first])


@dataclass(frozen=True, slots=True)
class WindowBurn:
    """Burn in one window; `burn_rate` is None without events. `covered` is the part of the window since recording began, 0 to 1."""

    width: int
    bad: float
    total: float
    burn_rate: float | None
    covered: float


@dataclass(frozen=True, slots=True)
class BurnAlert:
    """One rule, judged."""

    rule: BurnRule
    long: WindowBurn
    short: WindowBurn
    state: State
    reason: str

    @property
    def times(self) -> float | None:
        """How many times its rate burns in the window that burns less: above 1 the rule fires. None where it cannot be judged."""
        if self.state == State.UNKNOWN or self.long.burn_rate is None or self.short.burn_rate is None:
            return None
        # Rounded as "strictly above" is: a burn at its rate is not above it.
        return round(min(self.long.burn_rate, self.short.burn_rate) / self.rule.rate, 11)


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """An objective at one moment. `budget_left` is 1 for an untouched budget, 0 for a spent one, negative beyond; None without events.

    `exhausted_in` is in microseconds, at the burn rate of the last rule's long window; None if it is not burning, unknown or already spent.
    """

    objective: float
    period: int
    bad: float
    total: float
    burn_rate: float | None
    budget_spent: float | None
    budget_left: float | None
    exhausted_in: float | None
    covered: float
    state: State
    reason: str
    alerts: tuple[BurnAlert, ...]


def burn_rate(bad: float, total: float, objective: float) -> float | None:
    """(bad / total) / (1 - objective); None without events. Raises ValueError unless 0 < objective < 1."""
    if not 0 < objective < 1:
        raise ValueError(f"an objective of {objective:g} has no budget to burn; write a share above 0 and below 1, such as 0.99")
    budget = round(1 - objective, 12)  # 1 - 0.9 is a little less than 0.1, which would put "exactly at the limit" above it
    return bad / total / budget if total > 0 else None


def budget_status(
    events: EventCounts,
    at: int,
    objective: float,
    *,
    period: int = 30 * DAY,
    rules: Sequence[BurnRule],
    minimum_events: int = MINIMUM_EVENTS,
    recorded_since: int | None = None,
) -> BudgetStatus:
    """Budget and alerts at `at` (int64 microseconds, as `events`). `recorded_since` is when recording began; default: the first event.

    The state is the worst alert, `critical` for a spent budget, `unknown` without enough events to judge anything.
    """
    began = recorded_since if recorded_since is not None else int(events.at[0]) if events.at.size else at

    def burn(width: int) -> WindowBurn:
        bad, total = events.over(at - width, at)
        covered = min(1.0, max(0.0, (at - began) / width))
        return WindowBurn(width, bad, total, burn_rate(bad, total, objective), covered)

    whole = burn(period)
    alerts = tuple(_judged(rule, burn(rule.long), burn(rule.short), minimum_events) for rule in rules)
    spent = whole.burn_rate
    left = None if spent is None else 1.0 - spent
    slowest = alerts[-1].long.burn_rate if alerts else whole.burn_rate
    empty_in = left * period / slowest if left is not None and left > 0 and slowest else None
    state, reason = _overall(whole, left, alerts, minimum_events)
    if whole.covered < 1:
        reason += f"; window not full: {_length(whole.covered * period)} of {_length(period)}"
    return BudgetStatus(
        objective, period, whole.bad, whole.total, whole.burn_rate, spent, left, empty_in, whole.covered, state, reason, alerts
    )


def _judged(rule: BurnRule, long: WindowBurn, short: WindowBurn, minimum: int) -> BurnAlert:
    if long.burn_rate is None or long.total < minimum:
        state, reason = State.UNKNOWN, f"{long.total:g} events in {_length(rule.long)}, fewer than {minimum}"
    elif short.burn_rate is None:
        state, reason = State.UNKNOWN, f"no events in the last {_length(rule.short)}"
    else:
        over = rule.rate * (1 + ROUNDING)
        fires = long.burn_rate > over and short.burn_rate > over
        state = rule.severity if fires else State.OK
        windows = f"{_length(rule.long)} and {_length(rule.short)}"
        reason = f"burns {long.burn_rate:.3g} and {short.burn_rate:.3g} times the budget over {windows}"
        reason += f", {'both' if fires else 'not both'} over {rule.rate:g}"
    if long.covered < 1:
        reason += f"; window not full: {_length(long.covered * rule.long)} of {_length(rule.long)}"
    return BurnAlert(rule, long, short, state, reason)


def _overall(whole: WindowBurn, left: float | None, alerts: Sequence[BurnAlert], minimum: int) -> tuple[State, str]:
    if left is None or whole.total < minimum:
        return State.UNKNOWN, f"{whole.total:g} events in {_length(whole.width)}, fewer than {minimum}"
    if left <= 0:
        return State.CRITICAL, f"the budget is spent {1 - left:.2g} times"
    for severity in (State.CRITICAL, State.WARNING):
        firing = next((alert for alert in alerts if alert.state == severity), None)
        if firing is not None:
            return severity, f"{firing.rule.name}: {firing.reason}"
    return State.OK, f"{left:.0%} of the budget is left"


def _length(microseconds: float) -> str:
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if microseconds >= unit:
            return f"{microseconds / unit:.3g} {name}"
    return f"{microseconds / 1_000_000:.3g} s"
