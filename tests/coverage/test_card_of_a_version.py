"""The card of a version shows everything that it was made from, each under its own name."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from backends.records import Layer, MetricPoint, State
from console.render.version import version_page
from console.views.versions.card import VersionView

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from registry_workspace import MADE, MODEL, NOW, PROMOTED, history


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> VersionView:
    return history(tmp_path_factory.mktemp("card") / "w").lookout().version(MODEL, "2")


def test_the_commit_of_the_code_is_on_it(card: VersionView) -> None:
    assert card.code_commit == "4e1d9c"


def test_the_environment_and_the_runtime_are_on_it(card: VersionView) -> None:
    assert card.row.runtime == {"python": "3.11", "scikit-learn": "1.7"}
    assert card.environment_digest is not None and card.environment_digest.startswith("sha256:")


def test_parameters_and_trigger_of_its_run_are_on_it(card: VersionView) -> None:
    assert card.params == {"trees": 102}
    assert card.trigger is not None and card.trigger.raw == "monthly"
    assert card.ended_at == MADE["2"] and card.started_at is not None and card.started_at < card.ended_at


def test_the_dataset_is_named_with_snapshot_period_and_rows(card: VersionView) -> None:
    [data] = card.row.trained_on
    assert (data.name, data.rows, str(data.covers_from), str(data.covers_to)) == ("data-2", 2000, "2023-01-01", "2024-01-31")
    assert data.snapshot is not None and data.snapshot.startswith("sha256:")


def test_its_feature_set_and_its_reports_are_named(card: VersionView) -> None:
    assert card.features == "inputs"
    assert [(report.name, report.rows, report.labelled, report.metrics) for report in card.row.reports] == [
        ("report-2", 500, 480, {"auc": 0.72})
    ]


def test_who_pointed_production_at_it_and_when_is_on_it(card: VersionView) -> None:
    assert [(move.at, move.by) for move in card.moves] == [(PROMOTED["2"], "ines@bastion")]


def test_what_differs_from_the_version_before_is_listed_by_kind(card: VersionView) -> None:
    changed = {difference.what: (difference.before.raw, difference.after.raw) for difference in card.differences}
    assert changed["dataset"] == ("data-1", "data-2")
    assert changed["parameter trees"] == ("101", "102")
    assert changed["metric auc"] == (".710", ".720")
    assert {"dataset snapshot", "artifact"} <= set(changed)


def test_the_newest_search_for_leakage_of_its_own_run_is_on_it(tmp_path: Path) -> None:
    place = history(tmp_path / "w")
    for hours, run, state, worst in ((1, "run-1", "ok", ""), (2, "run-2", "critical", "refunds: AUC 1.000"), (3, "run-2", "ok", "")):
        at = NOW - timedelta(hours=hours)
        labels = {"file": "train.parquet", "state": state, "worst": worst, "by": "ines", "run": run}
        place.land(
            MetricPoint(
                event_at=at,
                known_at=at,
                model=MODEL,
                layer=Layer.DATA,
                name="leakage_check",
                value=float(bool(worst)),
                n=2000,
                labels=labels,
            )
        )
    view = place.lookout().version(MODEL, "2")
    found = view.leakage
    assert found is not None and found.worst is not None and found.run is not None
    assert (found.at, found.state, found.found, found.rows) == (NOW - timedelta(hours=2), State.CRITICAL, 1, 2000)
    assert (found.run.raw, found.worst.raw) == ("run-2", "refunds: AUC 1.000")
    assert "refunds: AUC 1.000" in " ".join(" ".join(row.line.text for row in version_page(view).rows).split())
    before = place.lookout(as_of=NOW - timedelta(hours=2, minutes=30)).version(MODEL, "2").leakage
    assert before is not None and before.state is State.OK
    assert place.lookout().version(MODEL, "3").leakage is None
