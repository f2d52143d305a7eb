"""Drift of every input and of the scores between two periods, judged by what earlier windows of the same length looked like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from pydantic import Field

from backends.records import Moment, State
from backends.text import Untrusted
from console.views.drift_bins import Bin
from console.views.drift_bug import RealOrBug
from console.views.drift_together import Together
from console.views.drift_trend import SlowTrend
from console.views.health import Quality, View
from console.views.model_line import ModelLine

BIG_PSI: Final = 0.25
"""A PSI that is customarily called large: shown even when it is usual here."""


TEXT: Final = "text"
"""The kind of a column that has no distances: free text, lists, structures."""


Against = Literal["reference", "weekday", "previous", "season"]
"""What a period is compared with: the reference, equal weekdays of it, as many days right before, the same weekdays a year before."""

SEASON_DAYS: Final = 364
"""A year of whole weeks."""


class NoSuchColumn(LookupError):
    """A column that is no input of the model."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for beside the model; None: what is usual."""

    first: date | None = None
    last: date | None = None
    reference_first: date | None = None
    reference_last: date | None = None
    against: Against = "reference"


class EarlierWindow(View):
    """One window before the current one, of the same length. `psi` is None where a day of it has no facts."""

    first: date
    last: date
    psi: float | None
    beyond: bool
    """Beyond the limit that the current window is judged by."""


class ColumnShift(View):
    """One column between the two periods. Distances are None, with a reason, where they cannot be computed."""

    column: Untrusted
    kind: str
    unit: Untrusted | None = None
    is_score: bool = False
    calendar: bool = False
    """Compared with equal weekdays only."""
    state: State
    verdict: str
    n_reference: int
    n_current: int
    nulls_reference: float | None
    nulls_current: float | None
    mean_reference: float | None = None
    mean_current: float | None = None
    low_reference: float | None = None
    high_reference: float | None = None
    low_current: float | None = None
    high_current: float | None = None
    psi: float | None = None
    js: float | None = None
    chi2: float | None = None
    chi2_p_value: float | None = None
    ks: float | None = None
    ks_high: float | None = None
    """From profiles KS lies between `ks` and this; from samples they are equal."""
    ks_p_value: float | None = None
    wasserstein: float | None = None
    wasserstein_low: float | None = None
    wasserstein_high: float | None = None
    method: Literal["profiles", "samples"] = "profiles"
    limit: float | None = None
    """PSI over which it warns."""
    band_low: float | None = None
    band_median: float | None = None
    band_high: float | None = None
    earlier: tuple[EarlierWindow, ...] = ()
    further: int = 0
    """Earlier windows that were further from the reference."""
    high_since: date | None = None
    """Last day of the first window of the present stretch that is far from the reference."""
    importance: float | None = None
    trend: SlowTrend | None = None
    """How its mean went from window to window; None with a reason under `trend`."""
    new_categories: tuple[Untrusted, ...] = ()
    vanished_categories: tuple[Untrusted, ...] = ()
    bins: tuple[Bin, ...] = ()
    bins_from: str = ""
    notes: tuple[str, ...] = ()
    reasons: dict[str, str] = Field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """It is of a kind that has no distances, and nothing else is wrong with it."""
        return self.kind == TEXT and self.state is State.UNKNOWN

    @property
    def windows(self) -> int:
        """Earlier windows that have a number."""
        return sum(each.psi is not None for each in self.earlier)


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
    rule: str
    bug: RealOrBug = RealOrBug()
    columns: tuple[ColumnShift, ...]
    together: Together
    quality: Quality | None
    model_state: State
    data_state: State
    closing: str
    closing_state: State
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
    place: int
    """Rank by importance, 1 for the most important; 0 when importance is not known."""
    of: int
    more_important: tuple[tuple[Untrusted, float], ...]
    shift: ColumnShift
    worst: Untrusted | None
    """Another column that is in a worse state."""
    worst_verdict: str = ""
