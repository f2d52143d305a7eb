"""How well scores order the outcomes: area under the ROC curve and average precision, exact with ties."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from console.analysis.distributions import Z95
from console.analysis.intervals import Bools, Floats, Interval


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores in order, sorted once for every number that rests on their order. `order` are the places of the rows from the least score up.

    Equal scores are one group: it ends before `ends`, counted in rows, and before it and in it are so many positives.
    """

    positive: Bools
    order: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]
    positives_to: npt.NDArray[np.intp]

    @classmethod
    def of(cls, scores: Floats, positive: Bools) -> Ranked:
        """Rank some scores, none of which is NaN. Rows of one score are in no particular order: nothing asks for one."""
        order = np.argsort(scores)
        ordered = scores[order]
        ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, ordered.size)[: ordered.size]
        return cls(positive, order, ends, np.cumsum(positive[order], dtype=np.intp)[ends - 1])

    @property
    def positives(self) -> int:
        """Rows whose outcome happened."""
        return int(self.positives_to[-1]) if len(self.ends) else 0

    @property
    def negatives(self) -> int:
        """Rows whose outcome did not."""
        return len(self.order) - self.positives

    def auc(self) -> float | None:
        """P(score of a positive > score of a negative), ties counted half (Mann and Whitney 1947); None with one class only."""
        positives, negatives = self.positives, self.negatives
        if not positives or not negatives:
            return None
        # Halves of whole numbers: their sum is exact in any order.
        rank_sum = float((_midranks(self.ends) * np.diff(self.positives_to, prepend=0)).sum())
        return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)

    def auc_interval(self) -> Interval | None:
        """95 % interval of the AUC: DeLong, DeLong and Clarke-Pearson 1988, by midranks (Sun and Xu 2014), on the logit scale.

        On its own scale it holds its level only with many rows of both classes: of forty rows with twelve positives it misses one time in
        ten, on the logit scale one in twenty (Pepe 2003; Qin and Hotilovac 2008).
        None with fewer than two rows of a class, and where the estimated variance is zero (perfect order), which would claim certainty.
        """
        positives, negatives = self.positives, self.negatives
        if positives < 2 or negatives < 2:
            return None
        ranks = _midranks(self.ends)
        # The share of the other class that each row beats: its placement.
        above = self._by_row((ranks - _midranks(self.positives_to)) / negatives)[self.positive]
        below = self._by_row(1.0 - (ranks - _midranks(self.ends - self.positives_to)) / positives)[~self.positive]
        variance = float(above.var(ddof=1)) / positives + float(below.var(ddof=1)) / negatives
        if variance <= 0:
            return None
        value = float(above.mean())
        middle, half = math.log(value / (1 - value)), Z95 * math.sqrt(variance) / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-(middle + sign * half))) for sign in (-1, 1))
        return Interval(low, high, "DeLong, logit")

    def average_precision(self) -> float | None:
        """Sum over distinct thresholds of (recall gained) x precision: the step-wise area, as scikit-learn; None without positives."""
        positives, rows = self.positives, len(self.order)
        if not positives:
            return None
        # From the greatest score down: what is selected at each threshold, and how much of it happened.
        before = np.concatenate(([0], self.ends[:-1]))[::-1]
        missed = np.concatenate(([0], self.positives_to[:-1]))[::-1]
        found = (positives - missed).astype(np.float64)
        precision = found / (rows - before)
        return float(np.sum(np.diff(found, prepend=0.0) * precision) / positives)

    def _by_row(self, of_group: Floats) -> Floats:
        """What is true of each group of equal scores, for each row in the order that the scores came in."""
        rows = np.empty(len(self.order))
        rows[self.order] = np.repeat(of_group, np.diff(self.ends, prepend=0))
        return rows


def _midranks(ends: npt.NDArray[np.intp]) -> Floats:
    """Of each group of equal values its rank, from 1: the mean of the ranks that its rows would have."""
    starts = np.concatenate(([0], ends[:-1]))
    return np.asarray((starts + ends + 1) / 2, dtype=np.float64)


def auc(scores: Floats, positive: Bools) -> float | None:
    """`Ranked.auc` of some scores."""
    return Ranked.of(scores, positive).auc()


def auc_interval(scores: Floats, positive: Bools) -> Interval | None:
    """`Ranked.auc_interval` of some scores."""
    return Ranked.of(scores, positive).auc_interval()
