"""Tells the store what was done, as one more event of the model's history. An action never waits for it and never fails by it."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import Literal

from backends.records import Event
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.control.actions import ALIAS_KINDS, SWITCH_STATES, TRAFFIC_KINDS, ActionKind, ActionOutcome, ActionState, version_label
from console.control.identity import Actor

_log = logging.getLogger(__name__)


class FactLanding:
    """Lands outcomes behind the action's back: the person who acted has their answer before any database engine is loaded."""

    def __init__(self, paths: WorkspacePaths, actor: Actor) -> None:
        self._paths = paths
        self._actor = actor
        self._under_way: list[threading.Thread] = []

    def land(self, outcome: ActionOutcome, now: datetime) -> None:
        """Begin to land `outcome`; a refusal changed nothing and is no fact."""
        if outcome.state is ActionState.REFUSED:
            return
        # Not a daemon: a process that ends right after its action still lands it.
        thread = threading.Thread(target=self._land, args=(outcome, now), name=f"land {outcome.action_id}")
        self._under_way = [other for other in self._under_way if other.is_alive()] + [thread]
        thread.start()

    def finish(self) -> None:
        """Wait for what is under way."""
        for thread in self._under_way:
            thread.join()
        self._under_way = []

    def _land(self, outcome: ActionOutcome, now: datetime) -> None:
        try:
            if self._paths.landing.is_dir():
                # Loaded here: the store brings a database engine that no action may depend on.
                from backends.store.landing import land_records

                land_records(self._paths, [_event(self._actor, outcome, now)], now=now)
        except Exception as error:
            # Whatever the store says cannot undo what has happened.
            _log.warning("the outcome of %s was not landed: %s", outcome.action_id, error)


def _event(actor: Actor, outcome: ActionOutcome, now: datetime) -> Event:
    named = version_label if outcome.kind in ALIAS_KINDS else lambda name: name or "nobody"
    movement = f" {named(outcome.from_)} -> {named(outcome.to)}" if outcome.to is not None else ""
    return Event(
        environment=outcome.environment,
        source="control",
        event_at=now,
        known_at=now,
        fact_id=f"{outcome.action_id}/{outcome.state.value}",
        name=outcome.action_id,
        model=outcome.model,
        topic=_topic(outcome),
        message=Untrusted(f"{outcome.kind.value}{movement}: {outcome.state.value}"),
        actor=actor.who,
    )


def _topic(outcome: ActionOutcome) -> Literal["alias", "switch", "deploy", "data", "incident"]:
    if outcome.kind in ALIAS_KINDS:
        return "alias"
    if outcome.kind is ActionKind.RETAIN:
        return "data"
    if outcome.kind in SWITCH_STATES:
        return "switch"
    return "deploy" if outcome.kind in TRAFFIC_KINDS else "incident"
