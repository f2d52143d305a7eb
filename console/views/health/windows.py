"""The windows in which health is judged, and the rows of one model laid out for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HOUR: Final = 3_600_000_000
"""One hour in microseconds: times in arrays are int64 microseconds since 1970, UTC."""

STRIP_DAYS: Final = 14
STRIP_STEP_HOURS: Final = 12
"""The course of a signal is shown over this many days, one value every so many hours."""

HISTORY_DAYS: Final = 21
"""How far back states are judged hour by hour, to say since when."""

REFERENCE_DAYS: Final = 21
"""Length of the reference: the first three weeks of the version's service; the three weeks before it, when it served for less than four."""


def micros(moment: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return round(moment.timestamp() * 1_000_000)


def moment_of(value: int) -> datetime:
    """The aware time of microseconds since 1970."""
    return datetime.fromtimestamp(value / 1_000_000, UTC)


@dataclass(frozen=True, slots=True)
class Reference:
    """The period that limits are calibrated on."""

    start: datetime
    end: datetime
    because: str


def reference_of(version_since: datetime | None, first_scored: datetime | None, at: datetime) -> Reference | None:
    """The reference period of a version, or None when there is no week of history to calibrate on."""
    length = timedelta(days=REFERENCE_DAYS)
    since = version_since or first_scored
    if since is None or first_scored is None:
        return None
    if at - since >= length + timedelta(days=7):
        return Reference(since, since + length, "the first three weeks of this version's service")
    start = max(first_scored, since - length)
    if since - start >= timedelta(days=7):
        return Reference(start, since, "the three weeks before this version served")
    if at - since >= timedelta(days=10):
        return Reference(since, at - timedelta(days=3), "all but the last three days")
    return None


def hourly_ends(at: datetime, days: int = HISTORY_DAYS) -> Ints:
    """Ends of hourly windows, oldest first; the last one is `at` itself, the others are whole hours."""
    return _ends(at, HOUR, days * 24)


def strip_ends(at: datetime, days: int = STRIP_DAYS, step_hours: int = STRIP_STEP_HOURS) -> Ints:
    """Ends of the windows that the course of a signal is drawn over, oldest first.

    The last one is `at` itself, the others are midnight and noon, UTC.
    """
    return _ends(at, step_hours * HOUR, days * 24 // step_hours)


def _ends(at: datetime, step: int, steps: int) -> Ints:
    """Windows that were counted back from `at` would judge another past at every minute: what has begun would begin elsewhere."""
    last = micros(at)
    whole = last - last % step
    ends = whole - np.arange(steps, -1, -1, dtype=np.int64) * step
    return ends if whole == last else np.append(ends[1:], last)


@dataclass(frozen=True, slots=True)
class Rows:
    """The live rows of one model in order of time. `label` is NaN where unknown; all arrays have one length."""

    event_at: Ints
    score: Floats
    label: Floats
    label_known_at: Ints
    latency_ms: Floats
    version: npt.NDArray[Any]
    served_by: npt.NDArray[Any]
    columns: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    """Inputs that were asked for, by name."""

    def between(self, start: int, end: int) -> slice:
        """The slice of rows with `start <= event_at < end`."""
        first, last = np.searchsorted(self.event_at, [start, end])
        return slice(int(first), int(last))

    def where(self, mask: npt.NDArray[np.bool_]) -> Rows:
        """The rows of a mask."""
        return Rows(
            event_at=self.event_at[mask],
            score=self.score[mask],
            label=self.label[mask],
            label_known_at=self.label_known_at[mask],
            latency_ms=self.latency_ms[mask],
            version=self.version[mask],
            served_by=self.served_by[mask],
            columns={name: values[mask] for name, values in self.columns.items()},
        )

    def then(self, later: Rows) -> Rows:
        """These rows and `later` ones, none of which is older than any of these. Both have the same columns."""
        joined = {
            name: np.concatenate([getattr(self, name), getattr(later, name)]) for name in self.__dataclass_fields__ if name != "columns"
        }
        return Rows(**joined, columns={name: np.concatenate([self.columns[name], later.columns[name]]) for name in later.columns})

    def known_labels(self, span: slice, by: int) -> Floats:
        """Labels of a slice as they were known at `by`: NaN where the label came later."""
        return np.where(self.label_known_at[span] <= by, self.label[span], np.nan)

    def __len__(self) -> int:
        return len(self.event_at)
