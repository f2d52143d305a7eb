"""One column between a reference and a current period."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from pydantic import Field

from backends.records import State
from backends.text import Untrusted
from console.views.drift.bins import Bin
from console.views.drift.counted import Different, Tails
from console.views.health.model import View

TEXT: Final = "text"
"""The kind of a column that has no distances: free text, lists, structures."""


class SlowTrend(View):
    """How the mean of a column went over windows that do not overlap. `found` needs a small p-value and a large change."""

    per_week: float
    low: float
    high: float
    """Theil-Sen slope and its 95 % interval, in the column's unit a week."""
    p_value: float
    p_needed: float
    """Below which the p-value must lie: .01 by the number of columns looked at, so that many columns find nothing by their number."""
    columns: int
    """Columns that were looked at."""
    windows: int
    first: date
    last: date
    change: float | None
    """Slope times span, in widths from the 10th to the 90th percentile of the reference; None where that width is 0."""
    found: bool


class EarlierWindow(View):
    """One window before the current one, of the same length. `psi` is None where a day of it has no facts.

    Of a column that is judged by `moved` it is that, where that is more.
    """

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
    fault: Literal["nulls", "schema"] | None = None
    """The check of "real or a bug" that it fails whatever its distance: values are gone, or an identifier is none any more."""
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
    unseen: float = 0.0
    """Share of the reference's values in categories that the PSI does not see: rarer than its floor, or not kept by name."""
    moved: float | None = None
    """How far shares are apart without that floor, on the scale of a small PSI; it judges where it is more and `unseen` is over .025."""
    moved_p_value: float | None = None
    judged: float | None = None
    """The PSI, or `moved` where that judges."""
    ks: float | None = None
    ks_high: float | None = None
    """From profiles KS lies between `ks` and this; from samples they are equal."""
    ks_p_value: float | None = None
    wasserstein: float | None = None
    wasserstein_low: float | None = None
    wasserstein_high: float | None = None
    method: Literal["profiles", "samples"] = "profiles"
    limit: float | None = None
    """PSI, or `moved`, over which it warns."""
    band_low: float | None = None
    band_median: float | None = None
    band_high: float | None = None
    earlier: tuple[EarlierWindow, ...] = ()
    further: int = 0
    """Earlier windows that were further from the reference."""
    high_since: date | None = None
    """Last day of the first window of the present stretch that is beyond its limit; of a column that is ok, asked for by itself, beyond
    the median of the band."""
    importance: float | None = None
    trend: SlowTrend | None = None
    """How its mean went from window to window; None with a reason under `trend`."""
    new_categories: tuple[Untrusted, ...] = ()
    vanished_categories: tuple[Untrusted, ...] = ()
    different_reference: Different | None = None
    different_current: Different | None = None
    tails: Tails | None = None
    bins: tuple[Bin, ...] = ()
    bins_from: str = ""
    notes: tuple[str, ...] = ()
    reasons: dict[str, str] = Field(default_factory=dict)

    @property
    def measure(self) -> str:
        """The name of what it is judged by."""
        return "PSI" if self.judged == self.psi else "Moved"

    @property
    def refused(self) -> bool:
        """It is of a kind that has no distances, and nothing else is wrong with it."""
        return self.kind == TEXT and self.state is State.UNKNOWN

    @property
    def needs_words(self) -> bool:
        """Its row in a table does not say why it is in its state."""
        blind = self.unseen > 0 and self.moved is None and self.state is State.UNKNOWN
        return self.refused or blind or self.fault == "schema" or (self.measure != "PSI" and self.state is not State.OK)

    @property
    def windows(self) -> int:
        """Earlier windows that have a number."""
        return sum(each.psi is not None for each in self.earlier)
