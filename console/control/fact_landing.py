"""Tells the store what was done, as one more event of the model's history. An action never waits for it and never fails by it."""

from __future__ import annotations

import logging
from datetime import datetime

from backends.records import Event
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.control.actions import ALIAS_KINDS, SWITCH_STATES, ActionOutcome, ActionState
from console.control.identity import Actor

_log = logging.getLogger(__name__)


def land_outcome(paths: WorkspacePaths, actor: Actor, outcome: ActionOutcome, now: datetime) -> bool:
    """Drop the outcome into `landing/` as an Event; False when that was not possible, which only the log says."""
    if outcome.state is ActionState.REFUSED:
        return False
    topic = "alias" if outcome.kind in ALIAS_KINDS else "switch" if outcome.kind in SWITCH_STATES else "incident"
    movement = f" {outcome.from_} -> {outcome.to}" if outcome.to is not None else ""
    event = Event.model_validate(
        {
            "environment": outcome.environment,
            "source": "control",
            "event_at": now,
            "known_at": now,
            "fact_id": f"{outcome.action_id}/{outcome.state.value}",
            "name": outcome.action_id,
            "model": outcome.model,
            "topic": topic,
            "message": Untrusted(f"{outcome.kind.value}{movement}: {outcome.state.value}"),
            "actor": actor.who,
        }
    )
    try:
        if not paths.landing.is_dir():
            return False
        # Loaded here: the store brings a database engine that no action may depend on.
        from backends.store.landing import land_records  # noqa: PLC0415

        land_records(paths, [event], now=now)
    except Exception as error:
        # Whatever the store says cannot undo what has happened.
        _log.warning("the outcome of %s was not landed: %s", outcome.action_id, error)
        return False
    return True
