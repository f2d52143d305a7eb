"""Maturity: seven practices, each judged by what the workspace holds, named with its evidence; what nobody recorded is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from registry_workspace import DAY, MADE, MODEL, NOW, Place, history, version_records

from backends.records import Evaluation, Model, Pipeline, PipelineRun, PipelineStage
from console.cli.main import main
from console.policies.load import shipped_policies
from console.render.maturity import maturity_page, system_page
from console.views.maturity.judged import Judged

PRACTICES = ("pipelines", "validation", "testing", "automation", "monitoring", "access control", "documentation")
PEOPLE = "format: 1\npeople: {ines: releaser, ilse: approver}\n"


@pytest.fixture
def own(tmp_path: Path) -> Place:
    return history(tmp_path / "w")


def practice(place: Place, name: str) -> Judged:
    [row] = place.lookout().maturity(MODEL).rows
    assert tuple(each.id for each in row.practices) == PRACTICES
    return next(each for each in row.practices if each.id == name)


def told(judged: Judged) -> str:
    return " / ".join(each.text.raw for each in judged.evidence)


def writes(place: Place, **sections: Any) -> None:
    (place.paths.policies / "own.yaml").write_text(json.dumps({"format": 1, **sections}))


def training(place: Place, *, run: str | None = "succeeded") -> None:
    at = {"event_at": MADE["2"], "known_at": MADE["2"]}
    place.land(Pipeline(**at, name="train", model=MODEL, stage=PipelineStage.TRAINING, schedule="monthly"))
    if run is not None:
        ran = {**at, "name": f"train-{run}", "pipeline": "train", "stage": "training", "started_at": MADE["2"], "status": run}
        place.land(PipelineRun.model_validate(ran))


def test_nothing_recorded_is_unknown_and_never_absent(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.land(Model(name=MODEL, task="binary", event_at=MADE["1"], known_at=MADE["1"]))
    for name in ("pipelines", "validation", "testing", "automation", "documentation"):
        found = practice(place, name)
        assert (found.level, found.state.value) == ("unknown", "unknown") and found.lacks and found.to_do, name
    [row] = place.lookout().maturity().rows
    assert row.there == 0 and "[????" in maturity_page(place.lookout().maturity()).plain()


def test_a_pipeline_is_there_once_it_and_the_run_that_made_the_version_are_recorded(own: Place) -> None:
    found = practice(own, "pipelines")
    assert found.level == "partly" and told(found) == "run run-2 made v2: succeeded" and "no pipeline is recorded" in found.lacks.raw
    training(own, run=None)
    assert practice(own, "pipelines").level == "partly", "it has never run"
    at = {"event_at": MADE["2"], "known_at": MADE["2"]}
    own.land(Pipeline(**at, name="score", model=MODEL, stage=PipelineStage.DEPLOYMENT))
    own.land(PipelineRun(**at, name="score-1", pipeline="score", stage=PipelineStage.DEPLOYMENT, started_at=NOW, status="succeeded"))
    assert practice(own, "pipelines").level == "partly", "what scores does not train"
    training(own)
    found = practice(own, "pipelines")
    assert found.level == "there" and "pipeline train (training) of local: 1 run, the newest succeeded" in told(found)


def test_a_report_of_its_own_training_rows_tests_it_in_part(own: Place) -> None:
    found = practice(own, "testing")
    assert found.level == "partly" and "report report-2: n 480, of rows that it may have been trained on" in told(found)
    [kept] = [each for each in version_records("2") if isinstance(each, Evaluation)]
    own.land(kept.model_copy(update={"name": "later", "covers_from": NOW - 3 * DAY, "covers_to": NOW - DAY, "known_at": NOW}))
    assert practice(own, "testing").level == "there"


def test_training_is_automated_where_a_schedule_is_recorded_that_has_run(own: Place) -> None:
    assert practice(own, "automation").level == "unknown", "whether it is started by itself is not recorded"
    training(own, run="failed")
    found = practice(own, "automation")
    assert found.level == "partly" and "never ran" in told(found) and found.lacks.raw == "no run of what is scheduled has succeeded"
    training(own)
    assert practice(own, "automation").level == "there"


def test_monitoring_names_the_layers_that_nobody_measures_and_is_absent_where_no_rule_watches(own: Place) -> None:
    found = practice(own, "monitoring")
    assert found.level == "partly" and "alert rules watch it" in told(found) and "business is unknown" in found.lacks.raw
    rules = [each.model_copy(update={"enabled": False}).model_dump(mode="json", by_alias=True) for each in shipped_policies().rules]
    kept = [{name: value for name, value in rule.items() if value not in (None, [])} for rule in rules]
    writes(own, rules=kept)
    assert practice(own, "monitoring").level == "absent"


def test_access_is_controlled_where_people_have_roles_and_another_one_must_agree(own: Place) -> None:
    found = practice(own, "access control")
    assert found.level == "partly" and found.lacks.raw == "one person is everything here, and approves alone"
    writes(own, people={"ines": "releaser", "ilse": "approver", "otto": "approver"})
    found = practice(own, "access control")
    assert found.level == "there" and "3 people have roles / a promotion needs 1 other signature" in told(found)
    writes(own, people={"ines": "releaser", "ilse": "approver"}, approvals=[{"action": "promote", "quorum": 0}])
    assert practice(own, "access control").lacks.raw == "a promotion needs nobody else"


def test_documentation_goes_by_the_required_fields_of_the_card(own: Place) -> None:
    found = practice(own, "documentation")
    assert found.level == "partly" and told(found) == "5 of 11 required fields of its card" and "intended use" in found.lacks.raw
    writes(own, documentation=[{"id": "model-card", "title": "T", "requires": ["contacts"]}])
    assert practice(own, "documentation").level == "absent"
    writes(own, documentation=[{"id": "model-card", "title": "T", "requires": ["owner"]}])
    assert practice(own, "documentation").level == "there"
    writes(own, documentation=[{"id": "model-card", "title": "T", "requires": []}])
    assert practice(own, "documentation").level == "unknown"


def test_every_piece_of_evidence_is_shown_by_the_verb_that_it_names(own: Place, capsys: pytest.CaptureFixture[str]) -> None:
    training(own)
    [row] = own.lookout().maturity(MODEL).rows
    verbs = {each.verb for judged in row.practices for each in judged.evidence}
    assert {"config policies", f"card {MODEL}@2", f"versions {MODEL}@2"} <= verbs
    for verb in verbs:
        assert main(["-w", str(own.paths.root), *verb.split()]) in {0, 1}, verb
    capsys.readouterr()


def test_the_page_shows_the_bar_the_evidence_and_what_to_do(own: Place) -> None:
    training(own)
    view = own.lookout().maturity()
    [row] = view.rows
    assert row.there == sum(each.level == "there" for each in row.practices) == 2
    page = maturity_page(view).plain()
    assert f"[#{'?' if practice(own, 'validation').level == 'unknown' else '+'}+#+++] 2 of 7" in page and "access control" in page
    page = " ".join(system_page(view).plain().split())
    assert "-> record an evaluation of rows from after its training" in page and f"(qd card {MODEL}@2)" in page


def test_the_past_knows_no_practice_that_came_later(own: Place) -> None:
    at = {"event_at": NOW - DAY, "known_at": NOW - DAY}
    own.land(Pipeline(**at, name="train", model=MODEL, stage=PipelineStage.TRAINING, schedule="daily"))
    assert practice(own, "automation").level == "partly"
    [row] = own.lookout(as_of=NOW - 2 * DAY).maturity(MODEL).rows
    assert next(each for each in row.practices if each.id == "automation").level == "unknown"
