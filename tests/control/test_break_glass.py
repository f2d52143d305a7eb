"""Without the approval that it needs: towards safety always, further only where the policy says so, and somebody else looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest
from control_workspace import MODEL, NOW, TEAM, MovableClock, Workspace, confirmed, promotion, rollback, switch_to
from last_writer_registry import LastWriterRegistry
from test_crash import every_point

from backends.protocol import BackendUnavailable
from console.control import audit
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, PlanFacts
from console.control.approval import ApprovalState
from console.control.desk import Desk
from console.control.errors import NotFound, Refused
from console.control.reach import Reach
from console.control.records import Review, review_id
from console.control.roles import Denial, Policy
from console.control.terms import GlassTerms, Terms

ASKED = {kind: Terms() for kind in (ActionKind.PROMOTE, ActionKind.RESTORE, ActionKind.ROLLBACK, ActionKind.KILL, ActionKind.FALLBACK)}
STRICT = TEAM.model_copy(update={"terms": ASKED})
"""Even what leads towards safety waits for a second person."""
OPEN = STRICT.model_copy(update={"glass": GlassTerms(beyond_safer=(ActionKind.PROMOTE,))})


def broken(request: ActionRequest) -> ActionRequest:
    return request.model_copy(update={"break_glass": True})


def act(workspace: Workspace, request: ActionRequest, person: str = "mara", policy: Policy = STRICT, **more: object) -> ActionOutcome:
    desk = workspace.desk(person, policy=policy, **more)
    return desk.execute(desk.plan(request), confirmed("nobody answers the phone"))


def the_review(workspace: Workspace) -> Review:
    [found] = workspace.state.reviews.values()
    assert isinstance(found, Review)
    return found


# -- what may be done --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ActionKind.KILL, ActionKind.FALLBACK])
def test_a_step_towards_safety_waits_where_the_policy_says_so_and_with_the_glass_broken_it_does_not(
    workspace: Workspace, kind: ActionKind
) -> None:
    waiting = act(workspace, switch_to(kind))
    assert waiting.state is ActionState.WAITING and workspace.switch == "normal"
    assert "--break-glass" in " ".join(workspace.desk(policy=STRICT).plan(switch_to(kind)).warnings)
    done = act(workspace, broken(switch_to(kind)))
    assert done.state is ActionState.EFFECTIVE, done.message
    assert workspace.switch == {ActionKind.KILL: "killed", ActionKind.FALLBACK: "fallback"}[kind]
    review = the_review(workspace)
    assert review.open and (review.action, review.actor.name, review.model) == (done.action_id, "mara", MODEL)
    assert review.reason == "nobody answers the phone"
    assert workspace.state.actions[done.action_id].break_glass


def test_what_needs_an_approval_towards_safety_is_executed_with_one(workspace: Workspace) -> None:
    waiting = act(workspace, rollback(to="1"))
    approval = workspace.state.approvals[waiting.approval or ""]
    assert approval.payload.action is ActionKind.ROLLBACK and workspace.version == "2"
    workspace.desk("ilse", policy=STRICT).approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    done = act(workspace, rollback(to="1"))
    assert done.state is ActionState.EFFECTIVE, done.message
    assert workspace.version == "1" and workspace.state.reviews == {}
    assert workspace.state.approvals[approval.id].ended == "executed"


@pytest.mark.parametrize(
    ("request_", "person"), [(promotion("3"), "ines"), (switch_to(ActionKind.RESTORE), "mara")], ids=["promote", "restore"]
)
def test_further_than_towards_safety_the_glass_stays_whole(workspace: Workspace, request_: ActionRequest, person: str) -> None:
    act(workspace, broken(switch_to(ActionKind.KILL)))
    before = (workspace.version, workspace.switch)
    refused = act(workspace, broken(request_), person)
    assert refused.state is ActionState.REFUSED and refused.exit_code == 3
    assert "only towards safety" in refused.message and "beyond_safer" in refused.message
    assert (workspace.version, workspace.switch) == before


def test_where_the_policy_says_so_a_promotion_goes_on_without_approval_and_without_elevation(workspace: Workspace) -> None:
    desk = workspace.desk("ines", policy=OPEN)
    plan = desk.plan(broken(promotion("3")))
    assert plan.allowed and plan.break_glass and plan.without == "1 approval by another person and elevation"
    assert "stands on every screen" in " ".join(plan.warnings)
    assert desk.execute(plan, confirmed("the only fix")).state is ActionState.EFFECTIVE
    assert workspace.version == "3" and the_review(workspace).actor.name == "ines"
    assert act(workspace, broken(switch_to(ActionKind.KILL)), policy=OPEN).state is ActionState.EFFECTIVE
    refused = act(workspace, broken(switch_to(ActionKind.RESTORE)), policy=OPEN)
    assert refused.state is ActionState.REFUSED and workspace.switch == "killed"


def test_nothing_is_broken_where_nothing_stands_in_the_way(workspace: Workspace) -> None:
    done = act(workspace, broken(switch_to(ActionKind.KILL)), policy=TEAM)
    assert done.state is ActionState.EFFECTIVE
    assert workspace.state.reviews == {} and not workspace.state.actions[done.action_id].break_glass


DENIED = STRICT.model_copy(update={"denials": (Denial(person="mara", kinds=(ActionKind.KILL,), reason="frozen"),)})


@pytest.mark.parametrize(
    ("person", "policy", "more", "said"),
    [
        pytest.param("nobody", STRICT, {}, "needs one of", id="no role"),
        pytest.param("mara", DENIED, {}, "frozen", id="denied by a guardrail"),
        pytest.param("mara", STRICT, {"read_only": True}, "--read-only", id="read-only session"),
    ],
)
def test_everything_but_the_approval_still_counts(
    workspace: Workspace, person: str, policy: Policy, more: dict[str, object], said: str
) -> None:
    refused = act(workspace, broken(switch_to(ActionKind.KILL)), person, policy, **more)
    assert refused.state is ActionState.REFUSED and said in refused.message
    assert workspace.switch == "normal" and workspace.state.reviews == {}


def test_the_name_and_a_reason_are_typed_whatever_the_environment(workspace: Workspace) -> None:
    policy = STRICT.model_copy(update={"production": ()})
    desk = workspace.desk(policy=policy)
    plan = desk.plan(broken(switch_to(ActionKind.KILL, reason="filled in by a program")))
    assert plan.typed_name == MODEL
    for given in (confirmed(reason=" "), confirmed().model_copy(update={"typed_name": None})):
        assert desk.execute(plan, given).state is ActionState.REFUSED
    assert workspace.switch == "normal" and workspace.state.reviews == {}


def test_a_plan_changed_after_it_was_drawn_is_refused_and_one_sealed_again_still_leaves_its_review(workspace: Workspace) -> None:
    desk = workspace.desk(policy=STRICT)
    forged = desk.plan(switch_to(ActionKind.KILL)).model_copy(update={"break_glass": True, "step": "act"})
    assert desk.execute(forged, confirmed()).state is ActionState.REFUSED
    resealed = forged.model_copy(update={"digest": forged.content_digest()})
    assert desk.execute(resealed, confirmed()).state is not ActionState.REFUSED
    # What was drawn again under the same request is a glass broken by the same person: it is on record as one.
    assert the_review(workspace).open


def test_an_approval_that_came_meanwhile_keeps_the_glass_whole(workspace: Workspace) -> None:
    waiting = act(workspace, switch_to(ActionKind.KILL))
    desk = workspace.desk(policy=STRICT)
    plan = desk.plan(broken(switch_to(ActionKind.KILL)))
    approval = workspace.state.approvals[waiting.approval or ""]
    workspace.desk("ilse", policy=STRICT).approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    refused = desk.execute(plan, confirmed())
    assert refused.state is ActionState.REFUSED and "draw it again" in refused.message
    assert act(workspace, broken(switch_to(ActionKind.KILL))).state is ActionState.EFFECTIVE
    assert workspace.state.reviews == {} and workspace.state.approvals[approval.id].ended == "executed"


@pytest.mark.parametrize("when", ["asking", "executing"])
def test_what_an_approval_is_bound_to_must_be_readable_and_the_approval_outlives_that(workspace: Workspace, when: str) -> None:
    unread = PlanFacts(unread="the store is busy")
    desk = workspace.desk(policy=STRICT)
    if when == "asking":
        refused = desk.execute(desk.plan(rollback(to="1"), unread), confirmed())
        assert refused.state is ActionState.REFUSED and "the store is busy" in refused.message
        assert len(workspace.state.approvals) == 2
        return
    waiting = act(workspace, rollback(to="1"))
    approval = workspace.state.approvals[waiting.approval or ""]
    workspace.desk("ilse", policy=STRICT).approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    refused = desk.execute(desk.plan(rollback(to="1")), confirmed(), current_world=unread)
    assert refused.state is ActionState.REFUSED and "the store is busy" in refused.message
    assert workspace.state.approvals[approval.id].state_at(NOW) is ApprovalState.APPROVED
    assert desk.execute(desk.plan(broken(rollback(to="1")), unread), confirmed()).state is ActionState.REFUSED, "it is approved"


def test_towards_safety_the_glass_needs_no_facts(workspace: Workspace) -> None:
    desk = workspace.desk(policy=STRICT)
    done = desk.execute(desk.plan(broken(rollback(to="1")), PlanFacts(unread="the store is gone")), confirmed())
    assert done.state is ActionState.EFFECTIVE, done.message
    assert workspace.version == "1" and the_review(workspace).open


# -- the review --------------------------------------------------------------------------------------------------------


def test_somebody_else_reviews_it_once_and_in_words(workspace: Workspace) -> None:
    done = act(workspace, broken(switch_to(ActionKind.KILL)), "otto")
    review = the_review(workspace)
    with pytest.raises(Refused, match="somebody else reviews it"):
        workspace.desk("otto", policy=STRICT).review(review.id, verdict="justified", reason="I was right")
    with pytest.raises(Refused, match="needs one of"):
        workspace.desk("mara", policy=STRICT).review(review.id, verdict="justified", reason="he was right")
    with pytest.raises(Refused, match="needs a reason"):
        workspace.desk("ilse", policy=STRICT).review(review.id, verdict="justified", reason="  ")
    with pytest.raises(Refused, match="--read-only"):
        workspace.desk("ilse", policy=STRICT, read_only=True).review(review.id, verdict="justified", reason="fine")
    with pytest.raises(NotFound):
        workspace.desk("ilse", policy=STRICT).review("REV-000000", verdict="justified", reason="fine")
    assert the_review(workspace).open
    ilse = workspace.desk("ilse", policy=STRICT)
    closed = ilse.review(done.action_id, verdict="not justified", reason="ilse was on call and was not rung")
    assert (closed.verdict, closed.solo, closed.open) == ("not justified", False, False)
    assert ilse.review(review.id, verdict="not justified", reason="once more").text == "ilse was on call and was not rung"
    with pytest.raises(Refused, match="reviewed already: not justified, by ilse"):
        workspace.desk("ada", policy=STRICT).review(review.id, verdict="justified", reason="no")
    assert workspace.state.open_reviews() == []
    told = [entry.kind for entry in audit.log(workspace.paths, limit=None) if entry.subject == review.id]
    assert told == ["glass.reviewed"] and audit.verify(workspace.paths).whole


def test_alone_the_review_is_ones_own_and_recorded_as_solo(workspace: Workspace) -> None:
    alone = Policy.personal("mara").model_copy(update={"terms": ASKED})
    assert act(workspace, broken(switch_to(ActionKind.KILL)), policy=alone).state is ActionState.EFFECTIVE
    assert workspace.desk(policy=alone).review(the_review(workspace).id, verdict="justified", reason="nobody else is here").solo


def test_the_past_did_not_know_of_the_review(workspace: Workspace, clock: MovableClock) -> None:
    from console.control.ledger import read_state

    act(workspace, broken(switch_to(ActionKind.KILL)))
    clock.pass_by(hours=2)
    workspace.desk("ilse", policy=STRICT).review(the_review(workspace).id, verdict="justified", reason="right")
    clock.pass_by(hours=-1)
    assert len(read_state(workspace.paths, until=clock.now()).open_reviews("production")) == 1
    assert read_state(workspace.paths).open_reviews() == []


def test_two_actions_whose_ids_begin_alike_are_reviewed_apart() -> None:
    first = Review.model_construct(id="REV-aaaaaa", action="A-aaaaaa000000")
    taken = {first.id: first}
    assert review_id("A-aaaaaa000000", taken) == "REV-aaaaaa"
    assert review_id("A-aaaaaa111111", taken) == "REV-aaaaaa111111"


# -- when things go wrong ----------------------------------------------------------------------------------------------


def test_without_a_journal_the_glass_still_breaks_and_the_review_is_there_before_and_after(workspace: Workspace) -> None:
    workspace.close()
    kept = workspace.paths.control.read_bytes()
    workspace.paths.control.write_bytes(b"not a journal" * 100)
    done = act(workspace, broken(switch_to(ActionKind.KILL)))
    assert done.state is ActionState.EFFECTIVE and workspace.switch == "killed"
    assert the_review(workspace).open, "found in the spool"
    for beside in ("-wal", "-shm"):
        workspace.paths.control.with_name(workspace.paths.control.name + beside).unlink(missing_ok=True)
    workspace.paths.control.write_bytes(kept)
    ilse = workspace.desk("ilse", policy=STRICT)
    closed = ilse.review(the_review(workspace).id, verdict="justified", reason="the disk was broken")
    assert not closed.open and the_review(workspace).action == done.action_id
    assert not list(workspace.paths.spool.glob("control-*.jsonl"))


def test_without_a_journal_nobody_can_ask_and_it_is_said_what_can_be_done(workspace: Workspace) -> None:
    workspace.close()
    workspace.paths.control.write_bytes(b"not a journal" * 100)
    refused = act(workspace, switch_to(ActionKind.KILL))
    assert refused.state is ActionState.REFUSED and "a request could not be recorded" in refused.message
    assert "--break-glass" in refused.message
    assert workspace.switch == "normal"


def test_killed_anywhere_what_was_done_without_approval_has_its_review(workspace: Workspace, tmp_path: Path) -> None:
    workspace.close()

    def scenario(own: Workspace) -> None:
        assert act(own, broken(switch_to(ActionKind.KILL))).state is ActionState.EFFECTIVE

    def check(own: Workspace, point: int) -> str:
        state = own.state
        moved = own.switch == "killed"
        assert not moved or len(state.open_reviews("production", MODEL)) == 1, f"point {point}"
        assert len(state.reviews) <= 1
        return f"{'moved' if moved else 'not moved'}, {'review' if state.reviews else 'no review'}"

    found = every_point(workspace.paths.root, tmp_path, scenario, check)
    assert {"not moved, no review", "moved, review"} <= set(found)


def test_a_call_that_was_lost_is_made_again_under_the_same_broken_glass(workspace: Workspace, tmp_path: Path) -> None:
    registry = LastWriterRegistry(tmp_path / "elsewhere.json")
    registry.write("1", "ines@build", NOW)
    registry.write("2", "ines@build", NOW)
    patient = STRICT.model_copy(update={"read_back_seconds": 0.05})

    def mara() -> Desk:
        return workspace.desk(policy=patient, reach=Reach(registry, Reach.local(workspace.paths).switches))

    registry.network = "call lost"
    desk = mara()
    lost = desk.execute(desk.plan(broken(rollback(to="1"))), confirmed("nobody answers the phone"))
    registry.network = "fine"
    assert lost.state is ActionState.IN_DOUBT and the_review(workspace).open
    mara().recheck(lost.action_id)
    plan = mara().plan_again(lost.action_id)
    assert plan.allowed and plan.break_glass, plan.refusal
    assert mara().retry(plan, confirmed()).state is ActionState.EFFECTIVE
    assert registry.version == "1" and the_review(workspace).action == lost.action_id


def test_a_backend_that_does_not_answer_leaves_a_review_of_what_may_have_happened(workspace: Workspace) -> None:
    reach = Reach.local(workspace.paths)

    class Gone:
        def __getattr__(self, name: str) -> object:
            return getattr(reach.switches, name)

        def set_switch(self, *_: object, **__: object) -> None:
            raise BackendUnavailable("no route")

    desk = workspace.desk(policy=STRICT.model_copy(update={"read_back_seconds": 0.05}), reach=Reach(reach.aliases, Gone()))  # type: ignore[arg-type]
    outcome = desk.execute(desk.plan(broken(switch_to(ActionKind.KILL))), confirmed("nobody answers"))
    assert outcome.state is not ActionState.EFFECTIVE
    assert the_review(workspace).open
