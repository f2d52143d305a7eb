"""Thousands of categories, each too rare for the PSI: that all of them became others is seen, or said to be beyond what profiles tell."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from views_workspace import DAY, START, Made, made

from backends.profile.profile import ColumnSpec
from backends.records import State
from backends.store.compactor import compact
from backends.store.landing import land
from console.render.drift import drift_detail_page, drift_page
from console.views.drift.column import ColumnShift
from console.views.drift.view import DriftView
from console.views.health.model import Signal

DAYS, ROWS, CATEGORIES = 41, 2_100, 60_000


def workspace(root: Path) -> Made:
    """Every day's rows drawn from thousands of categories; those of the last five days have other names."""
    place = made(root, START + DAYS * DAY)
    rng, rows = np.random.default_rng(5), np.arange(DAYS * ROWS)
    names = np.where(rows // ROWS >= DAYS - 5, "new", "sku").astype(object) + rng.integers(0, CATEGORIES, rows.size).astype(str)
    columns = {
        "event_at": np.datetime64(START.replace(tzinfo=None), "us") + (rows * (86_400_000_000 // ROWS)).astype("timedelta64[us]"),
        "model": np.full(rows.size, "delay", dtype=object), "version": np.full(rows.size, "1", dtype=object),
        "key": rows.astype(str).astype(object), "score": rng.random(rows.size), "carrier": names,
    }  # fmt: skip
    land(place.workspace.paths, "predictions", columns, now=START)
    compact(place.workspace.paths, START + DAYS * DAY)
    return place


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return workspace(tmp_path_factory.mktemp("replaced") / "w")


def carrier(view: DriftView) -> ColumnShift:
    return next(each for each in view.columns if each.column.raw == "carrier")


def drift_of_inputs(place: Made) -> Signal:
    signals = [signal for layer in place.lookout().model("delay").layers for signal in layer.signals]
    return next(signal for signal in signals if signal.id == "data.drift")


def test_rare_categories_that_all_became_others_are_critical_although_psi_does_not_see_them(replaced: Made) -> None:
    view = replaced.lookout().drift("delay")
    shift = carrier(view)
    assert shift.psi is not None and shift.psi < 0.1
    assert shift.unseen > 0.9
    assert shift.moved is not None and shift.moved > 1.5
    assert shift.state is State.CRITICAL
    assert shift.verdict.startswith(f"shares of rare categories, which PSI does not see, moved by {shift.moved:.2f}: far beyond all")
    assert "carrier: shares of rare categories, which PSI does not see" in " ".join(drift_page(view, tabbed=False).plain().split())
    page = drift_detail_page(replaced.lookout().drift_column("delay", "carrier")).plain()
    assert f" Moved {shift.moved:.2f} " in page and "Moved by 5 days" in page


def test_the_rule_that_watches_inputs_sees_rare_categories_too(replaced: Made) -> None:
    signal = drift_of_inputs(replaced)
    assert signal.state is State.CRITICAL
    assert signal.of is not None and signal.of.raw == "carrier"


def test_rare_categories_that_come_and_go_as_ever_are_usual(replaced: Made) -> None:
    shift = carrier(replaced.lookout(START + (DAYS - 5) * DAY).drift("delay"))
    assert shift.unseen > 0.9
    assert shift.state is State.OK


def test_categories_too_many_to_be_named_are_unknown_never_usual(replaced: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.profile.reference.ColumnSpec", partial(ColumnSpec, max_categories=100))
    shift = carrier(replaced.lookout().drift("delay"))
    assert shift.state is State.UNKNOWN
    assert shift.verdict.startswith("cannot be told from profiles: 100% of the reference's values are of categories too rare for the PSI")
    assert shift.verdict.endswith("qd compare on files of both periods reads the rows")
    signal = drift_of_inputs(replaced)
    assert signal.state is State.UNKNOWN
    assert "too many to be kept by name" in signal.why
