"""Breaking the glass: an action goes on without the approval or elevation that it needs, and somebody else looks at it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.control.actions import ActionKind, Danger
from console.control.roles import Policy
from console.control.terms import people

if TYPE_CHECKING:
    from console.control.situation import Situation


def glass_refusal(policy: Policy, danger: Danger, kind: ActionKind) -> str | None:
    """Why the glass may not be broken for this; None when it may. Letting a version in by steps is a promotion here too."""
    opened = ActionKind.PROMOTE if kind is ActionKind.SHIFT else kind
    if danger == "safer" or opened in policy.glass.beyond_safer:
        return None
    return f"the glass may be broken only towards safety: for {opened.value} the policy would have to say so (break_glass, beyond_safer)"


def lifted(situation: Situation, danger: Danger, approved_as: ActionKind | None, approval: str | None) -> str:
    """What breaking the glass would do without: approvals that are not there, an elevation; empty when nothing stands in the way."""
    policy, request = situation.policy, situation.request
    missing = []
    needed = 0 if approved_as is None else policy.approvals_needed(approved_as, request.environment, request.model)
    if needed and approval is None:
        missing.append(people(needed, solo=policy.solo))
    if danger == "dangerous" and request.environment in policy.read_only and not situation.elevated:
        missing.append("elevation")
    return " and ".join(missing)
