"""Live rows of one model with what is known of their outcomes, laid out for quality and for labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from backends.records import Model
from backends.store.queries import COMPLETE_SHARE, COMPLETE_SPAN, Scored
from console.analysis.quality import BinaryQuality, RegressionQuality, binary_quality, regression_quality
from console.views.health.windows import Floats, Ints, micros, moment_of


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Live rows in order of time with what is known of their outcome now. Times are microseconds since 1970, UTC."""

    task: str
    threshold: float | None
    event_at: Ints
    score: Floats
    label: Floats
    known_at: Ints
    columns: dict[str, npt.NDArray[np.generic]]
    own: npt.NDArray[np.bool_]
    """Scores that the serving version gave itself, not another one or what stood in for it."""

    def between(self, start: datetime, end: datetime) -> slice:
        """The rows with start <= event_at < end."""
        first, last = np.searchsorted(self.event_at, [micros(start), micros(end)])
        return slice(int(first), int(last))

    def quality(self, rows: slice) -> BinaryQuality | RegressionQuality:
        """Every number over some rows."""
        if self.task == "regression":
            return regression_quality(self.score[rows], self.label[rows])
        return binary_quality(self.score[rows], self.label[rows], self.threshold)


def outcomes_of(found: Scored, model: Model, version: str | None) -> Outcomes:
    """The rows of `found`, those without an outcome with a time of knowing that never comes."""
    return Outcomes(
        task=model.task,
        threshold=model.threshold,
        event_at=found.event_at.view(np.int64),
        score=found.score,
        label=found.label,
        known_at=np.where(np.isnan(found.label), np.iinfo(np.int64).max, found.label_known_at.view(np.int64)),
        columns=dict(found.columns),
        own=(found.version == version) & (found.served_by == "model"),
    )


def complete_to(found: Outcomes, start: datetime, end: datetime) -> datetime | None:
    """The latest moment in [start, end) such that of the predictions of the 24 hours that end with it 95 % have an outcome."""
    rows = found.between(start, end)
    at, known = found.event_at[rows], (~np.isnan(found.label[rows])).astype(np.int64)
    if not len(at):
        return None
    before = np.concatenate(([0], np.cumsum(known)))
    last = np.searchsorted(at, at, side="right")
    first = np.searchsorted(at, at - round(COMPLETE_SPAN / timedelta(microseconds=1)), side="right")
    complete = np.flatnonzero((before[last] - before[first]) / (last - first) >= COMPLETE_SHARE)
    return moment_of(int(at[complete[-1]])) if len(complete) else None


def name_of_day(day: date) -> str:
    """`Fri 26 Apr`."""
    return f"{day.strftime('%a')} {day.day} {day.strftime('%b')}"
