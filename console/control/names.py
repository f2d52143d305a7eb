"""The numbers of requests and incidents that wait for somebody now, without control being loaded: for completion."""

from __future__ import annotations

from typing import Final

from backends.journal.names import standing_subjects
from backends.store.paths import WorkspacePaths
from console.control import events

_OPENING: Final = {events.ASKED: "$.payload.environment", events.INCIDENT_OPENED: "$.incident.environment"}
_ENDING: Final = frozenset({events.EXECUTED, events.VETOED, events.VOIDED, events.CLOSED})


def standing_names(paths: WorkspacePaths, environment: str) -> list[str] | None:
    """Requests that are not used up, vetoed or void, and incidents that are not closed, oldest first; None when nobody can tell."""
    return standing_subjects(paths.control, _OPENING, _ENDING, environment)
