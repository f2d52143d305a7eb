"""A call whose answer was lost: applied, never arrived, or arriving late. It is looked for, and repeated only when a person says so."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from control_workspace import MODEL, NOW, TEAM, MovableClock, Workspace, confirmed, promotion, rollback, switch_to
from last_writer_registry import LastWriterRegistry
from test_crash import every_point, whole
from test_races import at_once

from backends.local.reading import LocalSwitches
from backends.protocol import BackendError, BackendUnavailable
from console.control import audit
from console.control.actions import ActionKind, ActionOutcome, ActionState
from console.control.desk import Desk
from console.control.errors import Refused
from console.control.reach import Reach
from console.control.roles import Policy

PATIENT = TEAM.model_copy(update={"read_back_seconds": 0.05})


@pytest.fixture
def registry(workspace: Workspace, tmp_path: Path) -> LastWriterRegistry:
    """It says what the workspace's own registry says: version 1 served, version 2 serves."""
    found = LastWriterRegistry(tmp_path / "elsewhere.json")
    found.write("1", "ines@build", NOW - timedelta(days=40))
    found.write("2", "ines@build", NOW - timedelta(days=20))
    return found


def desk_at(workspace: Workspace, registry: LastWriterRegistry, person: str = "mara", *, policy: Policy = PATIENT, **more: object) -> Desk:
    return workspace.desk(person, policy=policy, reach=Reach(registry, Reach.local(workspace.paths).switches), **more)


def in_doubt(workspace: Workspace, registry: LastWriterRegistry, network: str) -> str:
    """Roll back over a network that loses the answer and cannot be read; the id of the action."""
    registry.network = network
    seen = registry.alias_history
    registry.alias_history = lambda *words: seen(*words) if not registry.sent else _no_answer()  # type: ignore[method-assign]
    mara = desk_at(workspace, registry)
    outcome = mara.execute(mara.plan(rollback(to="1")), confirmed(key="lost"))
    assert outcome.state is ActionState.IN_DOUBT and outcome.exit_code == 6
    registry.alias_history = seen  # type: ignore[method-assign]
    registry.network = "fine"
    return outcome.action_id


def _no_answer() -> list[object]:
    raise BackendError("no answer")


def test_a_call_that_was_applied_is_found_and_never_made_again(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = in_doubt(workspace, registry, "answer lost")
    mara = desk_at(workspace, registry)
    assert mara.recheck(action).state is ActionState.EFFECTIVE
    again = mara.plan_again(action)
    assert again.refusal is not None and "has ended, effective" in again.refusal
    assert mara.retry(again, confirmed()).state is ActionState.REFUSED
    assert registry.sent == 1 and registry.version == "1"


@pytest.mark.parametrize("network", ["call lost", "late"])
def test_while_the_old_value_is_in_force_nobody_claims_that_the_call_failed(
    workspace: Workspace, registry: LastWriterRegistry, network: str
) -> None:
    action = in_doubt(workspace, registry, network)
    found = desk_at(workspace, registry).recheck(action)
    assert found.state is ActionState.IN_DOUBT
    assert "2 is in force as before, set by ines@build" in found.message and "may yet arrive" in found.message
    assert [each.id for each in workspace.state.open_actions()] == [action]
    assert registry.sent == 1


def test_a_call_that_arrives_late_is_found_by_the_next_look(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = in_doubt(workspace, registry, "late")
    mara = desk_at(workspace, registry)
    mara.recheck(action)
    registry.arrive()
    assert mara.recheck(action).state is ActionState.EFFECTIVE
    assert registry.sent == 1 and [each["version"] for each in registry.moves] == ["1", "2", "1"]


def test_the_same_call_is_made_once_more_with_the_same_key_after_a_recheck(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = in_doubt(workspace, registry, "call lost")
    mara = desk_at(workspace, registry)
    before = mara.plan_again(action)
    assert before.refusal == f"recheck {action} first: its call may have taken effect"
    assert mara.retry(before, confirmed()).state is ActionState.REFUSED and registry.sent == 1
    mara.recheck(action)
    plan = mara.plan_again(action)
    assert plan.allowed and plan.key == "lost" and (plan.from_, plan.to) == ("2", "1")
    assert "the same call again, with the same key" in plan.warnings[0]
    outcome = mara.retry(plan, confirmed("the registry is back"))
    assert outcome.state is ActionState.EFFECTIVE and outcome.action_id == action and outcome.key == "lost"
    assert registry.sent == 2 and registry.version == "1"
    record = workspace.state.actions[action]
    assert record.state is ActionState.EFFECTIVE and record.retries == 1 and record.recheck is None
    told = [entry.kind for entry in audit.log(workspace.paths, limit=None) if entry.subject == action][::-1]
    assert told == ["action.intended", "action.in_doubt", "action.rechecked", "action.retried", "action.effective"]


def test_a_retry_finds_what_arrived_since_the_recheck_and_sends_nothing(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = in_doubt(workspace, registry, "late")
    mara = desk_at(workspace, registry)
    mara.recheck(action)
    plan = mara.plan_again(action)
    registry.arrive()
    refused = mara.retry(plan, confirmed())
    assert refused.state is ActionState.REFUSED and "1 is in force already: recheck" in refused.message
    assert mara.recheck(action).state is ActionState.EFFECTIVE
    assert registry.sent == 1


def test_it_arrives_between_the_last_look_and_the_call(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = in_doubt(workspace, registry, "late")
    mara = desk_at(workspace, registry)
    mara.recheck(action)
    plan = mara.plan_again(action)
    reads = registry.reads

    class Arrives(LastWriterRegistry):
        """Takes in what was late just before the retry itself looks."""

        def alias(self, *words: str):  # type: ignore[no-untyped-def]
            if self.reads == reads + 2:
                registry.arrive()
            return super().alias(*words)

    between = Arrives(registry.path)
    between.reads = reads
    outcome = desk_at(workspace, between).retry(plan, confirmed())
    assert outcome.state is ActionState.EFFECTIVE, outcome.message
    assert between.sent == 0 and registry.version == "1"


def test_whoever_moved_it_meanwhile_is_named_and_not_overwritten(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = in_doubt(workspace, registry, "call lost")
    mara = desk_at(workspace, registry)
    mara.recheck(action)
    registry.write("7", "otto@desk", NOW)
    looked = mara.recheck(action)
    assert looked.state is ActionState.IN_DOUBT and "7 is in force, set by otto@desk 2013-04-26 22:00:00 UTC" in looked.message
    assert looked.moved is not None and looked.moved.who == "otto@desk"
    plan = mara.plan_again(action)
    assert plan.refusal is not None and "7 is in force, not 2" in plan.refusal
    assert mara.retry(plan, confirmed()).state is ActionState.REFUSED
    assert registry.version == "7" and registry.sent == 1
    settled = mara.resolve(action, effective=False, reason="otto went to 7 instead")
    assert settled.state is ActionState.FAILED
    assert workspace.state.open_actions() == []


def test_who_was_faster_is_named(workspace: Workspace) -> None:
    mara, otto = workspace.desk(), workspace.desk("otto")
    plan = mara.plan(switch_to(ActionKind.KILL))
    otto.execute(otto.plan(switch_to(ActionKind.FALLBACK)), confirmed(key="faster"))
    outcome = mara.execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED
    assert "normal then, fallback now, set by otto@bastion 2013-04-26 22:00:00 UTC" in outcome.message
    assert outcome.moved is not None
    first = workspace.state.action("faster")
    assert first is not None and outcome.moved.action == first.id
    kept = [action for action in workspace.state.actions.values() if action.state is ActionState.REFUSED]
    assert [action.moved for action in kept] == [outcome.moved]


def test_who_was_faster_between_the_check_and_the_call_is_named_too(workspace: Workspace) -> None:
    otto = workspace.desk("otto")
    reach = Reach.local(workspace.paths)

    class Slow:
        """The switches, but somebody else sets them while the call is on its way."""

        def __getattr__(self, name: str) -> object:
            return getattr(reach.switches, name)

        def set_switch(self, setting, *, expected):  # type: ignore[no-untyped-def]
            otto.execute(otto.plan(switch_to(ActionKind.DEGRADE)), confirmed(key="faster"))
            return reach.switches.set_switch(setting, expected=expected)

    mara = workspace.desk(reach=Reach(reach.aliases, Slow()))  # type: ignore[arg-type]
    outcome = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    assert outcome.state is ActionState.REFUSED and "somebody was faster" in outcome.message
    assert outcome.moved is not None and outcome.moved.who == "otto@bastion"
    assert workspace.switch == "degraded"


def test_a_registry_that_shows_another_value_after_the_call_is_said_with_its_mover(
    workspace: Workspace, registry: LastWriterRegistry
) -> None:
    class Overwritten(LastWriterRegistry):
        def set_alias(self, *words, **named):  # type: ignore[no-untyped-def]
            found = super().set_alias(*words, **named)
            self.write("9", "cron@elsewhere", NOW)
            return found

    mara = desk_at(workspace, Overwritten(registry.path))
    outcome = mara.execute(mara.plan(rollback(to="1")), confirmed())
    assert outcome.state is ActionState.IN_DOUBT
    assert "9 is in force, set by cron@elsewhere" in outcome.message


def test_a_console_that_stays_open_does_not_keep_others_from_settling_what_it_left_in_doubt(
    workspace: Workspace, registry: LastWriterRegistry
) -> None:
    action = in_doubt(workspace, registry, "call lost")

    def act(own: Workspace, person: str) -> ActionOutcome:
        return desk_at(own, LastWriterRegistry(registry.path), person).recheck(action)

    ((state, message),) = at_once(workspace, ["otto"], act)
    assert state == "in doubt" and "may yet arrive" in message


# -- settled by somebody's word --------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["call lost", "late"])
def test_nobodys_word_calls_effective_what_the_registry_does_not_show(
    workspace: Workspace, registry: LastWriterRegistry, network: str
) -> None:
    action = in_doubt(workspace, registry, network)
    mara = desk_at(workspace, registry)
    with pytest.raises(Refused, match=r"has not taken effect: 2 is in force, set by ines@build .* as before"):
        mara.resolve(action, effective=True, reason="it must have")
    assert workspace.state.actions[action].open
    registry.arrive()
    registry.write("1", "mara@bastion", NOW)
    settled = mara.resolve(action, effective=True, reason="seen on the serving host")
    assert settled.state is ActionState.EFFECTIVE and settled.after == "1"
    assert "seen on the serving host; read back: 1 is in force, set by mara@bastion" in settled.message
    assert workspace.state.actions[action].calls[-1].result == "1"


def test_what_was_moved_since_is_settled_by_a_word_with_the_difference_on_record(
    workspace: Workspace, registry: LastWriterRegistry
) -> None:
    action = in_doubt(workspace, registry, "answer lost")
    registry.write("2", "otto@bastion", NOW + timedelta(minutes=5))
    settled = desk_at(workspace, registry).resolve(action, effective=True, reason="it served for five minutes")
    assert settled.state is ActionState.EFFECTIVE and settled.after == "2"
    assert "read back: 2 is in force, set by otto@bastion" in settled.message
    assert settled.moved is not None and settled.moved.who == "otto@bastion"


def test_nobodys_word_calls_failed_what_took_effect_and_was_replaced_since(workspace: Workspace) -> None:
    """The workspace's own switches keep the keys of calls, also of those whose state is in force no more."""
    reach = Reach.local(workspace.paths)

    class AnswerLost:
        def __init__(self) -> None:
            self.cut = False

        def __getattr__(self, name: str) -> object:
            return getattr(reach.switches, name)

        def switch(self, *words: str) -> object:
            if self.cut:
                raise BackendError("no answer")
            return reach.switches.switch(*words)

        def set_switch(self, setting, *, expected):  # type: ignore[no-untyped-def]
            reach.switches.set_switch(setting, expected=expected)
            self.cut = True
            raise BackendUnavailable("connection reset")

    mara = workspace.desk(reach=Reach(reach.aliases, AnswerLost()))  # type: ignore[arg-type]
    action = mara.execute(mara.plan(switch_to(ActionKind.FALLBACK)), confirmed()).action_id
    otto = workspace.desk("otto")
    assert otto.execute(otto.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
    with pytest.raises(Refused, match="did take effect: it was replaced since, killed is in force, set by otto@bastion"):
        otto.resolve(action, effective=False, reason="killed is in force")
    assert otto.resolve(action, effective=True, reason="it was, before").state is ActionState.EFFECTIVE


# -- who may, and how ------------------------------------------------------------------------------------------------


def rechecked(workspace: Workspace, registry: LastWriterRegistry) -> str:
    action = in_doubt(workspace, registry, "call lost")
    desk_at(workspace, registry).recheck(action)
    return action


def test_a_retry_needs_the_typed_name_and_the_role(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = rechecked(workspace, registry)
    mara = desk_at(workspace, registry)
    refused = mara.retry(mara.plan_again(action), confirmed().model_copy(update={"typed_name": "arrival"}))
    assert refused.state is ActionState.REFUSED and f"type {MODEL}" in refused.message
    for person in ("nobody", "ilse"):
        desk = desk_at(workspace, registry, person)
        plan = desk.plan_again(action)
        assert not plan.allowed and plan.refusal is not None and "needs one of" in plan.refusal
        assert desk.retry(plan, confirmed()).state is ActionState.REFUSED
    assert registry.sent == 1


def test_looking_and_settling_need_a_role_too(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = in_doubt(workspace, registry, "call lost")
    nobody = desk_at(workspace, registry, "nobody")
    with pytest.raises(Refused, match="needs one of"):
        nobody.recheck(action)
    with pytest.raises(Refused, match="needs one of"):
        nobody.resolve(action, effective=True, reason="I think so")
    with pytest.raises(Refused, match="--read-only"):
        desk_at(workspace, registry, "ada", read_only=True).recheck(action)
    assert workspace.state.actions[action].open


def test_a_changed_plan_is_not_sent_again(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = rechecked(workspace, registry)
    mara = desk_at(workspace, registry)
    forged = mara.plan_again(action).model_copy(update={"to": "9"})
    assert mara.retry(forged, confirmed()).state is ActionState.REFUSED
    assert registry.sent == 1


def test_a_promotion_is_sent_again_only_while_its_approval_lasts(
    workspace: Workspace, registry: LastWriterRegistry, clock: MovableClock
) -> None:
    ines = desk_at(workspace, registry, "ines", elevated=True)
    asked = ines.execute(ines.plan(promotion("3")), confirmed())
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    registry.network = "call lost"
    lost = ines.execute(ines.plan(promotion("3")), confirmed())
    registry.network = "fine"
    assert lost.state is ActionState.IN_DOUBT
    ines.recheck(lost.action_id)
    unelevated = desk_at(workspace, registry, "ines").plan_again(lost.action_id)
    assert unelevated.refusal is not None and "elevate" in unelevated.refusal
    clock.pass_by(hours=49)
    late = ines.plan_again(lost.action_id)
    assert late.refusal is not None and "does not hold any more" in late.refusal
    clock.pass_by(hours=-49)
    outcome = ines.retry(ines.plan_again(lost.action_id), confirmed())
    assert outcome.state is ActionState.EFFECTIVE, outcome.message
    assert registry.version == "3"
    assert workspace.state.approvals[approval.id].ended == "executed"


def test_of_two_people_who_retry_at_once_one_sends(workspace: Workspace, registry: LastWriterRegistry) -> None:
    action = rechecked(workspace, registry)
    plan = desk_at(workspace, registry).plan_again(action)
    before = len(registry.moves)

    def act(own: Workspace, person: str) -> ActionOutcome:
        return desk_at(own, LastWriterRegistry(registry.path), person).retry(plan, confirmed())

    states = {state for state, _ in at_once(workspace, ["mara", "otto"], act)}
    # The other one is refused, or told what became of the call that was made.
    assert "effective" in states and states <= {"effective", "refused", "sent"}
    assert len(registry.moves) == before + 1
    assert workspace.state.actions[action].state is ActionState.EFFECTIVE and workspace.state.actions[action].retries == 1
    assert audit.verify(workspace.paths).whole


def test_a_retry_killed_anywhere_is_in_doubt_again_and_needs_a_new_recheck(
    workspace: Workspace, registry: LastWriterRegistry, tmp_path: Path
) -> None:
    action = rechecked(workspace, registry)
    workspace.close()
    kept = registry.path.read_bytes()
    elsewhere = tmp_path / "other.json"

    def scenario(own: Workspace) -> None:
        desk = desk_at(own, LastWriterRegistry(elsewhere))
        assert desk.retry(desk.plan_again(action), confirmed()).state is ActionState.EFFECTIVE

    def check(own: Workspace, point: int) -> str:
        world = LastWriterRegistry(elsewhere)
        moved, record = world.version == "1", own.state.actions[action]
        if record.state is ActionState.EFFECTIVE:
            assert moved, f"point {point}: claimed without being so"
        else:
            assert record.state is ActionState.IN_DOUBT
            desk = desk_at(own, world, "otto")
            assert (desk.plan_again(action).refusal is None) == (record.retries == 0), f"point {point}"
            looked = desk.recheck(action)
            assert looked.state is (ActionState.EFFECTIVE if moved else ActionState.IN_DOUBT), f"point {point}"
            if not moved:
                assert desk.retry(desk.plan_again(action), confirmed()).state is ActionState.EFFECTIVE, f"point {point}"
        assert [each["version"] for each in world.moves] == ["1", "2", "1"], f"point {point}"
        whole(own, point)
        elsewhere.write_bytes(kept)
        return record.state.value

    elsewhere.write_bytes(kept)
    found = every_point(workspace.paths.root, tmp_path, scenario, check)
    assert set(found) == {"in doubt", "effective"}


def test_a_recheck_by_somebody_else_while_the_call_is_under_way_says_wait(workspace: Workspace) -> None:
    """The process that makes the call is stopped in the middle of it, not dead: nobody may settle or repeat it."""
    reach = Reach.local(workspace.paths)
    reader, writer = os.pipe()

    class Stops:
        def __getattr__(self, name: str) -> object:
            return getattr(reach.switches, name)

        def set_switch(self, setting, *, expected):  # type: ignore[no-untyped-def]
            os.write(writer, b"x")
            os.kill(os.getpid(), signal.SIGSTOP)
            return reach.switches.set_switch(setting, expected=expected)

    child = os.fork()
    if child == 0:
        status = 1
        try:
            own = Workspace(workspace.paths.root, MovableClock())
            desk = own.desk(reach=Reach(reach.aliases, Stops()))  # type: ignore[arg-type]
            outcome = desk.execute(desk.plan(switch_to(ActionKind.KILL)), confirmed(key="slow"))
            status = 0 if outcome.state is ActionState.EFFECTIVE else 3
        finally:
            os._exit(status)
    assert os.read(reader, 1) == b"x"
    otto = workspace.desk("otto")
    action = workspace.state.action("slow")
    assert action is not None and action.in_flight
    assert "still under way" in otto.recheck(action.id).message
    with pytest.raises(Refused, match="still under way"):
        otto.resolve(action.id, effective=False, reason="it hangs")
    assert "still under way" in str(otto.plan_again(action.id).refusal)
    os.kill(child, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert otto.recheck(action.id).state is ActionState.EFFECTIVE
    setting = LocalSwitches(workspace.paths.switches).switch("production", MODEL)
    assert setting is not None and setting.key == "slow"
