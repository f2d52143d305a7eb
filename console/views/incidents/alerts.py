"""Alerts that fire, or did; and incidents, open ones first, with where their playbook stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from backends.records import Alert, Incident, Layer, Moment, State, severity_rank
from backends.text import Untrusted
from console.control.records import RuleResponse
from console.policies.signals import caveat_of
from console.runbook.records import run_of
from console.views.health.model import View
from console.views.sight import Sight
from playbooks.run import RunError


class Proposal(View):
    """A retrain or a roll back that a rule proposes. It has moved nothing."""

    response: Literal["retrain", "roll back"]
    at: Moment
    state: State
    text: Untrusted
    first: Moment | None
    last: Moment | None
    scored: int | None
    labelled: int | None
    since_alert: int | None
    verb: str | None


class AlertRow(View):
    """One alert."""

    id: str
    rule: str
    model: str
    layer: Layer
    state: State
    """As it fired; whether it still does is `firing`."""
    firing: bool
    since: Moment
    until: Moment | None
    value: float | None
    limit: float | None
    n: int | None
    message: Untrusted
    playbook: str | None
    incident: str | None
    acknowledged_by: str | None
    caveat: str = ""
    """What has to be said beside its number, where its rule judges an estimate."""
    proposal: Proposal | None = None
    """What its rule proposes beside the alert; None where it only alerts."""


class AlertsView(View):
    """Firing alerts first, the worst and longest ahead; then what ended, the newest first."""

    environment: str
    at: Moment
    zone: str
    past: bool
    rows: tuple[AlertRow, ...]
    logged: tuple[AlertRow, ...] = ()
    """What rules only recorded, which is no alert and was told to nobody."""
    problem: Untrusted | None
    """Why control could not be read; then nothing is known of alerts."""


class IncidentRow(View):
    """One incident."""

    id: str
    model: str
    title: Untrusted
    state: Literal["open", "mitigated", "closed"]
    severity: State
    opened_at: Moment
    opened_by: str
    closed_at: Moment | None
    driver: str | None
    driver_since: Moment | None
    alerts: tuple[str, ...]
    playbook: str | None
    run: str | None
    step: Untrusted | None
    """Where its run stands, in words; None when no run was started."""
    step_number: int | None
    steps: int | None
    last_note: Untrusted | None


class IncidentsView(View):
    """Open incidents first, those that nobody has taken ahead; then closed ones, the newest first."""

    environment: str
    at: Moment
    zone: str
    past: bool
    rows: tuple[IncidentRow, ...]
    problem: Untrusted | None


def alerts_view(sight: Sight, *, model: str | None = None, only_firing: bool = False) -> AlertsView:
    """Every alert on record; for a past moment those that there were by then. Never raises."""
    control = sight.control
    only_logged = [each.alert for each in control.responses.values() if each.response == "log"]

    def wanted(alerts: Iterable[Alert]) -> tuple[AlertRow, ...]:
        rows = [
            _row(sight, alert)
            for alert in alerts
            if alert.environment == sight.environment and model in {None, alert.model} and _seen(sight, alert.opened_at)
        ]
        return tuple(sorted((row for row in rows if row.firing or not only_firing), key=_firing_first))

    return AlertsView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        rows=wanted(control.alerts.values()),
        logged=wanted(only_logged),
        problem=Untrusted(control.problem) if control.problem else None,
    )


def _seen(sight: Sight, moment: datetime) -> bool:
    """Whether something is on record where the sight stands. A simulated clock that is set back makes nothing undone."""
    return not sight.past or moment <= sight.at


def _row(sight: Sight, alert: Alert) -> AlertRow:
    # An alert that ended after the moment that is looked at was still firing then.
    until = alert.closed_at if alert.closed_at is not None and _seen(sight, alert.closed_at) else None
    noted, rule = sight.control.acknowledged.get(alert.id), sight.policies.rule(alert.rule)
    return AlertRow(
        id=alert.id,
        rule=alert.rule,
        model=alert.model,
        layer=alert.layer,
        state=alert.state,
        firing=until is None,
        since=alert.opened_at,
        until=until,
        value=alert.value,
        limit=alert.limit,
        n=alert.n,
        message=alert.message,
        playbook=alert.playbook,
        incident=alert.incident,
        acknowledged_by=noted.actor.who if noted else None,
        caveat=caveat_of(rule.signal) if rule is not None else "",
        proposal=_proposal(sight.control.responses.get(alert.id), sight.at),
    )


def _proposal(found: RuleResponse | None, at: datetime) -> Proposal | None:
    if found is None or found.response == "log" or found.at > at:
        return None
    return Proposal(
        response=found.response,
        at=found.at,
        state=found.state,
        text=found.text,
        first=found.first,
        last=found.last,
        scored=found.scored,
        labelled=found.labelled,
        since_alert=found.since_alert,
        verb=found.verb,
    )


def _firing_first(row: AlertRow) -> tuple[bool, int, float, str]:
    if row.firing:
        return False, severity_rank(row.state), row.since.timestamp(), row.id
    return True, 0, -(row.until or row.since).timestamp(), row.id


def incidents_view(sight: Sight, *, model: str | None = None, only_open: bool = False) -> IncidentsView:
    """Every incident on record; for a past moment those that there were by then. Never raises."""
    control = sight.control
    rows = [
        _incident(sight, incident)
        for incident in control.incidents.values()
        if incident.environment == sight.environment
        and model in {None, incident.model}
        and _seen(sight, incident.opened_at)
        and not (only_open and incident.state == "closed")
    ]
    return IncidentsView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        rows=tuple(sorted(rows, key=_open_first)),
        problem=Untrusted(control.problem) if control.problem else None,
    )


def _open_first(row: IncidentRow) -> tuple[bool, int, bool, float, str]:
    if row.state != "closed":
        return False, severity_rank(row.severity), row.driver is not None, row.opened_at.timestamp(), row.id
    return True, 0, False, -(row.closed_at or row.opened_at).timestamp(), row.id


def _incident(sight: Sight, incident: Incident) -> IncidentRow:
    step, number, steps = _step(sight, incident)
    notes = sight.control.notes_about(incident.id)
    return IncidentRow(
        id=incident.id,
        model=incident.model,
        title=incident.title,
        state=incident.state,
        severity=incident.severity,
        opened_at=incident.opened_at,
        opened_by=incident.opened_by,
        closed_at=incident.closed_at,
        driver=incident.driver,
        driver_since=incident.driver_since,
        alerts=incident.alerts,
        playbook=incident.playbook,
        run=incident.run,
        step=Untrusted(step) if step is not None else None,
        step_number=number,
        steps=steps,
        last_note=Untrusted(notes[-1].text) if notes else None,
    )


def _step(sight: Sight, incident: Incident) -> tuple[str | None, int | None, int | None]:
    if incident.run is None:
        return None, None, None
    try:
        run = run_of(sight.control, incident.run)
    except (RunError, ValueError) as error:
        return f"{incident.run} cannot be read: {error}", None, None
    if run is None:
        return f"{incident.run} was opened, no step yet", None, None
    if run.outcome is not None or run.current is None:
        return f"ended: {run.outcome or 'past its last step'}", len(run.steps), len(run.steps)
    number = list(run.steps).index(run.current.id) + 1
    return f"{run.current.id}, {run.current.status.value}", number, len(run.steps)
