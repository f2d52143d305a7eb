"""Alerts and incidents: opened by rules, once for each alert; ended by people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from backends.journal.entries import Draft, moment_text
from backends.records import Alert, Incident, Onset, State, worst
from backends.text import Untrusted
from console.control import events
from console.control.errors import NotFound, Refused
from console.control.ledger import Ledger
from console.control.state import ControlState


def open_alert(ledger: Ledger, alert: Alert) -> Alert:
    """Record a firing alert; the same id again changes nothing and returns what was recorded."""

    def decision(state: ControlState) -> tuple[Sequence[Draft], None]:
        if alert.id in state.alerts:
            return [], None
        return [ledger.draft(f"alert/{alert.id}/opened", events.ALERT_OPENED, alert.id, {"alert": alert.model_dump(mode="json")})], None

    ledger.decide(decision)
    return ledger.state().alerts[alert.id]


def close_alert(ledger: Ledger, alert_id: str, closed_at: datetime) -> Alert:
    """Record that an alert stopped firing. Raises NotFound."""

    def decision(state: ControlState) -> tuple[Sequence[Draft], None]:
        alert = state.alerts.get(alert_id)
        if alert is None:
            raise NotFound(f"there is no alert {alert_id}: see `alerts`")
        if alert.closed_at is not None:
            return [], None
        return [ledger.draft(f"alert/{alert_id}/closed", events.ALERT_CLOSED, alert_id, {"closed_at": moment_text(closed_at)})], None

    ledger.decide(decision)
    return ledger.state().alerts[alert_id]


def open_incident(ledger: Ledger, alert: Alert, title: Untrusted, onset: Onset | None = None) -> Incident:
    """The incident of an alert: the one it belongs to already, else the open one of its model, which it joins, else a new one."""

    def decision(state: ControlState) -> tuple[Sequence[Draft], str]:
        known = state.incident_by_alert.get(alert.id)
        if known is not None:
            return [], known
        drafts: list[Draft] = []
        if alert.id not in state.alerts:
            drafts.append(ledger.draft(f"alert/{alert.id}/opened", events.ALERT_OPENED, alert.id, {"alert": alert.model_dump(mode="json")}))
        standing = state.open_incidents(alert.environment, alert.model)
        if standing:
            severity = worst([standing[0].severity, alert.state])
            body: dict[str, Any] = {"alert": alert.id, "severity": severity.value}
            drafts.append(ledger.draft(f"incident/joined/{alert.id}", events.INCIDENT_JOINED, standing[0].id, body))
            return drafts, standing[0].id
        number = max((int(identifier.rpartition("-")[2]) for identifier in state.incidents), default=0) + 1
        incident = Incident(
            id=f"INC-{number}",
            model=alert.model,
            environment=alert.environment,
            title=title,
            state="open",
            severity=alert.state,
            opened_at=alert.opened_at,
            opened_by=ledger.actor.name,
            alerts=(alert.id,),
            playbook=alert.playbook,
            onset=onset,
        )
        body = {"incident": incident.model_dump(mode="json")}
        drafts.append(ledger.draft(f"incident/for/{alert.id}", events.INCIDENT_OPENED, incident.id, body))
        return drafts, incident.id

    identifier = ledger.decide(decision)
    return ledger.state().incidents[identifier]


def declare(ledger: Ledger, environment: str, model: str, *, title: Untrusted, severity: State, playbook: str | None, key: str) -> Incident:
    """An incident that a person opens without any alert; the same key again returns the same incident."""

    def decision(state: ControlState) -> tuple[Sequence[Draft], str]:
        alert_id = f"declared-{key}"
        known = state.incident_by_alert.get(alert_id)
        if known is not None:
            return [], known
        number = max((int(identifier.rpartition("-")[2]) for identifier in state.incidents), default=0) + 1
        incident = Incident(
            id=f"INC-{number}",
            model=model,
            environment=environment,
            title=title,
            state="open",
            severity=severity,
            opened_at=ledger.clock.now(),
            opened_by=ledger.actor.name,
            alerts=(alert_id,),
            playbook=playbook,
        )
        body = {"incident": incident.model_dump(mode="json")}
        return [ledger.draft(f"incident/for/{alert_id}", events.INCIDENT_OPENED, incident.id, body)], incident.id

    identifier = ledger.decide(decision)
    return ledger.state().incidents[identifier]


def change(
    ledger: Ledger, incident_id: str, step: Literal["taken", "handed_over", "mitigated", "closed"], key: str, body: dict[str, Any]
) -> Incident:
    """Take, hand over, mitigate or close; the same key again changes nothing. Raises NotFound, or Refused when it is closed."""

    def decision(state: ControlState) -> tuple[Sequence[Draft], None]:
        incident = state.incidents.get(incident_id)
        if incident is None:
            raise NotFound(f"there is no incident {incident_id}: see `incidents`")
        if incident.state == "closed" and step != "closed":
            raise Refused(f"{incident_id} is closed already")
        if incident.state == "closed" or (step == "taken" and incident.driver == ledger.actor.name):
            return [], None
        return [ledger.draft(change_key(incident_id, step, key), f"incident.{step}", incident_id, body)], None

    ledger.decide(decision)
    return ledger.state().incidents[incident_id]


def change_key(incident_id: str, step: str, key: str) -> str:
    """Under which key a step of an incident is recorded."""
    return f"incident/{incident_id}/{step}/{key}"
