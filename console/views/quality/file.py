"""Quality of the scores in a file against the outcomes beside them: overall, by period, by slice, by group, and where it is worst."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from backends.data_files.table import opened
from console.analysis.fairness import Fairness, GroupRates, fairness
from console.analysis.intervals import Interval
from console.analysis.quality import NO_SCORES, BinaryQuality, binary_quality
from console.analysis.worst_slices import CodedColumn, coded, says_outcome, worst_slices
from console.views.health.model import View
from console.views.quality.file_rows import PERIOD, FileAsked, FileRows, read_rows
from console.views.quality.thresholds import curve, trade_offs
from console.views.quality.trade_offs import CurvePoint, TradeOff

if TYPE_CHECKING:
    import numpy.typing as npt
from pydantic import Field

WITH_INTERVAL: Final = ("base_rate", "mean_score", "auc", "average_precision", "brier", "log_loss", "precision", "recall")

MINIMUM_GROUP: Final = 30
"""Rows below which a group takes no part in a fairness difference: its rate would be chance."""


class Metrics(View):
    """Quality of some rows; every number that is None has its reason. `intervals` are 95 %, where one is defined.

    `rows` are all rows, `labelled` those with a usable score and a known outcome. All numbers are over the labelled rows, but for
    `selection_rate`: the share of rows with a usable score that score at least the threshold.
    """

    rows: int
    labelled: int
    label_coverage: float | None
    base_rate: float | None
    mean_score: float | None
    auc: float | None
    average_precision: float | None
    brier: float | None
    log_loss: float | None
    ece: float | None
    selection_rate: float | None
    precision: float | None
    recall: float | None
    left_out: int
    """Rows without a usable score."""
    intervals: dict[str, tuple[float, float]]
    reasons: dict[str, str]


class GroupMetrics(Metrics):
    """Quality within one group, and the rates that equalized odds compares."""

    true_positive_rate: float | None
    false_positive_rate: float | None


class GroupFairness(View):
    """How differently the groups of one column are treated; None with the reason where it cannot be computed."""

    demographic_parity_difference: float | None
    demographic_parity_ratio: float | None
    equalized_odds_difference: float | None
    by_group: dict[str, GroupMetrics]
    left_out: tuple[str, ...]
    """Groups too small to be compared."""
    few: dict[str, str] = Field(default_factory=dict)
    """Groups with few outcomes of one kind, and how many: the equalized odds rest on them and are mostly chance."""
    minimum: int
    reasons: dict[str, str]


class WorstSliceView(View):
    """Rows that share one value, or two, on which the squared error is certainly above that of all others."""

    where: dict[str, str]
    n: int
    brier: float
    excess: float
    """Brier score of these rows minus that of all others, with its interval at the corrected level."""
    low: float
    high: float
    share_of_loss: float


class FileQualityView(View):
    """Everything that a file says of how good its scores are."""

    file: str
    files: int
    label: str
    score: str
    threshold: float | None
    as_of: datetime | None
    overall: Metrics
    by: Literal["day", "week", "month"] | None
    by_period: dict[str, Metrics]
    by_slice: dict[str, dict[str, Metrics]]
    fairness: dict[str, GroupFairness]
    worst_slices: tuple[WorstSliceView, ...]
    slices_searched: int
    minimum: int
    trade_offs: tuple[TradeOff, ...] = ()
    """Precision and recall at thresholds around the one asked for, over all rows."""
    precision_recall: tuple[CurvePoint, ...] = ()
    """The same as a curve."""
    notes: tuple[str, ...]


def file_quality(named: str, asked: FileAsked, progress: Callable[[int, int], None] = lambda _done, _total: None) -> FileQualityView:
    """All of `FileQualityView`. Raises DataFileProblem: no such file or column, an outcome that is not 0 or 1, a score outside 0 to 1."""
    with opened(named) as table:
        rows, notes = read_rows(table, asked)
        files = len(table.files)
    steps = 2 + len(asked.slices) + len(asked.groups)
    progress(1, steps)
    overall, quality = _of_rows(rows, asked)
    if quality.left_out:
        one = quality.left_out == 1
        notes.append("1 row has no score and is left out" if one else f"{quality.left_out:,} rows have no score and are left out")
    by_slice = {}
    for number, column in enumerate(asked.slices):
        by_slice[column] = {key: _of_rows(rows, asked, mask)[0] for key, mask in _masks(rows.keys[column])}
        progress(2 + number, steps)
    groups = {column: _fairness(rows, asked, column) for column in asked.groups}
    progress(steps - 1, steps)
    worst, looked_at = _worst(rows, asked.minimum, notes)
    progress(steps, steps)
    return FileQualityView(
        file=named,
        files=files,
        label=asked.label,
        score=asked.score,
        threshold=asked.threshold,
        as_of=asked.as_of,
        overall=overall,
        by=asked.by if asked.time is not None else None,
        by_period={key: _of_rows(rows, asked, mask)[0] for key, mask in _masks(rows.keys[PERIOD])} if asked.time is not None else {},
        by_slice=by_slice,
        fairness=groups,
        worst_slices=worst,
        slices_searched=looked_at,
        minimum=asked.minimum,
        trade_offs=trade_offs(rows.score, rows.label, asked.threshold),
        precision_recall=curve(rows.score, rows.label),
        notes=tuple(notes),
    )


def one_class(view: FileQualityView) -> str | None:
    """What to say when every known outcome of the file is the same: nothing about ranking can be computed from it."""
    overall = view.overall
    if overall.labelled and overall.base_rate in {0.0, 1.0}:
        return f"{view.file}: all {overall.labelled:,} known outcomes in {view.label!r} are {overall.base_rate:g}; AUC needs both classes"
    return None


# -- judging -----------------------------------------------------------------------------------------------------------


def _masks(column: CodedColumn) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    for code, name in enumerate(column.values):
        mask = column.codes == code
        if mask.any():
            yield name, mask


def _of_rows(rows: FileRows, asked: FileAsked, where: npt.NDArray[np.bool_] | slice = slice(None)) -> tuple[Metrics, BinaryQuality]:
    quality = binary_quality(rows.score[where], rows.label[where], asked.threshold)
    return Metrics(**_numbers(quality)), quality


def _numbers(quality: BinaryQuality) -> dict[str, Any]:
    rows = quality.n + quality.left_out
    reasons = {name: why for name, why in quality.reasons.items() if name != "gap"}
    reasons |= {f"{name}_interval": why for name, why in quality.no_interval.items()}
    if quality.threshold is None:
        reasons |= dict.fromkeys(("selection_rate", "precision", "recall"), "needs a threshold")
    elif quality.selection_rate is None:
        reasons["selection_rate"] = NO_SCORES
    return {
        "rows": rows,
        "labelled": quality.labelled,
        "label_coverage": quality.labelled / rows if rows else None,
        "base_rate": quality.base_rate,
        "mean_score": quality.mean_score,
        "auc": quality.auc,
        "average_precision": quality.average_precision,
        "brier": quality.brier,
        "log_loss": quality.log_loss,
        "ece": quality.ece,
        "selection_rate": quality.selection_rate,
        "precision": quality.precision,
        "recall": quality.recall,
        "left_out": quality.left_out,
        "intervals": _intervals({name: getattr(quality, f"{name}_interval") for name in WITH_INTERVAL}),
        "reasons": reasons,
    }


def _intervals(named: Mapping[str, Interval | None]) -> dict[str, tuple[float, float]]:
    return {name: (each.low, each.high) for name, each in named.items() if each is not None}


def _fairness(rows: FileRows, asked: FileAsked, column: str) -> GroupFairness:
    usable = np.isfinite(rows.score)
    masks = dict(_masks(rows.keys[column]))
    found: Fairness = fairness(
        rows.score[usable],
        rows.label[usable],
        {name: mask[usable] for name, mask in masks.items()},
        asked.threshold,
        minimum=MINIMUM_GROUP,
    )
    by_group = {str(name): _group(rows, asked, masks[str(name)], rates) for name, rates in found.by_group.items()}
    return GroupFairness(
        demographic_parity_difference=found.demographic_parity_difference,
        demographic_parity_ratio=found.demographic_parity_ratio,
        equalized_odds_difference=found.equalized_odds_difference,
        by_group=by_group,
        left_out=tuple(str(name) for name in found.left_out),
        few={str(name): said for name, said in found.few.items()},
        minimum=MINIMUM_GROUP,
        reasons=dict(found.reasons),
    )


def _group(rows: FileRows, asked: FileAsked, mask: npt.NDArray[np.bool_], rates: GroupRates) -> GroupMetrics:
    numbers = _numbers(_of_rows(rows, asked, mask)[1])
    of_rates = {
        "selection_rate": rates.selection_interval,
        "true_positive_rate": rates.true_positive_interval,
        "false_positive_rate": rates.false_positive_interval,
    }
    numbers["intervals"] = {**numbers["intervals"], **_intervals(of_rates)}
    reasons = dict(numbers["reasons"])
    for name, value, of in (
        ("true_positive_rate", rates.true_positive_rate, "positive"),
        ("false_positive_rate", rates.false_positive_rate, "negative"),
    ):
        if value is None:
            reasons[name] = "needs a threshold" if asked.threshold is None else f"no {of} outcome is known here"
    numbers["reasons"] = reasons
    return GroupMetrics(**numbers, true_positive_rate=rates.true_positive_rate, false_positive_rate=rates.false_positive_rate)


def _worst(rows: FileRows, minimum: int, notes: list[str]) -> tuple[tuple[WorstSliceView, ...], int]:
    known = np.isfinite(rows.score) & ~np.isnan(rows.label)
    label = rows.label[known]
    losses = (rows.score[known] - label) ** 2
    columns = [coded(each.name, each.codes[known], each.values) for each in rows.searched]
    told = [each.name for each in columns if losses.size >= 2 * minimum and says_outcome(each, label)]
    if told:
        said = "says the outcome itself and is" if len(told) == 1 else "say the outcome itself and are"
        notes.append(f"{', '.join(map(repr, told))} {said} not searched for the worst slices")
    found, searched = worst_slices(losses, [each for each in columns if each.name not in told], minimum=minimum)
    return tuple(
        WorstSliceView(
            where=dict(each.where), n=each.n, brier=each.loss, excess=each.excess, low=each.low, high=each.high, share_of_loss=each.share
        )
        for each in found
    ), searched
