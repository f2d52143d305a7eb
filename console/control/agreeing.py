"""Who must agree to an action before it is done: how many, who may, which rule asks for it, and how long there is for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from console.control.actions import ActionKind
from console.control.guardrails import said_length
from console.control.roles import ANY, Policy
from console.control.terms import Terms, people

if TYPE_CHECKING:
    from console.control.situation import Situation

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
    who = approvers(policy, situation.person, request.environment, request.model, terms, situation.facts.trained_by)
    # Of the one person of a workspace nobody else is asked.
    asked = f"{terms.quorum} approval{'' if terms.quorum == 1 else 's'}" if policy.solo else people(terms.quorum)
    lines = [f"{asked}{signed}: {who}"]
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


def approvers(policy: Policy, person: str, environment: str, model: str, terms: Terms, trained_by: str | None = None) -> str:
    """`ilse or otto may`: everybody whom the files name, whose role allows it, and whom the terms keep apart from a request of `person`."""
    if policy.solo:
        return "your own counts, and is recorded as solo"
    apart = {person} if "requester" in terms.different_from else set()
    if "trainer" in terms.different_from and trained_by is not None:
        apart.add(trained_by)
    return _able(policy, (ActionKind.APPROVE,), environment, model, apart)


def afterwards(policy: Policy, person: str, kind: ActionKind, environment: str, model: str, *, guarded: bool) -> str | None:
    """Who carries out what was approved, where `person` may not themselves; None: they may. `guarded`: it needs an elevation too."""
    kinds = (kind, ActionKind.ELEVATE) if guarded else (kind,)
    if all(policy.refusal(person, each, environment, model) is None for each in kinds):
        return None
    return _able(policy, kinds, environment, model, {person})


def _able(policy: Policy, kinds: tuple[ActionKind, ...], environment: str, model: str, apart: set[str]) -> str:
    named = {grant.person for grant in policy.grants} - apart - {ANY}
    able = sorted(person for person in named if all(policy.refusal(person, kind, environment, model) is None for kind in kinds))
    if not able:
        return f"of those whom the policy names nobody may; it needs one of {', '.join(policy.able(kinds[0], environment))}"
    if len(able) > _NAMED:
        return f"{', '.join(able[:_NAMED])} and {len(able) - _NAMED} more may"
    return f"{', '.join(able[:-1])} or {able[-1]} may" if len(able) > 1 else f"{able[0]} may"


def _hours(hours: float) -> str:
    return said_length(timedelta(hours=hours))
