"""Observed quality of a model: periods side by side, by day or week, by score, by slice, and how fast outcomes arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import Field

from backends.records import Moment, State
from backends.text import Untrusted
from console.views.health.estimation import Estimated, Estimation, Measure
from console.views.health.model import Mark, View
from console.views.model_line import ModelLine
from console.views.quality.trade_offs import CurvePoint, TradeOff

MINIMUM_LABELLED: Final = 200
"""Labelled rows below which a slice gets no numbers."""

ARRIVAL_HOURS: Final = (1, 2, 4, 8, 24)
"""Ages of a prediction at which the share of known outcomes is stated."""


class NoSuchSlice(LookupError):
    """A slice by something that is no input of the model."""


@dataclass(frozen=True, slots=True)
class QualityAsked:
    """What was asked for beside the model; None: what is usual."""

    by: Literal["day", "week"] = "day"
    slice: str | None = None


class Period(View):
    """Quality over [since, until), on the labels known now. Everything but `scored` is over the labelled rows."""

    name: str
    since: Moment
    until: Moment
    scored: int
    labelled: int
    deleted: bool = False
    """Retention deleted rows of it: what is counted is only what is left, and no number rests on it."""
    left_out: int = 0
    """Rows without a usable score."""
    complete_to: Moment | None = None
    """Labels are complete up to this moment; None when they nowhere are."""
    measures: tuple[Measure, ...]
    estimated: Estimated | None = None
    """What the scores alone let expect, known outcomes or not; None where `QualityView.estimation` says why, and of the reference."""

    @property
    def coverage(self) -> float | None:
        """Share of the scored rows whose outcome is known."""
        return self.labelled / self.scored if self.scored else None

    def measure(self, name: str) -> Measure:
        """The measure called `name`. Raises KeyError."""
        found = next((each for each in self.measures if each.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


class CalibrationRow(View):
    """Labelled rows whose score lies in [low, high), the last bin closed: what was said and what happened."""

    low: float
    high: float
    n: int
    mean_score: float | None
    observed: float | None
    observed_low: float | None
    observed_high: float | None


class SliceRow(View):
    """One value of one column. `measures` is empty, with the reason, below the minimum of labelled rows."""

    column: Untrusted
    value: Untrusted | None
    """None: the rows where the column is missing."""
    scored: int
    labelled: int
    measures: tuple[Measure, ...] = ()
    reason: str = ""


class Rate(View):
    """A share with its 95 % interval (Wilson)."""

    value: float
    low: float
    high: float


class GroupRow(View):
    """One group of a column. A rate is None where nobody of the group could be counted, or the model declares no threshold."""

    value: Untrusted | None
    """None: the rows where the column is missing."""
    scored: int
    labelled: int
    selection: Rate | None
    true_positive: Rate | None
    false_positive: Rate | None
    left_out: bool
    """Too few rows to take part in the differences."""


class FairnessLimit(View):
    """A limit that a gate sets for a candidate, and what serves against it."""

    title: str
    metric: str
    value: float | None
    kind: Literal["at_most", "at_least"]
    limit: float
    state: State
    why: Untrusted
    """The two groups that are furthest apart, or why there is no number."""


class GroupedBy(View):
    """How alike the groups of one column are treated; None with the reason where it cannot be computed."""

    column: Untrusted
    demographic_parity_difference: float | None
    demographic_parity_ratio: float | None
    equalized_odds_difference: float | None
    groups: tuple[GroupRow, ...]
    limits: tuple[FairnessLimit, ...]
    reasons: dict[str, str] = Field(default_factory=dict)


class Arrival(View):
    """Of the predictions at least `hours` old, the share whose outcome was known that long after they were made."""

    hours: int
    n: int
    share: float | None
    n_reference: int
    share_reference: float | None


class QualityView(View):
    """Everything that is known of how good a model is."""

    line: ModelLine
    task: Literal["binary", "regression"]
    target: Untrusted
    threshold: float | None
    zone: str
    at: Moment
    state: State
    """Of the model layer, as its rules judge it."""
    verdict: str
    """The sentence of the rule that the state is of."""
    broke_at: Moment | None = None
    """When the present trouble of the model layer began."""
    periods: tuple[Period, ...]
    """The worst matter first: since it broke, or 24 hours; 7 days; the reference."""
    by: Literal["day", "week"]
    course: tuple[Period, ...]
    """By day or week of the model's zone, oldest first."""
    marks: tuple[Mark, ...] = ()
    """What changed in the time of the course, oldest first."""
    estimation: Estimation = Estimation()
    """Where the estimates come from, what they assume, and what they cannot see."""
    calibration: tuple[CalibrationRow, ...] = ()
    calibration_of: str = ""
    """Name of the period that calibration, thresholds and slices are over."""
    trade_offs: tuple[TradeOff, ...] = ()
    """Precision and recall at thresholds around the model's own; of a binary model."""
    precision_recall: tuple[CurvePoint, ...] = ()
    """The same as a curve, over the same rows."""
    slices: tuple[SliceRow, ...] = ()
    sliced_by: tuple[Untrusted, ...] = ()
    minimum: int = MINIMUM_LABELLED
    fairness: tuple[GroupedBy, ...] = ()
    """One for each column that a gate of the policies groups by, over the same rows as calibration and slices."""
    arrivals: tuple[Arrival, ...] = ()
    notes: tuple[str, ...] = ()
    reasons: dict[str, str] = Field(default_factory=dict)
