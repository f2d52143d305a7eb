"""Requests that were rejected or repaired at inference, by reason and field, over a day and a week."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from backends.store import queries
from backends.store.queries.handled import METRICS, Kind
from backends.store.reader import Reader
from backends.text import Untrusted
from console.views.health.model import View
from console.views.health.windows import micros

DAY, WEEK = timedelta(days=1), timedelta(days=7)


class HandledCount(View):
    """Requests of one kind; without a reason nothing was found, which is a count too."""

    kind: Kind
    reason: Untrusted | None
    field: Untrusted | None
    day: int
    day_requests: int
    """Of how many requests, over the last 24 hours."""
    week: int
    week_requests: int
    simulated: bool


def handled_counts(reader: Reader, environment: str, model: str, at: datetime) -> tuple[HandledCount, ...]:
    """Rejects, then repairs, the most frequent of the week first; none of a kind that nobody counts."""
    return tuple(each for kind in METRICS for each in _of_kind(reader, environment, model, kind, at))


def _of_kind(reader: Reader, environment: str, model: str, kind: Kind, at: datetime) -> list[HandledCount]:
    found = queries.handled_requests(
        reader, environment, model, kind, at - WEEK + timedelta(microseconds=1), at + timedelta(microseconds=1)
    )
    if not len(found.at):
        return []
    lately, asked_lately = found.at > micros(at - DAY), found.requests_at > micros(at - DAY)
    requests = round(float(found.requests[asked_lately].sum())), round(float(found.requests.sum()))
    named = list(zip(found.reasons, found.fields, strict=True))
    counted = []
    for reason, field in dict.fromkeys(named):
        mine = np.array([each == (reason, field) for each in named])
        day, week = round(float(found.value[mine & lately].sum())), round(float(found.value[mine].sum()))
        if week:
            counted.append(_count(kind, reason, field, (day, week), requests, simulated=found.simulated))
    if not counted:
        return [_count(kind, "", "", (0, 0), requests, simulated=found.simulated)]
    return sorted(counted, key=lambda each: -each.week)


def _count(kind: Kind, reason: str, field: str, counts: tuple[int, int], requests: tuple[int, int], *, simulated: bool) -> HandledCount:
    return HandledCount(
        kind=kind,
        reason=Untrusted(reason) if reason else None,
        field=Untrusted(field) if field else None,
        day=counts[0],
        day_requests=requests[0],
        week=counts[1],
        week_requests=requests[1],
        simulated=simulated,
    )
