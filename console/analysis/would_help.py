"""Would it help? Candidates compared on the very same labelled rows, before anybody acts.

The best has the lowest Brier score (binary) or MAE (regression). "Better" is said only when the 95 % interval of the paired
difference of the losses, row by row, excludes zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from console.analysis.intervals import Floats, Interval, clustered_mean_interval, mean_interval
from console.analysis.quality import BinaryQuality, RegressionQuality, binary_quality, regression_quality

MINIMUM_ROWS: Final = 30
"""Common labelled rows below which nothing is said."""

Answer = Literal["better", "not distinguishable", "worse", "unknown"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One option on the common rows. `difference` is its mean loss minus that of what serves now: negative is better."""

    name: str
    quality: BinaryQuality | RegressionQuality
    loss: float | None
    difference: float | None
    interval: Interval | None
    answer: Answer
    sentence: str


@dataclass(frozen=True, slots=True)
class WouldHelp:
    """What serves now, the alternatives (best first), and the advice. `best` is the name of an alternative that is better, else None."""

    metric: Literal["brier", "mae"]
    n: int
    current: Candidate
    alternatives: tuple[Candidate, ...]
    best: str | None
    sentence: str

    def candidate(self, name: str) -> Candidate | None:
        """One option by name, the current one included."""
        return next((option for option in (self.current, *self.alternatives) if option.name == name), None)


def would_help(
    scores: Mapping[str, npt.ArrayLike],
    labels: npt.ArrayLike,
    current: str,
    *,
    task: Literal["binary", "regression"] = "binary",
    groups: npt.ArrayLike | None = None,
    minimum: int = MINIMUM_ROWS,
) -> WouldHelp:
    """Compare every candidate with `current` on the rows that have a label and a score of every candidate.

    `scores` holds one array per candidate, all along `labels` (NaN: no score, no label). Rows of one time or place move together: name
    it in `groups` (the hour, the day) and the interval widens accordingly. Raises KeyError if `current` has no scores, ValueError for
    unequal lengths or, for a binary model, scores outside 0 to 1.
    """
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in scores.items()}
    label = np.asarray(labels, dtype=np.float64)
    if current not in arrays:
        raise KeyError(f"no scores of {current!r}, which serves now; there are {', '.join(sorted(arrays)) or 'none'}")
    if any(values.shape != label.shape for values in arrays.values()):
        raise ValueError("every candidate needs one score a row, NaN where it has none")
    common = np.isfinite(label) & np.logical_and.reduce([np.isfinite(values) for values in arrays.values()])
    label = label[common]
    arrays = {name: values[common] for name, values in arrays.items()}
    if task == "binary":
        outside = [name for name, values in arrays.items() if ((values < 0) | (values > 1)).any()]
        if outside:
            raise ValueError(f"{outside[0]!r} has scores outside 0 to 1: its Brier score means nothing")
    cluster = None if groups is None else np.asarray(groups)[common]
    comparison = _Comparison(task, label, cluster, arrays[current], current, minimum)
    now = comparison.option(current, arrays[current])
    others = sorted(
        (comparison.option(name, values) for name, values in arrays.items() if name != current),
        key=lambda option: (option.loss is None, option.loss or 0.0, option.name),
    )
    best = next((option for option in others if option.answer == "better"), None)
    return WouldHelp(
        comparison.metric, int(label.size), now, tuple(others), best.name if best else None, _advice(best, others, label.size, minimum)
    )


def _advice(best: Candidate | None, others: list[Candidate], n: int, minimum: int) -> str:
    if n < minimum:
        return f"unknown: only {n} rows have an outcome and a score of every candidate; {minimum} are needed"
    if best is not None:
        return best.sentence
    if not others:
        return "there is nothing to compare with"
    return (
        f"no gain expected from any of {len(others)}: {others[0].sentence}"
        if len(others) > 1
        else f"no gain expected: {others[0].sentence}"
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    task: Literal["binary", "regression"]
    label: Floats
    groups: npt.NDArray[np.generic] | None
    base: Floats
    base_name: str
    minimum: int

    @property
    def metric(self) -> Literal["brier", "mae"]:
        return "brier" if self.task == "binary" else "mae"

    def losses(self, scores: Floats) -> Floats:
        error = scores - self.label
        losses: Floats = error * error if self.task == "binary" else np.abs(error)
        return losses

    def option(self, name: str, scores: Floats) -> Candidate:
        quality = binary_quality(scores, self.label) if self.task == "binary" else regression_quality(scores, self.label)
        if self.label.size < self.minimum:
            return Candidate(name, quality, None, None, None, "unknown", f"{name}: only {self.label.size} common rows with an outcome")
        losses = self.losses(scores)
        loss = float(losses.mean())
        if name == self.base_name:
            return Candidate(name, quality, loss, 0.0, None, "not distinguishable", f"{name} serves now: {self.title} {_short(loss)}")
        differences = losses - self.losses(self.base)
        difference = float(differences.mean())
        interval = mean_interval(differences) if self.groups is None else clustered_mean_interval(differences, self.groups)
        answer: Answer = "not distinguishable"
        if interval is not None and interval.excludes(0.0):
            answer = "better" if difference < 0 else "worse"
        elif interval is None:
            answer = "unknown"
        return Candidate(name, quality, loss, difference, interval, answer, self.sentence(name, loss, difference, interval, answer))

    @property
    def title(self) -> str:
        return "Brier" if self.task == "binary" else "MAE"

    def sentence(self, name: str, loss: float, difference: float, interval: Interval | None, answer: Answer) -> str:
        base = _short(loss - difference)
        bounds = f", 95 % {_signed(interval.low)} to {_signed(interval.high)}" if interval else ", no interval: all rows are of one group"
        verdict = {"better": "better", "worse": "worse", "unknown": "not known to be better"}.get(answer, "not distinguishable")
        return f"{name} is {verdict}: {self.title} {_short(loss)} against {base} now ({_signed(difference)}{bounds}, n {self.label.size:,})"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if abs(value) < 1 else f"{value:.4g}"


def _signed(value: float) -> str:
    return ("-" if value < 0 else "+") + _short(abs(value))
