"""Outcomes and when they come: coverage, delay, what is overdue, and up to when quality can be evaluated."""

from __future__ import annotations

import math
from typing import Final, Literal

from backends.records import Moment, State
from backends.text import Untrusted
from console.views.health.model import View
from console.views.model_line import ModelLine
from console.views.waiting.scores import ScoreQueue

ARRIVAL_HOURS: Final = (1, 2, 4, 8, 12, 24, 48, 96, 168)
"""Delays at which the arrival curve is stated."""


class LabelPeriod(View):
    """The outcomes of [since, until), as known now."""

    name: str
    since: Moment
    until: Moment
    scored: int
    labelled: int
    deleted: bool = False
    """Retention deleted rows of it: what is counted is only what is left."""
    due: int
    """Scored at least the usual delay ago."""
    due_labelled: int
    complete_to: Moment | None
    """Labels are complete up to this moment; None when they nowhere are."""
    observed: float | None
    """Mean of the known outcomes: the share of positives of a binary model."""
    score_labelled: float | None
    score_waiting: float | None
    """Mean scores of the rows with and without an outcome: when they differ, what is known is not like what is not."""
    lean: float | None
    """The first less the second."""
    lean_low: float | None
    lean_high: float | None
    delay_50: float | None
    delay_90: float | None
    delay_99: float | None
    """Hours until half, 90 % and 99 % of all outcomes are known; None when so many have not come within the time waited."""

    @property
    def coverage(self) -> float | None:
        """Share of the scored rows whose outcome is known."""
        return self.labelled / self.scored if self.scored else None


class ArrivalStep(View):
    """Share of the outcomes known `hours` after the score, rows that still wait counted as waiting; None beyond what was waited for."""

    hours: int
    share: float | None
    share_reference: float | None


class LabelDay(View):
    """One day of the model's zone."""

    name: str
    since: Moment
    scored: int
    labelled: int
    deleted: bool = False
    """Retention deleted rows of it: what is counted is only what is left."""
    observed: float | None
    delay_50: float | None
    corrected: int
    """Outcomes of that day that were changed after they were first known."""


class Waiting(View):
    """The rows of the last 7 days without an outcome, by how long they have waited."""

    total: int
    not_due: int
    late: int
    """Waited longer than the usual delay, not longer than 99 % took in the reference."""
    overdue: int
    """Waited longer than 99 % of the reference's outcomes took."""
    overdue_usual: float | None
    """How many would be overdue if these rows were like the reference, in which some outcomes never come."""

    @property
    def beyond_usual(self) -> bool:
        """More than three standard deviations of a count above what is usual."""
        usual = self.overdue_usual
        return usual is not None and self.overdue > usual + 3 * math.sqrt(usual + 1)


class LabelsView(View):
    """Everything that is known of a model's outcomes as such."""

    line: ModelLine
    target: Untrusted
    zone: str
    at: Moment
    state: State
    verdict: str
    delay_declared: float | None
    """Hours, as declared with the model."""
    delay_usual: float | None
    """Hours after which an outcome is called due: declared, else by when 90 % were known in the reference."""
    delay_because: Literal["declared", "by when 90 % were known in the reference", ""] = ""
    periods: tuple[LabelPeriod, ...]
    """Last 24 hours, last 7 days, the reference."""
    waiting: Waiting
    evaluable_to: Moment | None
    """Numbers of quality up to this moment rest on complete labels."""
    complete_by: Moment | None
    """When the labels of everything scored until now will be as complete as they get, if they come as in the reference."""
    arrivals: tuple[ArrivalStep, ...] = ()
    days: tuple[LabelDay, ...] = ()
    queues: tuple[ScoreQueue, ...] = ()
    """Scores that wait for people, as services count them; none where nobody does."""
    notes: tuple[str, ...] = ()
