"""Jobs of a model's pipelines are held by one operator and let go by somebody who may; nothing in between, and never by themselves."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from control_workspace import MODEL, NOW, TEAM, MovableClock, Workspace, confirmed
from test_crash import every_point, settled, whole
from test_races import at_once

from backends.local.reading import LocalPipelines
from backends.protocol import BackendError
from console.cli.schemas import published_path, published_text
from console.control import audit
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState
from console.control.guardrails import Guardrail
from console.control.terms import Terms

COMMITTED = published_path(Path(__file__).parents[2] / "docs" / "schemas", "pipelines")
NIGHTLY = "nightly-scores"


def hold(pipeline: str | None = None, **more: Any) -> ActionRequest:
    return ActionRequest(kind=ActionKind.HOLD, model=MODEL, subject=pipeline, **more)


def release(pipeline: str | None = None, **more: Any) -> ActionRequest:
    return ActionRequest(kind=ActionKind.RELEASE_HOLD, model=MODEL, subject=pipeline, **more)


def done(workspace: Workspace, request: ActionRequest, person: str = "mara", *, elevated: bool = False, **desk: Any) -> ActionOutcome:
    own = workspace.desk(person, elevated=elevated, **desk)
    return own.execute(own.plan(request), confirmed("the weather feed is empty"))


def holding(workspace: Workspace, pipeline: str | None = None) -> list[str]:
    """What a job reads before it runs."""
    return [each.pipeline for each in LocalPipelines(workspace.paths.pipelines).holding("production", MODEL, pipeline)]


def test_one_operator_holds_every_job_of_a_model_and_it_is_read_back(workspace: Workspace) -> None:
    plan = workspace.desk("mara").plan(hold())
    assert plan.allowed and plan.safer and plan.typed_name == MODEL
    assert [(change.what, change.movement) for change in plan.will_change] == [("pipelines.json", "free -> held")]
    assert holding(workspace) == [], "a plan changes nothing"
    outcome = done(workspace, hold())
    assert (outcome.state, outcome.after) == (ActionState.EFFECTIVE, "held")
    assert holding(workspace, NIGHTLY) == ["*"] and holding(workspace) == ["*"]
    assert workspace.version == "2" and workspace.switch == "normal"
    [setting] = LocalPipelines(workspace.paths.pipelines).holds("production")
    assert (setting.set_by, setting.until, setting.reason) == ("mara@bastion", NOW + timedelta(hours=4), "the weather feed is empty")


def test_the_hold_of_one_pipeline_leaves_the_others_free(workspace: Workspace) -> None:
    assert done(workspace, hold(NIGHTLY)).after == f"held {NIGHTLY}"
    assert holding(workspace, NIGHTLY) == [NIGHTLY] and holding(workspace, "weekly") == []
    assert done(workspace, release(), elevated=True).message == f"the jobs of {MODEL} are not held"
    assert done(workspace, release(NIGHTLY), elevated=True).state is ActionState.EFFECTIVE
    assert holding(workspace) == []


def test_letting_go_needs_elevation_where_it_is_read_only_and_a_viewer_may_neither(workspace: Workspace) -> None:
    assert "needs one of" in done(workspace, hold(), "eve").message and holding(workspace) == []
    done(workspace, hold())
    refused = done(workspace, release())
    assert refused.state is ActionState.REFUSED and "elevate first" in refused.message and holding(workspace) == ["*"]
    assert done(workspace, release(), elevated=True).after == "free"


def test_its_time_passes_and_it_stays_held_until_somebody_renews_or_ends_it(workspace: Workspace, clock: MovableClock) -> None:
    done(workspace, hold(until=NOW + timedelta(hours=2)))
    clock.pass_by(hours=5)
    assert holding(workspace) == ["*"]
    [setting] = LocalPipelines(workspace.paths.pipelines).holds("production")
    assert setting.overdue(clock.now()) and not setting.overdue(NOW)
    assert done(workspace, hold(until=clock.now() + timedelta(hours=1), owner="otto"), "otto").state is ActionState.EFFECTIVE
    [renewed] = LocalPipelines(workspace.paths.pipelines).holds("production")
    assert (renewed.begun_at, renewed.asked, renewed.overdue(clock.now())) == (NOW, "otto", False)


def test_the_same_key_holds_once_and_another_pipeline_needs_another_key(workspace: Workspace) -> None:
    assert done(workspace, hold(key="k")).state is ActionState.EFFECTIVE
    done(workspace, release(), elevated=True)
    again = done(workspace, hold(key="k"))
    assert again.repeated and holding(workspace) == []
    assert "use a new key" in done(workspace, hold(NIGHTLY, key="k")).message and holding(workspace) == []


def test_a_plan_drawn_from_another_state_is_refused(workspace: Workspace) -> None:
    mara = workspace.desk("mara")
    plan = mara.plan(hold())
    done(workspace, hold(), "otto")
    outcome = mara.execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED and "free then, held now" in outcome.message


def test_a_policy_may_ask_for_a_second_person_to_let_go_and_what_they_signed_is_one_pipeline(workspace: Workspace) -> None:
    policy = TEAM.model_copy(update={"terms": {ActionKind.RELEASE_HOLD: Terms()}})
    done(workspace, hold(NIGHTLY))
    done(workspace, hold("weekly"))
    asked = done(workspace, release(NIGHTLY), "ines", elevated=True, policy=policy)
    assert asked.state is ActionState.WAITING and holding(workspace) == [NIGHTLY, "weekly"]
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse", policy=policy).approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    assert done(workspace, release("weekly"), "ines", elevated=True, policy=policy).state is ActionState.WAITING
    assert done(workspace, release(NIGHTLY), "ines", elevated=True, policy=policy).state is ActionState.EFFECTIVE
    assert holding(workspace) == ["weekly"]


def test_a_guardrail_denies_a_hold_by_its_name(workspace: Workspace) -> None:
    rail = Guardrail(id="nights", title="The night's scores are sold", kinds=(ActionKind.HOLD,), deny=True)
    refused = done(workspace, hold(), policy=TEAM.model_copy(update={"guardrails": (rail,)}))
    assert "denied by guardrail nights" in refused.message and holding(workspace) == []


def test_it_is_held_without_a_journal_and_the_note_is_taken_over(workspace: Workspace) -> None:
    kept = workspace.paths.root / "kept.sqlite"
    workspace.paths.control.rename(kept)
    workspace.paths.control.mkdir()
    outcome = done(workspace, hold())
    assert outcome.state is ActionState.EFFECTIVE and outcome.gap and holding(workspace) == ["*"]
    assert done(workspace, release(), elevated=True).state is ActionState.REFUSED and holding(workspace) == ["*"]
    workspace.close()
    workspace.paths.control.rmdir()
    kept.rename(workspace.paths.control)
    done(workspace, hold(NIGHTLY))
    assert workspace.state.actions[outcome.action_id].state is ActionState.EFFECTIVE and workspace.state.gap is None


@pytest.mark.parametrize("held_before", [False, True])
def test_killed_anywhere_it_was_done_was_not_done_or_is_in_doubt(workspace: Workspace, tmp_path: Path, held_before: bool) -> None:
    if held_before:
        done(workspace, hold())
    workspace.close()
    request = release(key="crash") if held_before else hold(key="crash")

    def scenario(copy: Workspace) -> None:
        assert done(copy, request, elevated=True).state is ActionState.EFFECTIVE

    def check(copy: Workspace, point: int) -> str:
        found = settled(copy, "crash", bool(holding(copy)) is not held_before, point)
        done(copy, request.model_copy(update={"key": "again"}), elevated=True)
        assert bool(holding(copy)) is not held_before, f"point {point}"
        whole(copy, point)
        return found

    found = every_point(workspace.paths.root, tmp_path, scenario, check)
    assert found[0] == "not done" and found[-1] == "done" and set(found) == {"not done", "in doubt", "done"}


def test_two_pipelines_held_at_once_are_both_held(workspace: Workspace) -> None:
    outcomes = at_once(workspace, ["mara", "otto"], lambda own, person: done(own, hold(f"of-{person}"), person))
    assert {state for state, _ in outcomes} == {"effective"}
    assert sorted(holding(workspace)) == ["of-mara", "of-otto"]


def test_what_was_held_by_hand_is_a_warning_of_the_audit(workspace: Workspace) -> None:
    done(workspace, hold())
    content = json.loads(workspace.paths.pipelines.read_text())
    content["holds"]["production"][MODEL]["*"] |= {"key": "by-hand", "set_by": "eve"}
    workspace.paths.pipelines.write_text(json.dumps(content))
    assert f"the jobs of {MODEL} in production are held, set by eve without an entry" in audit.verify(workspace.paths).warnings


def test_what_is_published_fits_the_committed_schema_and_a_file_broken_by_hand_is_refused(workspace: Workspace) -> None:
    schema = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert json.loads(published_text("pipelines")) == schema, "make schemas"
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    done(workspace, hold())
    done(workspace, release(), elevated=True)
    done(workspace, hold(NIGHTLY))
    content = json.loads(workspace.paths.pipelines.read_text())
    checker.validate(content)
    content["holds"]["production"][MODEL]["*"]["state"] = "perhaps"
    assert not checker.is_valid(content)
    workspace.paths.pipelines.write_text(json.dumps(content))
    with pytest.raises(BackendError):
        holding(workspace)
    assert "is broken" in (workspace.desk("mara").plan(hold()).refusal or "")
