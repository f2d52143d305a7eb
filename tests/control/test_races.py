"""Two consoles, several scripts, one model: one of them acts, the others are told so."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from control_workspace import MODEL, TEAM, MovableClock, Workspace, confirmed, promotion, rollback, switch_to

from backends.local.reading import LocalSwitches
from console.control import audit
from console.control import desk as draw
from console.control.actions import ActionKind, ActionOutcome, ActionPlan, ActionRequest, ActionState, Confirmation
from console.control.guardrails import Guardrail
from console.control.situation import Situation

Outcomes = list[tuple[str, str]]


def at_once(workspace: Workspace, people: list[str], act: Callable[[Workspace, str], ActionOutcome]) -> Outcomes:
    """State and message of what each person got, all released at the same moment in processes of their own."""
    start, results = multiprocessing.Event(), multiprocessing.SimpleQueue()
    children = []
    for person in people:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                own = Workspace(workspace.paths.root, MovableClock())
                start.wait(10)
                outcome = act(own, person)
                results.put((outcome.state.value, outcome.message))
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        children.append(child)
    start.set()
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * len(people)
    return [results.get() for _ in people]


def test_two_processes_race_on_the_same_alias_and_one_wins(workspace: Workspace) -> None:
    for round_ in range(8):
        plan = workspace.desk("mara").plan(rollback(to="1"))
        assert plan.allowed

        def act(own: Workspace, person: str, plan=plan, round_=round_) -> ActionOutcome:  # type: ignore[no-untyped-def]
            return own.desk(person).execute(plan, confirmed(key=f"{person}{round_}"))

        before = len(workspace.moves)
        states = sorted(state for state, _ in at_once(workspace, ["mara", "otto"], act))
        assert states == ["effective", "refused"]
        assert len(workspace.moves) == before + 1
        workspace.promote("2")
    assert audit.verify(workspace.paths).whole


def test_one_key_in_four_processes_is_one_action(workspace: Workspace) -> None:
    plan = workspace.desk("mara").plan(switch_to(ActionKind.FALLBACK))
    outcomes = at_once(workspace, ["mara"] * 4, lambda own, person: own.desk(person).execute(plan, confirmed()))
    assert "effective" in {state for state, _ in outcomes}
    assert {state for state, _ in outcomes} <= {"effective", "intended", "sent"}
    entries = [entry.kind for entry in audit.log(workspace.paths, limit=None) if entry.subject == plan.action_id]
    assert sorted(entries) == ["action.effective", "action.intended"]
    assert workspace.switch == "fallback"


def test_one_approval_is_used_by_one_of_two(workspace: Workspace) -> None:
    ines = workspace.desk("ines", elevated=True)
    asked = ines.execute(ines.plan(promotion("3")), confirmed())
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    plan = ines.plan(promotion("3"))
    outcomes = at_once(workspace, ["ines", "ada"], lambda own, person: own.desk(person, elevated=True).execute(plan, confirmed(key=person)))
    assert sorted(state for state, _ in outcomes) == ["effective", "refused"]
    assert workspace.moves == ["1", "2", "3"]


def test_a_veto_and_an_execution_at_once_never_both_succeed(workspace: Workspace) -> None:
    for round_ in range(5):
        version = str(3 + round_)
        ines = workspace.desk("ines", elevated=True)
        asked = ines.execute(ines.plan(promotion(version)), confirmed())
        approval = workspace.state.approvals[asked.approval]
        workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
        plan = ines.plan(promotion(version))
        before = workspace.version

        def act(own: Workspace, person: str, plan=plan, approval=approval) -> ActionOutcome:  # type: ignore[no-untyped-def]
            from console.control.errors import Refused

            if person == "ines":
                return own.desk(person, elevated=True).execute(plan, confirmed())
            try:
                own.desk(person).reject(approval.id, reason="stop")
                state = ActionState.DONE
            except Refused:
                state = ActionState.REFUSED
            return ActionOutcome(
                action_id="x", key="x", kind=ActionKind.REJECT, environment="production", model=MODEL, state=state, message=""
            )

        states = sorted(state for state, _ in at_once(workspace, ["ines", "otto"], act))
        assert states in (["effective", "refused"], ["done", "refused"])
        assert (workspace.version != before) == ("effective" in states)


def test_four_scripts_act_on_models_of_their_own_and_nothing_is_lost(workspace: Workspace) -> None:
    each = 12

    def act(own: Workspace, person: str) -> ActionOutcome:
        desk = own.desk("ada", elevated=True)
        for number in range(each):
            kind = ActionKind.KILL if number % 2 == 0 else ActionKind.RESTORE
            request = ActionRequest(kind=kind, model=f"model-{person}", environment="staging", key=f"{person}/{number}")
            outcome = desk.execute(desk.plan(request), confirmed())
            assert outcome.state is ActionState.EFFECTIVE, outcome.message
        return outcome

    at_once(workspace, ["a", "b", "c", "d"], act)
    effective = [action for action in workspace.state.actions.values() if action.model.startswith("model-")]
    assert len(effective) == 4 * each and {action.state for action in effective} == {ActionState.EFFECTIVE}
    found = audit.verify(workspace.paths)
    assert found.whole and found.mirrored_seq == found.last_seq


def test_from_six_terminals_at_once_nobody_moves_more_models_than_a_rule_counts(workspace: Workspace) -> None:
    rail = Guardrail(id="few", title="Two in ten minutes", kinds=(ActionKind.KILL,), max_bulk=2, within=timedelta(minutes=10))
    policy = TEAM.model_copy(update={"guardrails": (rail,)})
    models = [f"model-{number}" for number in range(6)]
    # Each plan is drawn before the first of them moves, as it is where six people look at a confirmation.
    plans = {model: workspace.desk("mara", policy=policy).plan(ActionRequest(kind=ActionKind.KILL, model=model)) for model in models}

    def act(own: Workspace, model: str) -> ActionOutcome:
        desk = own.desk("mara", policy=policy)
        drawn = draw.draw

        def together(situation: Situation) -> ActionPlan:
            found = drawn(situation)
            everybody.wait(10)
            return found

        draw.draw = together  # type: ignore[attr-defined]
        return desk.execute(plans[model], Confirmation(typed_name=model, reason="INC-1"))

    everybody = multiprocessing.Barrier(len(models))
    outcomes = at_once(workspace, models, act)
    assert sorted(state for state, _ in outcomes) == ["effective"] * 2 + ["refused"] * 4
    assert all("guardrail few" in message for state, message in outcomes if state == "refused")
    assert len(LocalSwitches(workspace.paths.switches).switches()) == 2
    assert audit.verify(workspace.paths).whole


def test_one_desk_serves_several_threads(workspace: Workspace) -> None:
    desk = workspace.desk("ada", elevated=True)
    outcomes: list[ActionState] = []

    def act(number: int) -> None:
        request = ActionRequest(kind=ActionKind.KILL, model=f"model-{number}", environment="staging")
        outcomes.append(desk.execute(desk.plan(request), confirmed()).state)

    threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [ActionState.EFFECTIVE] * 8
    assert audit.verify(workspace.paths).whole


def test_six_at_once_on_one_switch_are_told_of_each_other_and_no_move_is_lost_doubled_or_only_claimed(workspace: Workspace) -> None:
    """Two who look at a plan for a while, as at a console, and four scripts that plan and act in one go."""
    each, people = 12, ["console-1", "console-2", "script-1", "script-2", "script-3", "script-4"]

    def act(own: Workspace, person: str) -> ActionOutcome:
        for number in range(each):
            desk = own.desk("ada", elevated=True)
            kind = (ActionKind.KILL, ActionKind.RESTORE, ActionKind.FALLBACK)[number % 3]
            plan = desk.plan(switch_to(kind, key=f"{person}/{number}"))
            if person.startswith("console"):
                # Somebody reads what has been done so far: the others move on below the plan.
                assert [len(own.state.actions) for _ in range(5)]
            outcome = desk.execute(plan, confirmed(key=f"{person}/{number}"))
            assert outcome.state in {ActionState.EFFECTIVE, ActionState.REFUSED}, outcome.message
            desk.close()
        return outcome

    at_once(workspace, people, act)
    found = [each for each in workspace.state.actions.values() if each.kind is not ActionKind.PROMOTE]
    effective = [each for each in found if each.state is ActionState.EFFECTIVE]
    assert {each.state for each in found} <= {ActionState.EFFECTIVE, ActionState.REFUSED} and effective
    document = json.loads(workspace.paths.switches.read_text())
    # Every effective action is one version of the published file, whose keys it remembers, and there is no version besides.
    assert document["version"] == len(effective)
    setting = LocalSwitches(workspace.paths.switches).switch("production", MODEL)
    assert setting is not None
    [last] = [each for each in effective if each.key == setting.key]
    assert last.to == setting.state.value
    # Which moves follow on which is decided by the file: as many end in a state as begin from it, but for the first and the last.
    ends = Counter(each.to for each in effective)
    begins = Counter(each.from_ for each in effective)
    ends["normal"] += 1
    begins[setting.state.value] += 1
    assert ends == begins
    assert audit.verify(workspace.paths).whole
