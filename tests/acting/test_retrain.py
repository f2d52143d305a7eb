"""A retrain, from the proposal under an alert to the version that it made: request, run, gates, approval."""

from __future__ import annotations

from typing import Any

import pytest
from acting_workspace import BROKE, MODEL, NOW, Place
from pilots import console
from published_schemas import assert_fits
from test_overrides import lookout
from test_responses_of_rules import critical, round_of, rules
from test_verbs_that_act import Verb

from backends.local.reading import LocalPipelines
from backends.records import ModelVersion, Pipeline, PipelineStage, Run
from backends.store.landing import land, land_records
from console.control.actions import ActionState
from console.control.ledger import read_state

FIT = "nightly-fit"
ASK = ("retrain", MODEL, "--confirm", MODEL, "--reason", "worse since the storm", "--elevate")


@pytest.fixture
def trained(place: Place) -> Place:
    """A pipeline is recorded as training the model."""
    named = Pipeline(name=FIT, model=MODEL, stage=PipelineStage.TRAINING, schedule="monthly", event_at=BROKE, known_at=BROKE)
    land_records(place.paths, [named], now=NOW)
    return place


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


def standing(place: Place) -> str | None:
    found = LocalPipelines(place.paths.pipelines).request("production", MODEL)
    return None if found is None else found.key


def answered(place: Place, key: str, version: str | None = None) -> None:
    """The pipeline began its run, and maybe made a version."""
    at: dict[str, Any] = {"event_at": NOW, "known_at": NOW}
    made = (f"{MODEL}@{version}",) if version else ()
    status = "succeeded" if version else "running"
    records: list[Any] = [Run(name="R-9", model=MODEL, status=status, started_at=NOW, request=key, outputs=made, started_by=FIT, **at)]
    records += [ModelVersion(model=MODEL, version=version, run="R-9", **at)] if version else []
    land_records(place.paths, records, now=NOW)


def test_the_plan_answers_real_or_a_bug_and_names_the_rows_and_nothing_is_asked_yet(qd: Verb, trained: Place) -> None:
    assert qd("retrain", MODEL, "--reason", "x", "--dry-run", "--json", "--elevate") == 0
    assert_fits(qd.data, "plan")
    found = qd.data["retraining"]
    assert (found["state"], found["pipelines"], qd.data["to"]) == ("ok", [FIT], FIT) and "no bug seen" in found["verdict"]
    assert 500 <= found["labelled"] <= found["scored"]
    assert qd("retrain", MODEL, "--reason", "x", "--dry-run", "--elevate") == 0
    assert "a bug?" in qd.out and "labelled of" in qd.out and max(len(each) for each in qd.out.splitlines()) <= 80
    assert standing(trained) is None


def test_sent_is_not_in_effect_until_a_round_of_the_watch_finds_its_run(qd: Verb, trained: Place) -> None:
    assert qd(*ASK) == 0 and "read back; waits for a run of nightly-fit that names it" in qd.out
    key = standing(trained)
    assert key is not None and trained.version == "2"
    [action] = [each for each in read_state(trained.paths).actions.values() if each.kind == "retrain"]
    assert qd("actions", "--open") == 0 and "1 wait for a run" in qd.out
    assert qd("action", action.id) == 0 and "the watch looks for its run" in " ".join(qd.out.split())
    round_of(trained)
    assert read_state(trained.paths).actions[action.id].state is ActionState.SENT
    answered(trained, key)
    done = round_of(trained)
    assert any(f"{action.id} retrain of {MODEL}: run R-9, running" in line for line in done.lines)
    assert read_state(trained.paths).actions[action.id].state is ActionState.EFFECTIVE
    assert trained.version == "2", "what it makes serves only by a promotion"


def test_a_suspected_bug_is_looked_for_first(qd: Verb, trained: Place) -> None:
    n = 4000
    columns: dict[str, Any] = {
        "model": [MODEL] * n, "version": ["2"] * n, "key": [f"more{number}" for number in range(n)], "score": [0.2] * n,
        "event_at": [BROKE + number * (NOW - BROKE) / n for number in range(n)], "origin": ["LGA"] * n,
    }  # fmt: skip
    land(trained.paths, "predictions", columns, now=NOW)
    assert qd(*ASK) == 3 and standing(trained) is None
    assert "no retrain before this is cleared: suspect a bug" in qd.err and f"qd changes {MODEL}" in qd.err


def test_without_a_store_nobody_can_tell_a_bug_from_the_world(qd: Verb, trained: Place) -> None:
    trained.without_store()
    assert qd(*ASK) == 3 and "real or a bug? cannot be told" in qd.err and standing(trained) is None


def test_without_a_pipeline_that_could_be_asked_nothing_is(qd: Verb, place: Place) -> None:
    assert qd(*ASK) == 3 and "no pipeline is recorded that trains" in qd.err and standing(place) is None


def test_the_control_flow_of_the_version_leads_from_the_request_to_its_run(qd: Verb, trained: Place) -> None:
    qd(*ASK, who="mara")
    key = standing(trained)
    assert key is not None
    [action] = [each for each in read_state(trained.paths).actions.values() if each.kind == "retrain"]
    answered(trained, key, "4")
    told = [(each.kind, each.who, each.what.raw) for each in lookout(trained).lineage(MODEL, "4").decisions]
    assert told[:2] == [
        ("requested", "mara@desk", f"{action.id} retrain asked of {FIT}, INC-1: worse since the storm"),
        ("run", FIT, f"run R-9 succeeded, answers {action.id}"),
    ]
    answered(trained, "unheard-of", "5")
    assert "of which this journal knows nothing" in lookout(trained).lineage(MODEL, "5").decisions[0].what.raw


async def test_from_the_proposal_under_its_alert_f_opens_the_plan(trained: Place, qd: Verb) -> None:
    rules(trained, {"retrain": "retrain"})
    round_of(trained)
    assert critical(qd)["own.retrain"]["proposal"]["verb"] == f"retrain {MODEL}"
    async with console(trained) as screen:
        await screen.press("g", "l")
        await screen.shows("F retrain")
        await screen.opens("F")
        await screen.shows(f"RETRAIN {MODEL}  {FIT}")
        await screen.shows("Real or a bug?")
        await screen.shows("elevate first")
    assert standing(trained) is None
