"""A feature that training and serving compute over different windows is named, with both definitions and what was measured of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError
from registry_workspace import DAY, MADE, MODEL, NOW, Place, history, version_records

from backends.feature_windows import FeatureWindows, WindowSpec
from backends.records import FeatureSet, State
from backends.store.landing import land
from console.cli.exits import Exit
from console.cli.main import main
from console.render.lineage import lineage_page
from console.views.lineage.view import LineageView

TRAINED = WindowSpec(length=timedelta(days=7), aggregation="mean", zone="America/New_York")


def said_later(at: datetime, **windows: FeatureWindows) -> FeatureSet:
    """The features that version 2 was trained on, as they are recorded at `at`."""
    first = next(each for each in version_records("2") if isinstance(each, FeatureSet))
    return first.model_copy(update={"windows": windows, "event_at": at, "known_at": at})


def with_windows(root: Path, **windows: FeatureWindows) -> Place:
    """The registry's history, in which it was said yesterday over which windows the features are computed."""
    place = history(root / "w")
    place.land(said_later(NOW - DAY, **windows))
    return place


def lineage_of(place: Place) -> LineageView:
    return place.lookout().lineage(MODEL)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"length": timedelta(hours=24)}, "length"), ({"lag": timedelta(minutes=15)}, "lag"), ({"closed": "both"}, "closed"),
        ({"aggregation": "max"}, "aggregation"), ({"zone": "UTC"}, "zone"),
    ],
)  # fmt: skip
def test_a_feature_whose_window_differs_where_it_serves_is_critical_and_both_definitions_are_named(
    tmp_path: Path, change: dict[str, Any], part: str
) -> None:
    serving = TRAINED.model_copy(update=change)
    view = lineage_of(with_windows(tmp_path, temp=FeatureWindows(training=TRAINED, serving=serving)))
    [features] = [each for each in view.nodes if each.kind == "features"]
    assert (features.state, features.why.raw) == (State.CRITICAL, f"computed over another window where it serves: temp ({part})")
    [found] = view.windows
    assert (found.feature.raw, found.differ) == ("temp", (part,))
    assert found.training.raw == "mean over 7d, lag 0s, closed left, America/New_York"
    assert found.serving.raw == str(serving) != found.training.raw
    page = lineage_page(view, width=80)
    assert f"trained on  {found.training.raw}" in page.plain() and f"served as   {serving}" in page.plain()
    assert "not measured: qd parity OFFLINE delay --key key" in " ".join(page.plain().split())
    assert max(map(len, page.plain().splitlines())) <= 80


def test_windows_that_are_alike_or_known_on_one_side_only_are_no_difference(tmp_path: Path) -> None:
    alike = FeatureWindows(training=TRAINED, serving=WindowSpec(length="168h", aggregation="mean", zone="America/New_York"))  # type: ignore[arg-type]
    view = lineage_of(with_windows(tmp_path, temp=alike, carrier=FeatureWindows(training=TRAINED)))
    assert view.windows == () and "Windows that differ" not in lineage_page(view).plain()
    assert next(each for each in view.nodes if each.kind == "features").state is State.OK


def test_the_window_of_training_is_that_of_the_run_and_the_one_of_serving_is_in_force(tmp_path: Path) -> None:
    both = FeatureWindows(training=TRAINED, serving=TRAINED)
    place = Place(tmp_path / "w")
    place.land(*(each for each in version_records("2") if not isinstance(each, FeatureSet)), said_later(MADE["2"], temp=both))
    assert lineage_of(place).windows == ()
    later = TRAINED.model_copy(update={"length": timedelta(days=8)})
    place.land(said_later(NOW - DAY, temp=FeatureWindows(training=later, serving=later)))
    [found] = lineage_of(place).windows
    assert (found.training.raw, found.serving.raw, found.differ) == (str(TRAINED), str(later), ("length",))


def test_what_a_kept_comparison_measured_stands_beside_the_definitions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serving = TRAINED.model_copy(update={"lag": timedelta(hours=1)})
    place = with_windows(tmp_path, temp=FeatureWindows(training=TRAINED, serving=serving))
    moments = [NOW - DAY + timedelta(minutes=row) for row in range(100)]
    land(
        place.paths, "predictions",
        {"event_at": moments, "model": [MODEL] * 100, "version": ["2"] * 100, "key": [f"t{n}" for n in range(100)],
         "score": [0.4] * 100, "temp": [float(n) for n in range(100)], "carrier": ["AA"] * 100},
        now=NOW,
    )  # fmt: skip
    offline = tmp_path / "offline.parquet"
    again = "CASE WHEN n % 4 = 0 THEN n + 1.0 ELSE n END AS temp"
    duckdb.connect().execute(f"COPY (SELECT 't' || n AS key, {again}, 'AA' AS carrier FROM range(100) t(n)) TO '{offline}'")
    words = ["-w", str(place.paths.root), "parity", str(offline), MODEL, "--key", "key", "--record", MODEL]
    assert main(words) == Exit.OK
    page = capsys.readouterr().out
    assert "window of training mean over 7d, lag 0s" in page and "where it serves    mean over 7d, lag 1h" in page
    assert main([*words, "--json"]) == Exit.OK
    columns = {each["name"]: each for each in json.loads(capsys.readouterr().out)["columns"]}
    assert columns["temp"]["serving_window"] == str(serving) and columns["temp"]["share"] == 0.25
    assert columns["carrier"]["training_window"] is None
    [found] = lineage_of(place).windows
    assert (found.share, found.requests, found.measured_at) == (0.25, 100, NOW)
    assert "measured    25 % of 100 requests differ, " in lineage_page(lineage_of(place)).plain()


def test_a_record_whose_window_is_none_is_refused(tmp_path: Path) -> None:
    for wrong in ({"length": "a week"}, {"length": "7d", "closed": "open"}, {"length": "7d", "lag": timedelta(seconds=-1)}):
        with pytest.raises(ValidationError):
            WindowSpec.model_validate({"aggregation": "mean", **wrong})
