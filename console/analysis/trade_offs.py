"""What precision and recall would be at other thresholds, on the rows whose outcome is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from console.analysis.intervals import Floats, Interval, wilson

EACH_SIDE: Final = 3
"""Thresholds below the one in force, and above it."""

WITHOUT_ONE: Final = tuple(round(number / 10, 1) for number in range(1, 10))
"""Thresholds of probabilities where none is in force."""

LEVELS: Final = tuple(number / 20 for number in range(1, 21))
"""Recalls that a curve is drawn at."""


@dataclass(frozen=True, slots=True)
class TradeOff:
    """Selecting every row that scores at least `threshold`: `share` is of all scored rows, precision and recall of the labelled ones."""

    threshold: float
    selected: int
    share: float | None
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The highest threshold that finds at least the share `at_least` of the positives, the recall that it reaches, and its precision."""

    at_least: float
    recall: float
    precision: float
    threshold: float


def thresholds_around(scores: npt.ArrayLike, threshold: float | None) -> tuple[float, ...]:
    """Round steps to both sides of the threshold in force, which is among them; none where there is none and scores are no probabilities.

    The step is the largest of 1, 2 and 5 times a power of ten of which four fit between the threshold and the nearer end of [0, 1];
    of other numbers, of which eight fit between their tenth and their ninetieth percentile.
    """
    known = np.asarray(scores, dtype=np.float64)
    known = known[np.isfinite(known)]
    probabilities = bool(((known >= 0) & (known <= 1)).all())
    if threshold is None:
        return WITHOUT_ONE if probabilities else ()
    if probabilities and 0 < threshold < 1:
        room = min(threshold, 1 - threshold) / 4
    else:
        low, high = np.quantile(known, (0.1, 0.9)).tolist() if known.size else (0.0, 0.0)
        room = (high / 8) - (low / 8)
    step = _round_step(room)
    if step is None:
        return (threshold,)
    digits = max(0, 1 - math.floor(math.log10(step))) + 6
    around = {round(threshold + number * step, digits) for number in range(-EACH_SIDE, EACH_SIDE + 1) if number}
    return tuple(sorted({*(each for each in around if not probabilities or 0 <= each <= 1), threshold}))


def trade_offs(scores: npt.ArrayLike, labels: npt.ArrayLike, threshold: float | None) -> tuple[TradeOff, ...]:
    """One for each of `thresholds_around`, lowest first, for scores and outcomes (0, 1 or NaN) of equal length."""
    score, label = _usable(scores, labels)
    known = ~np.isnan(label)
    everything, labelled = np.sort(score), np.sort(score[known])
    positive = np.sort(score[known & (label == 1.0)])
    found = []
    for each in thresholds_around(score, threshold):
        selected, of_labelled, hits = (_from(values, each) for values in (everything, labelled, positive))
        reasons = {}
        if not of_labelled:
            reasons["precision"] = f"no labelled row scores {each:g} or more"
        if not positive.size:
            reasons["recall"] = "no positive outcome among the labelled rows"
        found.append(
            TradeOff(
                threshold=each,
                selected=selected,
                share=selected / score.size if score.size else None,
                precision=hits / of_labelled if of_labelled else None,
                precision_interval=wilson(hits, of_labelled),
                recall=hits / positive.size if positive.size else None,
                recall_interval=wilson(hits, positive.size),
                reasons=reasons,
            )
        )
    return tuple(found)


def precision_recall_curve(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[CurvePoint, ...]:
    """A point for each of LEVELS over the labelled rows; none without a positive outcome. Equal scores are selected together."""
    score, label = _usable(scores, labels)
    known = ~np.isnan(label)
    score, positive = score[known], label[known] == 1.0
    positives = int(positive.sum())
    if not positives:
        return ()
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last_of_tie = np.flatnonzero(np.concatenate((ordered[1:] != ordered[:-1], [True])))
    hits = np.cumsum(positive[order])[last_of_tie]
    points = []
    for level in LEVELS:
        place = int(np.searchsorted(hits, math.ceil(level * positives - 1e-9)))
        found = int(hits[place])
        points.append(CurvePoint(level, found / positives, found / int(last_of_tie[place] + 1), float(ordered[last_of_tie[place]])))
    return tuple(points)


def _usable(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Floats, Floats]:
    score, label = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    usable = np.isfinite(score)
    return score[usable], label[usable]


def _from(ordered: Floats, threshold: float) -> int:
    return int(ordered.size - np.searchsorted(ordered, threshold, side="left"))


def _round_step(room: float) -> float | None:
    if not (room > 0 and math.isfinite(room)):
        return None
    power = 10.0 ** math.floor(math.log10(room) + 1e-9)
    return max((size * power for size in (1, 2, 5) if size * power <= room * (1 + 1e-9)), default=None)
