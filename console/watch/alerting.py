"""From judged signals to alerts and incidents: every stretch of trouble is one alert, however often it is evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backends.records import Alert, State
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.control.desk import Desk
from console.control.ledger import read_state
from console.render import figures
from console.views.judging import TITLES, Judged
from console.views.windows import moment_of

LEVELS: Final = {State.WARNING: frozenset({State.WARNING, State.CRITICAL}), State.CRITICAL: frozenset({State.CRITICAL})}
"""States that belong to a stretch of each level."""

BRIDGE: Final = 3
"""Windows without trouble that do not end a stretch: a number that hovers at its limit is one alert."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of trouble of one signal at one level: indices of its first window and of the one that ended it."""

    level: State
    first: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Transition:
    """Something that alerts do at a moment."""

    at: datetime
    alert: Alert
    opens: bool
    title: Untrusted
    incident: bool


def stretches(states: tuple[State, ...], level: State) -> list[Stretch]:
    """Every stretch of a level, oldest first; windows without a verdict neither begin nor end one."""
    found: list[Stretch] = []
    first: int | None = None
    quiet: list[int] = []
    for place, state in enumerate(states):
        if state in LEVELS[level]:
            first = place if first is None else first
            quiet = []
        elif first is not None and state not in {State.UNKNOWN, State.STALE}:
            quiet.append(place)
            if len(quiet) > BRIDGE:
                found.append(Stretch(level, first, quiet[0]))
                first, quiet = None, []
    if first is not None:
        found.append(Stretch(level, first, None))
    return found


def transitions(judged: Iterable[Judged], environment: str, model: str, since: datetime | None) -> list[Transition]:
    """Everything that opened or closed after `since` (None: in the whole history), in order of time.

    A stretch that was on when the history begins has no known start and is left out, unless it is still on.
    """
    found: list[Transition] = []
    for each in judged:
        rule = each.rule
        if rule is None or rule.response == "log" or rule.severity == "note" or each.ends is None or not each.states:
            continue
        for level in LEVELS:
            if (each.signal.warning if level is State.WARNING else each.signal.critical) is None:
                continue
            for stretch in stretches(each.states, level):
                if stretch.first == 0 and stretch.end is not None:
                    continue
                alert = _alert(each, stretch, environment, model)
                title = Untrusted(f"{rule.title}: {alert.message.raw}")
                page = level is State.CRITICAL and rule.severity == "page"
                if since is None or alert.opened_at > since or stretch.end is None:
                    found.append(Transition(alert.opened_at, alert, True, title, page))
                if stretch.end is not None:
                    closed = moment_of(int(each.ends[stretch.end]))
                    if since is None or closed > since:
                        found.append(Transition(closed, alert, False, title, False))
    return sorted(found, key=lambda transition: (transition.at, not transition.opens, transition.alert.state is State.CRITICAL))


def record(found: Iterable[Transition], desk_at: Callable[[datetime], Desk], paths: WorkspacePaths) -> list[Transition]:
    """Open and close what `found` says, through control; what is on record already stays as it is. Returns what was new."""
    known = read_state(paths).alerts
    opened = set(known)
    closed = {identifier for identifier, alert in known.items() if alert.closed_at is not None}
    new = []
    for transition in found:
        identifier = transition.alert.id
        if transition.opens and identifier not in opened:
            desk = desk_at(transition.at)
            desk.open_alert(transition.alert)
            if transition.incident:
                desk.open_incident(transition.alert, transition.title)
            opened.add(identifier)
            new.append(transition)
        elif not transition.opens and identifier in opened - closed:
            desk_at(transition.at).close_alert(identifier, transition.at)
            closed.add(identifier)
            new.append(transition)
    return new


def _alert(judged: Judged, stretch: Stretch, environment: str, model: str) -> Alert:
    rule, ends, values = judged.rule, judged.ends, judged.values
    assert rule is not None and ends is not None and values is not None
    opened = int(ends[stretch.first])
    value = float(values[stretch.first])
    limit = judged.signal.critical if stretch.level is State.CRITICAL else judged.signal.warning
    unit = TITLES.get(rule.signal, ("", "ratio"))[1]
    side = "over" if rule.bad == "above" else "under"
    message = f"{judged.signal.title} {figures.amount(value, unit)} {side} {figures.amount(limit, unit)}"
    return Alert(
        id=alert_id(rule.id, environment, model, stretch.level, opened),
        rule=rule.id,
        model=model,
        environment=environment,
        layer=rule.layer,
        state=stretch.level,
        opened_at=moment_of(opened),
        value=value,
        limit=limit,
        n=int(judged.n[stretch.first]) if judged.n is not None else None,
        message=Untrusted(message),
        playbook=rule.playbook,
    )


def alert_id(rule: str, environment: str, model: str, level: State, opened: int) -> str:
    """`ALR-` and eight hex digits, given by what fires and since when: evaluating again names the same alert."""
    text = "\n".join((rule, environment, model, level.value, str(opened)))
    return f"ALR-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
