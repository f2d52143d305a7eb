"""Requests for approval in a list, and what was done by breaking the glass: from control alone."""

from __future__ import annotations

from backends.records import Moment, State
from backends.text import Untrusted
from console.acting import control_policy
from console.control.approval import Approval
from console.control.identity import current_actor
from console.views.approvals.reviews import ReviewRow, review_rows
from console.views.health.model import View
from console.views.sight import Sight


class ApprovalRow(View):
    """One request."""

    id: str
    action: str
    """What it is approved as."""
    asked_as: str
    """What was asked for: `shift` is approved as the promotion that it leads to."""
    environment: str
    model: str
    from_: str | None
    to: str
    state: str
    """pending, approved, vetoed, expired, void or executed."""
    requester: str
    requested_at: Moment
    granted: int
    needed: int
    approve_by: Moment
    execute_by: Moment
    passed: int
    failed: int
    unknown: int
    waived: int
    reason: Untrusted
    payload_digest: str
    ended_by: str | None = None
    ended_reason: Untrusted = Untrusted("")
    execute_with: Untrusted = Untrusted("")
    """The verb that carries it out once it is approved."""


class ApprovalsView(View):
    """Every request of an environment, those that wait for a person first."""

    environment: str
    at: Moment
    zone: str
    rows: tuple[ApprovalRow, ...]
    reviews: tuple[ReviewRow, ...] = ()
    """What was done by breaking the glass, those that wait for a review first."""
    alone: bool = False
    """Whether the workspace is one person's, whose own review counts."""
    problem: str | None = None
    """Why the journal could not be read."""


def approvals_view(sight: Sight) -> ApprovalsView:
    """Every request and every broken glass, from control alone."""
    requests = [each for each in sight.control.approvals.values() if each.payload.environment == sight.environment]
    rows = [row_of(sight, approval) for approval in reversed(requests)]
    rows.sort(key=lambda row: ({"pending": 0, "approved": 1}.get(row.state, 2), -row.requested_at.timestamp()))
    zone = sight.workspace.settings.display_zone
    policy = control_policy(sight.policies, sight.workspace, sight.environment, current_actor(sight.clock))
    return ApprovalsView(
        environment=sight.environment,
        at=sight.at,
        zone=zone,
        rows=tuple(rows),
        reviews=review_rows(sight, policy),
        alone=policy.solo,
        problem=sight.control.problem,
    )


def row_of(sight: Sight, approval: Approval) -> ApprovalRow:
    """One request as a row."""
    payload, states = approval.payload, [gate.state for gate in approval.payload.gates]
    return ApprovalRow(
        id=approval.id,
        action=payload.action.value,
        asked_as=approval.asked_as.value,
        environment=payload.environment,
        model=payload.model,
        from_=payload.from_,
        to=payload.to,
        state=approval.state_at(sight.at).value,
        requester=payload.requester,
        requested_at=payload.requested_at,
        granted=approval.granted,
        needed=payload.needed,
        approve_by=payload.approve_by,
        execute_by=payload.execute_by,
        passed=states.count(State.OK),
        failed=states.count(State.CRITICAL),
        unknown=len(states) - states.count(State.OK) - states.count(State.CRITICAL),
        waived=sum(gate.waiver is not None for gate in payload.gates),
        reason=Untrusted(payload.reason),
        payload_digest=approval.payload_digest,
        ended_by=approval.ended_by,
        ended_reason=Untrusted("; ".join(approval.difference) or approval.ended_reason),
        execute_with=Untrusted(approval.execute_with),
    )
