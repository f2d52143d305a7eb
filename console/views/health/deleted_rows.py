"""Windows whose rows retention deleted: what would be counted there is unknown, and never none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from backends.records import State
from backends.store.deleted import Deleted
from backends.store.reader import Reader
from console.policies.signals import is_landed
from console.views.health.deleted_words import deleted_of, words
from console.views.health.judging import Judged
from console.views.health.measures import Measured
from console.views.health.windows import Ints, micros

OF_OUTCOMES: Final = frozenset(
    {
        "late_gap",
        "mae",
        "mae_ratio",
        "brier_ratio",
        "bias_ratio",
        "ece",
        "auc",
        "auc_drop",
        "slice_auc_gap",
        "label_coverage",
        "harm_errors",
        "harm_gap",
    }
)
"""Signals that need the outcomes of their rows too."""

_EVER: Final = int(np.iinfo(np.int64).min // 2)


@dataclass(frozen=True, slots=True)
class Gone:
    """The stretches of time, in microseconds, whose rows of some tables were deleted, and what is said of them."""

    stretches: tuple[tuple[int, int], ...] = ()
    why: str = ""

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether some rows of [start, end) may be gone."""
        return any(first < micros(end) and last > micros(start) for first, last in self.stretches)

    def touched(self, starts: Ints, ends: Ints) -> npt.NDArray[np.bool_]:
        """The same for many windows."""
        found = np.zeros(len(ends), dtype=np.bool_)
        for first, last in self.stretches:
            found |= (starts < last) & (ends > first)
        return found


NOTHING_GONE: Final = Gone()


def gone_of(reader: Reader, environment: str, model: str, *tables: str) -> Gone:
    """What of one model's rows in some tables was deleted."""
    mine = deleted_of(reader, environment, model, *tables)
    return Gone(tuple(stretch for each in mine for stretch in _stretches(each)), words(mine))


def without_deleted(measured: Measured, ends: Ints, width: int, gone: Gone) -> Measured:
    """A measured signal without the windows of which some rows are gone: what is counted on the rest would be wrong."""
    lost = gone.touched(ends - width, ends)
    if not lost.any():
        return measured
    values = np.where(lost, np.nan, measured.values)
    known = np.where(lost, 0, measured.n).astype(np.int64)
    return replace(measured, values=values, n=known, why_not=gone.why) if lost[-1] else replace(measured, values=values, n=known)


def say_deleted(reader: Reader, environment: str, model: str, judged: Sequence[Judged], at: datetime) -> list[Judged]:
    """The signals, of which those whose last window has lost rows are unknown, with the reason."""
    if not any((each.environment, each.model) == (environment, model) for each in reader.deleted):
        return list(judged)
    return [_said(reader, environment, model, each, at) for each in judged]


def _said(reader: Reader, environment: str, model: str, each: Judged, at: datetime) -> Judged:
    if each.rule is None or each.rule.signal in {"failed_runs"}:
        return each
    gone = gone_of(reader, environment, model, *_tables(each.rule.signal))
    if not gone.touches(at - max(each.rule.window, timedelta(hours=1)), at):
        return each
    lost = {
        "state": State.UNKNOWN,
        "value": None,
        "n": None,
        "low": None,
        "high": None,
        "since": None,
        "why": f"{each.rule.id}: {gone.why}",
    }
    states = (*each.states[:-1], State.UNKNOWN) if each.states else ()
    return replace(each, signal=each.signal.model_copy(update=lost), states=states)


def _tables(signal: str) -> tuple[str, ...]:
    if is_landed(signal) or signal == "error_share":
        return ("metrics",)
    return ("predictions", "labels") if signal in OF_OUTCOMES else ("predictions",)


def _stretches(deleted: Deleted) -> list[tuple[int, int]]:
    """What lies before the limit and between the days that were kept back."""
    found, start = [], _EVER
    for span in sorted(deleted.kept, key=lambda each: each.first):
        first = _start_of(span.first)
        if start < first:
            found.append((start, first))
        start = max(start, _start_of((date.fromisoformat(span.last) + timedelta(days=1)).isoformat()))
    end = _start_of(deleted.before)
    return [*found, (start, end)] if start < end else found


def _start_of(day: str) -> int:
    return micros(datetime.fromisoformat(day).replace(tzinfo=UTC))
