"""Draws plans: what an action would change, what it would not, and whether it may be done. Reads only."""

from __future__ import annotations

from backends.protocol import BackendError
from console.control.actions import ALIAS_KINDS, HOLD_KINDS, SWITCH_STATES, TRAFFIC_KINDS, ActionKind, ActionPlan, Change
from console.control.aliases import alias_plan
from console.control.drawing import VERBS, sealed, title_of
from console.control.holds import hold_plan
from console.control.retaining import retention_plan
from console.control.retrains import retrain_plan
from console.control.situation import Situation
from console.control.switches import switch_plan
from console.control.traffic import traffic_plan


def draw(situation: Situation) -> ActionPlan:
    """The plan of one request. Never raises for what the world is like: a plan that cannot be carried out says why."""
    kind = situation.request.kind
    try:
        if kind in ALIAS_KINDS:
            return alias_plan(situation)
        if kind in SWITCH_STATES:
            return switch_plan(situation)
        if kind in TRAFFIC_KINDS:
            return traffic_plan(situation)
        if kind in HOLD_KINDS:
            return hold_plan(situation)
        if kind is ActionKind.RETRAIN:
            return retrain_plan(situation)
        if kind is ActionKind.RETAIN:
            return retention_plan(situation)
    except BackendError as error:
        return sealed(situation, danger="routine", title=title_of(situation.request, None, None), refusals=[str(error)])
    return _record_plan(situation)


def _record_plan(situation: Situation) -> ActionPlan:
    request, state = situation.request, situation.state
    subject = request.subject or request.model
    refusals: list[str] = []
    incident = state.incidents.get(subject)
    if situation.journal_problem is not None:
        refusals.append(f"it could not be recorded: {situation.journal_problem}")
    elif request.kind in {ActionKind.TAKE, ActionKind.CLOSE, ActionKind.HAND_OVER}:
        if incident is None:
            refusals.append(f"there is no incident {subject}: see `incidents`")
        elif incident.state == "closed":
            refusals.append(f"{subject} is closed already")
    elif request.kind is ActionKind.ACKNOWLEDGE and incident is None and subject not in state.alerts:
        refusals.append(f"there is no alert or incident {subject}: see `alerts`")
    if request.kind is ActionKind.HAND_OVER and not request.to:
        refusals.append("name the person to hand over to")
    if request.kind is ActionKind.NOTE and not request.reason.strip():
        refusals.append("a note needs words")
    driver = incident.driver if incident is not None else None
    return sealed(
        situation,
        danger="routine",
        title=f"{VERBS[request.kind].upper()} {subject}",
        from_=driver if request.kind in {ActionKind.TAKE, ActionKind.HAND_OVER} else None,
        to=situation.person if request.kind is ActionKind.TAKE else request.to,
        subject=subject,
        changes=(Change(what=subject, movement=VERBS[request.kind].lower(), note="one entry in the journal"),),
        refusals=refusals,
    )
