"""A circuit breaker: calls to something that keeps failing are not made for a while, then one is tried.

A pure state machine: moments come from the caller, nothing is read or written here, and every step returns a new breaker.

    closed --(enough calls, too many of them failed)--> open --(cool-down)--> half-open --(one probe)--> closed or open again

A person can hold it open or closed, as a kill switch is held: with an owner, a reason and an end. At its end a breaker that is held open
stays so and its owner is asked, since calls are never taken up again by themselves; one that is held closed becomes automatic again,
since that is the more careful of the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MOST_ATTEMPTS: Final = 500
"""Calls that are remembered at most, the newest ones."""

LONGEST_ERROR: Final = 300


class BreakerState(StrEnum):
    """Whether calls are made."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"
    FORCED_OPEN = "forced-open"
    FORCED_CLOSED = "forced-closed"


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a breaker opens, and for how long."""

    minimum_calls: int = 5
    """With fewer calls in the window it never opens, however many of them failed."""
    failure_share: float = 0.5
    """It opens when at least this share of the calls in the window failed."""
    window: timedelta = timedelta(minutes=1)
    cool_down: timedelta = timedelta(minutes=1)
    """How long it stays open before one call is tried."""
    probe: timedelta = timedelta(minutes=1)
    """A probe whose answer has not come by then is given up, and another may be made: its process may be gone."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call that was answered."""

    at: datetime
    ok: bool


@dataclass(frozen=True, slots=True)
class Forced:
    """A breaker held by a person."""

    open: bool
    owner: str
    reason: str
    set_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether a call may be made; its answer is given back with it."""

    allowed: bool
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is remembered of the calls to one thing."""

    attempts: tuple[Attempt, ...] = ()
    opened_at: datetime | None = None
    """When it opened last; None: it is not open."""
    probing_since: datetime | None = None
    forced: Forced | None = None
    last_error: str = ""

    def state(self, rule: BreakerRule, now: datetime) -> BreakerState:
        """Its state at `now`."""
        if self.forced is not None and self.forced.open:
            return BreakerState.FORCED_OPEN
        if self.forced is not None and now < self.forced.until:
            return BreakerState.FORCED_CLOSED
        if self.opened_at is None:
            return BreakerState.CLOSED
        # A wall clock that was set back must not keep it open until that moment comes again.
        cooling = self.opened_at <= now < self.opened_at + rule.cool_down
        return BreakerState.OPEN if cooling else BreakerState.HALF_OPEN

    def overdue(self, now: datetime) -> bool:
        """Whether whoever holds it open should have been asked by `now`."""
        return self.forced is not None and self.forced.open and self.forced.until <= now

    def next_try_at(self, rule: BreakerRule, now: datetime) -> datetime | None:
        """When the next call is tried; None: at any time, or not before a person decides."""
        state = self.state(rule, now)
        if state is BreakerState.OPEN and self.opened_at is not None:
            return self.opened_at + rule.cool_down
        if state is BreakerState.HALF_OPEN and self.probing_since is not None and self._probing(rule, now):
            return self.probing_since + rule.probe
        return None

    def counted(self, rule: BreakerRule, now: datetime) -> tuple[int, int]:
        """Calls in the window that ends at `now`, and how many of them failed."""
        recent = self._recent(rule, now)
        return len(recent), sum(not each.ok for each in recent)

    def asked(self, rule: BreakerRule, now: datetime) -> tuple[Breaker, Permit]:
        """Somebody wants to make a call."""
        state = self.state(rule, now)
        if state in {BreakerState.CLOSED, BreakerState.FORCED_CLOSED}:
            return self, Permit(True)
        if state is BreakerState.HALF_OPEN and not self._probing(rule, now):
            return replace(self, probing_since=now), Permit(True, probe=True)
        return self, Permit(False)

    def answered(self, rule: BreakerRule, now: datetime, permit: Permit, error: str | None = None) -> Breaker:
        """A call that `permit` allowed has ended: well, or with `error`."""
        said = self if error is None else replace(self, last_error=error[:LONGEST_ERROR])
        state = self.state(rule, now)
        if state is BreakerState.HALF_OPEN:
            # Only the probe decides: an answer to a call from before it opened says nothing of now.
            if not permit.probe:
                return said
            return Breaker(forced=self.forced) if error is None else replace(said, opened_at=now, probing_since=None)
        if state in {BreakerState.OPEN, BreakerState.FORCED_OPEN}:
            return said
        counted = (*self._recent(rule, now), Attempt(now, error is None))[-MOST_ATTEMPTS:]
        said = replace(said, attempts=counted)
        calls, failures = said.counted(rule, now)
        if state is BreakerState.CLOSED and error is not None and calls >= rule.minimum_calls and failures >= rule.failure_share * calls:
            return replace(said, opened_at=now, probing_since=None)
        return said

    def held(self, forced: Forced) -> Breaker:
        """A person holds it open or closed."""
        return replace(self, forced=forced)

    def let_go(self) -> Breaker:
        """Automatic again, and with nothing held against what it guards."""
        return Breaker(last_error=self.last_error)

    def _recent(self, rule: BreakerRule, now: datetime) -> tuple[Attempt, ...]:
        return tuple(each for each in self.attempts if now - rule.window < each.at <= now)

    def _probing(self, rule: BreakerRule, now: datetime) -> bool:
        return self.probing_since is not None and self.probing_since <= now < self.probing_since + rule.probe
