"""Versions: aliases, service, origins, artifacts; and the five questions of an auditor, answered or said to be unanswerable."""

from __future__ import annotations

from pathlib import Path

import pytest
from registry_workspace import DAY, MADE, MODEL, NOW, PROMOTED, Place, digest, history, version_records, write_artifact

from backends.local.acting import LocalAliasSetter
from backends.records import Dataset, Evaluation, FeatureSet, Model, ModelVersion
from backends.text import Untrusted
from console.render.version import version_page
from console.render.versions import versions_page
from console.views.not_found import NoSuchModel
from console.views.versions.card import NoSuchVersion, VersionView
from console.views.versions.listing import VersionRow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One workspace for every test that only looks."""
    return history(tmp_path_factory.mktemp("versions") / "w")


@pytest.fixture
def own(tmp_path: Path) -> Place:
    """One of the test's own, to change."""
    return history(tmp_path / "w")


def row(place: Place, version: str) -> VersionRow:
    return next(each for each in place.lookout().versions(MODEL).rows if each.version == version)


def answer(card: VersionView, asked: str) -> tuple[bool, str]:
    found = next(each for each in card.answers if each.id == asked)
    return found.answered, " / ".join(line.raw for line in found.lines)


def test_versions_are_listed_newest_first_with_aliases_and_their_time_of_service(place: Place) -> None:
    view = place.lookout().versions(MODEL)
    assert [each.version for each in view.rows] == ["3", "2", "1"]
    assert [each.aliases for each in view.rows] == [(), ("production",), ()]
    assert [each.stage for each in view.rows] == ["staging", "production", "production"]
    assert [(each.since, each.until) for each in view.rows[2].serving] == [(PROMOTED["1"], PROMOTED["2"])]
    assert [(each.since, each.until) for each in view.rows[1].serving] == [(PROMOTED["2"], None)]
    assert view.rows[0].serving == ()
    assert view.serving == "2"


def test_a_version_says_what_it_was_trained_on_and_what_its_run_measured(place: Place) -> None:
    found = row(place, "2")
    assert [(each.name, each.rows, each.covers_to) for each in found.trained_on] == [("data-2", 2000, "2024-01-31")]
    assert found.metrics == {"auc": 0.72}
    assert found.signature is not None and found.signature.kinds == {"numeric": 1, "categorical": 1}
    assert list(found.importance) == ["carrier", "temp"]
    assert found.artifact.found == "matches"
    assert found.missing == ()


def test_a_report_names_the_metric_that_decides_what_it_stands_for_and_what_answering_costs(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    known = {"event_at": MADE["1"], "known_at": MADE["1"]}
    place.land(Model(**known, name=MODEL, task="binary", primary_metric="auc", stands_for=Untrusted("crews called in vain")))
    costs = {"usd_per_1000": 0.02, "cpu_ms": 1.3}
    numbers = {"auc": 0.71, "brier": 0.2}
    for each in version_records("1"):
        place.land(each.model_copy(update={"costs": costs, "metrics": numbers}) if isinstance(each, Evaluation) else each)
    [report] = place.lookout().version(MODEL, "1").row.reports
    assert (report.primary, report.costs) == ("auc", costs) and report.stands_for == Untrusted("crews called in vain")
    told = " ".join(version_page(place.lookout().version(MODEL, "1")).plain().split())
    assert "primary auc .710, stands for crews called in vain others brier .200 costs cpu_ms 1.3, usd_per_1000 0.02" in told


def test_a_report_of_a_model_that_declares_no_metric_says_that_nobody_knows_which_decides(place: Place) -> None:
    told = " ".join(version_page(place.lookout().version(MODEL, "2")).plain().split())
    assert "primary unknown: no metric is declared to decide others auc .720 costs not recorded" in told


def test_a_tampered_artifact_is_a_mismatch_also_when_it_was_looked_at_before(own: Place) -> None:
    assert row(own, "2").artifact.found == "matches"
    write_artifact(own, "2", "WEIGHTS of 2")
    found = row(own, "2")
    assert found.artifact.found == "different"
    page = versions_page(own.lookout().versions(MODEL))
    assert any("DIFFERS" in each.line.text and each.state == "critical" for each in page.rows)


def test_an_artifact_that_is_gone_is_said_to_be_gone(own: Place) -> None:
    (own.paths.root / "artifacts" / "1.bin").unlink()
    assert row(own, "1").artifact.found == "missing"


@pytest.mark.parametrize("path", ["../secret.bin", "/etc/hostname", "artifacts/../../secret.bin", "link.bin"])
def test_an_artifact_outside_the_workspace_is_never_read(own: Place, path: str) -> None:
    secret = own.paths.root.parent / "secret.bin"
    secret.write_text("secret")
    (own.paths.root / "link.bin").symlink_to(secret)
    own.land(*version_records("3", artifact_path=path, artifact_digest=digest("secret"), known_at=NOW, event_at=MADE["3"]))
    found = row(own, "3")
    assert found.artifact.found == "outside"
    assert "not read" in found.artifact.sentence.raw


def test_what_is_not_recorded_is_named_one_by_one(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    at = MADE["1"]
    place.land(
        Model(name=MODEL, task="binary", event_at=at, known_at=at),
        ModelVersion(model=MODEL, version="1", run="run-9", event_at=at, known_at=at),
    )
    missing = " / ".join(each.raw for each in row(place, "1").missing)
    for piece in (
        "run run-9 is named but not recorded",
        "no path and digest",
        "code commit",
        "environment digest",
        "signature",
        "evaluation report",
    ):
        assert piece in missing


def test_a_version_that_only_an_alias_names_is_listed_as_having_no_record(own: Place) -> None:
    setter = LocalAliasSetter(own.paths.registry)
    setter.set_alias("production", MODEL, "challenger", "9", expected=None, key="by-hand", actor="eve", now=NOW - DAY)
    found = row(own, "9")
    assert (found.stage, row(own, "2").stage) == (None, "production")
    assert "no record" in found.missing[0].raw
    assert found.aliases == ("challenger",)


def test_sources_that_contradict_each_other_stand_side_by_side(own: Place) -> None:
    other = ModelVersion(
        model=MODEL, version="2", run="run-2", artifact_digest=digest("other"), source="mlflow", event_at=MADE["2"], known_at=MADE["2"]
    )
    own.land(other)
    told = " / ".join(each.raw for each in row(own, "2").contradictions)
    assert "local says" in told and "mlflow says" in told and digest("other") in told


def test_all_five_questions_are_answered_where_the_records_allow_it(place: Place) -> None:
    card = place.lookout().version(MODEL, "2")
    assert [each.answered for each in card.answers] == [True] * 5
    assert "data-2: snapshot" in answer(card, "dataset")[1] and "2 columns" in answer(card, "dataset")[1]
    assert "the definition in force now is the same" in answer(card, "features")[1]
    assert "report-2, bound by APR-2" in answer(card, "report")[1]
    assert "ilse at 2024-02-02 00:00 UTC, not signed with a key; asked by ines" in answer(card, "approval")[1]
    assert "rows: 1,000 -> 2,000" in answer(card, "changes")[1] and "parameter trees: 101 -> 102" in answer(card, "changes")[1]
    assert [(each.id, each.state, [vote.person for vote in each.votes]) for each in card.approvals] == [("APR-2", "executed", ["ilse"])]
    assert card.previous == "1"


def test_a_question_that_cannot_be_answered_says_why(place: Place) -> None:
    card = place.lookout().version(MODEL, "3")
    assert answer(card, "report") == (
        False,
        "unanswerable: no approval of this version is on record; 1 on it are recorded, none of them bound to a decision: report-3",
    )
    assert answer(card, "approval") == (False, "unanswerable: v3 was never let in, so nobody had to approve it")
    first = place.lookout().version(MODEL, "1")
    assert answer(first, "changes") == (False, "unanswerable: there is no version before v1")


def test_a_version_let_in_outside_the_console_has_no_approval_and_says_so(own: Place) -> None:
    setter = LocalAliasSetter(own.paths.registry)
    setter.set_alias("production", MODEL, "production", "3", expected="2", key="by-hand", actor="eve", now=NOW - DAY)
    answered, told = answer(own.lookout().version(MODEL, "3"), "approval")
    assert not answered
    assert "eve moved the alias" in told and "outside this console" in told


def test_the_dataset_is_the_one_recorded_when_the_run_read_it_and_a_correction_is_told(own: Place) -> None:
    own.land(
        Dataset(name="data-2", snapshot=digest("corrected"), rows=7, event_at=MADE["2"], known_at=NOW - DAY),
        FeatureSet(
            name="inputs", version="2", definition_digest=digest("other code"), columns=("temp",), event_at=NOW - DAY, known_at=NOW - DAY
        ),
    )
    assert row(own, "2").trained_on[0].rows == 2000
    card = own.lookout().version(MODEL, "2")
    assert "2,000 rows" in answer(card, "dataset")[1] and "was corrected since" in answer(card, "dataset")[1]
    assert "differs: version 2" in answer(card, "features")[1] and "dropped carrier" in answer(card, "features")[1]


def test_the_past_shows_no_version_alias_approval_or_record_of_later(place: Place) -> None:
    then = place.lookout(PROMOTED["1"] + DAY)
    view = then.versions(MODEL)
    assert [each.version for each in view.rows] == ["1"]
    assert view.aliases == {"production": "1"}
    assert [(each.since, each.until) for each in view.rows[0].serving] == [(PROMOTED["1"], None)]
    with pytest.raises(NoSuchVersion, match="has no version '2'"):
        then.version(MODEL, "2")
    before_approval = place.lookout(MADE["2"] + DAY / 2).version(MODEL, "2")
    assert before_approval.approvals == ()
    assert not answer(before_approval, "approval")[0]


def test_an_unknown_model_names_the_nearest(place: Place) -> None:
    with pytest.raises(NoSuchModel, match="did you mean delay"):
        place.lookout().versions("delya")


def test_hostile_names_are_visible_marks_on_the_page_and_exact_in_the_view(own: Place) -> None:
    name = "x\x1b[31m\u202ey[bold]"
    own.land(*[each for each in version_records("3", description=Untrusted(name), runtime={name: name}) if each.kind == "version"])
    own.land(ModelVersion(model=MODEL, version=name, event_at=NOW - DAY, known_at=NOW - DAY))
    view = own.lookout().versions(MODEL)
    assert name in {each.version for each in view.rows}
    card = own.lookout().version(MODEL, name)
    for page in (versions_page(view), version_page(card)):
        text = page.plain()
        assert "\x1b" not in text and "\u202e" not in text
        assert "\u241b" in text
    assert "[bold]" in version_page(card).plain()
