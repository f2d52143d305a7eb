"""Elevation: for some minutes, with a reason and on one terminal, doing what a read-only environment keeps back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from backends.journal.entries import moment_of
from backends.records import Moment, Name
from console.control.actions import ActionKind, Frozen
from console.control.roles import Policy
from console.control.state import ControlState
from console.control.terminal import Terminal


class Elevation(Frozen):
    """Somebody is elevated. Times are of the clock on the wall: a clock that is simulated may stand still."""

    person: Name
    environment: Name
    terminal: str
    since: Moment
    until: Moment
    reason: str


def standing(state: ControlState, person: str, environment: str, terminal: Terminal | None, real_now: datetime) -> Elevation | None:
    """The elevation of a person on a terminal at `real_now`; None when there is none or it has ended.

    Before its beginning there is none either, and one whose end some later entry has passed is gone from the state: a clock that was
    put back neither prolongs an elevation nor revives it.
    """
    body = None if terminal is None else state.elevations.get(subject_of(person, environment, terminal))
    if terminal is None or body is None:
        return None
    since, until = moment_of(body["since"]), moment_of(body["until"])
    if not since <= real_now < until:
        return None
    return Elevation(person=person, environment=environment, terminal=terminal.said, since=since, until=until, reason=body["reason"])


def longest(policy: Policy, environment: str) -> tuple[timedelta, str]:
    """The longest elevation there and why. A guardrail for some models counts for all: nobody knows yet what will be done."""
    limit, why = timedelta(minutes=policy.elevation_minutes), "no elevation is longer"
    for rail in policy.guardrails:
        given = rail.max_elevation
        if given is not None and given < limit and rail.means(ActionKind.ELEVATE, environment):
            limit, why = given, f"guardrail {rail.id}: {rail.title}"
    return limit, why


def subject_of(person: str, environment: str, terminal: Terminal) -> str:
    """Whom, where and on which terminal an elevation is about."""
    return json.dumps([person, environment, terminal.id], ensure_ascii=False)
