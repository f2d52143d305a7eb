"""Scores that a service sends to people, as it counts them itself: how many wait, and how long the oldest has."""

from __future__ import annotations

from datetime import datetime, timedelta

from backends.records import Moment
from backends.store import queries
from backends.store.queries import MetricValue
from backends.store.reader import Reader
from backends.text import Untrusted
from console.views.health.model import View

WAITING, OLDEST = "reviews_waiting", "review_oldest_hours"
"""Metrics of the layer business: `value` scores that wait at `event_at`, hours since the oldest of them was sent to people."""

BACK = timedelta(days=90)
"""How far back a count is looked for: what nobody has counted for longer is no queue any more."""

OLD = timedelta(hours=24)
"""A count older than this no longer says what waits now."""


class ScoreQueue(View):
    """One queue of scores of a model."""

    model: str
    queue: Untrusted
    """What the service calls it; empty where it has one without a name."""
    asked: Untrusted
    """Who answers, as the service says; empty where it does not."""
    waiting: int | None
    """None: it could not be counted."""
    oldest_hours: float | None
    """How long the oldest had waited when it was counted; None: not said."""
    counted_at: Moment
    old: bool
    """Whether that is more than a day ago."""
    simulated: bool

    @property
    def since(self) -> datetime | None:
        """Since when the oldest waits, while any does."""
        return None if self.oldest_hours is None else self.counted_at - timedelta(hours=self.oldest_hours)


def score_queues(reader: Reader, environment: str, at: datetime, model: str | None = None) -> tuple[ScoreQueue, ...]:
    """Every queue that is counted, the empty ones too. Raises StoreError."""
    found = {
        name: queries.latest_metrics(reader, environment, model=model, layer="business", name=name, since=at - BACK)
        for name in (WAITING, OLDEST)
    }
    ages = {(*_queue(each), each.event_at): each.value for each in found[OLDEST]}
    newest: dict[tuple[str, str, str, str], MetricValue] = {}
    for each in sorted(found[WAITING], key=lambda each: each.event_at):
        newest[_queue(each)] = each
    return tuple(_of(each, ages.get((*place, each.event_at)), at) for place, each in sorted(newest.items()) if place[0])


def _queue(value: MetricValue) -> tuple[str, str, str, str]:
    # A queue is the model's, whichever version sent its scores there.
    return value.model or "", str(value.labels.get("queue", "")), str(value.labels.get("asked", "")), value.source


def _of(value: MetricValue, oldest: float | None, at: datetime) -> ScoreQueue:
    model, queue, asked, _ = _queue(value)
    return ScoreQueue(
        model=model,
        queue=Untrusted(queue),
        asked=Untrusted(asked),
        waiting=None if value.value is None else round(value.value),
        oldest_hours=oldest,
        counted_at=value.event_at,
        old=at - value.event_at > OLD,
        simulated=value.simulated,
    )
