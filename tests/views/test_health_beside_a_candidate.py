"""While a candidate is let in, the quality of the model is that of the version that serves; what everybody got counts for the system."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp
from views_workspace import DAY, START, made

from backends.local.acting import LocalAliasSetter, LocalTrafficSetter
from backends.local.routing import place_of
from backends.protocol import NO_ROLLOUT, TrafficSetting
from backends.records import Layer, State
from backends.store.landing import land
from console.config import open_workspace
from console.lookout import Lookout
from console.render.fleet import fleet_page
from console.render.model import model_page
from console.views.drift.view import Asked
from console.views.health.model import ModelHealth

NOW = START + 40 * DAY
BEGAN = NOW - 2 * DAY
PER_DAY = 240
SHARE = 0.25


def landed(root: Path, *, rollout: bool) -> tuple[ModelHealth, dict[str, Any], str]:
    """Forty days of answers; in the last two a quarter of them came from version 2, which is always sure of the wrong thing and slow."""
    place = made(root, NOW)
    slow = "{id: system.latency_p95, title: Slow, layer: system, signal: latency_p95, window: 24h, warning: 30, critical: 50"
    (place.workspace.paths.policies / "own.yaml").write_text(
        f"format: 1\nrules:\n  - {slow}, playbook: slow-or-failing, severity: page}}\n"
    )
    n = 40 * PER_DAY
    at = [START + row * DAY / PER_DAY for row in range(n)]
    keys = [f"r{row}" for row in range(n)]
    random = np.random.default_rng(5)
    chance = random.uniform(0.2, 0.8, n)
    label = (random.random(n) < chance).astype(float)
    second = np.array([moment >= BEGAN and place_of("salt", key) < SHARE for moment, key in zip(at, keys, strict=True)])
    score = np.where(second, 1 - label, chance)
    columns = {
        "model": ["delay"] * n, "version": np.where(second, "2", "1").tolist(), "key": keys, "event_at": at, "score": score.tolist(),
        "latency_ms": np.where(second, 400.0, 5.0).tolist(),
    }  # fmt: skip
    land(place.workspace.paths, "predictions", columns, now=NOW)
    known = [moment + timedelta(hours=1) for moment in at]
    labels = {"model": ["delay"] * n, "key": keys, "label": label.tolist(), "event_at": at, "known_at": known}
    land(place.workspace.paths, "labels", labels, now=NOW)
    if rollout:
        setting = TrafficSetting(
            environment="production", model="delay", state="running", strategy="canary", stable="1", stable_key="first", candidate="2",
            weights={"1": 1 - SHARE, "2": SHARE}, salt="salt", started_at=BEGAN, step_at=BEGAN, set_at=BEGAN, set_by="ines", key="k",
            reason="April", steps=(SHARE,), step=1,
        )  # fmt: skip
        LocalTrafficSetter(place.workspace.paths.traffic).set_traffic(setting, expected=NO_ROLLOUT)
    lookout = place.lookout()
    rows: dict[str, Any] = {"second": second, "score": score, "label": label, "day": np.array([moment >= NOW - DAY for moment in at])}
    rows["known"] = np.array([moment <= NOW for moment in known])
    rows["quality"] = lookout.quality("delay").course
    return lookout.model("delay"), rows, fleet_page(lookout.fleet(), width=120, height=40).plain()


def test_quality_is_that_of_the_version_that_serves_and_the_candidate_stands_beside(tmp_path: Path) -> None:
    health, rows, fleet = landed(tmp_path / "w", rollout=True)
    mine, theirs = rows["day"] & ~rows["second"], rows["day"] & rows["second"]
    day = health.last_day
    assert day is not None and (day.scored, health.scored_last_day) == (int(mine.sum()), int(mine.sum()))
    error = (rows["score"] - rows["label"]) ** 2
    assert day.brier == pytest.approx(float(error[mine & rows["known"]].mean()))
    # Quality's own page says the same of the same day.
    course = next(each for each in rows["quality"] if each.since == NOW - DAY)
    assert course.scored == int(mine.sum()) and course.measure("brier").value == pytest.approx(day.brier)
    [beside] = health.beside
    assert (beside.version, beside.last_day.scored) == ("2", int(theirs.sum()))
    assert beside.last_day.brier == pytest.approx(1.0)
    signals = {signal.id: signal for layer in health.layers for signal in layer.signals}
    assert signals["model.late_gap"].n is not None and signals["model.late_gap"].n <= int(mine.sum())
    # A request that waited is one whoever answered it: latency and volume are those of all answers.
    assert signals["system.latency_p95"].value == 400.0
    assert signals["system.volume"].value == pytest.approx(1.0, abs=0.01)
    said = f"v2 answered {int(theirs.sum())}"
    assert f"Beside, not counted above: {said} in 24 h, Brier 1 on" in model_page(health, width=80, height=20).plain()
    assert f"{said} of its own, Brier 1," in fleet


def test_what_a_candidate_answers_after_its_rollout_is_no_answer_of_the_version_that_serves(tmp_path: Path) -> None:
    """Half a day before now the rollout was ended, by going back to what serves; version 2 went on answering all the same."""
    before, rows, _ = landed(tmp_path / "w", rollout=True)
    workspace = open_workspace(tmp_path / "w")
    registry = LocalAliasSetter(workspace.paths.registry)
    registry.set_alias("production", "delay", "production", "1", expected="1", key="again", actor="ines", now=NOW - timedelta(hours=12))
    health = Lookout(workspace, "production").model("delay")
    theirs = rows["day"] & rows["second"]
    assert [(each.version, each.last_day.scored) for each in health.beside] == [("2", int(theirs.sum()))]
    assert health.last_day is not None and before.last_day is not None
    assert (health.last_day.scored, health.last_day.brier) == (before.last_day.scored, before.last_day.brier)


def test_what_drift_says_of_quality_and_of_scores_one_by_one_is_of_the_version_that_serves(tmp_path: Path) -> None:
    _, rows, _ = landed(tmp_path / "w", rollout=True)
    lookout = Lookout(open_workspace(tmp_path / "w"), "production")
    view = lookout.drift("delay", Asked())
    in_view = np.array([view.first <= (START + row * DAY / PER_DAY).date() <= view.last for row in range(40 * PER_DAY)])
    mine = in_view & ~rows["second"]
    assert in_view.sum() > mine.sum()
    assert view.quality is not None and view.quality.scored == int(mine.sum())
    error = (rows["score"] - rows["label"]) ** 2
    assert view.quality.brier == pytest.approx(float(error[mine & rows["known"]].mean()))
    exact = lookout.drift_column("delay", "score", Asked(), exact=True).shift
    assert view.reference_first is not None and view.reference_last is not None
    before = np.array([view.reference_first <= (START + row * DAY / PER_DAY).date() <= view.reference_last for row in range(40 * PER_DAY)])
    found = ks_2samp(rows["score"][before], rows["score"][mine])
    assert exact.method == "samples" and exact.ks == pytest.approx(found.statistic)


def test_the_scores_that_drift_judges_are_those_of_the_version_that_serves_and_volume_counts_every_answer(tmp_path: Path) -> None:
    _, rows, _ = landed(tmp_path / "w", rollout=True)
    lookout = Lookout(open_workspace(tmp_path / "w"), "production")
    view = lookout.drift("delay", Asked())
    scores = next(each for each in view.columns if each.is_score)
    days = np.array([(START + row * DAY / PER_DAY).date() for row in range(40 * PER_DAY)])
    mine = (days >= view.first) & (days <= view.last) & ~rows["second"]
    before = (days >= view.reference_first) & (days <= view.reference_last)
    assert (scores.n_reference, scores.n_current) == (int(before.sum()), int(mine.sum()))
    edges = [-np.inf, *np.quantile(rows["score"][before], np.arange(0.1, 1, 0.1)), np.inf]
    then, now = (np.maximum(np.histogram(rows["score"][which], edges)[0] / which.sum(), 1e-4) for which in (before, mine))
    assert scores.psi == pytest.approx(float(((now - then) * np.log(now / then)).sum()), rel=1e-9)
    # A candidate that is always sure would have been told from the reference at once.
    assert scores.state is not State.CRITICAL
    volume = next(each for each in view.bug.checks if each.name == "volume")
    assert volume.why.startswith("1.00 times") and volume.state is State.OK


def test_without_a_rollout_every_answer_is_the_models(tmp_path: Path) -> None:
    health, rows, fleet = landed(tmp_path / "w", rollout=False)
    assert health.beside == () and health.scored_last_day == int(rows["day"].sum())
    assert health.last_day is not None and health.last_day.brier is not None
    error = (rows["score"] - rows["label"]) ** 2
    assert health.last_day.brier == pytest.approx(float(error[rows["day"] & rows["known"]].mean()))
    assert next(each for each in rows["quality"] if each.since == NOW - DAY).scored == int(rows["day"].sum())
    assert "of its own" not in fleet
    assert health.layer(Layer.MODEL).signals


def test_a_rollout_that_a_move_of_the_alias_ended_divides_no_row_after_it(tmp_path: Path) -> None:
    _, rows, _ = landed(tmp_path / "w", rollout=True)
    workspace = open_workspace(tmp_path / "w")
    LocalAliasSetter(workspace.paths.registry).set_alias(
        "production", "delay", "production", "2", expected="1", key="second", actor="ines", now=NOW - timedelta(hours=6)
    )
    health = Lookout(workspace, "production").model("delay")
    assert health.version == "2" and health.beside == () and health.scored_last_day == int(rows["day"].sum())
