"""Signals that are computed from scored rows: one function a signal, from window ends to values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from console.analysis.drift import psi_between
from console.analysis.latency import latency_from_samples
from console.analysis.quality import binary_quality, regression_quality
from console.analysis.rolling import RollingQuality, rolling_quality
from console.analysis.samples import Sample, edges_of, profile_of
from console.views.health.estimated import KeptCalibration
from console.views.health.model import Quality
from console.views.health.windows import HOUR, Floats, Ints, Reference, Rows, micros, moment_of

WEEKS_BACK = 4
"""Weeks whose same hours say what volume is usual."""

MINIMUM_PAIRS = 50
"""Rows with an outcome and both scores below which two versions are not compared."""

NORMAL_95 = 1.96

MINIMUM_SCORES = 200
"""Scores below which a distribution says nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A signal at each window end; NaN where it cannot be computed. `n` is what each value rests on."""

    values: Floats
    n: Ints
    scored: Ints | None = None
    low: float | None = None
    high: float | None = None
    of: str | None = None
    """The column or slice that the last value is the worst of."""
    why_not: str = ""
    """Why the last value is missing, when it is."""
    is_a: str = ""
    """What the last value is, where the signal is usually another number."""
    second: Floats | None = None
    """What the rule is held `together_with`, at the same window ends; NaN where it is not known."""


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that signals of one model are computed from."""

    rows: Rows
    task: Literal["binary", "regression"]
    at: int
    reference: Reference | None
    before: Floats | None = None
    """For each row the score of the version that served before; NaN where it gave none."""
    before_name: str | None = None
    threshold: float | None = None
    label_delay: int | None = None
    """Declared delay of labels, in microseconds."""
    version: str | None = None
    """The version that serves."""
    calibration: KeptCalibration | None = None
    """What its scores stand for, as the watch learnt it; None with the reason in `not_calibrated`."""
    not_calibrated: str = ""
    slices: dict[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    _qualities: dict[tuple[int, int, int], Quality] = field(default_factory=dict, init=False, repr=False, compare=False)

    def quality(self, start: int, end: int, known_by: int) -> Quality:
        """`quality_between` of these rows: several signals ask for the same windows, each is computed once."""
        asked = start, end, known_by
        if asked not in self._qualities:
            self._qualities[asked] = quality_between(self.rows, self.task, start, end, known_by, self.threshold)
        return self._qualities[asked]


Measure = Callable[[Material, Ints, int], Measured]


def quality_between(rows: Rows, task: str, start: int, end: int, known_by: int, threshold: float | None = None) -> Quality:
    """Quality of the rows with `start <= event_at < end`, with the labels known at `known_by`."""
    span = rows.between(start, end)
    scores, labels = rows.score[span], rows.known_labels(span, known_by)
    known = ~np.isnan(labels)
    observed = float(labels[known].mean()) if known.any() else None
    mean_score = float(scores[known].mean()) if known.any() else None
    common = Quality(
        since=moment_of(start),
        until=moment_of(end),
        scored=len(scores),
        labelled=int(known.sum()),
        observed=observed,
        mean_score=mean_score,
        gap=observed - mean_score if observed is not None and mean_score is not None else None,
    )
    if task == "regression":
        regression = regression_quality(scores, labels)
        return common.model_copy(update={"mae": regression.mae, "bias": regression.bias, "reasons": regression.reasons})
    binary = binary_quality(scores, labels, threshold, brief=True)
    interval = binary.auc_interval
    update = {"auc": binary.auc, "brier": binary.brier, "ece": binary.ece, "reasons": binary.reasons}
    if interval is not None:
        update |= {"auc_low": interval.low, "auc_high": interval.high}
    return common.model_copy(update=update)


def _rolled(material: Material, ends: Ints, width: int, scores: Floats | None = None) -> RollingQuality:
    rows = material.rows
    score = rows.score if scores is None else scores
    return rolling_quality(rows.event_at, score, rows.label, ends, width, label_known_at=rows.label_known_at)


def late_gap(material: Material, ends: Ints, width: int) -> Measured:
    """Observed share of positives minus the mean score, on labelled rows."""
    rolled = _rolled(material, ends, width)
    return Measured(rolled.gap, rolled.labelled, rolled.n, float(rolled.gap_low[-1]), float(rolled.gap_high[-1]))


def mean_absolute_error(material: Material, ends: Ints, width: int) -> Measured:
    """Mean absolute error on labelled rows."""
    rolled = _rolled(material, ends, width)
    return Measured(rolled.mae, rolled.labelled, rolled.n)


def _against_before(material: Material, ends: Ints, width: int, loss: Literal["mae", "brier"]) -> Measured:
    """How many times at least the loss of the version before: the lower end of the 95 % interval of the ratio, on rows that both scored.

    The paired difference of the losses is averaged, its error taken from the hours: flights of one hour are not independent.
    """
    if material.before is None:
        nothing = np.zeros(len(ends), dtype=np.int64)
        return Measured(np.full(len(ends), np.nan), nothing, why_not="no version served before this one, or it gave no scores")
    rows = material.rows
    values, counted = [], []
    for end in ends.tolist():
        span = rows.between(end - width, end)
        label, before, score = rows.known_labels(span, end), material.before[span], rows.score[span]
        both = ~np.isnan(label) & ~np.isnan(before) & ~np.isnan(score)
        counted.append(int(both.sum()))
        values.append(_least_ratio(score[both] - label[both], before[both] - label[both], rows.event_at[span][both], loss))
    return Measured(np.array(values), np.array(counted, dtype=np.int64), of=material.before_name)


def _least_ratio(mine: Floats, theirs: Floats, event_at: Ints, loss: Literal["mae", "brier"]) -> float:
    now, then = (np.abs(mine), np.abs(theirs)) if loss == "mae" else (mine**2, theirs**2)
    if len(now) < MINIMUM_PAIRS or then.mean() == 0:
        return float("nan")
    difference = now - then
    centred = difference - difference.mean()
    hours = event_at // HOUR
    sums = np.add.reduceat(centred, np.flatnonzero(np.concatenate(([True], hours[1:] != hours[:-1]))))
    error = float(np.sqrt((sums**2).sum())) / len(now)
    return float(1 + (difference.mean() - NORMAL_95 * error) / then.mean())


def mae_ratio(material: Material, ends: Ints, width: int) -> Measured:
    """MAE over that of the version before, at least, on the same rows."""
    return _against_before(material, ends, width, "mae")


def brier_ratio(material: Material, ends: Ints, width: int) -> Measured:
    """Brier score over that of the version before, at least, on the same rows."""
    return _against_before(material, ends, width, "brier")


def bias_ratio(material: Material, ends: Ints, width: int) -> Measured:
    """Size of the mean error over the MAE of the reference."""
    rolled = _rolled(material, ends, width)
    usual = _reference_error(material)
    if usual is None:
        return Measured(np.full(len(ends), np.nan), rolled.labelled, rolled.n, why_not="no reference period with labels")
    return Measured(np.abs(rolled.gap) / usual, rolled.labelled, rolled.n)


def _reference_error(material: Material) -> float | None:
    if material.reference is None:
        return None
    start, end = micros(material.reference.start), micros(material.reference.end)
    return quality_between(material.rows, "regression", start, end, material.at).mae


def _windowed(material: Material, ends: Ints, width: int, of: Callable[[Quality], float | None]) -> Measured:
    found = [material.quality(end - width, end, end) for end in ends.tolist()]
    values = np.array([_number(of(quality)) for quality in found])
    last = found[-1]
    return Measured(
        values,
        np.array([quality.labelled for quality in found], dtype=np.int64),
        np.array([quality.scored for quality in found], dtype=np.int64),
        why_not="; ".join(dict.fromkeys(last.reasons.values())),
    )


def expected_calibration_error(material: Material, ends: Ints, width: int) -> Measured:
    """ECE over the window."""
    return _windowed(material, ends, width, lambda quality: quality.ece)


def area_under_curve(material: Material, ends: Ints, width: int) -> Measured:
    """AUC over the window, with the interval of the last one."""
    measured = _windowed(material, ends, width, lambda quality: quality.auc)
    end = int(ends[-1])
    last = material.quality(end - width, end, end)
    return Measured(measured.values, measured.n, measured.scored, last.auc_low, last.auc_high, why_not=measured.why_not)


def auc_drop(material: Material, ends: Ints, width: int) -> Measured:
    """AUC of the reference minus AUC over the window."""
    measured = _windowed(material, ends, width, lambda quality: quality.auc)
    usual = None
    if material.reference is not None:
        start, end = micros(material.reference.start), micros(material.reference.end)
        usual = material.quality(start, end, material.at).auc
    if usual is None:
        return Measured(np.full(len(ends), np.nan), measured.n, measured.scored, why_not="no reference period with labels of both classes")
    return Measured(usual - measured.values, measured.n, measured.scored, why_not=measured.why_not)


def slice_auc_gap(material: Material, ends: Ints, width: int) -> Measured:
    """AUC of all rows minus the upper end of the 95 % interval of the AUC of the worst declared slice: what is lost there at least."""
    values, counted, named = [], [], ""
    for end in ends.tolist():
        span = material.rows.between(end - width, end)
        scores, labels = material.rows.score[span], material.rows.known_labels(span, end)
        whole = material.quality(end - width, end, end).auc
        worst, where, rows = None, "", 0
        for column, values_of in material.slices.items():
            here = values_of[span]
            for value in set(here.tolist()) - {None}:
                chosen = here == value
                if int((~np.isnan(labels[chosen])).sum()) < MINIMUM_SCORES:
                    continue
                interval = binary_quality(scores[chosen], labels[chosen], brief=True).auc_interval
                if interval is not None and (worst is None or interval.high < worst):
                    worst, where, rows = interval.high, f"{column} {value}", int(chosen.sum())
        values.append(np.nan if whole is None or worst is None else max(0.0, whole - worst))
        counted.append(rows)
        named = where
    return Measured(
        np.array(values), np.array(counted, dtype=np.int64), of=named or None, why_not="no declared slice has 200 labelled rows"
    )


def score_psi(material: Material, ends: Ints, width: int) -> Measured:
    """PSI of the scores of each window against the reference."""
    rows = material.rows
    counted = np.array([_size(rows.between(end - width, end)) for end in ends.tolist()], dtype=np.int64)
    if material.reference is None:
        return Measured(np.full(len(ends), np.nan), counted, why_not="no week of history to compare with")
    base = rows.score[rows.between(micros(material.reference.start), micros(material.reference.end))]
    if len(base) < MINIMUM_SCORES:
        return Measured(
            np.full(len(ends), np.nan), counted, why_not=f"only {len(base)} scores in the reference, {MINIMUM_SCORES} are needed"
        )
    sample = Sample.of(base)
    spec = edges_of(sample, top=True)
    reference = profile_of(sample, spec)
    values = []
    for end, n in zip(ends.tolist(), counted.tolist(), strict=True):
        current = Sample.of(rows.score[rows.between(end - width, end)])
        values.append(_number(psi_between(reference, profile_of(current, spec)) if n >= MINIMUM_SCORES else None))
    return Measured(np.array(values), counted, why_not=f"only {counted[-1]} scores, {MINIMUM_SCORES} are needed")


def score_mean_jump(material: Material, ends: Ints, width: int) -> Measured:
    """Size of the change of the mean score against the window before, in standard deviations of such changes in the reference."""
    rows = material.rows
    total = np.concatenate(([0.0], np.cumsum(np.nan_to_num(rows.score))))

    def means(at: Ints) -> tuple[Floats, Ints]:
        first, last = np.searchsorted(rows.event_at, at - width), np.searchsorted(rows.event_at, at)
        count = last - first
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(count >= MINIMUM_SCORES, (total[last] - total[first]) / count, np.nan), count.astype(np.int64)

    now, counted = means(ends)
    change = now - means(ends - width)[0]
    if material.reference is None:
        return Measured(np.full(len(ends), np.nan), counted, why_not="no reference period")
    past = np.arange(micros(material.reference.start) + 2 * width, micros(material.reference.end) + 1, HOUR, dtype=np.int64)
    usual = means(past)[0] - means(past - width)[0]
    usual = usual[~np.isnan(usual)]
    spread = float(np.std(usual)) if len(usual) >= 24 else 0.0
    if spread == 0.0:
        return Measured(np.full(len(ends), np.nan), counted, why_not="the reference is too short to know how much the mean score moves")
    return Measured(np.abs(change) / spread, counted, why_not=f"fewer than {MINIMUM_SCORES} scores in one of the two windows")


def label_coverage(material: Material, ends: Ints, width: int) -> Measured:
    """Labelled rows among those whose label is due by the declared delay."""
    if material.label_delay is None:
        return Measured(
            np.full(len(ends), np.nan), np.zeros(len(ends), dtype=np.int64), why_not="no label delay is declared for this model"
        )
    values, counted = [], []
    for end in ends.tolist():
        due = end - material.label_delay
        span = material.rows.between(due - width, due)
        labels = material.rows.known_labels(span, end)
        counted.append(len(labels))
        values.append(float((~np.isnan(labels)).mean()) if len(labels) else np.nan)
    return Measured(np.array(values), np.array(counted, dtype=np.int64), why_not="nothing whose label is due")


def latency_p95(material: Material, ends: Ints, width: int) -> Measured:
    """95th percentile of the measured latency, in milliseconds."""
    rows = material.rows
    values, counted = [], []
    for end in ends.tolist():
        latency = latency_from_samples(rows.latency_ms[rows.between(end - width, end)])
        values.append(_number(latency.p95))
        counted.append(latency.n)
    return Measured(np.array(values), np.array(counted, dtype=np.int64), why_not="no latency was recorded")


def volume_ratio(material: Material, ends: Ints, width: int) -> Measured:
    """Live predictions over the median of the same hours in the past weeks."""
    rows = material.rows
    times = rows.event_at

    def counted(at: Ints) -> Ints:
        return (np.searchsorted(times, at) - np.searchsorted(times, at - width)).astype(np.int64)

    now = counted(ends)
    if not len(times):
        return Measured(np.full(len(ends), np.nan), now, why_not="nothing was ever scored")
    weeks = [counted(ends - 7 * 24 * HOUR * week).astype(float) for week in range(1, WEEKS_BACK + 1)]
    reached = [np.where(ends - 7 * 24 * HOUR * week - width >= times[0], past, np.nan) for week, past in enumerate(weeks, 1)]
    table = np.array(reached)
    usual = np.full(len(ends), np.nan)
    known = (~np.isnan(table)).any(axis=0)
    usual[known] = np.nanmedian(table[:, known], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(usual > 0, now / usual, np.nan)
    expected = np.nan_to_num(usual, nan=0.0).astype(np.int64)
    return Measured(ratio, np.maximum(now, expected), why_not="no earlier week has this hour")


def fallback_share(material: Material, ends: Ints, width: int) -> Measured:
    """Live predictions answered by the fallback."""
    fell = np.concatenate(([0], np.cumsum(material.rows.served_by == "fallback")))
    first = np.searchsorted(material.rows.event_at, ends - width)
    last = np.searchsorted(material.rows.event_at, ends)
    count = (last - first).astype(np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Measured(np.where(count > 0, (fell[last] - fell[first]) / count, np.nan), count, why_not="nothing was scored")


def _size(span: slice) -> int:
    return int(span.stop - span.start)


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


HOURLY: dict[str, Measure] = {
    "late_gap": late_gap,
    "mae": mean_absolute_error,
    "mae_ratio": mae_ratio,
    "brier_ratio": brier_ratio,
    "bias_ratio": bias_ratio,
    "volume_ratio": volume_ratio,
    "fallback_share": fallback_share,
    "score_mean_jump": score_mean_jump,
}
"""Cheap enough to be judged hour by hour over three weeks."""

STEPWISE: dict[str, Measure] = {
    "ece": expected_calibration_error,
    "auc": area_under_curve,
    "auc_drop": auc_drop,
    "score_psi": score_psi,
    "slice_auc_gap": slice_auc_gap,
    "label_coverage": label_coverage,
    "latency_p95": latency_p95,
}
"""Judged once a step of the strip."""
