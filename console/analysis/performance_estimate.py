"""What the quality of scores would be if outcomes still depended on them as they did in the reference.

Confidence-based performance estimation: a calibration learnt on labelled rows gives each new score the probability of its outcome, and
each measure is its expectation under these. It sees that scores moved; it cannot see that the same scores came to mean something else,
which is what concept drift is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from console.analysis.intervals import Bools, Floats, Interval, Ints

NO_SCORES: Final = "nothing was scored"
ONE_CLASS: Final = "by the calibration only one outcome ever happens"
NONE_SELECTED: Final = "no score reaches the threshold"
NO_POSITIVES: Final = "by the calibration no outcome is ever positive"

MINIMUM: Final = 30
"""Scores below which nothing is estimated."""

MOST_SCORES: Final = 300_000
"""Scores that outcomes are drawn for; of more, every k-th is taken, evenly over time."""

DRAWS_AT_ONCE: Final = 10

MEASURES: Final = ("auc", "brier", "base_rate", "gap", "precision", "recall")


@dataclass(frozen=True, slots=True)
class Calibration:
    """A non-decreasing map from score to probability: linear between the points `(x, y)`, constant beyond them."""

    x: Floats
    y: Floats

    def __call__(self, scores: Floats) -> Floats:
        """The probability of the outcome for each score."""
        return np.clip(np.interp(scores, self.x, self.y), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class EstimatedQuality:
    """Expected measures over `n` scores; intervals hold the doubt about the calibration and the chance of the outcomes."""

    n: int
    values: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a measure has no value."""


@dataclass(frozen=True, slots=True)
class PossibleOutcomes:
    """Scores, the probability of each one's outcome, and outcomes drawn with it: `drawn` is (draws, scores), 1 where it happened.

    Every draw uses another calibration, learnt on resampled days, so that what differs between draws is the doubt about both.
    """

    scores: Floats
    p: Floats
    drawn: npt.NDArray[np.int8]

    def over(self, rows: Ints, threshold: float | None = None) -> EstimatedQuality:
        """Expected measures of some of the scores, by their places.

        Observed share, gap and Brier score are exact expectations: mean p, mean p - mean s, mean of p (1 - s)^2 + (1 - p) s^2. AUC,
        precision and recall are ratios of expected counts. Intervals are the 2.5th and 97.5th percentile over the draws.
        """
        scores, p = self.scores[rows], self.p[rows]
        if scores.size < MINIMUM:
            reason = NO_SCORES if not scores.size else f"only {scores.size} scores, fewer than {MINIMUM}"
            return EstimatedQuality(int(scores.size), reasons=dict.fromkeys(MEASURES, reason))
        drawn = self.drawn[:, rows]
        values: dict[str, float | None] = {
            "auc": expected_auc(scores, p),
            "brier": float(np.mean(p * (1 - scores) ** 2 + (1 - p) * scores**2)),
            "base_rate": float(p.mean()),
            "gap": float(p.mean() - scores.mean()),
        }
        happened = drawn.sum(axis=1)
        # (s - y)^2 = s^2 + y (1 - 2 s) for an outcome y of 0 or 1.
        squared = (float((scores**2).sum()) + _of_each(drawn, lambda some: some @ (1 - 2 * scores))) / scores.size
        courses = {"auc": _drawn_auc(scores, drawn), "brier": squared, "base_rate": happened / scores.size}
        courses["gap"] = courses["base_rate"] - scores.mean()
        reasons = {} if values["auc"] is not None else {"auc": ONE_CLASS}
        if threshold is not None:
            selected = scores >= threshold
            hit = drawn[:, selected].sum(axis=1)
            expected, chosen = float(p[selected].sum()), int(selected.sum())
            values |= {"precision": expected / chosen if chosen else None, "recall": expected / p.sum() if p.sum() > 0 else None}
            courses |= {"precision": hit / max(chosen, 1), "recall": np.where(happened > 0, hit / np.maximum(happened, 1), np.nan)}
            reasons |= {} if chosen else {"precision": NONE_SELECTED}
            reasons |= {} if values["recall"] is not None else {"recall": NO_POSITIVES}
        intervals = {name: _percentiles(courses[name]) for name, value in values.items() if value is not None}
        return EstimatedQuality(
            n=int(scores.size),
            values={name: value for name, value in values.items() if value is not None},
            intervals={name: interval for name, interval in intervals.items() if interval is not None},
            reasons=reasons,
        )


def possible_outcomes(scores: Floats, calibration: Calibration, others: Sequence[Calibration] = (), seed: int = 0) -> PossibleOutcomes:
    """Probabilities by `calibration`, and one draw of outcomes for each of `others`, which are calibrations of resampled references.

    Scores that are not finite have the probability NaN and must not be asked for.
    """
    chance = np.random.default_rng(seed)
    drawn = np.zeros((len(others), len(scores)), dtype=np.int8)
    for number, other in enumerate(others):
        drawn[number] = chance.random(len(scores)) < other(scores)
    return PossibleOutcomes(scores, calibration(scores), drawn)


def expected_auc(scores: Floats, p: Floats) -> float | None:
    """Expected pairs in order over expected pairs, when score i has outcome 1 with probability p_i; None when one outcome is certain."""
    found = float(expected_aucs(scores, p[np.newaxis, :])[0])
    return None if np.isnan(found) else found


def expected_aucs(scores: Floats, ps: Floats) -> Floats:
    """The expected AUC of the same scores under each row of `ps` (calibrations, scores); NaN where one outcome is certain."""
    order = np.argsort(scores, kind="stable")
    starts = _starts(scores[order])
    ordered = ps[:, order]
    positives = np.add.reduceat(ordered, starts, axis=1)
    negatives = np.add.reduceat(1 - ordered, starts, axis=1)
    # A row makes no pair with itself: what it would add to the ties is taken out, and out of all pairs too.
    own = np.add.reduceat(ordered * (1 - ordered), starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives
    in_order = (positives * below).sum(axis=1) + 0.5 * (positives * negatives - own).sum(axis=1)
    pairs = positives.sum(axis=1) * negatives.sum(axis=1) - own.sum(axis=1)
    return np.where(pairs > 0, in_order / np.where(pairs > 0, pairs, 1.0), np.nan)


def _drawn_auc(scores: Floats, drawn: npt.NDArray[np.int8]) -> Floats:
    """The AUC of each draw of outcomes, ties counted half; NaN where all outcomes are equal."""
    order = np.argsort(scores, kind="stable")
    starts = _starts(scores[order])
    sizes = np.diff(np.append(starts, len(order)))

    def auc(some: npt.NDArray[np.int8]) -> Floats:
        positives = np.add.reduceat(some[:, order], starts, axis=1, dtype=np.int64)
        negatives = sizes - positives
        below = np.cumsum(negatives, axis=1) - negatives
        in_order = (positives * (below + 0.5 * negatives)).sum(axis=1)
        pairs = positives.sum(axis=1) * negatives.sum(axis=1)
        return np.where(pairs > 0, in_order / np.maximum(pairs, 1), np.nan)

    return _of_each(drawn, auc)


def _of_each(drawn: npt.NDArray[np.int8], measure: Callable[[npt.NDArray[np.int8]], Floats]) -> Floats:
    """A measure of each draw. A few at a time: what is computed of draws is eight times as large as they are, or more."""
    found = np.empty(len(drawn))
    for first in range(0, len(drawn), DRAWS_AT_ONCE):
        found[first : first + DRAWS_AT_ONCE] = measure(drawn[first : first + DRAWS_AT_ONCE])
    return found


def _starts(ordered: Floats) -> npt.NDArray[np.intp]:
    """Places at which a new value begins."""
    return np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))


def _percentiles(values: Floats) -> Interval | None:
    known = values[np.isfinite(values)]
    if known.size < 2:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return Interval(float(low), float(high), f"{known.size} draws of outcomes, each with a calibration of resampled days")


def usable(scores: Floats) -> Bools:
    """Which scores are probabilities."""
    return np.isfinite(scores) & (scores >= 0) & (scores <= 1)
