"""Numbers of quality with their intervals and reasons, and the same by value of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from backends.text import Untrusted
from console.analysis.quality import BinaryQuality, RegressionQuality, SliceQuality, by_slice
from console.analysis.quality_intervals import calibration_error_interval
from console.analysis.slicing import number_slices
from console.views.health.estimation import Measure
from console.views.health.windows import Floats
from console.views.quality.view import MINIMUM_LABELLED, SliceRow


def measures_of(quality: BinaryQuality | RegressionQuality) -> tuple[Measure, ...]:
    """Every number of a quality, in the order of a page, with interval or reason."""
    if isinstance(quality, RegressionQuality):
        names = {"mae": quality.mae, "rmse": quality.rmse, "bias": quality.bias}
        names |= {"mean_label": quality.mean_label, "mean_score": quality.mean_score}
        intervals = {"mae": quality.mae_interval, "rmse": quality.rmse_interval, "bias": quality.bias_interval}
        intervals |= {"mean_label": quality.mean_label_interval, "mean_score": quality.mean_score_interval}
    else:
        names = {
            "auc": quality.auc,
            "average_precision": quality.average_precision,
            "brier": quality.brier,
            "log_loss": quality.log_loss,
            "ece": quality.ece,
            "base_rate": quality.base_rate,
            "mean_score": quality.mean_score,
            "gap": quality.gap,
        }
        if quality.threshold is not None:
            names |= {"precision": quality.precision, "recall": quality.recall}
        intervals = {
            "auc": quality.auc_interval,
            "average_precision": quality.average_precision_interval,
            "brier": quality.brier_interval,
            "log_loss": quality.log_loss_interval,
            "ece": calibration_error_interval(quality.calibration),
            "base_rate": quality.base_rate_interval,
            "mean_score": quality.mean_score_interval,
            "gap": quality.gap_interval,
            "precision": quality.precision_interval,
            "recall": quality.recall_interval,
        }
    found = []
    for name, value in names.items():
        interval = intervals.get(name)
        found.append(
            Measure(
                name=name,
                value=value,
                low=interval.low if interval and value is not None else None,
                high=interval.high if interval and value is not None else None,
                reason=quality.no_interval.get(name, "") if value is not None else quality.reasons.get(name, "not computable"),
            )
        )
    return tuple(found)


def sliced(
    score: Floats, label: Floats, values: npt.NDArray[Any], column: str, task: Literal["binary", "regression"], threshold: float | None
) -> list[SliceRow]:
    """Quality per value of a column, worst first; values with too few labelled rows last, with the reason."""
    parts = by_slice(score, label, group_names(values), minimum=MINIMUM_LABELLED, task=task, threshold=threshold)
    return [_slice_row(column, part) for part in parts]


def _slice_row(column: str, part: SliceQuality) -> SliceRow:
    return SliceRow(
        column=Untrusted(column),
        value=None if part.value is None else Untrusted(part.value),
        scored=part.n,
        labelled=part.labelled,
        measures=measures_of(part.quality) if part.quality is not None else (),
        reason=part.reason,
    )


def group_names(values: npt.NDArray[np.generic]) -> Sequence[str | None]:
    """Values as texts; numbers with many distinct values as the quartile that they lie in, times as days."""
    if values.dtype.kind == "M":
        days = values.astype("datetime64[D]").astype(object)
        return [None if day is None else str(day) for day in days.tolist()]
    if values.dtype.kind != "f":
        return [None if value is None else str(value) for value in values.tolist()]
    names, places = number_slices(values.astype(np.float64))
    return [None if place < 0 else names[place] for place in places.tolist()]
