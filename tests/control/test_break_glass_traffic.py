"""Rollouts and broken glass: a version is kept out at once, and let in without approval only where the policy opens that."""

from __future__ import annotations

import pytest
from control_workspace import MODEL, TEAM, Workspace, confirmed, promotion
from rollouts import WELL, abort, begun, counts, published, shares, shift

from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, PlanFacts
from console.control.guardrails import Guardrail
from console.control.roles import Policy
from console.control.rollout import RolloutMove
from console.control.terms import GlassTerms, Terms

CANARY = shift(RolloutMove.CANARY, "3", steps=(0.1, 0.5))
STRICT = TEAM.model_copy(update={"terms": {ActionKind.PROMOTE: Terms(), ActionKind.ABORT: Terms()}})
"""Even ending a rollout waits for a second person."""
OPEN = STRICT.model_copy(update={"glass": GlassTerms(beyond_safer=(ActionKind.PROMOTE,))})
RAIL = Guardrail(id="two", title="Two people", kinds=(ActionKind.ABORT,), second_person=(ActionKind.ABORT,))
RAILED = TEAM.model_copy(update={"guardrails": (RAIL,)})


def broken(request: ActionRequest) -> ActionRequest:
    return request.model_copy(update={"break_glass": True})


def act(
    workspace: Workspace, request: ActionRequest, person: str = "mara", policy: Policy = STRICT, facts: PlanFacts = WELL, **more: object
) -> ActionOutcome:
    desk = workspace.desk(person, policy=policy, **more)
    return desk.execute(desk.plan(request, facts), confirmed("nobody answers the phone"), current_world=facts)


@pytest.mark.parametrize("policy", [STRICT, RAILED], ids=["approval rule", "guardrail"])
def test_ending_a_rollout_waits_where_it_is_asked_for_and_with_the_glass_broken_it_does_not(workspace: Workspace, policy: Policy) -> None:
    begun(workspace, CANARY)
    waiting = act(workspace, abort(), policy=policy)
    assert waiting.state is ActionState.WAITING and counts(workspace) is not None
    assert workspace.state.approvals[waiting.approval].payload.action is ActionKind.ABORT
    plan = workspace.desk("mara", policy=policy).plan(broken(abort()), WELL)
    assert plan.break_glass and plan.without == "1 approval by another person" and plan.verb.endswith("abort --break-glass")
    done = act(workspace, broken(abort()), policy=policy)
    assert done.state is ActionState.EFFECTIVE and shares(workspace, 50) == {"2": 1.0}
    [review] = workspace.state.open_reviews()
    assert (review.action, review.actor.name, review.model) == (done.action_id, "mara", MODEL)


@pytest.mark.parametrize(
    "request_", [abort(), shift(RolloutMove.SHARE, share=0.05), shift(RolloutMove.PAUSE)], ids=["end", "less", "pause"]
)
def test_keeping_a_version_out_is_one_approval_by_whatever_name_and_goes_on_without_the_store(
    workspace: Workspace, request_: ActionRequest
) -> None:
    begun(workspace, CANARY)
    before = published(workspace)
    unread = PlanFacts(unread="the store is locked", refusal="its gates cannot be judged: the store is locked")
    waiting = act(workspace, request_, "ada", facts=unread)
    assert waiting.state is ActionState.WAITING and published(workspace) == before
    approval = workspace.state.approvals[waiting.approval]
    assert (approval.payload.action, approval.payload.to, approval.payload.gates) == (ActionKind.ABORT, "3", ())
    workspace.desk("ilse", policy=STRICT).approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    # Whether the store answers by then makes no other request of it.
    done = act(workspace, request_, "ada", facts=WELL)
    assert done.state is ActionState.EFFECTIVE, done.message
    assert published(workspace) != before and workspace.state.approvals[approval.id].ended == "executed"


@pytest.mark.parametrize("move", [RolloutMove.CANARY, RolloutMove.SHADOW])
def test_a_version_is_let_in_by_broken_glass_only_where_the_policy_opens_promotions(workspace: Workspace, move: RolloutMove) -> None:
    wished = broken(shift(move, "3"))
    refused = act(workspace, wished, "ines")
    assert refused.state is ActionState.REFUSED and "for promote the policy would have to say so" in refused.message
    assert published(workspace) is None and workspace.state.reviews == {}
    plan = workspace.desk("ines", policy=OPEN).plan(wished, WELL)
    without = "1 approval by another person and elevation" if move is RolloutMove.CANARY else "elevation"
    assert plan.allowed and plan.without == without
    assert act(workspace, wished, "ines", OPEN).state is ActionState.EFFECTIVE
    assert len(workspace.state.open_reviews()) == 1


def test_what_began_by_broken_glass_covers_nothing_that_follows(workspace: Workspace) -> None:
    assert act(workspace, broken(CANARY), "ines", OPEN).state is ActionState.EFFECTIVE
    for following in (shift(RolloutMove.STEP), promotion("3")):
        plan = workspace.desk("ines", policy=OPEN, elevated=True).plan(following, WELL)
        assert plan.step == "ask" and plan.needs == "1 approval by another person"
    done = act(workspace, broken(promotion("3")), "ines", OPEN)
    assert done.state is ActionState.EFFECTIVE and workspace.version == "3"
    assert len(workspace.state.open_reviews()) == 2


def test_a_covered_step_breaks_no_glass_for_the_approval_it_has(workspace: Workspace) -> None:
    asked = act(workspace, CANARY, "ines", OPEN, elevated=True)
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse", policy=OPEN).approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    assert act(workspace, CANARY, "ines", OPEN, elevated=True).state is ActionState.EFFECTIVE
    plan = workspace.desk("ines", policy=OPEN, elevated=True).plan(broken(shift(RolloutMove.STEP)), WELL)
    assert plan.allowed and not plan.break_glass and "no glass is broken" in " ".join(plan.warnings)
