"""Broken glass: what was done without the approval it needed, and what somebody else found about it afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from backends.records import Moment
from backends.text import Untrusted
from console.control.actions import ActionKind
from console.control.identity import Actor
from console.control.records import Review
from console.control.reviewing import review_of
from console.control.roles import Policy
from console.views.health.model import View
from console.views.sight import Sight


class ReviewRow(View):
    """One broken glass."""

    id: str
    action: str
    kind: str
    environment: str
    model: str
    from_: str | None
    to: str | None
    outcome: str
    """What became of the action: effective, in doubt, failed, ..."""
    by: str
    at: Moment
    reason: Untrusted
    """What was typed when the glass was broken."""
    due_at: Moment
    """By when somebody else looks at it."""
    state: Literal["open", "overdue", "justified", "not justified"]
    reviewed_by: str | None = None
    reviewed_at: Moment | None = None
    found: Untrusted = Untrusted("")
    """What the review says."""
    solo: bool = False
    """Reviewed by the one who broke it: only in a workspace of one person."""


class ReviewView(View):
    """One broken glass as one person sees it."""

    review: ReviewRow
    at: Moment
    zone: str
    stood_in_the_way: str
    """What it was done without, as the plan said."""
    shown: tuple[Untrusted, ...]
    """What the plan showed to whoever broke the glass."""
    person: str
    refusal: str | None
    """Why this person may not review it; None when they may."""


def review_rows(sight: Sight, policy: Policy) -> tuple[ReviewRow, ...]:
    """Every broken glass of an environment, those that wait for a review first, oldest first."""
    found = [each for each in sight.control.reviews.values() if each.environment == sight.environment]
    rows = [review_row(sight, review, policy) for review in found]
    return tuple(sorted(rows, key=lambda row: (row.reviewed_at is not None, row.at)))


def review_row(sight: Sight, review: Review, policy: Policy) -> ReviewRow:
    """One broken glass as a row."""
    action = sight.control.actions[review.action]
    due = review.opened_at + timedelta(hours=policy.glass.review_within_hours)
    waiting: Literal["open", "overdue"] = "overdue" if sight.at > due else "open"
    return ReviewRow(
        id=review.id,
        action=review.action,
        kind=action.kind.value,
        environment=review.environment,
        model=review.model,
        from_=action.from_,
        to=action.to,
        outcome="in flight" if action.in_flight else action.state.value,
        by=review.actor.who,
        at=review.opened_at,
        reason=Untrusted(review.reason),
        due_at=due,
        state=review.verdict or waiting,
        reviewed_by=review.closed_by.who if review.closed_by is not None else None,
        reviewed_at=review.closed_at,
        found=Untrusted(review.text),
        solo=review.solo,
    )


def review_view(sight: Sight, wanted: str, actor: Actor, policy: Policy) -> ReviewView:
    """A broken glass by its id, or by its action. Raises NotFound."""
    review = review_of(sight.control, wanted)
    plan = sight.control.actions[review.action].plan or {}
    changes = [f"{each['what']}: {each['movement']}" for each in plan.get("will_change", ())]
    return ReviewView(
        review=review_row(sight, review, policy),
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        stood_in_the_way=str(plan.get("without") or ""),
        shown=tuple(Untrusted(each) for each in (*changes, *plan.get("warnings", ()))),
        person=actor.name,
        refusal=_refusal(sight, review, actor, policy),
    )


def _refusal(sight: Sight, review: Review, actor: Actor, policy: Policy) -> str | None:
    if sight.past:
        return "you look at the past, where nothing acts"
    if not review.open:
        return f"it was reviewed already: {review.verdict}"
    forbidden = policy.refusal(actor.name, ActionKind.REVIEW, review.environment, review.model)
    if forbidden is None and actor.name == review.actor.name and not policy.solo:
        return f"{actor.name} broke it: somebody else reviews it"
    return forbidden
