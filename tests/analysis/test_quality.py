"""Quality numbers equal scikit-learn's; what cannot be computed is None with a reason, never zero."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from console.analysis.intervals import clustered_mean_interval, wilson
from console.analysis.quality import binary_quality, by_slice, regression_quality, rolling_quality
from console.analysis.ranking import auc_interval

scored = st.lists(st.tuples(st.integers(0, 20).map(lambda k: k / 20) | st.floats(0, 1), st.integers(0, 1)), min_size=2, max_size=80)


@given(scored)
@settings(max_examples=150, deadline=None)
def test_binary_numbers_are_scikit_learns(rows: list[tuple[float, int]]) -> None:
    scores, labels = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    quality = binary_quality(scores, labels)
    assert quality.brier == pytest.approx(brier_score_loss(labels, scores, pos_label=1), abs=1e-12)
    assert quality.log_loss == pytest.approx(log_loss(labels, scores, labels=[0, 1]), rel=1e-9)
    assert quality.gap == pytest.approx(labels.mean() - scores.mean(), abs=1e-12)
    if 0 < labels.sum() < labels.size:
        assert quality.auc == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
        assert quality.average_precision == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
        assert not quality.reasons
    else:
        assert quality.auc is None
        assert quality.reasons["auc"] == "only one class among the known outcomes"


@given(scored)
@settings(max_examples=50, deadline=None)
def test_what_is_said_in_brief_is_what_is_said_at_length(rows: list[tuple[float, int]]) -> None:
    scores, labels = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    whole, brief = binary_quality(scores, labels, 0.5), binary_quality(scores, labels, 0.5, brief=True)
    for name in ("n", "labelled", "auc", "auc_interval", "brier", "ece", "gap", "mean_score", "reasons", "precision", "recall"):
        assert getattr(brief, name) == getattr(whole, name), name
    assert brief.log_loss is None


@given(scored, st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_rows_changes_nothing(rows: list[tuple[float, int]], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, two = (binary_quality([row[0] for row in some], [float(row[1]) for row in some]) for some in (rows, shuffled))
    for name in ("auc", "average_precision", "brier", "log_loss", "ece", "gap"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), abs=1e-9)


@given(scored)
@settings(max_examples=80, deadline=None)
def test_ece_follows_its_ten_closed_open_bins(rows: list[tuple[float, int]]) -> None:
    expected = 0.0
    for k in range(10):
        low, high = k / 10, (k + 1) / 10
        held = [row for row in rows if low <= row[0] < high or (k == 9 and row[0] == 1.0)]
        if held:
            rate, mean = sum(row[1] for row in held) / len(held), sum(row[0] for row in held) / len(held)
            expected += len(held) / len(rows) * abs(rate - mean)
    assert binary_quality([row[0] for row in rows], [row[1] for row in rows]).ece == pytest.approx(expected, abs=1e-12)


def test_a_score_on_a_bin_edge_belongs_above_and_its_neighbour_below() -> None:
    quality = binary_quality([0.3, math.nextafter(0.3, 0), 1.0], [1, 0, 1])
    assert [bin_.n for bin_ in quality.calibration] == [0, 0, 1, 1, 0, 0, 0, 0, 0, 1]


def test_delong_interval_is_that_of_the_placement_values() -> None:
    random = np.random.default_rng(3)
    positive = random.random(120) < 0.4
    scores = np.round(random.normal(positive * 0.8), 1)
    ones, zeros = scores[positive], scores[~positive]
    wins = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    error = math.sqrt(wins.mean(axis=1).var(ddof=1) / ones.size + wins.mean(axis=0).var(ddof=1) / zeros.size)
    interval = auc_interval(scores, positive)
    assert interval is not None
    middle, half = special.logit(wins.mean()), stats.norm.ppf(0.975) * error / (wins.mean() * (1 - wins.mean()))
    assert interval.low == pytest.approx(special.expit(middle - half))
    assert interval.high == pytest.approx(special.expit(middle + half))


def test_auc_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(11)
    truth = stats.norm.cdf(1 / math.sqrt(2))
    covered = 0
    for _ in range(400):
        positive = np.arange(200) < 60
        interval = auc_interval(random.normal(positive * 1.0), positive)
        covered += interval is not None and interval.low <= truth <= interval.high
    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.parametrize(("rows", "positives", "apart"), [(40, 12, 1.3), (200, 15, 1.0), (60, 20, 2.0)])
def test_auc_interval_holds_its_level_with_few_positives_too(rows: int, positives: int, apart: float) -> None:
    random = np.random.default_rng(5)
    truth, positive = stats.norm.cdf(apart / math.sqrt(2)), np.arange(rows) < positives
    found = [auc_interval(random.normal(positive * apart), positive) for _ in range(800)]
    covered = sum(each is not None and each.low <= truth <= each.high for each in found)
    assert 0.925 <= covered / len(found) <= 0.98


def test_perfect_order_claims_no_certainty() -> None:
    quality = binary_quality([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert quality.auc == 1.0
    assert quality.auc_interval is None


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10), (3, 10), (149, 4676), (1, 1)])
def test_wilson_is_scipys(successes: int, trials: int) -> None:
    ours, theirs = wilson(successes, trials), stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert ours is not None
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


def test_unknown_labels_lower_the_coverage_and_unusable_scores_are_counted() -> None:
    quality = binary_quality([0.2, 0.9, math.nan, 0.4, math.inf], [0, 1, 1, math.nan, 0])
    assert (quality.n, quality.labelled, quality.left_out) == (3, 2, 2)
    assert quality.coverage == pytest.approx(2 / 3)


def test_no_labels_is_no_number() -> None:
    quality = binary_quality([0.2, 0.9], [math.nan, math.nan])
    assert (quality.auc, quality.gap, quality.brier) == (None, None, None)
    assert quality.coverage == 0.0
    assert set(quality.reasons.values()) == {"no outcome is known yet"}
    assert binary_quality([], []).coverage is None


def test_scores_that_are_no_probabilities_keep_their_order_only() -> None:
    quality = binary_quality([-3.0, 0.5, 7.0, 2.0], [0, 0, 1, 1])
    assert quality.auc == 1.0
    assert (quality.brier, quality.log_loss, quality.ece) == (None, None, None)
    assert "not probabilities" in quality.reasons["brier"]


def test_a_third_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="an outcome is 2"):
        binary_quality([0.1, 0.2], [0, 2])


def test_precision_and_recall_at_the_threshold() -> None:
    quality = binary_quality([0.1, 0.5, 0.6, 0.9], [1, 0, 1, 1], threshold=0.5)
    assert (quality.precision, quality.recall, quality.selection_rate) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 0.75)
    nothing = binary_quality([0.1, 0.2], [1, 0], threshold=0.5)
    assert nothing.precision is None
    assert "no labelled row scores 0.5" in nothing.reasons["precision"]


def test_every_result_is_ready_for_json() -> None:
    for scores, labels in [([0.1, 0.9], [0, 1]), ([], []), ([1e308, -1e308], [0, 1]), ([0.5], [math.nan])]:
        json.dumps(asdict(binary_quality(scores, labels, 0.5)), allow_nan=False)
        json.dumps(asdict(regression_quality(scores, labels)), allow_nan=False)


def test_regression_numbers_by_hand() -> None:
    quality = regression_quality([3.0, 5.0, 1.0, 9.0], [1.0, 6.0, 1.0, math.nan])
    assert quality.labelled == 3
    assert (quality.mae, quality.bias) == (pytest.approx(1.0), pytest.approx(1 / 3))
    assert quality.rmse == pytest.approx(math.sqrt(5 / 3))
    assert quality.bias_interval is not None
    assert quality.bias_interval.low == pytest.approx(1 / 3 - stats.norm.ppf(0.975) * np.std([2, -1, 0], ddof=1) / math.sqrt(3))


def test_clustered_interval_is_wider_when_rows_of_a_day_move_together() -> None:
    day = np.repeat(np.arange(20), 50)
    values = np.random.default_rng(5).normal(size=20)[day]
    interval = clustered_mean_interval(values, day)
    assert interval is not None
    means = values.reshape(20, 50)[:, 0]
    assert interval.high - interval.low == pytest.approx(2 * stats.norm.ppf(0.975) * means.std(ddof=1) / math.sqrt(20), rel=1e-6)


def test_slices_come_worst_first_and_small_ones_say_so() -> None:
    scores = np.full(700, 0.2)
    labels = np.concatenate((np.repeat([1.0, 0.0], [210, 90]), np.repeat([1.0, 0.0], [60, 240]), np.ones(100)))
    slices = by_slice(scores, labels, ["LGA"] * 300 + ["EWR"] * 300 + [None] * 100, minimum=200)
    assert [item.value for item in slices] == ["LGA", "EWR", None]
    assert slices[0].quality is not None
    assert slices[0].quality.gap == pytest.approx(0.5)  # type: ignore[union-attr]
    assert slices[2].quality is None
    assert slices[2].reason == "100 labelled rows, fewer than 200"


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.floats(0, 1) | st.just(math.nan), st.sampled_from([0.0, 1.0, math.nan]), st.integers(0, 80)),
        max_size=60,
    ),
    st.integers(1, 30),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_rolling_windows_equal_a_window_computed_alone(rows: list[tuple[int, float, float, int]], width: int, as_known: bool) -> None:
    at, scores, labels, known = (np.array([row[k] for row in rows], dtype=float) for k in range(4))
    ends = np.arange(0, 60, 7)
    rolled = rolling_quality(
        at.astype(int), scores, labels, ends, width, label_known_at=known.astype(int) if as_known else None, with_auc=True
    )
    assert rolled.auc is not None
    for index, end in enumerate(ends):
        held = (at >= end - width) & (at < end)
        seen = np.where(known <= end, labels, math.nan) if as_known else labels
        alone = binary_quality(scores[held], seen[held])
        assert (rolled.n[index], rolled.labelled[index]) == (alone.n, alone.labelled)
        for name in ("coverage", "base_rate", "mean_score", "gap", "brier", "auc"):
            assert rolled.numbers(name)[index] == pytest.approx(getattr(alone, name), abs=1e-9)
        if alone.labelled > 1 and alone.gap_interval is not None:
            assert rolled.gap_low[index] == pytest.approx(alone.gap_interval.low, abs=1e-6)
