"""What happened to an incident outside its run: alerts, actions, approvals, notes, turns."""

from __future__ import annotations

from collections.abc import Iterator

from backends.records import Incident
from backends.text import Untrusted
from console.control.actions import said_duration, version_label
from console.control.approval import Approval
from console.control.records import ActionRecord
from console.control.state import ControlState
from console.views.incidents.incident import TimelineLine
from playbooks.run import Run


def timeline_of(incident: Incident, control: ControlState, run: str | None) -> list[TimelineLine]:
    """Everything that control knows of an incident, oldest first."""
    # What came at the same moment stays in this order: an approval is given before the action that it lets through, and used up after.
    found = [*_alerts(incident, control), *_turns(incident, control), *_approved(incident, control)]
    for action in control.actions.values():
        if action.incident == incident.id or (run is not None and action.run == run):
            found += _action(action)
    found += _approvals_ended(incident, control)
    return sorted(found, key=lambda entry: entry.at)


def told_by_run(run: Run | None) -> Iterator[TimelineLine]:
    """The turns of a run: who started and took it, what was decided, how it ended."""
    for event in run.events if run is not None else ():
        body = event.body
        words = {
            "started": f"opens the incident: {event.run} starts",
            "taken": f"takes {event.run} over from {body.get('previous') or 'nobody'}",
            "decided": f"chooses {body.get('chosen')}; suggested was {body.get('suggested') or 'nothing'}",
            "skipped": f"{event.step} skipped: {body.get('reason')}",
            "ended": f"{event.run} ended: {body.get('outcome')}",
        }.get(event.kind)
        if words is not None and not body.get("automatic"):
            yield TimelineLine(at=event.at, who=event.actor, text=Untrusted(words))


def _alerts(incident: Incident, control: ControlState) -> Iterator[TimelineLine]:
    for name in incident.alerts:
        alert = control.alerts.get(name)
        if alert is None:
            continue
        yield TimelineLine(at=alert.opened_at, who=alert.rule, text=Untrusted(f"{alert.state.value}: {alert.message.raw}"))
        answered = control.responses.get(name)
        if answered is not None:
            yield TimelineLine(at=answered.at, who=alert.rule, text=answered.text)
        if alert.closed_at is not None:
            yield TimelineLine(at=alert.closed_at, who=alert.rule, text=Untrusted("over: within its limits again"))


def _turns(incident: Incident, control: ControlState) -> Iterator[TimelineLine]:
    yield TimelineLine(at=incident.opened_at, who=incident.opened_by, text=Untrusted(f"{incident.id} opened"))
    if incident.driver_since is not None and incident.driver is not None:
        yield TimelineLine(at=incident.driver_since, who=incident.driver, text=Untrusted(f"drives {incident.id}"))
    for note in control.notes.values():
        if note.subject == incident.id and note.text:
            yield TimelineLine(at=note.at, who=note.actor.who, text=Untrusted(note.text))
    if incident.closed_at is not None:
        yield TimelineLine(at=incident.closed_at, who=incident.driver or "nobody", text=Untrusted(f"{incident.id} closed"))


def _action(action: ActionRecord) -> Iterator[TimelineLine]:
    moved = f"{action.kind.value} {version_label(action.from_)} -> {version_label(action.to)}"
    yield TimelineLine(at=action.intended_at, who=action.actor.who, text=Untrusted(f"{moved}: intended"))
    if action.finished_at is not None:
        ended = action.message
        if not ended.startswith(action.state.value):
            seconds = f" after {said_duration(action.seconds)}" if action.seconds is not None else ""
            ended = f"{action.state.value}{seconds}, {ended}"
        yield TimelineLine(at=action.finished_at, who=action.actor.who, text=Untrusted(f"{moved}: {ended}"))
    if action.watch is not None:
        yield TimelineLine(
            at=action.watch.at, who=action.actor.who, text=Untrusted(f"{moved}: {action.watch.verdict}, {action.watch.message}")
        )


def _approvals(incident: Incident, control: ControlState) -> Iterator[Approval]:
    for approval in control.approvals.values():
        payload = approval.payload
        mine = (payload.environment, payload.model) == (incident.environment, incident.model)
        if mine and payload.requested_at >= incident.opened_at and not (incident.closed_at and payload.requested_at > incident.closed_at):
            yield approval


def _approved(incident: Incident, control: ControlState) -> Iterator[TimelineLine]:
    for approval in _approvals(incident, control):
        payload = approval.payload
        movement = f"{payload.action.value} {version_label(payload.from_)} -> {version_label(payload.to)}"
        yield TimelineLine(at=payload.requested_at, who=payload.requester, text=Untrusted(f"asks {approval.id}: {movement}"))
        for vote in approval.votes:
            yield TimelineLine(at=vote.at, who=vote.person, text=Untrusted(f"approves {approval.id}"))


def _approvals_ended(incident: Incident, control: ControlState) -> Iterator[TimelineLine]:
    for approval in _approvals(incident, control):
        if approval.ended is not None and approval.ended_at is not None:
            yield TimelineLine(at=approval.ended_at, who=approval.ended_by or "", text=Untrusted(f"{approval.id} {approval.ended}"))
