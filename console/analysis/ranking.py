"""How well scores order the outcomes: area under the ROC curve and average precision, exact with ties."""

from __future__ import annotations

import math

import numpy as np

from console.analysis.distributions import Z95
from console.analysis.intervals import Bools, Floats, Interval


def midranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ends = np.append(starts[1:], ordered.size)
    ranks = np.empty(values.size)
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks


def auc(scores: Floats, positive: Bools) -> float | None:
    """P(score of a positive > score of a negative), ties counted half (Mann and Whitney 1947); None with one class only."""
    positives = int(positive.sum())
    negatives = positive.size - positives
    if not positives or not negatives:
        return None
    rank_sum = float(midranks(scores)[positive].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def auc_interval(scores: Floats, positive: Bools) -> Interval | None:
    """95 % interval of the AUC: DeLong, DeLong and Clarke-Pearson 1988, by midranks (Sun and Xu 2014), on the logit scale.

    On its own scale it holds its level only with many rows of both classes: of forty rows with twelve positives it misses one time in ten,
    on the logit scale one in twenty (Pepe 2003; Qin and Hotilovac 2008).
    None with fewer than two rows of a class, and where the estimated variance is zero (perfect order), which would claim certainty.
    """
    positives, negatives = scores[positive], scores[~positive]
    if positives.size < 2 or negatives.size < 2:
        return None
    ranks = midranks(np.concatenate((positives, negatives)))
    # The share of the other class that each row beats: its placement.
    above = (ranks[: positives.size] - midranks(positives)) / negatives.size
    below = 1.0 - (ranks[positives.size :] - midranks(negatives)) / positives.size
    variance = float(above.var(ddof=1)) / positives.size + float(below.var(ddof=1)) / negatives.size
    if variance <= 0:
        return None
    value = float(above.mean())
    middle, half = math.log(value / (1 - value)), Z95 * math.sqrt(variance) / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-(middle + sign * half))) for sign in (-1, 1))
    return Interval(low, high, "DeLong, logit")


def average_precision(scores: Floats, positive: Bools) -> float | None:
    """Sum over distinct thresholds of (recall gained) x precision: the step-wise area, as scikit-learn; None without positives."""
    positives = int(positive.sum())
    if not positives:
        return None
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_tie = np.flatnonzero(np.concatenate((ordered[1:] != ordered[:-1], [True])))
    found = np.cumsum(positive[order])[last_of_tie].astype(np.float64)
    precision = found / (last_of_tie + 1)
    return float(np.sum(np.diff(found, prepend=0.0) * precision) / positives)
