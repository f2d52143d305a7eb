"""Requests that were rejected or repaired at inference, summed over the window of their rule from what producers count."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from backends.store import queries
from backends.store.queries import Handled
from backends.store.queries.handled import Kind
from backends.store.reader import Reader
from console.policies.rules import AlertRule
from console.views.health.judging import Judged, judge, limits_of, unknown
from console.views.health.measures import Measured
from console.views.health.subject import Subject
from console.views.health.windows import Floats, Ints, moment_of

HANDLED: Final[dict[str, Kind]] = {"reject_share": "reject", "repair_share": "repair"}
"""The signals, and what they are counts of."""


def handled_signal(rule: AlertRule, reader: Reader, subject: Subject, at: datetime, ends: Ints, strip: Ints) -> Judged:
    """Rejects, or repairs, as a share of the requests of the window; the last value names the most frequent reason and field."""
    kind = HANDLED[rule.signal]
    width = round(rule.window.total_seconds() * 1_000_000)
    start = moment_of(int(min(ends[0], strip[0])) - width)
    found = queries.handled_requests(reader, subject.environment, subject.model.name, kind, start, at + timedelta(microseconds=1))
    if not len(found.at):
        return unknown(rule, f"nobody counts {kind}s at inference")
    counts, requests = _summed(found.at, found.value, ends, width), _summed(found.requests_at, found.requests, ends, width)
    values = np.divide(counts, requests, out=np.full(len(ends), np.nan), where=requests > 0)
    measured = Measured(
        values, requests.astype(np.int64), of=_most(found, int(ends[-1]), width), why_not="no requests were counted in its window"
    )
    judged = judge(rule, measured, limits_of(rule, subject.model.name, None), ends, strip)
    return replace(judged, signal=judged.signal.model_copy(update={"simulated": found.simulated}))


def _summed(at: Ints, values: Floats, ends: Ints, width: int) -> Floats:
    """Sums of what ended in (end - width, end]."""
    until = np.concatenate([[0.0], np.cumsum(values)])
    found: Floats = until[np.searchsorted(at, ends, side="right")] - until[np.searchsorted(at, ends - width, side="right")]
    return found


def _most(found: Handled, end: int, width: int) -> str | None:
    """`dest: unknown category`, which was counted most in the last window."""
    totals: dict[tuple[str, str], float] = {}
    for when, value, reason, field in zip(found.at.tolist(), found.value.tolist(), found.reasons, found.fields, strict=True):
        if end - width < when <= end and value > 0:
            totals[field, reason] = totals.get((field, reason), 0.0) + value
    if not totals:
        return None
    field, reason = max(totals, key=lambda each: totals[each])
    return ": ".join(part for part in (field, reason) if part) or None
