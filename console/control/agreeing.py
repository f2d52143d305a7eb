"""Who must agree to an action before it is done: how many, who may, which rule asks for it, and how long there is for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from console.control.actions import ActionKind
from console.control.guardrails import said_length
from console.control.roles import ANY
from console.control.terms import Terms, people

if TYPE_CHECKING:
    from console.control.drawing import Situation

_NAMED: Final = 5
"""People that are named before the rest is only counted."""


def agreement(situation: Situation, approved_as: ActionKind | None, approval: str | None) -> tuple[str, ...]:
    """One line each, in words for a plan; empty where nobody has to agree."""
    policy, request = situation.policy, situation.request
    if approved_as is None:
        return ()
    terms = policy.terms_for(approved_as, request.environment, request.model)
    if not terms.quorum:
        return ()
    signed = ", signed with an SSH key" if terms.signature == "required" else ""
    lines = [f"{people(terms.quorum)}{signed}: {_who(situation, terms)}"]
    rail = policy.limits((approved_as,), request.environment, request.model).second_person(approved_as)
    if rail is not None:
        lines.append(f"asked for by guardrail {rail.id}: {rail.title}")
    if approval is None:
        lines.append(
            f"approved within {_hours(terms.approve_within_hours)} of asking, executed within {_hours(terms.execute_within_hours)}"
        )
    else:
        found = situation.state.approvals[approval]
        by = ", ".join(dict.fromkeys(vote.person for vote in found.votes)) or "nobody yet"
        lines.append(f"{approval}, asked for by {found.payload.requester}: approved by {by}, {found.granted} of {found.payload.needed}")
    return tuple(lines)


def _who(situation: Situation, terms: Terms) -> str:
    """`ilse or otto may`: everybody whom the files name, whose role allows it, and whom the terms do not keep apart."""
    policy, request = situation.policy, situation.request
    if policy.solo:
        return "your own counts, and is recorded as solo"
    apart = {situation.person} if "requester" in terms.different_from else set()
    if "trainer" in terms.different_from and situation.facts.trained_by is not None:
        apart.add(situation.facts.trained_by)
    named = {grant.person for grant in policy.grants} - apart - {ANY}
    able = sorted(person for person in named if policy.refusal(person, ActionKind.APPROVE, request.environment, request.model) is None)
    if not able:
        return (
            f"of those whom the policy names nobody may; it needs one of {', '.join(policy.able(ActionKind.APPROVE, request.environment))}"
        )
    if len(able) > _NAMED:
        return f"{', '.join(able[:_NAMED])} and {len(able) - _NAMED} more may"
    return f"{', '.join(able[:-1])} or {able[-1]} may" if len(able) > 1 else f"{able[0]} may"


def _hours(hours: float) -> str:
    return said_length(timedelta(hours=hours))
