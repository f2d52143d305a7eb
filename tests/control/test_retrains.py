"""A run of training is asked for after "real or a bug?", is sent when it is published, and in effect when a run on record names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from control_workspace import MODEL, NOW, TEAM, Workspace, confirmed
from test_crash import every_point, whole
from test_holds import COMMITTED

from backends.local.reading import LocalPipelines
from backends.records import PipelineRun, PipelineStage, Record, Run, State
from backends.store.landing import land_records
from backends.text import Untrusted
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, PlanFacts, Retraining
from console.control.errors import Refused
from console.control.guardrails import Guardrail
from console.control.terms import Terms

FIT = "nightly-fit"


def facts(state: State = State.OK, pipelines: tuple[str, ...] = (FIT,), verdict: str = "no bug seen in schema") -> PlanFacts:
    told = Retraining(pipelines=pipelines, state=state, verdict=Untrusted(verdict), verb=f"changes {MODEL}", first=NOW, last=NOW)
    return PlanFacts(retraining=told)


def retrain(**more: Any) -> ActionRequest:
    return ActionRequest(kind=ActionKind.RETRAIN, model=MODEL, **more)


def asked(workspace: Workspace, known: PlanFacts | None = None, person: str = "mara", **more: Any) -> ActionOutcome:
    desk = workspace.desk(person, elevated=True, policy=more.pop("policy", TEAM))
    return desk.execute(desk.plan(retrain(**more), known or facts()), confirmed("worse since the storm"))


def standing(workspace: Workspace) -> str | None:
    """The key that a pipeline reads, None where it is to start nothing."""
    found = LocalPipelines(workspace.paths.pipelines).request("production", MODEL)
    return None if found is None or found.withdrawn else found.key


def run(key: str | None, **more: Any) -> Run:
    fields = {"name": "R-7", "model": MODEL, "status": "running", "started_at": NOW, "event_at": NOW, "known_at": NOW, "request": key}
    return Run(**(fields | more))


def recorded(workspace: Workspace, *records: Record) -> None:
    land_records(workspace.paths, list(records), now=NOW)


def test_it_is_sent_until_a_run_on_record_names_it_and_nothing_else_counts(workspace: Workspace) -> None:
    outcome = asked(workspace, key="k7")
    assert (outcome.state, outcome.exit_code) == (ActionState.SENT, 0) and outcome.awaits == f"a run of {FIT} that names it"
    assert standing(workspace) == "k7" and workspace.version == "2"
    recorded(workspace, run(None, name="R-5"), run("another", name="R-6"), run("k7", name="R-8", model="other-model"))
    mara = workspace.desk("mara")
    before = len(workspace.state.actions[outcome.action_id].entries)
    assert mara.recheck(outcome.action_id).state is ActionState.SENT
    assert len(workspace.state.actions[outcome.action_id].entries) == before, "looking again is no news"
    assert workspace.state.actions[outcome.action_id].state is ActionState.SENT, "and it is in no doubt"
    recorded(workspace, run("k7"))
    settled = mara.recheck(outcome.action_id)
    assert (settled.state, settled.after) == (ActionState.EFFECTIVE, "run R-7, running")
    assert workspace.state.open_actions() == [] and workspace.version == "2", "retraining puts nothing in force"


def test_the_run_of_its_pipeline_answers_as_well(workspace: Workspace) -> None:
    outcome = asked(workspace, key="k7")
    at: dict[str, Any] = {"started_at": NOW, "event_at": NOW, "known_at": NOW}
    recorded(workspace, PipelineRun(name="P-1", pipeline=FIT, stage=PipelineStage.TRAINING, status="failed", request="k7", **at))
    assert workspace.desk("mara").recheck(outcome.action_id).after == "run P-1, failed"


@pytest.mark.parametrize("state", [State.WARNING, State.CRITICAL, State.UNKNOWN])
def test_while_a_bug_is_suspected_or_nobody_can_tell_it_says_what_to_look_at_first(workspace: Workspace, state: State) -> None:
    outcome = asked(workspace, facts(state, verdict="suspect a bug before the world: nulls"))
    assert outcome.state is ActionState.REFUSED and standing(workspace) is None
    assert outcome.message == f"suspect a bug before the world: nulls; look first: qd changes {MODEL}"
    assert asked(workspace, PlanFacts()).message == "real or a bug? was not looked at"


def test_what_a_bug_showed_after_the_plan_was_drawn_counts_when_it_is_confirmed(workspace: Workspace) -> None:
    desk = workspace.desk("mara", elevated=True)
    outcome = desk.execute(desk.plan(retrain(), facts()), confirmed(), current_world=facts(State.CRITICAL, verdict="suspect a bug"))
    assert outcome.state is ActionState.REFUSED and standing(workspace) is None


def test_only_a_pipeline_that_is_recorded_as_training_the_model_is_asked(workspace: Workspace) -> None:
    assert "no pipeline is recorded that trains" in asked(workspace, facts(pipelines=())).message
    assert "name one with --pipeline" in asked(workspace, facts(pipelines=(FIT, "weekly-fit"))).message
    assert "weekly is not recorded as training" in asked(workspace, subject="weekly").message
    assert standing(workspace) is None
    asked(workspace, facts(pipelines=(FIT, "weekly-fit")), subject="weekly-fit")
    found = LocalPipelines(workspace.paths.pipelines).request("production", MODEL)
    assert found is not None and (found.pipeline, found.first, found.reason) == ("weekly-fit", NOW, "worse since the storm")


def test_one_request_at_a_time_and_the_same_key_asks_once(workspace: Workspace) -> None:
    first = asked(workspace, key="k1")
    again = asked(workspace, key="k1")
    assert again.repeated and (again.state, again.exit_code) == (ActionState.SENT, 0)
    second = asked(workspace, key="k2")
    assert second.state is ActionState.REFUSED and f"{first.action_id} by mara@bastion asks for it already" in second.message
    recorded(workspace, run("k1"))
    workspace.desk("mara").recheck(first.action_id)
    assert asked(workspace, key="k2").state is ActionState.SENT and standing(workspace) == "k2"


def test_it_is_withdrawn_by_a_word_while_no_run_has_begun_and_never_called_done_without_one(workspace: Workspace) -> None:
    outcome = asked(workspace, key="k1")
    mara = workspace.desk("mara")
    with pytest.raises(Refused, match="has not taken effect"):
        mara.resolve(outcome.action_id, effective=True, reason="I believe so")
    with pytest.raises(Refused, match="nothing to send again"):
        _refusal(mara.plan_again(outcome.action_id, facts()))
    assert mara.resolve(outcome.action_id, effective=False, reason="it was the feed").state is ActionState.FAILED
    assert standing(workspace) is None
    assert asked(workspace, key="k2").state is ActionState.SENT
    recorded(workspace, run("k2"))
    other = workspace.state.action("k2")
    with pytest.raises(Refused, match="did take effect"):
        mara.resolve(other.id, effective=False, reason="too late")
    assert standing(workspace) == "k2", "what has begun is not withdrawn"


def _refusal(plan: Any) -> None:
    if plan.refusal:
        raise Refused(plan.refusal)


def test_who_may_ask_and_what_a_policy_adds(workspace: Workspace) -> None:
    plain = workspace.desk("mara")
    assert "elevate first" in (plain.plan(retrain(), facts()).refusal or "")
    assert "needs one of" in asked(workspace, person="ilse").message
    rail = Guardrail(id="freeze", title="No training over the holidays", kinds=(ActionKind.RETRAIN,), deny=True)
    assert "denied by guardrail freeze" in asked(workspace, policy=TEAM.model_copy(update={"guardrails": (rail,)})).message
    two = TEAM.model_copy(update={"terms": {ActionKind.RETRAIN: Terms()}})
    waits = asked(workspace, policy=two)
    assert waits.state is ActionState.WAITING and standing(workspace) is None
    approval = workspace.state.approvals[waits.approval]
    workspace.desk("ilse", policy=two).approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    assert asked(workspace, policy=two).state is ActionState.SENT and standing(workspace) is not None


def test_killed_anywhere_it_was_not_asked_is_in_doubt_or_stands_and_no_second_request_follows(workspace: Workspace, tmp_path: Path) -> None:
    workspace.close()

    def scenario(copy: Workspace) -> None:
        assert asked(copy, key="crash").state is ActionState.SENT

    def check(copy: Workspace, point: int) -> str:
        published, action = standing(copy) == "crash", copy.state.action("crash")
        if action is None:
            assert not published, f"point {point}: published before the intent was on disk"
            return "not done"
        found = "sent" if action.awaits else "in doubt"
        assert action.state is (ActionState.SENT if action.awaits else ActionState.IN_DOUBT), f"point {point}"
        outcome = copy.desk("otto").recheck(action.id)
        assert outcome.state is (ActionState.SENT if published else ActionState.FAILED), f"point {point}: {outcome.message}"
        later = asked(copy, key="again")
        assert (later.state is ActionState.SENT) is not published, f"point {point}: {later.message}"
        assert standing(copy) == ("crash" if published else "again")
        recorded(copy, run("crash" if published else "again"))
        assert copy.desk("otto").recheck(action.id if published else later.action_id).state is ActionState.EFFECTIVE
        whole(copy, point)
        return found

    found = every_point(workspace.paths.root, tmp_path, scenario, check)
    assert found[0] == "not done" and found[-1] == "sent" and set(found) == {"not done", "in doubt", "sent"}


def test_what_is_published_fits_the_committed_schema(workspace: Workspace) -> None:
    schema = json.loads(COMMITTED.read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    outcome = asked(workspace)
    checker.validate(json.loads(workspace.paths.pipelines.read_text()))
    workspace.desk("mara").resolve(outcome.action_id, effective=False, reason="it was the feed")
    content = json.loads(workspace.paths.pipelines.read_text())
    checker.validate(content)
    assert content["requests"]["production"][MODEL]["state"] == "withdrawn"
