"""Calibration in bins: what scores said beside what happened, and how far they lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from console.analysis.intervals import Bools, Floats, Interval, wilson

CALIBRATION_BINS: Final = 10
"""Equal-width bins [k/10, (k+1)/10), the last one closed."""


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Labelled rows whose score lies in [low, high): what was said and what happened. None where the bin is empty."""

    low: float
    high: float
    n: int
    mean_score: float | None
    rate: float | None
    rate_interval: Interval | None


def calibration_bins(scores: Floats, positive: Bools) -> tuple[CalibrationBin, ...]:
    """Labelled rows by score, in ten bins [k/10, (k+1)/10), the last closed. Scores must lie in [0, 1]."""
    edges = np.arange(CALIBRATION_BINS + 1) / CALIBRATION_BINS
    place = np.searchsorted(edges[1:-1], scores, side="right")
    counts = np.bincount(place, minlength=CALIBRATION_BINS)
    score_sums = np.bincount(place, weights=scores, minlength=CALIBRATION_BINS)
    hits = np.bincount(place, weights=positive, minlength=CALIBRATION_BINS)
    return tuple(
        CalibrationBin(
            low=float(edges[k]),
            high=float(edges[k + 1]),
            n=int(counts[k]),
            mean_score=float(score_sums[k] / counts[k]) if counts[k] else None,
            rate=float(hits[k] / counts[k]) if counts[k] else None,
            rate_interval=wilson(int(hits[k]), int(counts[k])),
        )
        for k in range(CALIBRATION_BINS)
    )


def expected_calibration_error(bins: tuple[CalibrationBin, ...], labelled: int) -> float:
    """ECE: the mean distance of what was said from what happened, over the bins, weighted by their rows."""
    return sum(b.n * abs(b.rate - b.mean_score) for b in bins if b.rate is not None and b.mean_score is not None) / labelled
