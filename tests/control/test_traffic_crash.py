"""Killed at any point at which something reaches the disk, a shift of traffic was made, was not made, or is in doubt."""

from __future__ import annotations

from pathlib import Path

from control_workspace import MODEL, Workspace, confirmed, promotion
from rollouts import WELL, abort, begun, counts, done, published, shares, shift
from test_crash import every_point, settled, whole
from test_races import at_once

from console.control import audit
from console.control.actions import ActionOutcome, ActionState
from console.control.approval import ApprovalState
from console.control.rollout import RolloutMove

CANARY = shift(RolloutMove.CANARY, "3", steps=(0.1, 0.5))


def test_the_beginning_of_an_approved_canary_killed_anywhere_uses_its_approval_once(workspace: Workspace, tmp_path: Path) -> None:
    asked = done(workspace, CANARY)
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    workspace.close()

    def scenario(copy: Workspace) -> None:
        outcome = done(copy, CANARY.model_copy(update={"key": "crash"}))
        assert outcome.state is ActionState.EFFECTIVE, outcome.message

    def check(copy: Workspace, point: int) -> str:
        setting = published(copy)
        moved = setting is not None and setting.running
        assert shares(copy, 200).get("3", 0.0) > 0 or not moved
        found = settled(copy, "crash", moved, point)
        outcome = done(copy, CANARY.model_copy(update={"key": "again"}))
        assert (outcome.state is ActionState.EFFECTIVE) != moved, f"point {point}: {outcome.message}"
        now = counts(copy)
        assert now is not None and now.value == "canary 2 > 3 at 10 % step 1/2"
        assert copy.state.approvals[approval.id].state_at(copy.clock.now()) is ApprovalState.EXECUTED
        whole(copy, point)
        return found

    found = every_point(workspace.paths.root, tmp_path, scenario, check)
    assert found[0] == "not done" and found[-1] == "done" and set(found) == {"not done", "in doubt", "done"}


def test_ending_a_rollout_killed_anywhere(workspace: Workspace, tmp_path: Path) -> None:
    begun(workspace, CANARY)
    workspace.close()

    def scenario(copy: Workspace) -> None:
        mara = copy.desk("mara")
        assert mara.execute(mara.plan(abort("crash")), confirmed()).state is ActionState.EFFECTIVE

    def check(copy: Workspace, point: int) -> str:
        moved = shares(copy, 200) == {"2": 1.0}
        found = settled(copy, "crash", moved, point)
        mara = copy.desk("mara")
        outcome = mara.execute(mara.plan(abort("again")), confirmed())
        assert (outcome.state is ActionState.EFFECTIVE) != moved, f"point {point}: {outcome.message}"
        assert shares(copy, 200) == {"2": 1.0}
        whole(copy, point)
        return found

    found = every_point(workspace.paths.root, tmp_path, scenario, check)
    assert found[0] == "not done" and found[-1] == "done" and set(found) == {"not done", "in doubt", "done"}


def test_the_promotion_at_the_end_of_a_canary_killed_anywhere_leaves_no_half_of_it(workspace: Workspace, tmp_path: Path) -> None:
    """Between the move of the alias and what is written about the rollout, everything goes to the new version already."""
    begun(workspace, CANARY)
    workspace.close()

    def scenario(copy: Workspace) -> None:
        outcome = done(copy, promotion("3").model_copy(update={"key": "crash"}), WELL)
        assert outcome.state is ActionState.EFFECTIVE, outcome.message

    ended: list[bool] = []

    def check(copy: Workspace, point: int) -> str:
        moved = copy.version == "3"
        assert shares(copy, 400) == {"3": 1.0} if moved else 0 < shares(copy, 400)["3"] < 0.3, f"point {point}"
        found = settled(copy, "crash", moved, point)
        setting = published(copy)
        assert setting is not None
        if moved:
            # Whoever found out how it ended has also written the rollout off.
            assert not setting.running or found == "not done", f"point {point}"
            ended.append(setting.running)
        whole(copy, point)
        return found

    found = every_point(workspace.paths.root, tmp_path, scenario, check)
    assert set(found) == {"not done", "in doubt", "done"} and ended and not any(ended)


def test_a_step_forward_and_the_end_at_once_never_both_succeed(workspace: Workspace) -> None:
    for round_ in range(6):
        begun(workspace, CANARY)

        def act(own: Workspace, person: str, round_: int = round_) -> ActionOutcome:
            if person == "ines":
                return done(own, shift(RolloutMove.STEP, key=f"step{round_}"))
            desk = own.desk(person)
            return desk.execute(desk.plan(abort(f"abort{round_}")), confirmed())

        states = sorted(state for state, _ in at_once(workspace, ["ines", "mara"], act))
        assert states in (["effective", "refused"], ["effective", "effective"])
        setting = counts(workspace)
        ended = workspace.state.action(f"abort{round_}")
        stepped = workspace.state.action(f"step{round_}")
        if ended is not None and ended.state is ActionState.EFFECTIVE:
            # If both took effect, the end came last: a step is refused once the rollout is over.
            assert setting is None and shares(workspace, 200) == {"2": 1.0}
        else:
            assert stepped is not None and setting is not None and setting.share == 0.5
            mara = workspace.desk("mara")
            assert mara.execute(mara.plan(abort()), confirmed()).state is ActionState.EFFECTIVE
    assert audit.verify(workspace.paths).whole


def test_one_key_in_four_processes_is_one_step(workspace: Workspace) -> None:
    begun(workspace, CANARY)
    plan = workspace.desk("ines", elevated=True).plan(shift(RolloutMove.STEP, key="four"), WELL)
    outcomes = at_once(workspace, ["ines"] * 4, lambda own, person: own.desk(person, elevated=True).execute(plan, confirmed(key="four")))
    assert {state for state, _ in outcomes} <= {"effective", "intended", "sent"}
    setting = counts(workspace)
    assert setting is not None and setting.value == "canary 2 > 3 at 50 % step 2/2"
    entries = [entry.kind for entry in audit.log(workspace.paths, limit=None) if entry.subject == plan.action_id]
    assert sorted(entries) == ["action.effective", "action.intended"]
