"""The one clock. Nothing else in the program asks the operating system what time it is.

Three kinds: the real one, a simulated one (a workspace may stand still or run faster than life, and everything acts in it),
and a moment of the past (time travel: reading only).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199
"""Moments outside of these years are slips of the pen, and near the ends of what a time can be nothing can be counted from them."""


def no_moment(moment: datetime) -> str | None:
    """Why nothing can be asked for at a moment, or None."""
    return None if FIRST_YEAR <= moment.year <= LAST_YEAR else f"is outside of the years {FIRST_YEAR} to {LAST_YEAR}"


def no_past(moment: datetime, now: datetime) -> str | None:
    """Why nobody can look at a moment as it was, or None: nothing is known of what has not been yet, not even that it is well."""
    return no_moment(moment) or (f"has not been yet: it is {now.isoformat(timespec='seconds')} here" if moment > now else None)


class Clock(Protocol):
    """What the program knows of time."""

    @property
    def kind(self) -> str:
        """`now` (real), `sim` (simulated, acts normally) or `past` (time travel, nothing acts)."""
        ...

    def now(self) -> datetime:
        """The moment that facts are judged by: aware, UTC."""
        ...

    def real_now(self) -> datetime:
        """The moment on the wall, for the audit, which records both."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, for measuring how long something took."""
        ...


class SystemClock:
    """Real time."""

    kind = "now"

    def now(self) -> datetime:
        return datetime.now(UTC)

    def real_now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True)
class SimulatedClock(SystemClock):
    """A workspace's own time: `start` at the real moment `anchored_at`, then `speed` seconds for each real one; speed 0 stands still."""

    start: datetime
    anchored_at: datetime
    speed: float = 0.0
    kind = "sim"

    def now(self) -> datetime:
        return self.start + timedelta(seconds=(self.real_now() - self.anchored_at).total_seconds() * self.speed)


@dataclass(frozen=True)
class PastClock(SystemClock):
    """Time travel to `at`: what was known then. Every action is refused under it."""

    at: datetime
    kind = "past"

    def now(self) -> datetime:
        return self.at
