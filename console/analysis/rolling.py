"""Quality over rolling windows [end - width, end): the strip that shows since when something is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from console.analysis.distributions import Z95
from console.analysis.intervals import Bools, Floats, Ints
from console.analysis.ranking import auc


@dataclass(frozen=True, slots=True)
class RollingQuality:
    """One entry a window; NaN where nothing can be computed. `base_rate`, `mean_score`, `gap`, `mae` and `auc` are over labelled rows.

    For a regression `base_rate` is the mean outcome, so `gap` is minus the bias. `auc` is None unless it was asked for.
    """

    ends: Ints
    n: Ints
    labelled: Ints
    coverage: Floats
    base_rate: Floats
    mean_score: Floats
    gap: Floats
    gap_low: Floats
    gap_high: Floats
    mae: Floats
    brier: Floats
    auc: Floats | None = None

    def numbers(self, name: str) -> list[float | None]:
        """One of the arrays as plain numbers for JSON, NaN as None."""
        return [float(value) if math.isfinite(value) else None for value in getattr(self, name)]


def rolling_quality(
    event_at: npt.ArrayLike,
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    ends: npt.ArrayLike,
    width: int,
    *,
    label_known_at: npt.ArrayLike | None = None,
    with_auc: bool = False,
) -> RollingQuality:
    """Quality of the rows with `end - width <= event_at < end`, for each end. Times are int64 microseconds since 1970, UTC.

    Labels are NaN where unknown. With `label_known_at`, a window uses only the labels that were known at its end, so that the past
    looks as it did then; without, every label known today counts. Rows whose score is NaN or infinite are left out.
    Cost: sorting once, then cumulative sums; per-window slices only for AUC and `label_known_at`.
    """
    at, score, label = np.asarray(event_at, dtype=np.int64), np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if not at.size == score.size == label.size:
        raise ValueError(f"{at.size} times, {score.size} scores and {label.size} outcomes: they must be of one length")
    until = np.asarray(ends, dtype=np.int64)
    looked_at = np.isfinite(score)
    if until.size:
        # Rows that no window reaches cost nothing.
        looked_at &= (at >= until.min() - width) & (at < until.max())
    order = np.flatnonzero(looked_at)[np.argsort(at[looked_at], kind="stable")]
    at = at[order]
    first, last = np.searchsorted(at, until - width), np.searchsorted(at, until)
    known_at = None if label_known_at is None else np.asarray(label_known_at, dtype=np.int64)[order]
    rows = _Windowed(score[order], label[order], known_at, until, first, last)
    sums = rows.cumulative() if known_at is None else rows.sliced()
    labelled, outcomes, said, absolute, gaps, squares = sums
    area = rows.areas() if with_auc else None
    n = (last - first).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = gaps / labelled
        brier = squares / labelled
        error = np.sqrt(np.maximum(brier - gap * gap, 0.0) / (labelled - 1))
        error[labelled < 2] = np.nan
        return RollingQuality(
            ends=until,
            n=n,
            labelled=labelled.astype(np.int64),
            coverage=labelled / np.where(n, n, np.nan),
            base_rate=outcomes / labelled,
            mean_score=said / labelled,
            gap=gap,
            gap_low=gap - Z95 * error,
            gap_high=gap + Z95 * error,
            mae=absolute / labelled,
            brier=brier,
            auc=area,
        )


@dataclass(frozen=True, slots=True)
class _Windowed:
    """Rows in order of time; window k is rows `first[k]` to `last[k]`."""

    score: Floats
    label: Floats
    known_at: Ints | None
    until: Ints
    first: npt.NDArray[np.intp]
    last: npt.NDArray[np.intp]

    def terms(self) -> Floats:
        """Per row: labelled, outcome, score, |error|, error, squared error; zeros without a label."""
        known = ~np.isnan(self.label)
        outcome, said = np.where(known, self.label, 0.0), np.where(known, self.score, 0.0)
        gap = outcome - said
        terms: Floats = np.empty((6, gap.size))
        for place, term in enumerate((known, outcome, said, np.abs(gap), gap)):
            terms[place] = term
        np.multiply(gap, gap, out=terms[5])
        return terms

    def cumulative(self) -> Floats:
        """Sums of the terms per window, every label counted."""
        running = np.concatenate((np.zeros((6, 1)), np.cumsum(self.terms(), axis=1)), axis=1)
        sums: Floats = running[:, self.last] - running[:, self.first]
        return sums

    def sliced(self) -> Floats:
        """Sums of the terms per window, of the labels known at its end."""
        terms, sums = self.terms(), np.zeros((6, self.until.size))
        for index, (low, high) in enumerate(zip(self.first, self.last, strict=True)):
            sums[:, index] = terms[:, low:high] @ self.known(index)
        return sums

    def known(self, index: int) -> Bools:
        """Which rows of one window have a label that was known at its end."""
        low, high = self.first[index], self.last[index]
        known = ~np.isnan(self.label[low:high])
        return known if self.known_at is None else known & (self.known_at[low:high] <= self.until[index])

    def areas(self) -> Floats:
        """AUC per window."""
        areas = np.full(self.until.size, np.nan)
        for index, (low, high) in enumerate(zip(self.first, self.last, strict=True)):
            known = self.known(index)
            area = auc(self.score[low:high][known], self.label[low:high][known] == 1.0)
            areas[index] = np.nan if area is None else area
        return areas
