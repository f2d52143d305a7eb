"""An alert before labels: what the scores alone let expect falls below the reference, further than any quiet window did."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, Made, days_of_predictions, made

from backends.records import Layer, State
from console.analysis.performance_estimate import expected_auc
from console.cli.main import main
from console.clock import SimulatedClock, SystemClock
from console.config import open_workspace
from console.render.alerts import alerts_page
from console.views.health.estimated import keep_estimates, kept_estimates
from console.views.health.kept import fleet_in_force, health_in_force
from console.watch.rounds import watch_once

pytestmark = pytest.mark.learns

DAYS, ROWS, CROWD = 42, 80, 36
CAVEAT = "estimate, before labels; blind to concept drift"


def built(root: Path, *, crowd: bool, turned: bool = False, seed: int = 3) -> Made:
    """One round of the watch over six weeks; in the last six days scores crowd around .5, or outcomes turn while scores stay."""
    chance = np.random.default_rng(seed).random((DAYS, ROWS, 2))

    def score(day: int, row: int) -> float:
        wide = 0.1 if crowd and day >= CROWD else 0.8
        return 0.5 + wide * (float(chance[day, row, 0]) - 0.5)

    def label(day: int, row: int) -> float | None:
        if day >= CROWD and not turned:
            return None
        likely = 1 - score(day, row) if day >= CROWD else score(day, row)
        return float(chance[day, row, 1] < likely)

    place = made(root, START + DAYS * DAY)
    days_of_predictions(place, DAYS, ROWS, temp=lambda _day, row: float(row), score=score, label=label)
    clock = SimulatedClock(START + DAYS * DAY, SystemClock().real_now(), 0.0)
    assert not watch_once(open_workspace(root), clock).problems
    return Made(open_workspace(root))


def estimates_of(place: Made) -> list[Any]:
    return [row for row in place.lookout().alerts().rows if row.rule == "model.estimate"]


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return built(tmp_path_factory.mktemp("fallen") / "w", crowd=True)


def test_an_estimate_that_fell_opens_an_alert_that_says_what_it_is(fallen: Made, capsys: pytest.CaptureFixture[str]) -> None:
    rows = estimates_of(fallen)
    assert {row.state for row in rows} == {State.WARNING, State.CRITICAL}
    assert all(row.firing and row.message.raw.endswith(f"({CAVEAT})") and row.playbook == "prediction-shift" for row in rows)
    assert main(["-w", str(fallen.root), "alerts"]) == 0
    assert capsys.readouterr().out.count(f"An {CAVEAT}.") == 2
    assert main(["-w", str(fallen.root), "alerts", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["rows"]
    assert [each["caveat"] for each in told if each["rule"] == "model.estimate"] == [CAVEAT, CAVEAT]
    row = next(each for each in alerts_page(fallen.lookout().alerts()).rows if each.key == rows[0].id)
    assert row.why is not None and row.why.text.startswith("X AUC lost, estimated") and CAVEAT in row.why.text


def test_what_is_learnt_is_judged_at_once_and_not_at_the_next_round(fallen: Made, tmp_path: Path) -> None:
    place = Made(open_workspace(copytree(fallen.root, tmp_path / "w")))
    sight = place.lookout().sight()
    kept = health_in_force(sight, "delay")
    assert kept is not None
    signal = next(each for each in kept.layer(Layer.MODEL).signals if each.id == "model.estimate")
    assert signal.value is not None and signal.state is State.CRITICAL
    learnt = kept_estimates(sight.workspace.paths, "production", "delay", "1", sight.at)
    assert learnt is not None
    keep_estimates(sight.workspace.paths, learnt.model_copy(update={"made_at": sight.at - timedelta(seconds=1)}))
    assert health_in_force(place.lookout().sight(), "delay") is not None, "what is older than the newest changes nothing"
    keep_estimates(sight.workspace.paths, learnt.model_copy(update={"made_at": sight.at + timedelta(seconds=1)}))
    assert health_in_force(place.lookout().sight(), "delay") is None and fleet_in_force(place.lookout().sight()) is None


def test_an_estimate_wakes_nobody_and_calls_no_model_well(fallen: Made) -> None:
    assert not fallen.lookout().incidents().rows
    health = fallen.lookout().model("delay")
    signal = next(each for each in health.layer(Layer.MODEL).signals if each.id == "model.estimate")
    assert signal.state is State.CRITICAL and CAVEAT in signal.why
    assert signal.low == signal.value and signal.high is not None and signal.low < signal.high


def test_what_is_lost_is_the_estimate_of_the_reference_less_that_of_the_window(fallen: Made) -> None:
    at = fallen.lookout().clock().now()
    kept = kept_estimates(fallen.workspace.paths, "production", "delay", "1", at + timedelta(hours=2))
    assert kept is not None and kept.calibration is not None
    chance = np.random.default_rng(3).random((DAYS, ROWS, 2))[:, :, 0]
    first, last = (round((each - START) / DAY) for each in (kept.calibration.since, kept.calibration.until))
    wide, narrow = (0.5 + 0.8 * (chance[first:last].ravel() - 0.5)), (0.5 + 0.1 * (chance[CROWD + 1 :].ravel() - 0.5))
    [maps] = [kept.calibration.each()[1:]]
    lost = []
    for each in maps:
        before, now = expected_auc(wide, each(wide)), expected_auc(narrow, each(narrow))
        assert before is not None and now is not None
        lost.append(before - now)
    signal = next(each for each in fallen.lookout().model("delay").layer(Layer.MODEL).signals if each.id == "model.estimate")
    assert signal.value == pytest.approx(float(np.percentile(lost, 2.5)), abs=0.01)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_noise_opens_none(tmp_path: Path, seed: int) -> None:
    assert estimates_of(built(tmp_path / "w", crowd=False, seed=seed)) == []


def test_it_is_blind_to_outcomes_that_turned(tmp_path: Path) -> None:
    place = built(tmp_path / "w", crowd=False, turned=True)
    assert estimates_of(place) == []
    assert {row.rule for row in place.lookout().alerts().rows if row.firing} & {"model.auc", "model.late_gap", "model.ece"}
