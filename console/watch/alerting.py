"""From judged signals to alerts and incidents: every stretch of trouble is one alert, however often it is evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from backends.records import Alert, Onset, State
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.control.desk import Desk
from console.control.ledger import read_state
from console.control.records import RuleResponse
from console.policies.signals import caveat_of
from console.render import figures
from console.views.health.judging import TITLES, Judged, trouble_began
from console.views.health.windows import moment_of

LEVELS: Final = {State.WARNING: frozenset({State.WARNING, State.CRITICAL}), State.CRITICAL: frozenset({State.CRITICAL})}
"""States that belong to a stretch of each level."""

SILENT: Final = frozenset({State.UNKNOWN, State.STALE})
"""States that are no verdict: they neither begin nor end a stretch."""

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
    only_logged: bool = False
    """The rule opens no alert: what it saw is recorded, and nobody is told."""
    until: datetime | None = None
    """Where it opens: when the stretch ended, None while it is on."""
    onset: Onset | None = None
    """Where it opens an incident: when the trouble began that led to it, a warning before it included."""


def stretches(states: tuple[State, ...], level: State) -> list[Stretch]:
    """Every stretch of a level, oldest first; windows without a verdict neither begin nor end one."""
    found: list[Stretch] = []
    first: int | None = None
    quiet: list[int] = []
    for place, state in enumerate(states):
        if state in LEVELS[level]:
            first = place if first is None else first
            quiet = []
        elif first is not None and state not in SILENT:
            quiet.append(place)
            if len(quiet) > BRIDGE:
                found.append(Stretch(level, first, quiet[0]))
                first, quiet = None, []
    if first is not None:
        found.append(Stretch(level, first, None))
    return found


def transitions(judged: Iterable[Judged], environment: str, model: str, since: datetime | None) -> list[Transition]:
    """Everything that opened or closed after `since` (None: in the whole history), in order of time.

    A stretch that was on when the history begins has no known start and is left out, unless it is still on. What is quiet now says
    so again, whatever `since` is: the windows of the next evaluation begin elsewhere, and may not know a stretch that an earlier one saw.
    """
    found: list[Transition] = []
    for each in judged:
        rule = each.rule
        if rule is None or each.ends is None or not each.states:
            continue
        logs = rule.only_logs
        for level in LEVELS:
            if (each.signal.warning if level is State.WARNING else each.signal.critical) is None:
                continue
            course = stretches(each.states, level)
            for stretch in course:
                if stretch.first == 0 and stretch.end is not None:
                    continue
                alert = _alert(each, stretch, environment, model)
                title = Untrusted(f"{rule.title}: {alert.message.raw}")
                page = level is State.CRITICAL and rule.severity == "page" and not logs
                closed = None if stretch.end is None else moment_of(int(each.ends[stretch.end]))
                if since is None or alert.opened_at > since or closed is None:
                    found.append(
                        Transition(alert.opened_at, alert, True, title, page, logs, closed, _onset(each, stretch) if page else None)
                    )
                if closed is not None and (since is None or closed > since):
                    found.append(Transition(closed, alert, False, title, False, logs))
            if each.states[-1] not in SILENT and all(stretch.end is not None for stretch in course):
                last = course[-1].end if course else len(each.states) - 1
                alert = _alert(each, Stretch(level, len(each.states) - 1, None), environment, model)
                found.append(Transition(moment_of(int(each.ends[last or 0])), alert, False, Untrusted(rule.title), False, logs))
    return sorted(found, key=lambda transition: (transition.at, not transition.opens, transition.alert.state is State.CRITICAL))


def record(found: Iterable[Transition], desk_at: Callable[[datetime], Desk], paths: WorkspacePaths) -> list[Transition]:
    """Open and close what `found` says, through control; what is on record already stays as it is. Returns what was new.

    What is on record is known by rule, model, level and time, not by the moment at which a stretch began: windows end with the moment
    of each evaluation, so the same stretch begins a little earlier or later every time.
    """
    state = read_state(paths)
    alerts: dict[str, list[Alert]] = {}
    logged: dict[str, list[Alert]] = {}
    for alert in state.alerts.values():
        alerts.setdefault(_series(alert), []).append(alert)
    for response in state.responses.values():
        if response.response == "log":
            logged.setdefault(_series(response.alert), []).append(response.alert)
    new = []
    for transition in found:
        series = _series(transition.alert)
        told, kept = alerts.setdefault(series, []), logged.setdefault(series, [])
        if not transition.opens:
            # What was an alert when it began ends as one, whatever its rule has come to say since.
            for known in _ended(told, transition):
                desk_at(transition.at).close_alert(known.id, transition.at)
                new.append(replace(transition, alert=known, only_logged=False))
            for known in _ended(kept, transition):
                desk_at(transition.at).end_logged(known.id, transition.at)
                new.append(replace(transition, alert=known, only_logged=True))
        elif transition.only_logged:
            if any(_same(known, transition) for known in (*told, *kept)):
                continue
            desk_at(transition.at).respond(_only_logged(transition))
            kept.append(transition.alert)
            new.append(transition)
        elif not any(_same(known, transition) for known in told):
            desk = desk_at(transition.at)
            desk.open_alert(transition.alert)
            if transition.incident:
                desk.open_incident(transition.alert, transition.title, transition.onset)
            told.append(transition.alert)
            new.append(transition)
    return new


def _ended(series: list[Alert], transition: Transition) -> Iterator[Alert]:
    """What is still on in a series and began before; it is marked as ended once it was dealt with."""
    for place, known in enumerate(series):
        if known.closed_at is None and (known.id == transition.alert.id or known.opened_at < transition.at):
            yield known
            series[place] = known.model_copy(update={"closed_at": transition.at})


def _only_logged(transition: Transition) -> RuleResponse:
    alert = transition.alert
    return RuleResponse(id=alert.id, response="log", alert=alert, at=transition.at, state=alert.state, text=transition.title)


def _series(alert: Alert) -> str:
    """What one alert follows another of."""
    return "\n".join((alert.rule, alert.environment, alert.model, alert.state.value))


def _same(known: Alert, opens: Transition) -> bool:
    """Whether an alert of the same series is about this stretch: it still fires, or both ended and were on at one time."""
    if known.id == opens.alert.id or known.closed_at is None:
        return True
    return opens.until is not None and known.opened_at < opens.until and opens.at < known.closed_at


def _onset(judged: Judged, stretch: Stretch) -> Onset | None:
    began = trouble_began(judged, stretch.first)
    return None if began is None else Onset(layer=judged.signal.layer, at=began, signal=judged.signal.id)


def _alert(judged: Judged, stretch: Stretch, environment: str, model: str) -> Alert:
    rule, ends, values = judged.rule, judged.ends, judged.values
    assert rule is not None and ends is not None and values is not None
    opened = int(ends[stretch.first])
    value = float(values[stretch.first])
    limit = judged.signal.critical if stretch.level is State.CRITICAL else judged.signal.warning
    unit = TITLES.get(rule.signal, ("", "ratio"))[1]
    side = "over" if rule.bad == "above" else "under"
    caveat = caveat_of(rule.signal)
    said = f"{judged.signal.title} {figures.amount(value, unit)} {side} {figures.amount(limit, unit)}"
    message = f"{said} ({caveat})" if caveat else said
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
