"""Quality before outcomes: expectations equal those over every possible outcome, and hold for calibrated scores."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score

from backends.records import State
from console.analysis.apart import judged_apart
from console.analysis.performance_estimate import Calibration, expected_auc, possible_outcomes, usable

SAME = Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
CHANCE = np.random.default_rng(5)
SCORES = CHANCE.beta(2, 5, 4000)
OUTCOMES = (CHANCE.random(4000) < SCORES).astype(float)
EVERY = np.arange(4000)


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1)), min_size=2, max_size=12))
@settings(deadline=None, max_examples=60)
def test_the_expected_auc_is_that_of_all_pairs(rows: list[tuple[int, float]]) -> None:
    scores, p = np.array([row[0] / 4 for row in rows]), np.array([row[1] for row in rows])
    pairs = [(i, j) for i in range(len(rows)) for j in range(len(rows)) if i != j]
    weights = np.array([p[i] * (1 - p[j]) for i, j in pairs])
    order = np.array([1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0 for i, j in pairs])
    found = expected_auc(scores, p)
    if weights.sum() < 1e-9:
        assert found is None or 0 <= round(found, 6) <= 1
    else:
        assert found == pytest.approx((weights * order).sum() / weights.sum(), abs=1e-6)


def test_brier_and_share_are_the_mean_over_every_possible_outcome() -> None:
    few = np.array([0.1, 0.35, 0.35, 0.8])
    scores = np.tile(few, 8)
    calibration = Calibration(np.array([0.0, 1.0]), np.array([0.2, 0.6]))
    found = possible_outcomes(scores, calibration).over(np.arange(32)).values
    p = 0.2 + 0.4 * few
    brier = share = 0.0
    for outcome in product((0, 1), repeat=4):
        happened = np.array(outcome)
        likely = float(np.prod(np.where(happened == 1, p, 1 - p)))
        brier += likely * float(np.mean((few - happened) ** 2))
        share += likely * float(happened.mean())
    assert found["brier"] == pytest.approx(brier)
    assert found["base_rate"] == pytest.approx(share)
    assert found["gap"] == pytest.approx(share - few.mean())


def test_of_calibrated_scores_the_realised_numbers_lie_within_the_intervals() -> None:
    found = possible_outcomes(SCORES, SAME, [SAME] * 60).over(EVERY, 0.4)
    realised = {
        "auc": roc_auc_score(OUTCOMES, SCORES),
        "brier": brier_score_loss(OUTCOMES, SCORES),
        "base_rate": OUTCOMES.mean(),
        "gap": OUTCOMES.mean() - SCORES.mean(),
        "precision": precision_score(OUTCOMES, SCORES >= 0.4),
        "recall": recall_score(OUTCOMES, SCORES >= 0.4),
    }
    assert set(found.values) == set(realised)
    for name, value in realised.items():
        assert found.values[name] == pytest.approx(value, abs=0.03), name
        assert found.intervals[name].low - 0.01 <= value <= found.intervals[name].high + 0.01, name


def test_the_numbers_of_each_draw_are_scikit_learns() -> None:
    scores = np.round(SCORES[:200], 1)
    possible = possible_outcomes(scores, SAME, [SAME] * 3)
    found = possible.over(np.arange(200))
    areas = [roc_auc_score(outcome, scores) for outcome in possible.drawn]
    briers = [brier_score_loss(outcome, scores) for outcome in possible.drawn]
    assert (found.intervals["auc"].low, found.intervals["auc"].high) == pytest.approx(tuple(np.percentile(areas, [2.5, 97.5])))
    assert (found.intervals["brier"].low, found.intervals["brier"].high) == pytest.approx(tuple(np.percentile(briers, [2.5, 97.5])))


def test_scores_that_moved_are_seen_and_a_changed_meaning_is_not() -> None:
    moved = SCORES[SCORES > 0.3]
    usual = possible_outcomes(SCORES, SAME).over(EVERY).values["auc"]
    assert possible_outcomes(moved, SAME).over(np.arange(len(moved))).values["auc"] < usual - 0.05
    contrary = (np.random.default_rng(1).random(4000) < 1 - SCORES).astype(float)
    assert roc_auc_score(contrary, SCORES) < 0.4 < possible_outcomes(SCORES, SAME, [SAME] * 20).over(EVERY).intervals["auc"].low


def test_what_cannot_be_estimated_says_why() -> None:
    certain = possible_outcomes(SCORES, Calibration(np.array([0.0, 1.0]), np.array([0.0, 0.0])), [SAME] * 5)
    found = certain.over(EVERY, 2.0)
    assert "auc" not in found.values and found.reasons["auc"] == "by the calibration only one outcome ever happens"
    assert found.reasons["precision"] == "no score reaches the threshold" and found.reasons["recall"]
    few = certain.over(np.arange(5))
    assert not few.values and set(few.reasons.values()) == {"only 5 scores, fewer than 30"}
    assert certain.over(np.arange(0)).reasons["auc"] == "nothing was scored"
    assert usable(np.array([0.0, 1.0, np.nan, np.inf, -0.1, 1.1])).tolist() == [True, True, False, False, False, False]


def test_periods_are_unlike_only_beyond_every_earlier_window() -> None:
    usual = [0.62, 0.7, 0.66, 0.71]
    assert judged_apart(0.8, 0.78, usual).state is State.WARNING
    assert judged_apart(0.73, 0.7, usual).state is State.OK
    assert judged_apart(0.51, 0.49, [0.5, 0.49, 0.5, 0.48]).state is State.OK
    # Beyond all of them, and yet no more than chance and a little.
    assert judged_apart(0.57, 0.55, [0.5, 0.49, 0.5, 0.48]).state is State.OK
    few = judged_apart(0.99, 0.98, usual[:3])
    assert few.state is State.UNKNOWN and few.reason == "only 3 earlier weeks to judge by; 4 are needed"
    assert judged_apart(None, None, usual).state is State.UNKNOWN
