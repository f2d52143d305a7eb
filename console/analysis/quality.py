"""How good predictions were, on the rows whose outcome is known. What cannot be computed is None, with the reason.

A score that is NaN or infinite is left out and counted. A label that is NaN is not known yet: it lowers the coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from console.analysis.calibration import CalibrationBin, calibration_bins, expected_calibration_error
from console.analysis.intervals import Bools, Floats, Interval, mean_interval, skewed_mean_interval, wilson
from console.analysis.quality_intervals import average_precision_interval
from console.analysis.ranking import Ranked
from console.analysis.rolling import RollingQuality, rolling_quality

__all__ = [
    "BinaryQuality",
    "RegressionQuality",
    "RollingQuality",
    "SliceQuality",
    "binary_quality",
    "by_slice",
    "regression_quality",
    "rolling_quality",
]

NO_LABELS: Final = "no outcome is known yet"
NO_SCORES: Final = "no row has a score"
ONE_CLASS: Final = "only one class among the known outcomes"
TOO_LARGE: Final = "the numbers are too large for a float"
FEWEST_OUTCOMES: Final = 5
"""Outcomes of each class below which Brier score and log loss have no interval: the few that weigh may well not have come up."""

NOT_PROBABILITIES: Final = "scores lie outside 0 to 1, so they are not probabilities"


@dataclass(frozen=True, slots=True)
class BinaryQuality:
    """Quality of scores for an outcome of 0 or 1.

    `n` rows with a usable score, of which `labelled` have an outcome; `left_out` rows had no usable score. Everything but `n`,
    `left_out` and `coverage` is over the labelled rows. `gap` is base rate minus mean score: positive when more happens than is said.
    `reasons` names every number that is None; `no_interval` the numbers that are not, but have no interval.
    """

    n: int
    labelled: int
    left_out: int
    coverage: float | None = None
    positives: int = 0
    base_rate: float | None = None
    base_rate_interval: Interval | None = None
    mean_score: float | None = None
    mean_score_interval: Interval | None = None
    gap: float | None = None
    gap_interval: Interval | None = None
    auc: float | None = None
    auc_interval: Interval | None = None
    average_precision: float | None = None
    average_precision_interval: Interval | None = None
    brier: float | None = None
    brier_interval: Interval | None = None
    log_loss: float | None = None
    log_loss_interval: Interval | None = None
    ece: float | None = None
    threshold: float | None = None
    selection_rate: float | None = None
    precision: float | None = None
    precision_interval: Interval | None = None
    recall: float | None = None
    recall_interval: Interval | None = None
    calibration: tuple[CalibrationBin, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    no_interval: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegressionQuality:
    """Quality of predicted numbers, in the unit of the target. `bias` is mean prediction minus mean outcome."""

    n: int
    labelled: int
    left_out: int
    coverage: float | None = None
    mean_label: float | None = None
    mean_label_interval: Interval | None = None
    mean_score: float | None = None
    mean_score_interval: Interval | None = None
    mae: float | None = None
    mae_interval: Interval | None = None
    rmse: float | None = None
    rmse_interval: Interval | None = None
    bias: float | None = None
    bias_interval: Interval | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    no_interval: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SliceQuality:
    """Quality of the rows that share one value; `quality` is None, with the reason, below the minimum of labelled rows."""

    value: str | None
    n: int
    labelled: int
    quality: BinaryQuality | RegressionQuality | None
    reason: str = ""


def binary_quality(scores: npt.ArrayLike, labels: npt.ArrayLike, threshold: float | None = None, *, brief: bool = False) -> BinaryQuality:
    """All of `BinaryQuality` for scores and outcomes (0, 1 or NaN) of equal length; `brief` leaves out log loss and the intervals of means.

    With a `threshold`, a row is selected when its score is at least that. Raises ValueError for another outcome or unequal lengths.
    """
    score, label, left_out = _usable(scores, labels)
    known = ~np.isnan(label)
    n, labelled = score.size, int(known.sum())
    if labelled and not np.isin(label[known], (0.0, 1.0)).all():
        odd = label[known][~np.isin(label[known], (0.0, 1.0))][0]
        raise ValueError(f"an outcome is {odd:g}; a binary model's outcomes are 0, 1 or missing")
    selection = float((score >= threshold).mean()) if threshold is not None and n else None
    if not labelled:
        reasons = dict.fromkeys(_BINARY_NUMBERS, NO_LABELS if n else NO_SCORES)
        if threshold is None:
            del reasons["precision"], reasons["recall"]
        return BinaryQuality(
            n=n, labelled=0, left_out=left_out, coverage=0.0 if n else None, threshold=threshold, selection_rate=selection, reasons=reasons
        )
    scored, positive = score[known], label[known] == 1.0
    outcome = label[known]
    positives = int(positive.sum())
    reasons = {}
    ranked = Ranked.of(scored, positive)
    area = ranked.auc()
    if area is None:
        reasons |= dict.fromkeys(("auc", "average_precision"), ONE_CLASS)
    probabilities = bool((scored >= 0).all() and (scored <= 1).all())
    squared = (scored - outcome) ** 2 if probabilities else None
    if not probabilities:
        reasons |= dict.fromkeys(("brier", "log_loss", "ece"), NOT_PROBABILITIES)
    bins = calibration_bins(scored, positive) if probabilities else ()
    enough = min(positives, labelled - positives) >= FEWEST_OUTCOMES
    rarer = min(positives, labelled - positives)
    few = f"only {rarer} of one outcome are known, fewer than {FEWEST_OUTCOMES}, for an interval of mean losses"
    chosen = _at_threshold(scored, positive, threshold, reasons)
    average = ranked.average_precision() if area is not None and not brief else None
    losses = _log_losses(scored, positive) if probabilities and not brief else None
    with np.errstate(over="ignore", invalid="ignore"):
        gap, mean_score = outcome - scored, float(scored.mean())
        mean_gap, gap_interval, score_interval = (
            float(gap.mean()),
            None if brief else mean_interval(gap),
            None if brief else mean_interval(scored),
        )
    if not math.isfinite(mean_gap):
        reasons |= dict.fromkeys(("mean_score", "gap"), TOO_LARGE)
    return BinaryQuality(
        n=n,
        labelled=labelled,
        left_out=left_out,
        coverage=labelled / n,
        positives=positives,
        base_rate=positives / labelled,
        base_rate_interval=wilson(positives, labelled),
        mean_score=mean_score if math.isfinite(mean_gap) else None,
        mean_score_interval=score_interval,
        gap=mean_gap if math.isfinite(mean_gap) else None,
        gap_interval=gap_interval,
        auc=area,
        auc_interval=ranked.auc_interval(),
        average_precision=average,
        average_precision_interval=average_precision_interval(average, positives),
        brier=float(squared.mean()) if squared is not None else None,
        brier_interval=_within_unit(skewed_mean_interval(squared)) if squared is not None and enough and not brief else None,
        log_loss=float(losses.mean()) if losses is not None else None,
        log_loss_interval=skewed_mean_interval(losses) if losses is not None and enough else None,
        ece=expected_calibration_error(bins, labelled) if probabilities else None,
        threshold=threshold,
        selection_rate=selection,
        precision=chosen.precision,
        precision_interval=wilson(chosen.hits, chosen.selected),
        recall=chosen.recall,
        recall_interval=wilson(chosen.hits, positives) if threshold is not None else None,
        calibration=bins,
        reasons=reasons,
        no_interval=dict.fromkeys(("brier", "log_loss"), few) if probabilities and not enough else {},
    )


_BINARY_NUMBERS: Final = ("base_rate", "mean_score", "gap", "auc", "average_precision", "brier", "log_loss", "ece", "precision", "recall")


def regression_quality(scores: npt.ArrayLike, labels: npt.ArrayLike) -> RegressionQuality:
    """All of `RegressionQuality` for predictions and outcomes (NaN: unknown) of equal length.

    Intervals: of the bias +- 1.96 standard errors, of the MAE Hall's for skewed means, of the RMSE the root of that of the mean square.
    """
    score, label, left_out = _usable(scores, labels)
    known = np.isfinite(label)
    n, labelled = score.size, int(known.sum())
    if not labelled:
        reasons = dict.fromkeys(("mean_label", "mean_score", "mae", "rmse", "bias"), NO_LABELS if n else NO_SCORES)
        return RegressionQuality(n=n, labelled=0, left_out=left_out, coverage=0.0 if n else None, reasons=reasons)
    with np.errstate(over="ignore", invalid="ignore"):
        error = score[known] - label[known]
        squared = error * error
        values = {
            "mean_label": float(label[known].mean()),
            "mean_score": float(score[known].mean()),
            "mae": float(np.abs(error).mean()),
            "rmse": math.sqrt(float(squared.mean())),
            "bias": float(error.mean()),
        }
        mse, mae_interval, bias_interval = skewed_mean_interval(squared), skewed_mean_interval(np.abs(error)), mean_interval(error)
        label_interval, score_interval = mean_interval(label[known]), mean_interval(score[known])
    return RegressionQuality(
        n=n,
        labelled=labelled,
        left_out=left_out,
        coverage=labelled / n,
        **{name: value if math.isfinite(value) else None for name, value in values.items()},
        mean_label_interval=label_interval,
        mean_score_interval=score_interval,
        mae_interval=mae_interval,
        rmse_interval=Interval(math.sqrt(max(0.0, mse.low)), math.sqrt(mse.high), f"root of {mse.method}") if mse else None,
        bias_interval=bias_interval,
        reasons={name: TOO_LARGE for name, value in values.items() if not math.isfinite(value)},
        no_interval={},
    )


def by_slice(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    values: Sequence[Any] | npt.NDArray[Any],
    *,
    minimum: int = 200,
    task: Literal["binary", "regression"] = "binary",
    threshold: float | None = None,
) -> tuple[SliceQuality, ...]:
    """Quality per value of a column (None or NaN: missing), worst first: by |gap|, or by MAE.

    Slices with fewer than `minimum` labelled rows come last, without a quality. Raises ValueError for unequal lengths.
    """
    score, label = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if not score.size == label.size == len(values):
        raise ValueError(f"{score.size} scores, {label.size} outcomes and {len(values)} slice values: they must be of one length")
    rows: dict[str | None, list[int]] = {}
    for index, value in enumerate(values):
        missing = value is None or (isinstance(value, float | np.floating) and math.isnan(value))
        rows.setdefault(None if missing else str(value), []).append(index)
    slices = []
    for value, where in rows.items():
        quality: BinaryQuality | RegressionQuality
        if task == "binary":
            quality = binary_quality(score[where], label[where], threshold)
        else:
            quality = regression_quality(score[where], label[where])
        enough = quality.labelled >= minimum
        reason = "" if enough else f"{quality.labelled} labelled rows, fewer than {minimum}"
        slices.append(SliceQuality(value, quality.n, quality.labelled, quality if enough else None, reason))
    return tuple(sorted(slices, key=_worst_first))


def _worst_first(item: SliceQuality) -> tuple[float, int, str]:
    if item.quality is None:
        badness = -1.0
    elif isinstance(item.quality, BinaryQuality):
        badness = abs(item.quality.gap or 0.0)
    else:
        badness = item.quality.mae or 0.0
    return (-badness, -item.labelled, item.value or "")


def _within_unit(interval: Interval | None) -> Interval | None:
    """A squared error of probabilities lies in [0, 1]; the normal approximation of few rows need not."""
    return Interval(max(0.0, interval.low), min(1.0, interval.high), interval.method) if interval is not None else None


def _log_losses(scores: Floats, positive: Bools) -> Floats:
    smallest = float(np.finfo(np.float64).eps)
    said = np.clip(scores, smallest, 1 - smallest)
    return -np.where(positive, np.log(said), np.log1p(-said))


class _AtThreshold(NamedTuple):
    hits: int
    selected: int
    precision: float | None
    recall: float | None


def _at_threshold(scores: Floats, positive: Bools, threshold: float | None, reasons: dict[str, str]) -> _AtThreshold:
    if threshold is None:
        return _AtThreshold(0, 0, None, None)
    chosen = scores >= threshold
    hits, selected, positives = int((chosen & positive).sum()), int(chosen.sum()), int(positive.sum())
    if not selected:
        reasons["precision"] = f"no labelled row scores {threshold:g} or more"
    if not positives:
        reasons["recall"] = "no positive outcome among the labelled rows"
    return _AtThreshold(hits, selected, hits / selected if selected else None, hits / positives if positives else None)


def _usable(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Floats, Floats, int]:
    score, label = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if score.shape != label.shape or score.ndim != 1:
        raise ValueError(f"{score.size} scores and {label.size} outcomes: two plain arrays of one length are needed")
    usable = np.isfinite(score)
    return score[usable], label[usable], int(score.size - usable.sum())
