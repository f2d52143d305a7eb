"""What changed in the time of a course: what may have caused it, and nothing that merely followed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from backends.store.reader import Reader
from console.control.actions import ActionState
from console.views.health.model import Mark
from console.views.incidents.changes_of import changes_of
from console.views.sight import Sight

CAUSES: Final = frozenset({"deploy", "alias", "switch", "traffic", "data", "schema", "upstream", "flag", "campaign"})
"""Topics of changes that are marked. Incidents, alerts and requests follow from others."""


def marks_of(sight: Sight, reader: Reader, model: str, since: datetime) -> tuple[Mark, ...]:
    """Changes from `since` on, oldest first. An action counts once it is in effect."""
    actions = sight.control.actions
    found = [
        Mark(at=each.at, topic=each.topic, message=each.message, name=each.name)
        for each in changes_of(sight, reader, model, None, look_back=sight.at - since).items
        if each.topic in CAUSES
        and (each.source != "control" or (each.name in actions and actions[each.name].state is ActionState.EFFECTIVE))
    ]
    return tuple(sorted(found, key=lambda each: each.at))
