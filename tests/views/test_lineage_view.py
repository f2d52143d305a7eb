"""Lineage: the way from the sources to the outcome, what is missing on it, who decided, what depends on a node."""

from __future__ import annotations

from pathlib import Path

import pytest
from registry_workspace import DAY, MADE, MODEL, NOW, PROMOTED, Place, history

from backends.records import Layer, MetricPoint, Model, ModelVersion, State
from backends.text import Untrusted
from console.control.actions import ActionKind
from console.render.lineage import lineage_page
from console.views.versions.card import NoSuchVersion


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return history(tmp_path_factory.mktemp("lineage") / "w")


def test_the_tree_goes_from_the_sources_to_the_outcome(place: Place) -> None:
    view = place.lookout().lineage(MODEL)
    assert (view.version, view.serves) == ("2", True)
    assert [(each.kind, each.name.raw) for each in view.nodes] == [
        ("source", "flights"),
        ("source", "weather"),
        ("dataset", "data-2"),
        ("features", "inputs"),
        ("run", "run-2"),
        ("version", "2"),
        ("deployment", "serving"),
        ("reader", "gate board"),
        ("reader", "crew desk"),
        ("predictions", "predictions"),
        ("labels", "labels"),
        ("business", "business"),
    ]
    told = {each.kind: each.detail.raw for each in view.nodes}
    assert "24 live" in told["predictions"]
    assert told["labels"].startswith("50 % of 24 in 7 days") and "median delay 2h" in told["labels"]
    assert "100 %" in told["deployment"]


def test_what_was_never_measured_is_unknown_and_never_ok(place: Place) -> None:
    business = place.lookout().lineage(MODEL).nodes[-1]
    assert business.state is State.UNKNOWN
    assert "no outcome or cost is linked" in business.why.raw


def test_a_version_with_everything_is_complete(place: Place) -> None:
    view = place.lookout().lineage(MODEL)
    assert (view.complete, len(view.requirements)) == (7, 7)
    assert "completeness 7 of 7" in lineage_page(view).plain()


def test_each_missing_piece_is_counted_and_named(tmp_path: Path) -> None:
    own = Place(tmp_path / "w")
    at = MADE["1"]
    own.land(
        Model(name=MODEL, task="binary", event_at=at, known_at=at),
        ModelVersion(model=MODEL, version="1", event_at=at, known_at=at, code_commit="4e"),
    )
    view = own.lookout().lineage(MODEL)
    assert view.complete == 1
    assert [each.name for each in view.requirements if not each.there] == [
        "dataset snapshot", "feature definition", "training run", "environment", "artifact", "evaluation report",
    ]  # fmt: skip
    text = lineage_page(view).plain()
    assert "completeness 1 of 7" in text and "6 of 7 missing" in text and "no training run is recorded" in text


def test_a_version_that_does_not_serve_says_so_and_has_no_readers(place: Place) -> None:
    view = place.lookout().lineage(MODEL, "1")
    deployment = next(each for each in view.nodes if each.kind == "deployment")
    assert "it served until 2 Feb" in deployment.why.raw
    assert not [each for each in view.nodes if each.kind == "reader"]
    assert [each.raw for each in view.siblings] == ["v2 (serves, production, trained on data-2)", "v3 (staging, trained on data-3)"]


def test_the_blast_radius_of_a_source_is_every_version_made_from_it(place: Place) -> None:
    view = place.lookout().lineage(MODEL)
    source = next(each for each in view.nodes if each.kind == "source").reach
    assert set(source.versions) == {f"{MODEL}@{version}" for version in MADE}
    assert (source.serving, source.deployments, source.readers) == ((f"{MODEL}@2",), ("serving",), ("gate board", "crew desk"))
    assert source.scores_last_day == 24
    assert next(each for each in view.nodes if each.kind == "dataset").reach.versions == (f"{MODEL}@2",)
    page = lineage_page(view, selected="source:weather", blast=True).plain()
    assert "Blast radius of source weather" in page and "24 live in the last 24 h" in page


def test_the_control_flow_says_who_asked_who_approved_and_what_moved(place: Place) -> None:
    told = [(each.kind, each.who, each.what.raw) for each in place.lookout().lineage(MODEL).decisions]
    assert told == [
        ("run", "pipeline", "run run-2 succeeded, trigger monthly"),
        ("asked", "ines", "APR-2 promote v1 -> v2: monthly retrain"),
        ("approved", "ilse", "APR-2, not signed with a key"),
        ("alias", "ines@bastion", "alias production v1 -> v2"),
    ]


def test_a_switch_is_a_decision_too(tmp_path: Path) -> None:
    own = history(tmp_path / "w")
    done = own.switch(ActionKind.FALLBACK, "INC-1 late gap")
    last = own.lookout().lineage(MODEL).decisions[-1]
    assert (last.kind, last.id) == ("switch", done.action_id)
    assert last.what.raw == "switch normal -> fallback, effective: INC-1 late gap"


def test_business_outcomes_that_are_landed_are_named_and_invented_ones_are_marked(tmp_path: Path) -> None:
    own = history(tmp_path / "w")
    own.land(MetricPoint(event_at=NOW - DAY, known_at=NOW - DAY, model=MODEL, layer=Layer.BUSINESS, name="cost", value=3.0, simulated=True))
    business = own.lookout().lineage(MODEL).nodes[-1]
    assert business.state is State.OK and "cost (simulated)" in business.detail.raw


def test_the_past_shows_what_served_then(place: Place) -> None:
    view = place.lookout(PROMOTED["1"] + DAY).lineage(MODEL)
    assert (view.version, view.serves) == ("1", True)
    assert [each.id for each in view.decisions if each.kind == "asked"] == ["APR-1"]
    assert view.siblings == ()
    with pytest.raises(NoSuchVersion):
        place.lookout(PROMOTED["1"] + DAY).lineage(MODEL, "3")


def test_a_name_may_hold_an_at_sign(tmp_path: Path) -> None:
    own = Place(tmp_path / "w")
    own.land(Model(name="team@delay", task="binary", event_at=MADE["1"], known_at=MADE["1"]))
    lookout = own.lookout()
    assert lookout.named_version("team@delay") == ("team@delay", None)
    assert lookout.named_version("team@delay@2") == ("team@delay", "2")


def test_hostile_names_never_reach_the_terminal(tmp_path: Path) -> None:
    own = history(tmp_path / "w")
    hostile = "gate\x1b]0;x\x07\u202e"
    own.land(
        Model(
            name=MODEL, task="binary", event_at=MADE["1"], known_at=NOW - DAY, readers=({"name": hostile, "how": Untrusted(hostile)},)  # type: ignore[arg-type]
        )
    )  # fmt: skip
    view = own.lookout().lineage(MODEL)
    assert next(each for each in view.nodes if each.kind == "reader").name.raw == hostile
    text = lineage_page(view).plain()
    assert "\x1b" not in text and "\u202e" not in text and "\u241b" in text
