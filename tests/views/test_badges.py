"""Badges: five for every asset of a system, each turned by the record that it rests on; what no record says is unknown."""

from __future__ import annotations

import json
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from registry_workspace import DAY, MADE, MODEL, NOW, Place, digest, history, report, version_records, write_artifact

from backends.local.acting import LocalAliasSetter
from backends.records import (
    Dataset,
    Deployment,
    FeatureSet,
    Layer,
    MetricPoint,
    Model,
    ModelVersion,
    Pipeline,
    PipelineRun,
    PipelineStage,
    Run,
)  # fmt: skip
from backends.store.landing import land
from console.cli.main import main
from console.policies.load import shipped_policies
from console.render.badges import asset_page, badges_page
from console.views.badges.badge import Badge, BadgeName
from console.views.badges.view import NoSuchAsset

DATA, INPUTS, RUN, VERSION, SERVING = "dataset:data-2", "features:inputs", "run:run-2", "version:2", "deployment:serving"
TRAIN = "pipeline:train"
AT = {"event_at": MADE["2"], "known_at": MADE["2"]}
LATER = {"event_at": NOW - DAY, "known_at": NOW - DAY}


@pytest.fixture
def own(tmp_path: Path) -> Place:
    return history(tmp_path / "w")


def badge(place: Place, asset: str, name: BadgeName) -> Badge:
    [row] = place.lookout().badges(MODEL, asset).rows
    return row.badge(name)


def stands(place: Place, asset: str, name: BadgeName) -> tuple[str, str]:
    """How a badge stands, and everything that is said of it."""
    found = badge(place, asset, name)
    proofs = [f"{each.record.raw}: {each.text.raw} ({each.verb})" for each in found.evidence]
    return found.standing, " / ".join([found.why.raw, *proofs])


def of_version(kind: type, version: str = "2") -> Any:
    return next(each for each in version_records(version) if isinstance(each, kind))


def again(place: Place, record: Any, **changed: Any) -> None:
    """The same record corrected, a moment after it was known first."""
    place.land(record.model_copy(update={"known_at": record.known_at + timedelta(microseconds=1), **changed}))


def writes(place: Place, **sections: Any) -> None:
    (place.paths.policies / "own.yaml").write_text(json.dumps({"format": 1, **sections}))


def switches_off(place: Place, *signals: str) -> None:
    rules = [each for each in shipped_policies().rules if each.signal in signals]
    dumped = [each.model_copy(update={"enabled": False}).model_dump(mode="json", by_alias=True) for each in rules]
    writes(place, rules=[{name: value for name, value in rule.items() if value not in (None, [])} for rule in dumped])


def kept(place: Place, name: str, state: str, **labels: str) -> None:
    """A check of rows that was kept an hour ago, the newest of several last."""
    at = NOW - timedelta(hours=1, seconds=-float(state != "ok"))
    place.land(
        MetricPoint(
            event_at=at,
            known_at=at,
            model=MODEL,
            layer=Layer.DATA,
            name=name,
            value=float(state != "ok"),
            n=900,
            labels={"state": state, "file": "rows.csv", **labels},
        )
    )


def alias(place: Place, name: str, expected: str | None, version: str) -> None:
    """An alias that somebody moves outside the console."""
    setter = LocalAliasSetter(place.paths.registry)
    setter.set_alias("production", MODEL, name, version, expected=expected, key=f"{name}-{version}", actor="somebody", now=NOW)


def test_what_only_predictions_speak_of_has_badges_of_nothing_but_outcomes(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.land(Model(name=MODEL, task="binary", event_at=MADE["1"], known_at=MADE["1"]))
    view = place.lookout().badges(MODEL)
    assert [each.id for each in view.rows] == ["labels:outcomes"] and view.version is None
    assert view.counts["borne out"] == 1, "the shipped retention rule is all that there is"
    assert "no version" in badges_page(view).plain()


def test_every_asset_that_the_records_know_is_there_once(own: Place) -> None:
    ids = [each.id for each in own.lookout().badges(MODEL).rows]
    assert ids == [DATA, INPUTS, RUN, VERSION, SERVING, "labels:outcomes"]
    own.land(Pipeline(**AT, name="train", model=MODEL, stage=PipelineStage.TRAINING))
    alias(own, "challenger", None, "3")
    view = own.lookout().badges(MODEL)
    assert [each.id for each in view.rows] == [
        DATA, "dataset:data-3", INPUTS, RUN, "run:run-3", VERSION, "version:3", SERVING, TRAIN, "labels:outcomes",
    ]  # fmt: skip
    assert view.challenger == "3" and view.rows[2].of == ("2", "3")
    with pytest.raises(NoSuchAsset, match="version:2"):
        own.lookout().badges(MODEL, "version:22")


def test_a_dataset_is_versioned_by_the_snapshot_that_was_known_when_it_was_read(own: Place) -> None:
    standing, said = stands(own, DATA, "versioned")
    assert standing == "borne out" and f"snapshot {digest('data 2')[7:11]}" in said and "card --dataset data-2" in said
    again(own, of_version(Run), inputs=("elsewhere",))
    standing, said = stands(own, "dataset:elsewhere", "versioned")
    assert standing == "unknown" and "no record of it is here" in said
    own.land(Dataset(**LATER, name="elsewhere", snapshot=digest("e"), rows=3))
    assert "recorded only after run run-2" in stands(own, "dataset:elsewhere", "versioned")[1]


@pytest.mark.parametrize("asset", [DATA, RUN])
def test_rows_are_tested_by_the_kept_check_of_their_run(own: Place, asset: str) -> None:
    assert stands(own, asset, "tested")[0] == "unknown"
    kept(own, "leakage_check", "ok", run="run-1")
    assert stands(own, asset, "tested")[0] == "unknown", "that is of another run"
    kept(own, "contract_check", "ok", run="run-2", moment="training")
    assert stands(own, asset, "tested")[0] == "borne out"
    kept(own, "leakage_check", "critical", run="run-2")
    standing, said = stands(own, asset, "tested")
    assert standing == "not borne out" and "the search for leakage is critical" in said


def test_of_several_datasets_nobody_says_which_was_checked(own: Place) -> None:
    kept(own, "contract_check", "ok", run="run-2", moment="training")
    again(own, of_version(Run), inputs=("data-2", "data-1"))
    standing, said = stands(own, DATA, "tested")
    assert standing == "unknown" and "read 2 datasets" in said and "contract check of run run-2" in said


def test_a_dataset_is_observable_while_its_sources_are_heard_of(own: Place) -> None:
    standing, said = stands(own, DATA, "observable")
    assert standing == "unknown" and "flights, weather" in said
    for name in ("flights", "weather"):
        own.land(Model(**LATER, source=name, name=MODEL, task="binary"))
    assert stands(own, DATA, "observable")[0] == "borne out"


def test_a_dataset_is_governable_by_a_whole_data_sheet(own: Place) -> None:
    standing, said = stands(own, DATA, "governable")
    assert standing == "not borne out" and "lacks" in said
    writes(own, documentation=[{"id": "data-sheet", "title": "T", "requires": ["columns"], "card": "dataset"}])
    assert stands(own, DATA, "governable")[0] == "borne out"


def test_a_dataset_improves_on_the_one_before_by_later_rows(own: Place) -> None:
    standing, said = stands(own, DATA, "improved")
    assert standing == "borne out" and "rows to 2024-01-31" in said and "rows to 2023-12-31" in said
    again(own, of_version(Run), ended_at=MADE["2"] + timedelta(hours=1))
    again(own, of_version(Dataset), covers_to=of_version(Dataset, "1").covers_to)
    standing, said = stands(own, DATA, "improved")
    assert standing == "not borne out" and "no later rows than v1" in said


def test_the_same_snapshot_once_more_is_no_improvement(own: Place) -> None:
    again(own, of_version(Run), inputs=("data-1",))
    standing, said = stands(own, "dataset:data-1", "improved")
    assert standing == "not borne out" and "v1 was trained on the same snapshot" in said


def test_features_are_tested_by_the_newest_comparison_of_offline_with_online(own: Place) -> None:
    assert stands(own, INPUTS, "tested")[0] == "unknown"
    kept(own, "parity_check", "ok")
    assert stands(own, INPUTS, "tested")[0] == "borne out"
    kept(own, "parity_check", "warning", worst="temp differs")
    standing, said = stands(own, INPUTS, "tested")
    assert standing == "not borne out" and "temp differs" in said


def test_features_are_observable_once_each_is_logged_and_watched(own: Place) -> None:
    assert stands(own, INPUTS, "observable")[0] == "unknown", "nothing is logged"

    def logs(**columns: list[Any]) -> None:
        moments = [NOW - timedelta(minutes=number + 1) for number in range(60)]
        land(
            own.paths, "predictions",
            {"event_at": moments, "model": [MODEL] * 60, "version": ["2"] * 60, "key": [f"{len(columns)}{n}" for n in range(60)],
             "score": [0.4] * 60, **columns},
            now=NOW,
        )  # fmt: skip

    logs(temp=[1.0] * 60)
    standing, said = stands(own, INPUTS, "observable")
    assert standing == "not borne out" and "carrier" in said and "1 of 2 columns" in said
    logs(temp=[1.0] * 60, carrier=["UA"] * 60)
    standing, said = stands(own, INPUTS, "observable")
    assert standing == "borne out" and "alert rule data.schema" in said
    switches_off(own, "schema_violations", "null_share", "out_of_range_share", "input_psi")
    assert stands(own, INPUTS, "observable")[0] == "not borne out"


def test_features_improve_on_those_before_by_another_definition(own: Place) -> None:
    standing, said = stands(own, INPUTS, "improved")
    assert standing == "not borne out" and "v1 was trained on the same definition" in said
    again(own, of_version(Run), ended_at=MADE["2"] + timedelta(hours=1))
    again(own, of_version(FeatureSet), version="2", definition_digest=digest("more"))
    assert stands(own, INPUTS, "improved")[0] == "borne out"
    assert stands(own, INPUTS, "governable")[0] == "does not apply"


def test_a_run_is_versioned_by_its_code_its_rows_and_its_features(own: Place) -> None:
    standing, said = stands(own, RUN, "versioned")
    assert standing == "borne out" and "code 4e1d9c" in said
    again(own, of_version(ModelVersion), code_commit=None)
    standing, said = stands(own, RUN, "versioned")
    assert standing == "unknown" and "names no commit" in said


def test_a_run_is_observable_once_how_it_ended_is_recorded(own: Place) -> None:
    assert stands(own, RUN, "observable")[0] == "borne out"
    again(own, of_version(Run), status="running")
    assert stands(own, RUN, "observable")[0] == "unknown"


def test_a_run_is_governable_by_who_started_it_and_not_by_a_request_that_nobody_knows(own: Place) -> None:
    assert "trigger monthly" in stands(own, RUN, "governable")[1]
    again(own, of_version(Run), request="R-1")
    standing, said = stands(own, RUN, "governable")
    assert standing == "not borne out" and "this journal knows nothing" in said


def test_a_version_is_versioned_while_its_artifact_is_what_was_recorded(own: Place) -> None:
    assert stands(own, VERSION, "versioned")[0] == "borne out"
    write_artifact(own, "2", "other weights")
    standing, said = stands(own, VERSION, "versioned")
    assert standing == "not borne out" and "DIFFERS" in said
    again(own, of_version(ModelVersion), artifact_digest=None)
    assert stands(own, VERSION, "versioned")[0] == "unknown"


def test_a_version_is_tested_by_a_report_of_rows_that_it_was_not_trained_on(own: Place) -> None:
    standing, said = stands(own, VERSION, "tested")
    assert standing == "not borne out" and "evaluation report-2" in said and "card delay@2" in said
    own.land(report("2").model_copy(update={**LATER, "name": "fresh", "covers_from": NOW - 3 * DAY, "covers_to": NOW - DAY}))
    assert stands(own, VERSION, "tested")[0] == "borne out"


def test_a_version_is_better_only_on_the_same_rows(own: Place) -> None:
    assert stands(own, VERSION, "improved")[0] == "unknown"
    rows = {**LATER, "covers_from": NOW - 3 * DAY, "covers_to": NOW - DAY}
    own.land(report("1").model_copy(update={**rows, "name": "old", "metrics": {"auc": 0.7}}))
    own.land(report("2").model_copy(update={**rows, "name": "new", "metrics": {"auc": 0.75}}))
    standing, said = stands(own, VERSION, "improved")
    assert standing == "borne out" and "auc .750, n 480; that of v1 .700 on the same rows" in said
    own.land(report("2").model_copy(update={**rows, "name": "new", "known_at": NOW, "metrics": {"auc": 0.65}}))
    assert stands(own, VERSION, "improved")[0] == "not borne out"
    own.land(report("2").model_copy(update={**rows, "name": "new", "known_at": NOW, "fact_id": "n", "metrics": {"strangeness": 0.65}}))
    assert stands(own, VERSION, "improved")[0] != "borne out", "nobody knows whether more strangeness is better"


def test_a_version_is_governable_by_the_approval_that_let_it_in(own: Place) -> None:
    standing, said = stands(own, VERSION, "governable")
    assert standing == "borne out" and "asked by ines, approved by ilse (approvals APR-2)" in said
    alias(own, "production", "2", "3")
    standing, said = stands(own, "version:3", "governable")
    assert standing == "not borne out" and "outside this console" in said


def test_a_version_is_observable_while_a_rule_measures_it_and_a_challenger_by_its_shadow(own: Place) -> None:
    assert stands(own, VERSION, "observable")[0] in {"unknown", "borne out"}
    alias(own, "challenger", None, "3")
    assert stands(own, "version:3", "observable")[0] == "unknown"
    columns = {"event_at": [NOW - DAY], "model": [MODEL], "version": ["3"], "key": ["s"], "score": [0.4], "role": ["shadow"]}
    land(own.paths, "predictions", columns, now=NOW)
    standing, said = stands(own, "version:3", "observable")
    assert standing == "borne out" and "answered in the shadow: 1" in said


def test_a_deployment_is_versioned_while_alias_and_record_agree_and_features_are_those_of_the_training(own: Place) -> None:
    assert stands(own, SERVING, "versioned")[0] == "borne out"
    served = Deployment(**LATER, name="serving", model=MODEL, mode="real-time", traffic={"2": 1.0}, features_digest=digest("other"))
    own.land(served)
    standing, said = stands(own, SERVING, "versioned")
    assert standing == "not borne out" and "computes its features by definition" in said
    own.land(served.model_copy(update={"features_digest": None, "traffic": {"1": 1.0}, "known_at": NOW}))
    assert "gives that no share" in stands(own, SERVING, "versioned")[1]


def test_a_deployment_is_tested_by_answers_in_the_shadow_before_it_served(own: Place) -> None:
    assert stands(own, SERVING, "tested")[0] == "unknown"
    columns = {"model": [MODEL], "version": ["2"], "score": [0.4], "role": ["shadow"]}
    land(own.paths, "predictions", {"event_at": [NOW - DAY], "key": ["late"], **columns}, now=NOW)
    assert stands(own, SERVING, "tested")[0] == "unknown", "it served by then"
    land(own.paths, "predictions", {"event_at": [MADE["2"]], "key": ["early"], **columns}, now=NOW)
    assert stands(own, SERVING, "tested")[0] == "borne out"


def test_a_deployment_is_governable_where_people_have_roles(own: Place) -> None:
    standing, said = stands(own, SERVING, "governable")
    assert standing == "not borne out" and "one person is everything here" in said
    writes(own, people={"ines": "releaser", "ilse": "approver"})
    standing, said = stands(own, SERVING, "governable")
    assert standing == "borne out" and "2 people have roles" in said and "kill switch: normal" in said
    own.paths.switches.write_text("broken")
    assert stands(own, SERVING, "governable")[0] == "not borne out"


def test_a_deployment_improves_by_going_on_and_not_by_going_back(own: Place) -> None:
    assert "v1 -> v2" in stands(own, SERVING, "improved")[1] and badge(own, SERVING, "improved").standing == "borne out"
    alias(own, "production", "2", "1")
    standing, said = stands(own, SERVING, "improved")
    assert standing == "not borne out" and "went back to v1" in said


def test_a_deployment_is_observable_while_a_rule_watches_how_it_answers(own: Place) -> None:
    assert stands(own, SERVING, "observable")[0] in {"unknown", "borne out"}
    switches_off(own, "latency_p95", "error_share", "fallback_share", "volume_ratio")
    standing, said = stands(own, SERVING, "observable")
    assert standing == "not borne out" and "no alert rule watches how it answers" in said


def test_a_pipeline_goes_by_its_recorded_runs(own: Place) -> None:
    own.land(Pipeline(**AT, name="train", model=MODEL, stage=PipelineStage.TRAINING, schedule="monthly"))
    names: tuple[BadgeName, ...] = ("versioned", "tested", "observable", "improved")
    assert {stands(own, TRAIN, each)[0] for each in names} == {"unknown"}
    ran = PipelineRun(**AT, name="run-2", pipeline="train", stage=PipelineStage.TRAINING, started_at=MADE["2"], status="succeeded")
    own.land(ran)
    assert "made by it from code 4e1d9c" in stands(own, TRAIN, "versioned")[1]
    assert [stands(own, TRAIN, each)[0] for each in names] == ["borne out", "borne out", "borne out", "unknown"]
    own.land(ran.model_copy(update={**LATER, "name": "run-3", "started_at": NOW - DAY}))
    assert stands(own, TRAIN, "improved")[0] == "borne out"
    own.land(ran.model_copy(update={**LATER, "name": "run-4", "started_at": NOW - DAY / 2, "status": "failed"}))
    assert stands(own, TRAIN, "tested")[0] == "not borne out"
    switches_off(own, "failed_runs")
    assert stands(own, TRAIN, "observable")[0] == "not borne out"


def test_outcomes_are_governable_by_a_rule_that_keeps_them_and_observable_by_one_that_counts_them(own: Place) -> None:
    assert stands(own, "labels:outcomes", "versioned")[0] == "borne out"
    assert "kept 400 days" in stands(own, "labels:outcomes", "governable")[1]
    writes(own, retention=[{"table": "labels", "class": "internal"}])
    assert stands(own, "labels:outcomes", "governable")[0] == "not borne out"
    switches_off(own, "label_coverage")
    assert stands(own, "labels:outcomes", "observable")[0] == "not borne out"


def test_every_piece_of_evidence_is_shown_by_the_verb_that_it_names(own: Place, capsys: pytest.CaptureFixture[str]) -> None:
    writes(own, people={"ines": "releaser", "ilse": "approver"})
    own.land(Pipeline(**AT, name="train", model=MODEL, stage=PipelineStage.TRAINING))
    verbs = {each.verb for row in own.lookout().badges(MODEL).rows for found in row.badges for each in found.evidence}
    assert {"approvals APR-2", f"versions {MODEL}@2", "card --dataset data-2", "switches"} <= verbs
    for verb in verbs:
        assert main(["-w", str(own.paths.root), *shlex.split(verb)]) in {0, 1}, verb
    capsys.readouterr()


def test_what_is_borne_out_has_evidence_and_what_is_not_says_why(own: Place) -> None:
    for row in own.lookout().badges(MODEL).rows:
        for found in row.badges:
            assert bool(found.evidence) >= (found.standing == "borne out"), (row.id, found.id)
            assert bool(found.why.raw) == (found.standing != "borne out"), (row.id, found.id)


def test_the_pages_show_the_badges_and_the_records(own: Place) -> None:
    view = own.lookout().badges(MODEL)
    page = badges_page(view).plain()
    assert "version    v2" in page and f"{view.counts['borne out']} borne out" in page
    assert "WHY NOT" in badges_page(view, width=160).plain()
    page = " ".join(asset_page(own.lookout().badges(MODEL, VERSION)).plain().split())
    assert "Governable approval APR-2: asked by ines, approved by ilse (qd approvals APR-2)" in page


def test_the_past_knows_no_badge_that_was_earned_later(own: Place) -> None:
    kept(own, "parity_check", "ok")
    assert badge(own, INPUTS, "tested").standing == "borne out"
    [row] = own.lookout(as_of=NOW - DAY).badges(MODEL, INPUTS).rows
    assert row.badge("tested").standing == "unknown"
    before = own.lookout(as_of=MADE["2"] - DAY).badges(MODEL)
    assert before.version == "1" and "version:2" not in {each.id for each in before.rows}
