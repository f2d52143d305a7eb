"""Signals of the system, data, model and business layers say what counting the landed rows by hand says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.local.acting import LocalAliasSetter
from backends.records import Column, Layer, MetricPoint, Model, ModelVersion, PipelineRun, PipelineStage, Signature, State
from backends.store.landing import land, land_records
from console.config import ClockSettings, Workspace, init_workspace
from console.lookout import Lookout
from console.views.health.model import ModelHealth, Signal

START = datetime(2024, 3, 1, tzinfo=UTC)
END = START + timedelta(days=30)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

INPUTS = (
    Column(name="temp", kind="numeric", max_null_share=0.04),
    Column(name="share", kind="numeric", minimum=0, maximum=1),
    Column(name="carrier", kind="categorical", allowed=("AA", "BB")),
    Column(name="gone", kind="numeric", max_null_share=1.0),
)


@dataclass(frozen=True)
class Recorded:
    """What was landed, and what the console says of it."""

    at: Any
    columns: dict[str, Any]
    health: ModelHealth

    def since(self, length: timedelta) -> Any:
        """Which rows lie in the last `length`."""
        return self.at >= np.datetime64((END - length).replace(tzinfo=None))

    def signal(self, name: str) -> Signal:
        return next(each for layer in self.health.layers for each in layer.signals if each.id == name)


def rows() -> tuple[Any, dict[str, Any]]:
    """A request a minute for 29 days, then one every ten seconds for a day on which nearly everything is wrong."""
    chance = np.random.default_rng(11)
    seconds = np.concatenate([np.arange(0, 29 * 86_400, 60), np.arange(29 * 86_400, 30 * 86_400, 10)])
    at = np.datetime64(START.replace(tzinfo=None), "us") + (seconds * 1_000_000).astype("timedelta64[us]")
    n = len(at)
    last = seconds >= 29 * 86_400
    number = np.arange(n)
    key = np.array([f"r{each}" for each in number], dtype=object)
    repeated = last & (number % 50 == 0)
    key[repeated] = key[np.flatnonzero(repeated) - 1]
    score = np.clip(chance.beta(2, 8, n) + np.where(last, 0.2, 0.0), 0, 1)
    latency = np.where((seconds >= 30 * 86_400 - 13 * 3600) & (number % 10 == 0), 80.0, 10.0)
    temp = [None if wrong else float(value) for wrong, value in zip(last & (number % 10 == 3), number % 40, strict=True)]
    share = np.where(last & (number % 20 == 7), 1.5, 0.5)
    carrier = np.where(last & (number % 100 == 1), "ZZ", np.where(number % 2 == 0, "AA", "BB"))
    gone = [None if wrong else 1.0 for wrong in last]
    served_by = np.where((seconds >= 30 * 86_400 - 3600) & (number % 10 == 5), "fallback", "model")
    return at, {
        "key": key,
        "score": score,
        "latency_ms": latency,
        "served_by": served_by.tolist(),
        "temp": temp,
        "share": share,
        "carrier": carrier.tolist(),
        "gone": gone,
    }


def made(root: Path) -> Workspace:
    workspace = init_workspace(root, name="small", clock=ClockSettings(start=END))
    known = {"event_at": START, "known_at": START}
    late = {"event_at": END - HOUR, "known_at": END - HOUR}
    runs = [
        PipelineRun(
            name=f"build-{number}", pipeline="m-training", stage=PipelineStage.TRAINING, status="failed",
            started_at=END - timedelta(minutes=20), ended_at=END - timedelta(minutes=10), **late,
        )
        for number in range(2)
    ]  # fmt: skip
    land_records(
        workspace.paths,
        [
            Model(name="m", task="binary", label_delay_hours=2, **known),
            ModelVersion(model="m", version="1", signature=Signature(inputs=INPUTS), **known),
            *runs,
        ],
        now=END,
    )
    LocalAliasSetter(workspace.paths.registry).set_alias(
        "production", "m", "production", "1", expected=None, key="k", actor="ines", now=START
    )
    points = [
        MetricPoint(event_at=END - back, known_at=END, model="m", layer=layer, name=name, value=value, n=1000)
        for layer, name, value, backs in (
            (Layer.SYSTEM, "error_share", 0.02, [timedelta(minutes=20 * step) for step in range(40)]),
            (Layer.BUSINESS, "kpi_loss_at_least", 0.01, [timedelta(minutes=5)]),
        )
        for back in backs
    ]
    land_records(workspace.paths, points, now=END)
    return workspace


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    workspace = made(tmp_path_factory.mktemp("signals") / "w")
    at, columns = rows()
    n = len(at)
    land(workspace.paths, "predictions", {"event_at": at, "model": ["m"] * n, "version": ["1"] * n, **columns}, now=END)
    return Recorded(at, columns, Lookout(workspace, "production").model("m"))


def test_p95_latency_is_that_of_the_last_ten_minutes_and_critical_once_it_lasted(recorded: Recorded) -> None:
    found = recorded.signal("system.latency_p95")
    expected = np.quantile(recorded.columns["latency_ms"][recorded.since(timedelta(minutes=10))], 0.95)
    assert expected == 80 and found.value == pytest.approx(expected, rel=0.05)
    assert found.state is State.CRITICAL and found.critical == 50


def test_the_error_share_that_is_landed_is_judged_against_one_in_a_hundred(recorded: Recorded) -> None:
    found = recorded.signal("system.errors")
    assert (found.value, found.state, found.critical) == (0.02, State.CRITICAL, 0.01)


def test_what_the_fallback_answered_is_counted_over_the_last_hour(recorded: Recorded) -> None:
    found = recorded.signal("system.fallbacks")
    chosen = recorded.since(HOUR)
    expected = np.mean(np.array(recorded.columns["served_by"])[chosen] == "fallback")
    assert found.value == pytest.approx(expected) and expected == pytest.approx(0.1)
    assert found.state is State.CRITICAL


def test_throughput_is_told_as_a_share_of_what_is_usual_at_the_hour(recorded: Recorded) -> None:
    assert recorded.signal("system.volume").value == pytest.approx(6.0)
    assert recorded.signal("system.errors").value == pytest.approx(0.02)
    slow = recorded.signal("system.latency_p95")
    assert slow.value == pytest.approx(80.0), "one in ten takes 80 ms"
    assert recorded.health.scored_last_day == 8640


def test_a_pipeline_whose_last_run_failed_is_counted(recorded: Recorded) -> None:
    found = recorded.signal("system.batch_failed")
    assert (found.value, found.n, found.state) == (1.0, 2, State.WARNING)


def test_columns_that_vanished_or_hold_what_is_not_allowed_violate_the_schema(recorded: Recorded) -> None:
    found = recorded.signal("data.schema")
    assert (found.value, found.state) == (2.0, State.CRITICAL)
    assert found.of is not None and found.of.raw in {"carrier", "gone"}


def test_missing_values_are_judged_by_the_contract_of_their_column(recorded: Recorded) -> None:
    found = recorded.signal("data.nulls")
    chosen = recorded.since(DAY)
    missing = np.mean([value is None for value, mine in zip(recorded.columns["temp"], chosen, strict=True) if mine])
    assert found.of is not None and found.of.raw == "temp"
    assert found.value == pytest.approx(missing) and found.warning == 0.04
    assert found.state is State.CRITICAL


def test_values_outside_the_range_are_counted_by_column(recorded: Recorded) -> None:
    found = recorded.signal("data.range")
    expected = np.mean(recorded.columns["share"][recorded.since(DAY)] > 1)
    assert found.of is not None and found.of.raw == "share"
    assert found.value == pytest.approx(expected) and expected == pytest.approx(0.05)


def test_requests_scored_before_are_duplicates(recorded: Recorded) -> None:
    found = recorded.signal("data.duplicates")
    assert found.value == pytest.approx(0.02, abs=0.001) and found.state is State.WARNING


def test_the_age_of_the_newest_fact_is_judged_against_what_is_agreed(tmp_path: Path) -> None:
    workspace = made(tmp_path / "w")
    at, columns = rows()
    kept = at < np.datetime64((END - 3 * HOUR).replace(tzinfo=None))
    old = {name: [value for value, mine in zip(values, kept, strict=True) if mine] for name, values in columns.items()}
    n = int(kept.sum())
    land(workspace.paths, "predictions", {"event_at": at[kept], "model": ["m"] * n, "version": ["1"] * n, **old}, now=END)
    found = next(
        each for layer in Lookout(workspace, "production").model("m").layers for each in layer.signals if each.id == "data.freshness"
    )
    assert found.value == pytest.approx(3.0, abs=0.01)
    assert (found.state, found.critical) == (State.CRITICAL, 2)


def test_a_mean_score_that_jumps_is_told_in_standard_deviations_of_its_past(recorded: Recorded) -> None:
    found = recorded.signal("model.score_mean")
    assert found.value is not None and found.value > 5
    # By hand: sums by hour, means of 24 of them, their changes from one day to the next.
    hour = ((recorded.at - recorded.at[0]) / np.timedelta64(1, "h")).astype(int)
    sums, counts = np.bincount(hour, weights=recorded.columns["score"]), np.bincount(hour)
    day = np.convolve(sums, np.ones(24), "valid") / np.convolve(counts, np.ones(24), "valid")
    first, last = (
        int((moment - START) / HOUR) for moment in (recorded.health.reference_from, recorded.health.reference_to) if moment is not None
    )
    ends = np.arange(first + 48, last + 1)
    usual = day[ends - 24] - day[ends - 48]
    assert found.value == pytest.approx(abs(day[-1] - day[-25]) / usual.std(), rel=1e-6)
    assert found.state is State.CRITICAL


def test_an_outcome_that_is_surely_worse_than_in_the_control_group_warns(recorded: Recorded) -> None:
    found = recorded.signal("business.kpi")
    assert (found.value, found.state) == (0.01, State.WARNING)
    assert recorded.health.layer(Layer.BUSINESS).why == found.why


def test_slow_answers_spend_the_error_budget_of_the_latency_objective(recorded: Recorded) -> None:
    budget = recorded.health.budget
    assert budget is not None and budget.slo == "fast"
    slow = np.mean(recorded.columns["latency_ms"] > 50)
    assert budget.left == pytest.approx(1 - slow / (1 - 0.99))
    assert budget.state is State.CRITICAL and "both over 6" in budget.why


def test_layers_are_read_from_the_machine_to_the_purpose(recorded: Recorded) -> None:
    assert [layer.layer for layer in recorded.health.layers] == [Layer.SYSTEM, Layer.DATA, Layer.MODEL, Layer.BUSINESS]
