"""From an action to the one call that carries it out."""

from __future__ import annotations

from datetime import datetime

from backends.pipeline_protocol import NOTHING_ASKED
from backends.protocol import NO_ROLLOUT
from backends.records import SwitchState
from console.control.actions import ALIAS_KINDS, HOLD_KINDS, TRAFFIC_KINDS, ActionKind, ActionPlan
from console.control.aliases import AliasMovement
from console.control.holds import HoldMovement
from console.control.reach import Movement, Reach
from console.control.records import ActionRecord
from console.control.retaining import RetentionMovement
from console.control.retrains import RetrainMovement
from console.control.switches import SwitchMovement
from console.control.traffic import TrafficMovement


def movement_for(reach: Reach, action: ActionPlan | ActionRecord, *, key: str, who: str, reason: str) -> Movement:
    """The movement of a plan, or of an action that the journal holds."""
    since = action.published if isinstance(action, ActionRecord) else None
    if action.kind in ALIAS_KINDS:
        return AliasMovement(
            backend=reach.aliases,
            environment=action.environment,
            model=action.model,
            expected=action.from_,
            to=action.to or "",
            key=key,
            who=who,
            traffic=reach.traffic,
            since=since,
        )
    if action.kind in TRAFFIC_KINDS:
        return TrafficMovement(
            backend=reach.traffic,
            aliases=reach.aliases,
            environment=action.environment,
            model=action.model,
            expected=action.from_ or NO_ROLLOUT,
            to=action.to or "",
            terms=action.terms if isinstance(action, ActionPlan) else None,
            key=key,
            who=who,
            reason=reason,
            since=since,
        )
    if action.kind is ActionKind.RETRAIN:
        return RetrainMovement(
            backend=reach.pipelines,
            runs=reach.runs,
            environment=action.environment,
            model=action.model,
            expected=action.from_ or NOTHING_ASKED,
            to=action.to or "",
            key=key,
            who=who,
            reason=reason,
            rows=_rows(action),
            since=since,
        )
    if action.kind in HOLD_KINDS:
        return HoldMovement(
            backend=reach.pipelines,
            environment=action.environment,
            model=action.model,
            expected=action.from_ or "",
            to=action.to or "",
            key=key,
            who=who,
            reason=reason,
            until=action.until,
            owner=action.owner,
            since=since,
        )
    if action.kind is ActionKind.RETAIN:
        return RetentionMovement(
            backend=reach.rows,
            environment=action.environment,
            model=action.model,
            expected=action.from_ or "",
            to=action.to or "",
            terms=action.retention if isinstance(action, ActionPlan) else None,
            key=key,
        )
    return SwitchMovement(
        backend=reach.switches,
        environment=action.environment,
        model=action.model,
        expected=SwitchState(action.from_ or SwitchState.NORMAL),
        to=action.to or "",
        key=key,
        who=who,
        reason=reason,
        until=action.until,
        owner=action.owner,
        since=since,
    )


def _rows(action: ActionPlan | ActionRecord) -> tuple[datetime | None, datetime | None]:
    """From when to when the rows lie that a retrain proposes."""
    plan = action if isinstance(action, ActionPlan) else ActionPlan.model_validate(action.plan) if action.plan else None
    return (None, None) if plan is None or plan.retraining is None else (plan.retraining.first, plan.retraining.last)
