"""What changed: deploys, data, schema, switches and people, nearest to the onset first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from backends.records import Moment
from backends.store import queries
from backends.store.reader import Reader
from backends.text import Untrusted
from console.views.health.model import View

LOOK_BACK: Final = timedelta(days=60)


class Change(View):
    """Something that changed."""

    at: Moment
    topic: str
    message: Untrusted
    actor: str | None
    source: str
    hours_before_onset: float | None
    """Positive: before the onset; negative: after it. None when nothing broke."""
    name: str = ""
    """What it is called: the name of the event, the id of the action, incident or approval."""


class ChangesView(View):
    """Everything that changed for a model in the last sixty days."""

    model: str
    at: Moment
    onset: Moment | None
    onset_why: str = ""
    """What broke at the onset, or why there is none."""
    zone: str = "UTC"
    past: bool = False
    items: tuple[Change, ...]


def changes_view(
    reader: Reader, environment: str, model: str, onset: datetime | None, at: datetime, look_back: timedelta = LOOK_BACK
) -> ChangesView:
    """Changes of the model and of everything that belongs to no single model; nearest to the onset first, what came before it ahead."""
    events = queries.events_between(reader, at - look_back, at, environment=environment)
    found = [
        Change(
            at=event.event_at,
            topic=event.topic,
            message=event.message,
            actor=event.actor,
            source=event.source,
            hours_before_onset=(onset - event.event_at).total_seconds() / 3600 if onset else None,
            name=event.name,
        )
        for event in events
        if event.model in {None, model}
    ]

    return ChangesView(model=model, at=at, onset=onset, items=nearest_first(found))


def nearest_first(changes: list[Change]) -> tuple[Change, ...]:
    """Nearest to the onset first, what came before it ahead of what came after; without an onset the newest first."""

    def nearness(change: Change) -> tuple[bool, float]:
        hours = change.hours_before_onset
        if hours is None:
            return False, -change.at.timestamp()
        return hours < 0, abs(hours)

    return tuple(sorted(changes, key=nearness))
