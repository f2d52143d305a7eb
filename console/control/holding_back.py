"""Whose rows stay, whatever a retention rule says: those that a version in service, an open incident or a waiting request rest on.

It goes by the registry, the journal and the clock alone, so that what a plan was drawn from is checked again where it is carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from backends.protocol import AliasMove
from backends.store.deleted import NO_MODEL
from console.control.actions import SERVING_ALIAS, ActionKind, version_label
from console.control.retention_terms import HeldDays
from console.control.state import ControlState

REFERENCE: Final = timedelta(days=22)
"""On either side of the moment from which a version serves: its reference is three weeks before or after it, in whole days."""

BEFORE: Final = timedelta(days=30)
"""Before an onset or a request: what is judged then is held against the weeks before it."""


def held_back(state: ControlState, moves: Sequence[AliasMove], environment: str, model: str, now: datetime) -> tuple[HeldDays, ...]:
    """The days of a model's rows that stay, each stretch with its reason; the last day of one that goes on is today.

    What belongs to no model stays for whichever model it may be of use to.
    """
    found = []
    about = None if model == NO_MODEL else model
    serving = _serving(moves, now)
    if serving is not None:
        version, since = serving
        reason = f"reference of {version_label(version)}, which serves"
        found.append(_days(since - REFERENCE, min(now, since + REFERENCE), reason))
    for incident in state.open_incidents(environment, about):
        onset = incident.opened_at if incident.onset is None else min(incident.onset.at, incident.opened_at)
        found.append(_days(onset - BEFORE, now, f"{incident.id} is open"))
    for approval in state.open_approvals(now, environment, about):
        if approval.payload.action is ActionKind.RETAIN:
            # It is what is asked for, and rests on no rows.
            continue
        found.append(_days(approval.payload.requested_at - BEFORE, now, f"{approval.id} waits"))
    return tuple(found)


def not_held(drawn: Sequence[HeldDays], now: Sequence[HeldDays]) -> HeldDays | None:
    """The first stretch of `now` of which a plan that holds `drawn` would delete a part."""
    return next((each for each in now if not any(other.first <= each.first and other.last >= each.last for other in drawn)), None)


def _serving(moves: Sequence[AliasMove], now: datetime) -> tuple[str, datetime] | None:
    """The version in service and since when, without a break."""
    found: tuple[str, datetime] | None = None
    for move in moves:
        if move.alias != SERVING_ALIAS or move.moved_at > now:
            continue
        if move.version is None:
            found = None
        elif found is None or found[0] != move.version:
            found = (move.version, move.moved_at)
    return found


def _days(start: datetime, end: datetime, reason: str) -> HeldDays:
    return HeldDays(first=start.astimezone(UTC).strftime("%Y-%m-%d"), last=end.astimezone(UTC).strftime("%Y-%m-%d"), reason=reason)
