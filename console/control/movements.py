"""From an action to the one call that carries it out."""

from __future__ import annotations

from backends.records import SwitchState
from console.control.actions import ALIAS_KINDS, ActionPlan
from console.control.aliases import AliasMovement
from console.control.reach import Movement, Reach
from console.control.records import ActionRecord
from console.control.switches import SwitchMovement


def movement_for(reach: Reach, action: ActionPlan | ActionRecord, *, key: str, who: str, reason: str) -> Movement:
    """The movement of a plan, or of an action that the journal holds."""
    if action.kind in ALIAS_KINDS:
        return AliasMovement(
            backend=reach.aliases,
            environment=action.environment,
            model=action.model,
            expected=action.from_,
            to=action.to or "",
            key=key,
            who=who,
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
    )
