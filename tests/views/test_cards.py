"""Model cards and data sheets: what is documented, what is missing and where it would be said, and what was counted in service."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from registry_workspace import DAY, MADE, MODEL, NOW, PROMOTED, Place, digest, history, version_records

from backends.records import Dataset, Model, ModelVersion, State
from backends.text import Untrusted
from console.policies.documentation import FIELDS
from console.render.card import card_page, sheet_page
from console.render.card_markdown import card_markdown, sheet_markdown
from console.views.cards import data_sheet, documented
from console.views.cards.data_sheet import NoSuchDataset, SheetView
from console.views.cards.fields import CardField
from console.views.cards.model_card import CardView, NoVersion

HOSTILE = "# Owned\n```\n[here](http://evil) <script>alert(1)</script> | *x* \x1b[2J\u202e\n- item"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One workspace for every test that only looks."""
    return history(tmp_path_factory.mktemp("cards") / "w")


@pytest.fixture
def own(tmp_path: Path) -> Place:
    """One of the test's own, to change."""
    return history(tmp_path / "w")


def model(**more: object) -> Model:
    """A newer record of the model."""
    return Model.model_validate({"name": MODEL, "task": "binary", "owner": "delays", "event_at": MADE["1"], "known_at": NOW, **more})


def said(view: CardView | SheetView, name: str) -> CardField:
    return next(each for each in view.fields if each.id == name)


def texts(found: CardField) -> list[str]:
    return [each.raw for each in found.lines]


def test_every_field_that_a_standard_can_ask_for_stands_on_its_card() -> None:
    assert set(documented.TITLES) == set(FIELDS["model"]) and set(data_sheet.TITLES) == set(FIELDS["dataset"])


def test_what_no_record_says_is_missing_and_the_card_names_the_field_that_would_say_it(place: Place) -> None:
    view = place.lookout().card(MODEL)
    assert view.version == "2" and view.missing == ("intended_use", "out_of_scope", "limitations", "target", "contacts", "slices")
    found = said(view, "intended_use")
    assert (found.state, found.required, found.documented) == (State.WARNING, True, False)
    assert found.missing.raw == "not documented: `intended_use` of model delay"
    assert said(view, "fallback").state is State.UNKNOWN, "nobody requires it"
    page = card_page(view).plain()
    assert "5 of 11 required fields documented" in page and "! Intended use" in page and "? Fallback" in page


def test_what_is_documented_stands_in_its_own_words_with_who_recorded_it(own: Place) -> None:
    told = {
        "intended_use": "gates",
        "out_of_scope": "safety",
        "limitations": "no summer",
        "target": "late",
        "contacts": ["ines", "pager 3"],
    }
    own.land(model(source="registry", **told))
    own.land(*version_records("2", limitations=Untrusted("weak at LGA"), known_at=NOW, event_at=MADE["2"]))
    view = own.lookout().card(MODEL)
    assert view.missing == ("slices",)
    assert texts(said(view, "contacts")) == ["ines", "pager 3"] and said(view, "contacts").source == "registry"
    assert texts(said(view, "limitations")) == ["no summer", "weak at LGA"], "of the model, then of the version"
    assert said(view, "owner").lines == (Untrusted("delays"),) and said(view, "owner").state is State.OK


def test_what_it_was_trained_on_is_named_with_digest_rows_and_period(place: Place) -> None:
    view = place.lookout().card(MODEL, "1")
    [line] = texts(said(view, "training_data"))
    assert line == f"data-1: digest {digest('data 1')[7:11]} {digest('data 1')[11:15]}, 1,000 rows, 2023-01-01 to 2023-12-31"
    assert texts(said(view, "features"))[1] == "temp, carrier"


def test_a_dataset_that_only_the_run_names_leaves_the_field_missing(own: Place) -> None:
    own.land(*(each for each in version_records("3", run="run-9", known_at=NOW, event_at=MADE["3"]) if isinstance(each, ModelVersion)))
    run = next(each for each in version_records("3") if each.kind == "run")
    own.land(run.model_copy(update={"name": "run-9", "inputs": ("data-3", "gone"), "known_at": NOW}))
    found = said(own.lookout().card(MODEL, "3"), "training_data")
    assert not found.documented and found.missing.raw == "named by run run-9 and not recorded: gone"


def test_a_report_says_whether_it_counts_the_rows_that_its_version_was_trained_on(own: Place) -> None:
    [kept] = [each for each in version_records("2") if each.kind == "evaluation"]
    later = {"name": "later", "covers_from": NOW - 3 * DAY, "covers_to": NOW - DAY, "by_slice": {"origin=LGA": {"auc": 0.61, "n": 77.0}}}
    own.land(kept.model_copy(update={**later, "event_at": NOW, "known_at": NOW}))
    named = {**later, "name": "a-report", "dataset": "data-2", "by_slice": {}}
    own.land(kept.model_copy(update={**named, "event_at": NOW, "known_at": NOW}))
    view = own.lookout().card(MODEL, "2")
    assert {each.name: each.on_training_rows for each in view.reports} == {"later": False, "a-report": True, "report-2": True}
    assert "of its own training rows, which flatters" in texts(said(view, "metrics"))[2]
    assert "n 480, not of its training rows" in texts(said(view, "metrics"))[0]
    assert texts(said(view, "slices")) == ["later", "origin=LGA: auc .610, n 77"]
    own.land(Dataset(name="data-2", snapshot=digest("data 2"), rows=2000, event_at=MADE["2"], known_at=NOW))
    own.land(kept.model_copy(update={"known_at": NOW}))
    assert own.lookout().card(MODEL, "2").reports[2].on_training_rows is True, "what was read then had a period"


def test_numbers_of_service_have_n_and_interval_and_are_of_a_period_that_it_served_alone(place: Place) -> None:
    view = place.lookout().card(MODEL)
    [day, week] = view.in_service
    assert (day.name, day.scored, day.labelled) == ("last 24 h", 24, 12) and week.since > PROMOTED["2"]
    share = next(each for each in day.measures if each.name == "brier")
    assert share.value == pytest.approx(0.36) and (share.low is None) == bool(share.reason)
    assert "n 12 of 24 with an outcome" in " ".join(card_page(view).plain().split())


def test_what_answered_before_a_version_took_over_is_not_counted_as_its_own(own: Place) -> None:
    own.promote("3", NOW - timedelta(hours=1))
    assert own.lookout().card(MODEL).version == "3"
    assert own.lookout().card(MODEL).in_service == ()
    assert own.lookout().card(MODEL).not_counted == "no answer with a known outcome lies in a period that it served alone"
    assert own.lookout().card(MODEL, "2").not_counted.startswith("it does not serve now")


def test_requests_gates_signatures_and_the_time_of_service_are_on_it(place: Place) -> None:
    view = place.lookout().card(MODEL, "1")
    [asked] = view.approvals
    assert asked.asked_by == "ines" and [vote.person for vote in asked.votes] == ["ilse"]
    assert [(each.since, each.until) for each in view.serving] == [(PROMOTED["1"], PROMOTED["2"])]
    assert "ilse" in card_page(view).plain()


def test_a_card_of_the_past_knows_nothing_later(own: Place) -> None:
    own.land(model(intended_use="gates"))
    assert said(own.lookout().card(MODEL), "intended_use").documented
    then = own.lookout(as_of=NOW - 20 * DAY).card(MODEL)
    assert (then.version, said(then, "intended_use").documented, then.past) == ("2", False, True)


def test_a_standard_of_the_workspace_says_what_is_required_and_replaces_the_one_that_ships(own: Place) -> None:
    standard = "{id: model-card, title: T, card: model, requires: [owner, fairness]}"
    (own.paths.policies / "d.yaml").write_text(f"format: 1\ndocumentation:\n  - {standard}\n")
    view = own.lookout().card(MODEL)
    assert (view.required, view.missing) == (2, ("fairness",))
    assert [(each.id, each.place) for each in view.standards] == [("model-card", "policies/d.yaml:3")]
    more = "{id: more, title: M, card: model, where: {models: ['other*']}, requires: [slices]}"
    (own.paths.policies / "d.yaml").write_text(f"format: 1\ndocumentation: [{standard}, {more}]\n")
    assert own.lookout().card(MODEL).required == 2, "one that is about other models asks nothing of this one"


def test_fairness_is_documented_where_a_gate_compares_groups_at_every_promotion(own: Place) -> None:
    gate = "{id: g, title: Selected alike, kind: at_most, metric: demographic_parity_difference, group: carrier, limit: 0.1}"
    (own.paths.policies / "g.yaml").write_text(f"format: 1\ngates: [{gate}]\n")
    assert texts(said(own.lookout().card(MODEL), "fairness")) == ["demographic_parity_difference by carrier at most 0.1: Selected alike"]


def test_a_sheet_says_what_is_recorded_of_a_dataset_and_which_versions_read_it(own: Place) -> None:
    view = own.lookout().sheet("data-2")
    assert view.missing == ("purpose", "limitations", "license", "owner", "collection", "personal_data")
    assert texts(said(view, "sources")) == ["flights", "weather"] and view.trained == (f"{MODEL}@2",)
    told = {
        "purpose": "training",
        "license": "CC0",
        "owner": "ada",
        "collection": "all",
        "limitations": "none of sea",
        "personal_data": "none",
    }
    kept = next(each for each in version_records("2") if each.kind == "dataset")
    own.land(kept.model_validate({**kept.model_dump(), **told, "snapshot": digest("recut"), "known_at": NOW}))
    view = own.lookout().sheet("data-2")
    assert view.missing == () and [each.snapshot for each in view.snapshots] == [digest("recut"), digest("data 2")]
    assert "data-2: 9 of 9 required fields" in texts(said(own.lookout().card(MODEL, "2"), "data_sheets"))
    assert "9 of 9 required fields documented" in sheet_page(view).plain() and "- **License**: CC0" in sheet_markdown(view)


def test_a_dataset_that_nobody_recorded_is_not_found_and_the_nearest_is_named(place: Place) -> None:
    with pytest.raises(NoSuchDataset, match="did you mean data-"):
        place.lookout().sheet("dta-2")


def test_a_model_without_any_version_has_no_card(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.land(model())
    with pytest.raises(NoVersion, match="qd ingest records"):
        place.lookout().card(MODEL)


def test_text_of_a_record_renders_as_itself_on_the_page_and_in_markdown(own: Place) -> None:
    fields = ("description", "intended_use", "out_of_scope", "limitations", "target", "owner")
    own.land(model(**dict.fromkeys(fields, HOSTILE), contacts=[HOSTILE], readers=[{"name": HOSTILE, "how": HOSTILE}]))
    own.land(*version_records("2", run=HOSTILE, known_at=NOW, event_at=MADE["2"]))
    view = own.lookout().card(MODEL)
    for text in (card_page(view).plain(), card_markdown(view)):
        assert not set(text) & {"\x1b", "\u202e"}
    markdown = card_markdown(view)
    headings = [each for each in markdown.splitlines() if re.match(r"\s*#", each)]
    assert headings == ["# Model card: delay v2", *(f"## {name}" for name in
        ("Use", "Training", "Metrics", "In service", "Gates and approvals", "History of service"))]  # fmt: skip
    assert not re.search(r"(?<!\\)(?:<script|\[here\]|```|\*x\*)", markdown)
