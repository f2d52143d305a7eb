"""Drift of every input and of the scores between two periods, judged by what earlier windows of the same length looked like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from backends.records import Moment, State
from backends.text import Untrusted
from console.views.drift.bug import RealOrBug
from console.views.drift.column import ColumnShift
from console.views.drift.counted import Counted
from console.views.drift.together import Together
from console.views.health.model import Mark, Quality, View
from console.views.model_line import ModelLine

BIG_PSI: Final = 0.25
"""A PSI that is customarily called large: shown even when it is usual here."""


Against = Literal["reference", "weekday", "previous", "season"]
"""What a period is compared with: the reference, equal weekdays of it, as many days right before, the same weekdays a year before."""

SEASON_DAYS: Final = 364
"""A year of whole weeks."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for beside the model; None: what is usual."""

    first: date | None = None
    last: date | None = None
    reference_first: date | None = None
    reference_last: date | None = None
    against: Against = "reference"


class DriftView(View):
    """Every column of a model between a reference and a current period, the worst first."""

    line: ModelLine
    zone: str
    at: Moment
    first: date
    last: date
    last_is_today: bool
    reference_first: date | None
    reference_last: date | None
    reference_because: str
    against: Against = "reference"
    bins_from: str
    counted: Counted | None = None
    rule: str
    bug: RealOrBug = RealOrBug()
    columns: tuple[ColumnShift, ...]
    together: Together
    quality: Quality | None
    model_state: State
    data_state: State
    closing: str
    closing_state: State
    deleted: str = ""
    """What of the rows of these days retention has deleted; what was profiled of them before still counts."""
    why_not: str = ""
    """Why nothing can be compared, when nothing can."""


class DriftDetailView(View):
    """One column, with everything that its verdict rests on."""

    line: ModelLine
    zone: str
    at: Moment
    first: date
    last: date
    last_is_today: bool
    reference_first: date
    reference_last: date
    against: Against = "reference"
    counted: Counted | None = None
    place: int
    """Rank by importance, 1 for the most important; 0 when importance is not known."""
    of: int
    more_important: tuple[tuple[Untrusted, float], ...]
    shift: ColumnShift
    worst: Untrusted | None
    """Another column that is in a worse state."""
    marks: tuple[Mark, ...] = ()
    """What changed in the time of the earlier windows and of this one, oldest first."""
    worst_verdict: str = ""


class DriftColumnsView(View):
    """Every column of a model in detail, the worst first."""

    line: ModelLine
    zone: str
    columns: tuple[DriftDetailView, ...]
