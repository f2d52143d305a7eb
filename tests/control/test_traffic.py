"""A version is let in step by step under one approval, taken out by one operator, and ended by any move of the alias."""

from __future__ import annotations

from datetime import timedelta

import pytest
from control_workspace import MODEL, TEAM, MovableClock, Workspace, confirmed, promotion, rollback, switch_to
from rollouts import TOO_EARLY, WELL, WORSE, abort, begun, counts, done, published, shares, shift

from backends.local.acting import LocalTrafficSetter
from backends.protocol import BackendError, BackendUnavailable, TrafficSetting
from backends.records import State
from console.control import audit
from console.control.actions import ActionKind, ActionRequest, ActionState, Gate, PlanFacts
from console.control.approval import ApprovalState
from console.control.guardrails import Guardrail
from console.control.reach import Reach
from console.control.rollout import RolloutMove

CANARY = shift(RolloutMove.CANARY, "3", steps=(0.1, 0.5))


def test_a_canary_of_a_new_version_waits_for_another_person_and_takes_its_first_step(workspace: Workspace) -> None:
    plan = workspace.desk("ines", elevated=True).plan(CANARY, WELL)
    assert (plan.step, plan.danger, plan.needs) == ("ask", "dangerous", "1 approval by another person")
    assert [(change.what, change.movement) for change in plan.will_change] == [
        ("traffic.json", "none -> canary 2 > 3 at 10 % step 1/2"),
        ("traffic to v3", "0 % -> 10 %"),
        ("traffic to v2", "100 % -> 90 %"),
    ]
    assert published(workspace) is None
    begun(workspace, CANARY)
    setting = counts(workspace)
    assert setting is not None and (setting.value, setting.set_by) == ("canary 2 > 3 at 10 % step 1/2", "ines@bastion")
    assert shares(workspace)["3"] == pytest.approx(0.1, abs=0.02)
    assert workspace.version == "2"
    [approval] = [each for each in workspace.state.approvals.values() if each.payload.to == "3"]
    assert approval.payload.action is ActionKind.PROMOTE and approval.state_at(workspace.clock.now()) is ApprovalState.EXECUTED


def test_one_approval_covers_every_step_and_the_promotion_at_the_end(workspace: Workspace, clock: MovableClock) -> None:
    begun(workspace, CANARY)
    first = published(workspace)
    # Long after the approval could still be executed by itself: the rollout that it began goes on under it.
    clock.pass_by(days=4)
    step = workspace.desk("ines", elevated=True).plan(shift(RolloutMove.STEP), WELL)
    assert step.allowed and step.step == "act" and "covers it" in step.needs
    assert done(workspace, shift(RolloutMove.STEP)).after == "canary 2 > 3 at 50 % step 2/2"
    setting = counts(workspace)
    assert setting is not None and first is not None
    assert (setting.salt, setting.started_at, setting.step_at) == (first.salt, first.started_at, clock.now())
    assert "was the last one" in done(workspace, shift(RolloutMove.STEP)).message
    plan = workspace.desk("ines", elevated=True).plan(promotion("3"), WELL)
    assert plan.step == "act" and plan.approval is None and "covers it" in plan.needs
    assert ("rollout (canary)", "under way -> done") in [(change.what, change.movement) for change in plan.will_change]
    outcome = done(workspace, promotion("3"))
    assert outcome.state is ActionState.EFFECTIVE and workspace.version == "3"
    assert shares(workspace) == {"3": 1.0}
    ended = published(workspace)
    assert ended is not None and (ended.state, ended.weights) == ("ended", {"3": 1.0})
    assert any(call.call.startswith("set_traffic") and call.result == "ok" for call in outcome.calls)


def test_a_changed_gate_takes_the_cover_away_and_another_person_is_asked_again(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    failing = WELL.model_copy(update={"gates": (Gate(name="latency", state=State.CRITICAL),)})
    assert "gate latency fails" in done(workspace, shift(RolloutMove.STEP), failing).message
    worse = WELL.model_copy(update={"gates": (Gate(name="latency", state=State.CRITICAL, waiver="INC-9"),)})
    plan = workspace.desk("ines", elevated=True).plan(shift(RolloutMove.STEP), worse)
    assert plan.step == "ask" and any("covers this no longer: gate latency" in line for line in plan.warnings)
    assert done(workspace, shift(RolloutMove.STEP), worse).state is ActionState.WAITING
    begun_again = begun(workspace, shift(RolloutMove.STEP), worse)
    assert begun_again.after == "canary 2 > 3 at 50 % step 2/2"
    # The newer approval covers what follows in the same world.
    assert workspace.desk("ines", elevated=True).plan(promotion("3"), worse).step == "act"


def test_a_step_that_fails_goes_no_further_and_one_that_cannot_be_judged_only_by_saying_so(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    failed = done(workspace, shift(RolloutMove.STEP), WORSE)
    assert failed.state is ActionState.REFUSED and "step 1 fails: Brier is worse" in failed.message
    assert "fails: Brier is worse" in done(workspace, promotion("3"), WORSE).message
    early = done(workspace, shift(RolloutMove.STEP), TOO_EARLY)
    assert early.state is ActionState.REFUSED and "cannot be judged: only 3 labelled rows" in early.message
    assert done(workspace, shift(RolloutMove.STEP), PlanFacts()).state is ActionState.REFUSED
    assert done(workspace, shift(RolloutMove.STEP, unjudged=True), TOO_EARLY).state is ActionState.EFFECTIVE
    [step] = [each for each in workspace.state.actions.values() if each.plan and (each.plan.get("wish") or {}).get("move") == "step"
              and each.state is ActionState.EFFECTIVE]  # fmt: skip
    assert step.plan is not None and step.plan["wish"]["unjudged"] is True and step.plan["judged"]["state"] == "unknown"


def test_where_nothing_may_be_promoted_nothing_is_let_in_by_steps_and_taking_out_goes_on(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    frozen = Guardrail(id="frozen", title="Frozen until Monday", kinds=(ActionKind.PROMOTE,), deny=True)
    ines = workspace.desk("ines", elevated=True, policy=TEAM.model_copy(update={"guardrails": (frozen,)}))
    assert "guardrail frozen: Frozen until Monday" in (ines.plan(shift(RolloutMove.STEP), WELL).refusal or "")
    mara = workspace.desk("mara", policy=TEAM.model_copy(update={"guardrails": (frozen,)}))
    assert mara.plan(shift(RolloutMove.SHARE, share=0.01), WELL).allowed and mara.plan(abort()).allowed


def kept(workspace: Workspace, request: ActionRequest) -> list[str]:
    plan = workspace.desk("ines", elevated=True).plan(request, WELL)
    return [str(line) for line in plan.will_not_change if "who" in str(line)]


def test_a_plan_promises_to_keep_a_version_only_for_those_who_do_keep_it(workspace: Workspace) -> None:
    ab = shift(RolloutMove.AB, "3", share=0.5, hours=24)
    assert kept(workspace, ab) == ["who gets which version, from the beginning to the end"]
    assert kept(workspace, shift(RolloutMove.SHADOW, "3")) == ["who gets which version"]
    assert kept(workspace, CANARY) == ["v3 for whoever gets it, while the share grows"]
    begun(workspace, CANARY)
    assert kept(workspace, shift(RolloutMove.STEP)) == ["v3 for whoever gets it, while the share grows"]
    assert kept(workspace, shift(RolloutMove.PAUSE)) == ["who gets which version"]
    assert kept(workspace, shift(RolloutMove.SHARE, share=0.01)) == ["v2 for whoever gets it"]
    assert kept(workspace, abort()) == ["v2 for whoever gets it"], "it takes v3 away from everybody who got it"


def test_one_operator_ends_a_rollout_without_elevating(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    mara = workspace.desk("mara")
    plan = mara.plan(abort())
    assert plan.allowed and plan.danger == "safer" and plan.needs == "1 operator" and plan.typed_name == MODEL
    outcome = mara.execute(plan, confirmed())
    assert (outcome.state, outcome.after) == (ActionState.EFFECTIVE, "none")
    assert shares(workspace) == {"2": 1.0} and workspace.version == "2"
    assert "no rollout" in mara.execute(mara.plan(abort()), confirmed()).message


def test_a_smaller_share_is_safer_and_a_greater_one_is_not(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    done(workspace, shift(RolloutMove.STEP))
    mara = workspace.desk("mara")
    less = mara.plan(shift(RolloutMove.SHARE, share=0.02), WORSE)
    assert less.allowed and less.danger == "safer"
    assert mara.execute(less, confirmed()).after == "canary 2 > 3 at 2 %"
    more = mara.plan(shift(RolloutMove.SHARE, share=0.3), WELL)
    assert not more.allowed and "shift in production needs one of releaser" in (more.refusal or "")


def test_nothing_of_it_goes_forward_without_elevation(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    plan = workspace.desk("ines").plan(shift(RolloutMove.STEP), WELL)
    assert not plan.allowed and "elevate first" in (plan.refusal or "")
    shadow = workspace.desk("ines").plan(shift(RolloutMove.SHADOW, "3"))
    assert not shadow.allowed


def test_a_paused_rollout_goes_no_further_until_it_is_resumed(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    mara = workspace.desk("mara")
    assert mara.execute(mara.plan(shift(RolloutMove.PAUSE)), confirmed()).after == "canary 2 > 3 at 10 % step 1/2 paused"
    assert "is paused by mara@bastion" in done(workspace, shift(RolloutMove.STEP)).message
    assert not mara.plan(shift(RolloutMove.RESUME), WELL).allowed
    assert done(workspace, shift(RolloutMove.RESUME)).state is ActionState.EFFECTIVE
    assert done(workspace, shift(RolloutMove.STEP)).state is ActionState.EFFECTIVE


def test_a_shadow_answers_nobody_and_needs_nobody_else(workspace: Workspace) -> None:
    assert done(workspace, shift(RolloutMove.SHADOW, "3")).after == "shadow 2 > 3 at 0 %"
    setting = counts(workspace)
    assert setting is not None and (setting.shadow, setting.weights) == (("3",), {"2": 1.0})
    assert shares(workspace) == {"2": 1.0}
    assert "a shadow answers nobody" in done(workspace, shift(RolloutMove.STEP)).message


def test_an_experiment_keeps_its_shares_and_says_until_when_it_runs_at_least(workspace: Workspace, clock: MovableClock) -> None:
    begun(workspace, shift(RolloutMove.AB, "3", share=0.3, hours=48))
    setting = counts(workspace)
    assert setting is not None and setting.until == clock.now() + timedelta(hours=48)
    assert shares(workspace)["3"] == pytest.approx(0.3, abs=0.03)
    assert "would mix its groups" in done(workspace, shift(RolloutMove.SHARE, share=0.5)).message


def test_colours_are_swapped_by_a_promotion_and_back_by_one_operator(workspace: Workspace, clock: MovableClock) -> None:
    done(workspace, shift(RolloutMove.BLUE_GREEN, "3", hours=4))
    assert shares(workspace) == {"2": 1.0}
    asked = done(workspace, promotion("3"))
    assert asked.state is ActionState.WAITING
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    plan = workspace.desk("ines", elevated=True).plan(promotion("3"), WELL)
    swapped = next(change for change in plan.will_change if change.what == "rollout (blue-green)")
    assert (swapped.movement, swapped.note) == ("under way -> colours swapped", "v2 is kept warm for 4 h")
    assert not any("direct" in line for line in plan.warnings)
    assert done(workspace, promotion("3")).state is ActionState.EFFECTIVE
    setting = counts(workspace)
    assert setting is not None and (setting.stable, setting.candidate, setting.shadow) == ("3", "2", ("2",))
    assert setting.until == clock.now() + timedelta(hours=4)
    assert shares(workspace) == {"3": 1.0}
    mara = workspace.desk("mara")
    assert mara.execute(mara.plan(rollback()), confirmed()).state is ActionState.EFFECTIVE
    setting = counts(workspace)
    assert setting is not None and (setting.stable, setting.candidate) == ("2", "3")
    assert shares(workspace) == {"2": 1.0}


def test_a_rollback_beside_a_rollout_says_what_becomes_of_it_and_ends_it(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    mara = workspace.desk("mara")
    plan = mara.plan(rollback(to="1"))
    assert ("rollout (canary)", "under way -> ended") in [(change.what, change.movement) for change in plan.will_change]
    assert any("ending it is enough" in line for line in plan.warnings)
    assert any(call.startswith("set_traffic") for call in plan.calls)
    assert mara.execute(plan, confirmed()).state is ActionState.EFFECTIVE
    assert shares(workspace) == {"1": 1.0}
    ended = published(workspace)
    assert ended is not None and not ended.running


class NoTraffic:
    """Traffic that can be read and not written."""

    def __init__(self, real: LocalTrafficSetter) -> None:
        self.real = real

    def traffic(self, environment: str, model: str) -> TrafficSetting | None:
        return self.real.traffic(environment, model)

    def set_traffic(self, setting: TrafficSetting, *, expected: str) -> TrafficSetting:
        raise BackendError(f"the disk is full: {setting.model} stays {expected}, nothing was changed")


def test_a_rollout_that_could_not_be_written_off_never_comes_to_life_again(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    local = Reach.local(workspace.paths)
    reach = Reach(local.aliases, local.switches, traffic=NoTraffic(LocalTrafficSetter(workspace.paths.traffic)))
    mara = workspace.desk("mara", reach=reach)
    outcome = mara.execute(mara.plan(rollback(to="1")), confirmed())
    assert outcome.state is ActionState.EFFECTIVE
    assert any("the disk is full" in call.result for call in outcome.calls)
    setting = published(workspace)
    assert setting is not None and setting.running
    assert shares(workspace) == {"1": 1.0}
    workspace.promote("2")
    # Version 2 serves again, by another move: the canary of before is over.
    assert counts(workspace) is None and shares(workspace) == {"2": 1.0}


def test_going_back_step_by_step_to_a_version_that_served_is_safer(workspace: Workspace) -> None:
    mara = workspace.desk("mara")
    plan = mara.plan(shift(RolloutMove.CANARY, "1", steps=(0.5,)))
    assert plan.allowed and plan.danger == "safer"
    assert mara.execute(plan, confirmed()).state is ActionState.EFFECTIVE
    assert shares(workspace)["1"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (shift(RolloutMove.CANARY, "2"), "is at v2 already"),
        (shift(RolloutMove.CANARY), "name the version"),
        (shift(RolloutMove.CANARY, "3", steps=(0.5, 0.1)), "steps are rising shares"),
        (shift(RolloutMove.CANARY, "3", steps=(0.5, 1.0)), "the last one is the promotion"),
        (shift(RolloutMove.AB, "3", share=0.0), "above 0 %"),
        (shift(RolloutMove.STEP), "no rollout"),
        (shift(RolloutMove.PAUSE), "no rollout"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(workspace: Workspace, request_: object, why: str) -> None:
    outcome = done(workspace, request_)  # type: ignore[arg-type]
    assert outcome.state is ActionState.REFUSED and why in outcome.message
    assert published(workspace) is None


def test_a_second_rollout_does_not_begin_beside_the_first(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    assert "under way" in done(workspace, shift(RolloutMove.SHADOW, "4")).message


def test_the_plan_that_was_drawn_before_somebody_moved_the_alias_is_refused(workspace: Workspace) -> None:
    ines = workspace.desk("ines", elevated=True)
    plan = ines.plan(shift(RolloutMove.SHADOW, "3"))
    mara = workspace.desk("mara")
    mara.execute(mara.plan(rollback()), confirmed())
    outcome = ines.execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED and "v2" not in str(published(workspace))
    assert "changed since the plan was drawn" in outcome.message
    assert published(workspace) is None


def test_a_direct_promotion_is_flagged_and_refused_where_the_policy_says_so(workspace: Workspace) -> None:
    plan = workspace.desk("ines", elevated=True).plan(promotion("3"))
    assert any(line.startswith("direct: all traffic moves at once") for line in plan.warnings)
    strict = TEAM.model_copy(update={"direct_promotions": "refuse"})
    assert "direct" in (workspace.desk("ines", elevated=True, policy=strict).plan(promotion("3")).refusal or "")
    quiet = TEAM.model_copy(update={"direct_promotions": "allow"})
    assert workspace.desk("ines", elevated=True, policy=quiet).plan(promotion("3")).warnings == ()


def test_an_answer_that_was_lost_is_found_again_by_looking(workspace: Workspace) -> None:
    class Lost(LocalTrafficSetter):
        def set_traffic(self, setting: TrafficSetting, *, expected: str) -> TrafficSetting:
            super().set_traffic(setting, expected=expected)
            cut.append(True)
            raise BackendUnavailable("the line broke")

        def traffic(self, environment: str, model: str) -> TrafficSetting | None:
            if cut:
                raise BackendUnavailable("the line is down")
            return super().traffic(environment, model)

    begun(workspace, CANARY)
    cut: list[bool] = []
    local = Reach.local(workspace.paths)
    mara = workspace.desk("mara", reach=Reach(local.aliases, local.switches, traffic=Lost(workspace.paths.traffic)))
    plan = mara.plan(abort("lost"))
    outcome = mara.execute(plan, confirmed())
    assert outcome.state is ActionState.IN_DOUBT
    found = workspace.desk("otto").recheck(outcome.action_id)
    assert (found.state, found.after) == (ActionState.EFFECTIVE, "none")


def test_a_rollout_can_be_ended_without_a_journal_and_nothing_else_of_it_can_be_done(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    workspace.close()
    kept = workspace.paths.root / "kept.sqlite"
    workspace.paths.control.rename(kept)
    workspace.paths.control.mkdir()
    assert done(workspace, shift(RolloutMove.STEP)).state is ActionState.REFUSED
    mara = workspace.desk("mara")
    outcome = mara.execute(mara.plan(abort()), confirmed())
    assert outcome.state is ActionState.EFFECTIVE and outcome.gap is not None
    assert shares(workspace) == {"2": 1.0}
    workspace.paths.control.rmdir()
    kept.rename(workspace.paths.control)
    assert workspace.state.actions[outcome.action_id].state is ActionState.EFFECTIVE


def test_the_kill_switch_works_while_the_traffic_cannot_be_read(workspace: Workspace) -> None:
    workspace.paths.traffic.write_text("{")
    mara = workspace.desk("mara")
    assert mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
    assert mara.execute(mara.plan(rollback()), confirmed()).state is ActionState.EFFECTIVE
    refused = done(workspace, shift(RolloutMove.SHADOW, "3"))
    assert refused.state is ActionState.REFUSED and "traffic.json is broken" in refused.message


def test_everything_stands_in_the_audit(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    mara = workspace.desk("mara")
    mara.execute(mara.plan(abort()), confirmed())
    said = [entry.what for entry in audit.log(workspace.paths)]
    assert f"abort {MODEL} canary 2 > 3 at 10 % step 1/2 -> none" in said
    assert audit.verify(workspace.paths).whole and audit.verify(workspace.paths).warnings == ()
