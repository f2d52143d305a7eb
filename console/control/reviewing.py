"""Looking at a broken glass afterwards: by somebody else, once, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from backends.journal.entries import Draft
from console.control import events
from console.control.actions import ActionKind
from console.control.errors import NotFound, Refused
from console.control.ledger import Ledger
from console.control.records import Review, review_ids
from console.control.roles import Policy
from console.control.state import ControlState

Verdict = Literal["justified", "not justified"]


def review(ledger: Ledger, policy: Policy, wanted: str, *, verdict: Verdict, text: str) -> Review:
    """Close the review of a broken glass; again by the same person with the same verdict: nothing changes.

    Raises NotFound, or Refused: no right to, one's own act, reviewed by somebody else already, no words.
    """
    person = ledger.actor.name

    def decision(state: ControlState) -> tuple[Sequence[Draft], str]:
        found = review_of(state, wanted)
        refusal = policy.refusal(person, ActionKind.REVIEW, found.environment, found.model)
        if refusal is not None:
            raise Refused(refusal)
        if not found.open:
            if found.closed_by is not None and (found.closed_by.name, found.verdict) == (person, verdict):
                return [], found.id
            by = found.closed_by.who if found.closed_by is not None else "somebody"
            raise Refused(f"{found.id} was reviewed already: {found.verdict}, by {by}")
        solo = person == found.actor.name
        if solo and not policy.solo:
            raise Refused(f"{found.id} is what {person} did: somebody else reviews it")
        if not text.strip():
            raise Refused("say what you found: a review needs a reason")
        body = {"verdict": verdict, "text": text, "solo": solo, "action": found.action}
        return [ledger.draft(f"review/{found.id}/closed", events.REVIEWED, found.id, body)], found.id

    identifier = ledger.decide(decision)
    return ledger.state().reviews[identifier]


def review_of(state: ControlState, wanted: str) -> Review:
    """A review by its id, or by the action that it is about. Raises NotFound."""
    for name in (wanted, *review_ids(wanted)):
        found = state.reviews.get(name)
        if found is not None and wanted in {found.id, found.action}:
            return found
    raise NotFound(f"there is no review {wanted}: see `approvals`")
