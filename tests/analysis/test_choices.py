"""Would it help, and may it be promoted: nothing is claimed that the rows do not show."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from scipy import stats

from console.analysis.gates import GateRule, judge_gates
from console.analysis.would_help import would_help


def flights(n: int = 4000) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(8)
    labels = (random.random(n) < 0.49).astype(float)
    v2 = np.clip(0.17 + 0.05 * labels + random.normal(0, 0.05, n), 0, 1)
    return labels, {"v2": v2, "v1": np.clip(v2 + random.normal(0, 0.1, n), 0, 1), "fallback": np.full(n, 0.45)}


def test_the_lowest_brier_score_that_is_surely_better_is_best() -> None:
    labels, scores = flights()
    answer = would_help(scores, labels, "v2")
    assert answer.best == "fallback"
    assert [option.answer for option in answer.alternatives] == ["better", "worse"]
    assert answer.sentence.startswith("fallback is better: Brier .25")
    fallback = answer.candidate("fallback")
    assert fallback is not None
    paired = stats.ttest_rel((scores["fallback"] - labels) ** 2, (scores["v2"] - labels) ** 2).confidence_interval(0.95)
    assert fallback.interval is not None
    assert (fallback.interval.low, fallback.interval.high) == (pytest.approx(paired.low, rel=1e-3), pytest.approx(paired.high, rel=1e-3))
    json.dumps(asdict(answer), allow_nan=False)


def test_all_candidates_are_judged_on_the_same_rows() -> None:
    labels, scores = flights()
    scores["v1"][:1000] = math.nan
    labels[3000:] = math.nan
    answer = would_help(scores, labels, "v2")
    assert answer.n == 2000
    assert answer.current.loss == pytest.approx(np.mean((scores["v2"] - labels)[1000:3000] ** 2))
    assert all(option.quality.labelled == 2000 for option in answer.alternatives)


def test_a_difference_within_chance_is_no_gain() -> None:
    labels, scores = flights(200)
    scores = {"v2": scores["v2"], "v3": np.clip(scores["v2"] + np.random.default_rng(1).normal(0, 0.001, 200), 0, 1)}
    answer = would_help(scores, labels, "v2")
    assert answer.best is None
    assert answer.alternatives[0].answer == "not distinguishable"
    assert answer.sentence.startswith("no gain expected: v3 is not distinguishable")


def test_rows_that_move_together_need_more_evidence() -> None:
    random = np.random.default_rng(12)
    day = np.repeat(np.arange(6), 500)
    labels = (random.random(3000) < np.array([0.95, 0.9, 0.2, 0.3, 0.8, 0.6])[day]).astype(float)
    scores = {"now": np.full(3000, 0.5), "high": np.full(3000, 0.6)}
    assert would_help(scores, labels, "now").best == "high"
    grouped = would_help(scores, labels, "now", groups=day)
    assert (grouped.best, grouped.alternatives[0].answer) == (None, "not distinguishable")


def test_too_few_rows_is_unknown() -> None:
    answer = would_help({"a": [0.1, 0.2], "b": [0.3, 0.4]}, [0, 1], "a")
    assert (answer.best, answer.alternatives[0].answer) == (None, "unknown")
    assert answer.sentence.startswith("unknown: only 2 rows")
    with pytest.raises(KeyError, match="no scores of 'c'"):
        would_help({"a": [0.1]}, [0], "c")
    with pytest.raises(ValueError, match="outside 0 to 1"):
        would_help({"a": [1.5]}, [1], "a")


def test_numbers_are_compared_by_their_absolute_error() -> None:
    labels = np.arange(100.0)
    answer = would_help({"old": labels + 8, "new": labels - 5 + np.tile([1.0, -1.0], 50)}, labels, "old", task="regression")
    assert (answer.metric, answer.best) == ("mae", "new")
    assert answer.alternatives[0].difference == pytest.approx(-3.0)


def test_gates_compare_with_a_limit_or_with_what_serves_now() -> None:
    rules = (
        GateRule("auc", ">=", 0.65),
        GateRule("auc", ">=", -0.01, against="champion"),
        GateRule("p95_ms", "<=", 50),
        GateRule("ece", "<", 0.1),
    )
    results = judge_gates(rules, {"auc": 0.66, "p95_ms": 50.0, "ece": 0.1}, {"auc": 0.68})
    assert [result.outcome for result in results] == ["pass", "fail", "pass", "fail"]
    assert results[1].limit == pytest.approx(0.67)
    assert results[1].reason == "0.66 is not >= 0.67"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_unknown_never_passes(value: float | None) -> None:
    (result,) = judge_gates([GateRule("auc", ">", 0.0)], {"auc": value}, reasons={"auc": "only one class"})
    assert (result.outcome, result.reason) == ("unknown", "only one class")
    (unmatched,) = judge_gates([GateRule("auc", ">=", 0.0, against="champion")], {"auc": 0.9})
    assert unmatched.outcome == "unknown"
