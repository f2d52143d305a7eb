"""A promotion needs another person, who approves exactly what they saw; any change afterwards voids it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from control_workspace import MODEL, NOW, TEAM, MovableClock, Workspace, confirmed, promotion, rollback, switch_to

from backends.local.acting import LocalAliasSetter
from backends.records import Incident, State
from backends.text import Untrusted
from console.control import audit
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, Confirmation, Gate, PlanFacts
from console.control.approval import Approval, ApprovalState, no_longer
from console.control.errors import NotFound, Refused
from console.control.roles import Grant, Policy, Role
from console.control.terms import Terms
from console.runbook.timeline import timeline_of

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
GATE = Gate(name="SLO budget", state=State.CRITICAL, after="spent 2.9 times", limit="1", waiver="INC-1")
FACTS = PlanFacts(artifact_digest=DIGEST, evaluation_digest=DIGEST, gates=(GATE,), policy_digest=DIGEST)


def asked(workspace: Workspace, facts: PlanFacts | None = FACTS, person: str = "ines", policy: Policy = TEAM) -> Approval:
    desk = workspace.desk(person, elevated=True, policy=policy)
    outcome = desk.execute(desk.plan(promotion("3"), facts), confirmed("better on 15-21 Apr"))
    assert outcome.state is ActionState.WAITING, outcome.message
    return workspace.state.approvals[outcome.approval]


def approved(workspace: Workspace, approval: Approval, person: str = "ilse", policy: Policy = TEAM, **more: object) -> Approval:
    desk = workspace.desk(person, policy=policy)
    return desk.approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL, **more)  # type: ignore[arg-type]


def executed(workspace: Workspace, facts: PlanFacts | None = FACTS, policy: Policy = TEAM, **more: object) -> ActionOutcome:
    desk = workspace.desk("ines", elevated=True, policy=policy)
    return desk.execute(desk.plan(promotion("3"), facts), confirmed(), **more)  # type: ignore[arg-type]


def standing(workspace: Workspace, approval: Approval) -> ApprovalState:
    return workspace.state.approvals[approval.id].state_at(workspace.clock.now())


def test_asked_approved_by_another_person_and_executed(workspace: Workspace) -> None:
    approval = asked(workspace)
    assert workspace.version == "2"
    assert (approval.payload.from_, approval.payload.to, approval.payload.requester) == ("2", "3", "ines")
    assert approval.payload.gates == (GATE,)
    approved(workspace, approval)
    assert standing(workspace, approval) is ApprovalState.APPROVED
    outcome = executed(workspace)
    assert outcome.state is ActionState.EFFECTIVE and workspace.version == "3"
    assert standing(workspace, approval) is ApprovalState.EXECUTED
    assert workspace.state.approvals[approval.id].executing == outcome.action_id


def test_a_timeline_tells_what_came_at_the_same_moment_in_the_order_of_its_causes(workspace: Workspace) -> None:
    at = workspace.clock.now()
    incident = Incident(
        id="INC-1", model=MODEL, environment="production", title=Untrusted("late"), state="open", severity=State.CRITICAL,
        opened_at=at, opened_by="rule",
    )  # fmt: skip
    approval = asked(workspace)
    approved(workspace, approval)
    outcome = executed(workspace)
    control = workspace.state
    control.actions[outcome.action_id] = control.actions[outcome.action_id].model_copy(update={"incident": incident.id})
    told = [(entry.at, entry.text.raw.split(":")[0]) for entry in timeline_of(incident, control, None)]
    assert {moment for moment, _ in told} == {at}
    assert [text for _, text in told] == [
        "INC-1 opened", f"asks {approval.id}", f"approves {approval.id}", "promote v2 -> v3", "promote v2 -> v3", f"{approval.id} executed",
    ]  # fmt: skip


def test_without_approval_executing_only_asks(workspace: Workspace) -> None:
    asked(workspace)
    outcome = executed(workspace)
    assert outcome.state is ActionState.WAITING and outcome.exit_code == 0
    assert workspace.version == "2"
    assert len(workspace.state.open_approvals(workspace.clock.now())) == 1


def test_asking_twice_is_one_request(workspace: Workspace) -> None:
    desk = workspace.desk("ines", elevated=True)
    plan = desk.plan(promotion("3"), FACTS)
    first, again = desk.execute(plan, confirmed()), desk.execute(plan, confirmed())
    assert first.approval == again.approval and again.repeated
    assert workspace.desk("ada").execute(workspace.desk("ada").plan(promotion("3"), FACTS), confirmed()).approval == first.approval


def test_the_requester_cannot_approve(workspace: Workspace) -> None:
    policy = TEAM.model_copy(update={"grants": (*TEAM.grants, Grant(person="ines", roles=(Role.APPROVER,)))})
    approval = asked(workspace)
    with pytest.raises(Refused, match="another person"):
        approved(workspace, approval, "ines", policy)
    assert standing(workspace, approval) is ApprovalState.PENDING


@pytest.mark.parametrize("person", ["mara", "nobody"])
def test_who_is_no_approver_cannot_approve_or_veto(workspace: Workspace, person: str) -> None:
    approval = asked(workspace)
    with pytest.raises(Refused, match="needs one of approver"):
        approved(workspace, approval, person)
    with pytest.raises(Refused, match="needs one of approver"):
        workspace.desk(person).reject(approval.id, reason="no")
    assert standing(workspace, approval) is ApprovalState.PENDING


def test_alone_in_a_personal_workspace_ones_own_approval_counts_and_is_recorded_as_solo(workspace: Workspace) -> None:
    policy = Policy.personal("ada")
    desk = workspace.desk("ada", policy=policy, elevated=True)
    outcome = desk.execute(desk.plan(promotion("3"), FACTS), confirmed())
    approval = workspace.state.approvals[outcome.approval]
    given = approved(workspace, approval, "ada", policy)
    assert [vote.solo for vote in given.votes] == [True]
    assert desk.execute(desk.plan(promotion("3"), FACTS), confirmed()).state is ActionState.EFFECTIVE
    assert any(entry.detail == "solo" for entry in audit.log(workspace.paths))


def test_a_quorum_counts_people_and_not_approvals(workspace: Workspace) -> None:
    policy = TEAM.model_copy(update={"terms": {ActionKind.PROMOTE: Terms(quorum=2)}})
    approval = asked(workspace, policy=policy)
    approved(workspace, approval, "ilse", policy)
    again = approved(workspace, approval, "ilse", policy)
    assert again.granted == 1
    assert executed(workspace, policy=policy).state is ActionState.WAITING
    approved(workspace, approval, "otto", policy)
    assert executed(workspace, policy=policy).state is ActionState.EFFECTIVE


def test_only_what_was_seen_can_be_approved(workspace: Workspace) -> None:
    approval = asked(workspace)
    with pytest.raises(Refused, match="not the request that you saw"):
        workspace.desk("ilse").approve(approval.id, seen_digest=OTHER, typed_name=MODEL)
    assert standing(workspace, approval) is ApprovalState.PENDING


@pytest.mark.parametrize("typed", [None, "", "arrival"])
def test_approving_in_production_takes_the_models_name(workspace: Workspace, typed: str | None) -> None:
    approval = asked(workspace)
    with pytest.raises(Refused, match=f"type {MODEL}"):
        workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=typed)


def test_there_is_no_approving_what_was_never_asked(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="APR-99"):
        workspace.desk("ilse").approve("APR-99", seen_digest=DIGEST, typed_name=MODEL)


# -- what ends a request ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_approval", [False, True])
def test_a_veto_ends_it_whether_or_not_somebody_approved(workspace: Workspace, after_approval: bool) -> None:
    approval = asked(workspace)
    if after_approval:
        approved(workspace, approval)
    workspace.desk("otto").reject(approval.id, reason="SLO budget is spent")
    assert standing(workspace, approval) is ApprovalState.VETOED
    with pytest.raises(Refused, match="vetoed"):
        approved(workspace, approval, "ada")
    assert executed(workspace).state is ActionState.WAITING
    assert workspace.version == "2"


def test_the_requester_may_withdraw(workspace: Workspace) -> None:
    approval = asked(workspace)
    workspace.desk("ines").reject(approval.id, reason="found a fault")
    assert standing(workspace, approval) is ApprovalState.VETOED


def test_a_rejection_needs_a_reason(workspace: Workspace) -> None:
    approval = asked(workspace)
    with pytest.raises(Refused, match="reason"):
        workspace.desk("otto").reject(approval.id, reason="  ")


def test_it_must_be_approved_in_time(workspace: Workspace, clock: MovableClock) -> None:
    approval = asked(workspace)
    clock.pass_by(hours=24)
    assert standing(workspace, approval) is ApprovalState.PENDING
    clock.pass_by(seconds=1)
    assert standing(workspace, approval) is ApprovalState.EXPIRED
    with pytest.raises(Refused, match="expired"):
        approved(workspace, approval)


def test_it_must_be_executed_in_time(workspace: Workspace, clock: MovableClock) -> None:
    approval = asked(workspace)
    approved(workspace, approval)
    clock.pass_by(hours=48)
    assert standing(workspace, approval) is ApprovalState.APPROVED
    clock.pass_by(seconds=1)
    assert standing(workspace, approval) is ApprovalState.EXPIRED
    assert executed(workspace).state is ActionState.WAITING
    assert workspace.version == "2"


@pytest.mark.parametrize(("votes", "hours"), [(False, 25), (True, 49)])
def test_once_the_journal_has_passed_its_deadline_no_clock_that_is_set_back_revives_it(
    workspace: Workspace, clock: MovableClock, votes: bool, hours: int
) -> None:
    approval = asked(workspace)
    if votes:
        approved(workspace, approval)
    clock.pass_by(hours=hours)
    workspace.desk("mara").act(ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="tea"))
    clock.pass_by(hours=-hours + 1)
    assert standing(workspace, approval) is ApprovalState.EXPIRED
    assert "the clock was set back" in (no_longer(workspace.state.approvals[approval.id], clock.now()) or "")
    assert executed(workspace).state is ActionState.WAITING
    assert workspace.version == "2"


def test_a_clock_that_was_far_ahead_once_takes_nothing_from_what_is_asked_for_later(workspace: Workspace, clock: MovableClock) -> None:
    clock.pass_by(days=4000)
    workspace.desk("mara").act(ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="in the wrong year"))
    clock.pass_by(days=-4000)
    approval = asked(workspace)
    approved(workspace, approval)
    assert executed(workspace).state is ActionState.EFFECTIVE


def test_a_plan_drawn_before_the_end_is_refused_after_it(workspace: Workspace, clock: MovableClock) -> None:
    approved(workspace, asked(workspace))
    desk = workspace.desk("ines", elevated=True)
    plan = desk.plan(promotion("3"), FACTS)
    clock.pass_by(hours=49)
    assert desk.execute(plan, confirmed()).state is ActionState.REFUSED
    assert workspace.version == "2"


def test_it_is_used_once(workspace: Workspace) -> None:
    approval = asked(workspace)
    approved(workspace, approval)
    executed(workspace)
    mara = workspace.desk()
    mara.execute(mara.plan(rollback()), confirmed())
    assert workspace.version == "2"
    again = executed(workspace)
    assert again.state is ActionState.WAITING and again.approval != approval.id
    assert workspace.version == "2"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"artifact_digest": OTHER}, "artifact"),
        ({"artifact_digest": None}, "artifact"),
        ({"evaluation_digest": OTHER}, "evaluation"),
        ({"policy_digest": OTHER}, "policy"),
        ({"gates": (GATE.model_copy(update={"state": State.UNKNOWN}),)}, "gate SLO budget"),
        ({"gates": (GATE.model_copy(update={"limit": "2"}),)}, "gate SLO budget"),
        ({"gates": (GATE.model_copy(update={"waiver": None}),)}, "gate SLO budget"),
        ({"gates": ()}, "gate SLO budget"),
        ({"gates": (GATE, GATE.model_copy(update={"name": "fairness"}))}, "gate fairness"),
    ],
)
@pytest.mark.parametrize("when", ["approving", "executing"])
def test_any_change_of_the_world_voids_it_and_is_shown(workspace: Workspace, changed: dict[str, object], said: str, when: str) -> None:
    approval = asked(workspace)
    world = FACTS.model_copy(update=changed)
    if when == "approving":
        with pytest.raises(Refused, match="void") as refused:
            approved(workspace, approval, current_world=world)
        difference = refused.value.changed
    else:
        approved(workspace, approval)
        outcome = executed(workspace, current_world=world)
        assert outcome.state is ActionState.REFUSED and outcome.exit_code == 3
        difference = outcome.difference
    assert len(difference) == 1 and difference[0].startswith(said)
    assert standing(workspace, approval) is ApprovalState.VOID
    assert workspace.state.approvals[approval.id].difference == difference
    assert workspace.version == "2"
    assert executed(workspace).state is ActionState.WAITING


def test_a_gates_measured_value_may_move_while_its_result_stays(workspace: Workspace) -> None:
    approved(workspace, asked(workspace))
    moved = FACTS.model_copy(update={"gates": (GATE.model_copy(update={"after": "spent 3.0 times"}),)})
    assert executed(workspace, moved).state is ActionState.EFFECTIVE


def test_another_version_in_force_voids_it(workspace: Workspace) -> None:
    approval = asked(workspace)
    approved(workspace, approval)
    desk = workspace.desk("ines", elevated=True)
    plan = desk.plan(promotion("3"), FACTS)
    mara = workspace.desk()
    mara.execute(mara.plan(rollback()), confirmed())
    outcome = desk.execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED
    assert outcome.difference == ("version in force: was v2, is v1",)
    assert standing(workspace, approval) is ApprovalState.VOID
    assert workspace.version == "1"


def test_a_plan_shows_that_its_approval_no_longer_holds(workspace: Workspace) -> None:
    approved(workspace, asked(workspace))
    plan = workspace.desk("ines", elevated=True).plan(promotion("3"), FACTS.model_copy(update={"artifact_digest": OTHER}))
    assert not plan.allowed and plan.refusal is not None and "no longer holds" in plan.refusal


def test_asking_again_in_another_world_voids_the_old_request(workspace: Workspace) -> None:
    old = asked(workspace)
    new = asked(workspace, FACTS.model_copy(update={"evaluation_digest": OTHER}))
    assert new.id != old.id
    assert standing(workspace, old) is ApprovalState.VOID
    assert standing(workspace, new) is ApprovalState.PENDING


@pytest.mark.parametrize("other", [{"environment": "staging"}, {"model": "cancellation"}, {"to": "4"}])
def test_an_approval_counts_for_nothing_else(workspace: Workspace, other: dict[str, str]) -> None:
    approved(workspace, asked(workspace))
    desk = workspace.desk("ines", elevated=True)
    request = promotion("3").model_copy(update=other)
    assert desk.plan(request, FACTS).step == "ask"


def test_an_approval_of_a_promotion_is_no_elevation(workspace: Workspace) -> None:
    approved(workspace, asked(workspace))
    desk = workspace.desk("ines")
    outcome = desk.execute(desk.plan(promotion("3"), FACTS), confirmed())
    assert outcome.state is ActionState.REFUSED and "elevate" in outcome.message


def test_an_approval_survives_an_attempt_that_changed_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from backends.protocol import BackendError

    approval = asked(workspace)
    approved(workspace, approval)

    def down(*_: object, **__: object) -> None:
        raise BackendError("the registry is down: nothing was changed")

    with monkeypatch.context() as patched:
        patched.setattr("backends.local.acting.LocalAliasSetter.set_alias", down)
        assert executed(workspace).state is ActionState.FAILED
    assert standing(workspace, approval) is ApprovalState.APPROVED
    assert executed(workspace).state is ActionState.EFFECTIVE


@pytest.mark.parametrize(
    ("digest", "when"), [(DIGEST, "after the move"), (OTHER, "before it")], ids=["executes it too", "asks in another world"]
)
def test_whoever_comes_while_it_is_being_executed_is_told_so_and_does_not_void_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, digest: str, when: str
) -> None:
    """What changed in the world is that very execution: its record must not say that it was done with a void approval."""
    approval = asked(workspace)
    approved(workspace, approval)
    late = workspace.desk("ada", elevated=True)
    facts = FACTS.model_copy(update={"artifact_digest": digest})
    seen_before = late.plan(promotion("3"), facts)
    real, said = LocalAliasSetter.set_alias, []

    def comes_late() -> None:
        outcome = late.execute(seen_before, confirmed())
        said.append((outcome.state, outcome.message))

    def moves_meanwhile(*given: object, **named: object) -> object:
        if when == "before it":
            comes_late()
        moved = real(*given, **named)  # type: ignore[arg-type]  # whatever it was called with
        if when == "after the move":
            comes_late()
        return moved

    with monkeypatch.context() as patched:
        patched.setattr(LocalAliasSetter, "set_alias", moves_meanwhile)
        assert executed(workspace).state is ActionState.EFFECTIVE
    [(state, message)] = said
    assert state is ActionState.REFUSED and f"{approval.id} is being used by" in message
    assert standing(workspace, approval) is ApprovalState.EXECUTED


def test_the_way_back_of_a_switch_can_need_an_approval_too(workspace: Workspace) -> None:
    policy = TEAM.model_copy(update={"terms": {ActionKind.PROMOTE: Terms(), ActionKind.RESTORE: Terms()}})
    mara = workspace.desk(policy=policy, elevated=True)
    plan = mara.plan(switch_to(ActionKind.KILL))
    assert "needs 1 approval" in plan.undo
    mara.execute(plan, confirmed())
    for kind in (ActionKind.RESTORE, ActionKind.FALLBACK):
        assert mara.plan(switch_to(kind)).step == "ask"
    outcome = mara.execute(mara.plan(switch_to(ActionKind.RESTORE)), confirmed())
    assert outcome.state is ActionState.WAITING and workspace.switch == "killed"
    approved(workspace, workspace.state.approvals[outcome.approval], policy=policy)
    assert mara.execute(mara.plan(switch_to(ActionKind.RESTORE)), confirmed()).state is ActionState.EFFECTIVE
    assert workspace.switch == "normal"


def test_what_is_signed_is_one_sequence_of_bytes(workspace: Workspace) -> None:
    approval = asked(workspace)
    signed = approval.payload.signed_bytes()
    assert signed == approval.payload.signed_bytes()
    assert b'"format":"quarterdeck/approval/3"' in signed and b"\n" not in signed
    assert approval.payload.digest == approval.payload_digest
    for field, value in (("to", "4"), ("requester", "mara"), ("nonce", "0"), ("environment", "staging"), ("artifact_digest", OTHER)):
        assert approval.payload.model_copy(update={field: value}).digest != approval.payload_digest


def test_an_approval_that_came_with_the_journal_of_another_workspace_lets_nothing_in(workspace: Workspace, tmp_path: Path) -> None:
    """In a copy of the workspace the same people approve anything; its journal is then put in the place of the real one."""
    workspace.close()
    sandbox = Workspace(shutil.copytree(workspace.paths.root, tmp_path / "sandbox"), workspace.clock)
    ines = sandbox.desk("ines", elevated=True)
    asked = ines.execute(ines.plan(promotion("3")), confirmed())
    request = sandbox.state.approvals[asked.approval or ""]
    sandbox.desk("ilse").approve(request.id, seen_digest=request.payload_digest, typed_name=MODEL)
    sandbox.close()
    mara = workspace.desk("mara")
    for _ in range(5):
        note = ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="all is well")
        assert mara.execute(mara.plan(note), Confirmation(reason="all is well")).state is ActionState.DONE
    workspace.close()
    shutil.copy(sandbox.paths.control, workspace.paths.control)
    ines = workspace.desk("ines", elevated=True)
    plan = ines.plan(promotion("3"))
    assert plan.step == "act", "it looks like any other"
    refused = ines.execute(plan, confirmed())
    assert refused.state is ActionState.REFUSED and f"{request.id} is void" in refused.message
    assert workspace.version == "2"
    again = workspace.state.approvals[request.id]
    assert again.state_at(NOW) is ApprovalState.VOID and "the journal was changed by hand" in again.ended_reason
    assert not audit.verify(workspace.paths).whole
    workspace.promote("3")
    assert workspace.version == "3", "what is asked for anew is approved and done as ever"


def test_an_approval_that_the_policy_asks_for_by_now_is_not_gone_without_and_one_it_asks_for_no_more_is_not_filed(
    workspace: Workspace,
) -> None:
    strict = TEAM.model_copy(update={"terms": {ActionKind.RESTORE: Terms()}})
    mara = workspace.desk("mara")
    mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    for drawn_under, executed_under in ((TEAM, strict), (strict, TEAM)):
        plan = workspace.desk("mara", elevated=True, policy=drawn_under).plan(switch_to(ActionKind.RESTORE))
        assert plan.allowed
        outcome = workspace.desk("mara", elevated=True, policy=executed_under).execute(plan, confirmed())
        assert outcome.state is ActionState.REFUSED and "its approval changed since the plan was drawn" in outcome.message
        assert workspace.switch == "killed"
        assert not [each for each in workspace.state.approvals.values() if each.payload.action is ActionKind.RESTORE]
