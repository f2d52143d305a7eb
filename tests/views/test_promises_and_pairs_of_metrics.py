"""Two numbers that count only together: the long and the short window of a burn rate, and a metric beside another one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from backends.local.acting import LocalAliasSetter
from backends.records import Layer, MetricPoint, Model, ModelVersion, State
from backends.store.landing import land, land_records
from console.config import ClockSettings, Workspace, init_workspace
from console.lookout import Lookout
from console.policies.load import PoliciesError, read_policies
from console.policies.rules import Together
from console.views.health.model import Signal

END = datetime(2024, 3, 10, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = END - 4 * DAY


def made(root: Path, slow: tuple[timedelta, timedelta] | None = None) -> Workspace:
    """A request a minute for four days; a tenth of them slow between two ages."""
    workspace = init_workspace(root, name="small", clock=ClockSettings(start=END))
    known = {"event_at": START, "known_at": START}
    land_records(workspace.paths, [Model(name="m", task="binary", **known), ModelVersion(model="m", version="1", **known)], now=END)
    aliases = LocalAliasSetter(workspace.paths.registry)
    aliases.set_alias("production", "m", "production", "1", expected=None, key="k", actor="ines", now=START)
    age = np.arange(4 * 1440, 0, -1)
    at = np.datetime64(END.replace(tzinfo=None), "us") - (age * 60_000_000).astype("timedelta64[us]")
    older, newer = (length / timedelta(minutes=1) for length in slow) if slow else (0, 0)
    latency = np.where((age <= older) & (age > newer) & (age % 10 == 0), 80.0, 10.0)
    n = len(at)
    columns = {"key": [f"r{each}" for each in age], "score": np.full(n, 0.1), "latency_ms": latency, "served_by": ["model"] * n}
    land(workspace.paths, "predictions", {"event_at": at, "model": ["m"] * n, "version": ["1"] * n, **columns}, now=END)
    return workspace


def signal(workspace: Workspace, name: str) -> Signal:
    health = Lookout(workspace, "production").model("m")
    return next(each for layer in health.layers for each in layer.signals if each.id == name)


def test_a_budget_that_burned_and_does_not_burn_any_more_is_no_alert(tmp_path: Path) -> None:
    found = signal(made(tmp_path / "w", slow=(3 * DAY, 12 * HOUR)), "slo.burn")
    assert (found.state, found.value) == (State.OK, 0.0)
    assert "not both over" in found.why


def test_a_budget_that_burns_in_both_windows_is_one_and_says_over_which(tmp_path: Path) -> None:
    found = signal(made(tmp_path / "w", slow=(3 * DAY, timedelta(0))), "slo.burn")
    assert found.state is State.CRITICAL
    assert found.value == pytest.approx(10 / 6), "a tenth where a hundredth may be slow, at a rate of 6 over six hours"
    assert found.why == "slo.burn fast: burns 10 and 10 times the budget over 6 h and 30 m, both over 6"
    assert found.n == 6 * 60


def test_a_pair_that_files_a_ticket_is_a_warning_however_fast_it_burns(tmp_path: Path) -> None:
    """Slow for three days but for the last half hour: the pair of three days burns, those that page do not."""
    found = signal(made(tmp_path / "w", slow=(3 * DAY, timedelta(minutes=30))), "slo.burn")
    assert (found.state, found.warning, found.critical) == (State.WARNING, 1.0, None)
    assert found.value is not None and found.value > 9
    assert "over 3 d and 6 h, both over 1" in found.why


def test_an_objective_is_watched_over_the_windows_that_its_file_names(tmp_path: Path) -> None:
    workspace = made(tmp_path / "w", slow=(3 * DAY, 12 * HOUR))
    (workspace.paths.policies / "slos.yaml").write_text(
        "format: 1\nslos:\n  - {id: fast, title: Fast, layer: system, objective: 0.99, good: {column: latency_ms, at_most: 50},\n"
        "     alert_pairs: [{long: 24h, short: 18h, rate: 2, severity: ticket}]}\n"
    )
    found = signal(workspace, "slo.burn")
    assert found.state is State.WARNING
    assert "over 1 d and 18 h, both over 2" in found.why


def spend(workspace: Workspace, uplift: float | None) -> Signal:
    """Spend as ever for forty days, then five times as much; beside it what it brought."""
    points = [("spend", 1.0 + day % 3 / 10, END - (day + 1) * DAY) for day in range(40)] + [("spend", 5.0, END - HOUR)]
    points += [] if uplift is None else [("uplift", uplift, END - HOUR)]
    landed = [
        MetricPoint(event_at=at, known_at=END, model="m", layer=Layer.BUSINESS, name=name, value=value, n=1) for name, value, at in points
    ]
    land_records(workspace.paths, landed, now=END)
    return signal(workspace, "business.spend")


@pytest.mark.parametrize(
    ("uplift", "state", "said"),
    [(-0.1, State.CRITICAL, "over"), (0.2, State.OK, "but uplift is 0.2"), (None, State.UNKNOWN, "nobody landed uplift beside it")],
)
def test_spend_that_rises_is_trouble_only_where_it_brings_nothing(tmp_path: Path, uplift: float | None, state: State, said: str) -> None:
    found = spend(made(tmp_path / "w"), uplift)
    assert (found.value, found.state) == (5.0, state)
    assert said in found.why


def test_a_second_metric_may_have_to_reach_a_number_or_to_stay_below_one() -> None:
    reaches, stays = Together(signal="metric.uplift", at_least=0.5), Together(signal="metric.uplift", at_most=0.5)
    assert [reaches.holds(value) for value in (0.4, 0.5, 0.6, None)] == [False, True, True, None]
    assert [stays.holds(value) for value in (0.4, 0.5, 0.6, None)] == [True, True, False, None]


def test_a_second_metric_beside_what_is_computed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(
        "format: 1\nrules:\n  - {id: a, title: A, layer: model, signal: ece, critical: 0.1, playbook: p, severity: note,\n"
        "     together_with: {signal: metric.uplift, at_most: 0}}\n"
    )
    with pytest.raises(PoliciesError, match="together_with holds one landed metric against another, and ece is computed"):
        read_policies(tmp_path)
