"""What is recorded and moves nothing: taking, acknowledging, notes. The target may be an incident, an alert, a request or a model."""

from __future__ import annotations

from console.acting import known_models, open_desk
from console.config import open_workspace
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, new_key
from console.control.errors import NotFound
from console.control.ledger import read_state
from console.control.state import ControlState
from console.session import Session


def record(session: Session, kind: str, subject: str, text: str) -> ActionOutcome:
    """Take `subject`, or keep a note on it. Raises NotFound when nobody knows it."""
    workspace = open_workspace(session.located.root)
    environment = session.environment or workspace.environment
    state = read_state(workspace.paths)
    with open_desk(workspace, environment, as_of=session.as_of, read_only=session.read_only) as desk:
        if kind == "take":
            return desk.act(taking(state, environment, subject, text))
        return desk.act(noting(state, environment, subject, text, known_models(workspace, environment)))


def taking(state: ControlState, environment: str, subject: str, text: str, key: str | None = None) -> ActionRequest:
    """Take an incident (or the newest open one of a model), or acknowledge an alert (or the newest one that fires). Raises NotFound."""
    incident = state.incidents.get(subject)
    if incident is None and subject not in state.alerts:
        opened = state.open_incidents(environment, subject)
        incident = opened[-1] if opened else None
    if incident is not None:
        return _request(ActionKind.TAKE, incident.environment, incident.model, incident.id, text, key)
    firing = state.firing_alerts(environment, subject)
    alert = state.alerts.get(subject) or (firing[-1] if firing else None)
    if alert is None:
        raise NotFound(f"nothing is open for {subject or 'this row'}: there is no incident or alert to take")
    return _request(ActionKind.ACKNOWLEDGE, alert.environment, alert.model, alert.id, text, key)


def noting(
    state: ControlState, environment: str, subject: str, text: str, models: set[str], key: str | None = None, *, any_model: bool = True
) -> ActionRequest:
    """A note on an incident, alert, request or action, or on a model. Raises NotFound when `any_model` is off and nobody knows it."""
    about = state.incidents.get(subject) or state.alerts.get(subject)
    if about is not None:
        return _request(ActionKind.NOTE, about.environment, about.model, subject, text, key)
    approval, action = state.approvals.get(subject), state.action(subject)
    if approval is not None:
        return _request(ActionKind.NOTE, approval.payload.environment, approval.payload.model, subject, text, key)
    if action is not None:
        return _request(ActionKind.NOTE, action.environment, action.model, action.id, text, key)
    if not any_model and subject not in models:
        raise NotFound(f"there is no incident, alert, request, action or model {subject!r}")
    return _request(ActionKind.NOTE, environment, subject, subject, text, key)


def _request(kind: ActionKind, environment: str, model: str, subject: str, text: str, key: str | None = None) -> ActionRequest:
    return ActionRequest(kind=kind, environment=environment, model=model, subject=subject, reason=text, key=key or new_key())
