"""Has a column changed? Two profiles in; every distance with its sizes and reasons out.

PSI, JS and chi2 of numeric columns use the deciles of the reference, categoricals the union of categories. Missing values are left
out of every distance and reported as rates beside. Profiles give KS and Wasserstein with bounds; `samples` gives them exactly.
p-values count rows, not importance: severity comes from `verdict` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from backends.profile.categories import Pairs, paired
from backends.profile.profile import BINNED, NAMED, Profile, ProfileMismatch
from console.analysis.bands import SMALL_EFFECT, Band, EqualWeekdays, Verdict, band, equal_weekdays, verdict
from console.analysis.distances import (
    SHARE_FLOOR,
    chi2_test,
    jensen_shannon_distance,
    ks_from_counts,
    one_sided,
    population_stability_index,
    reshuffle,
    wasserstein_from_counts,
)
from console.analysis.distributions import kolmogorov_survival
from console.analysis.intervals import Floats

__all__ = [
    "Band",
    "ColumnDrift",
    "EqualWeekdays",
    "Profile",
    "Verdict",
    "band",
    "compare",
    "equal_weekdays",
    "verdict",
]

OTHER = "(other)"
"""The name under which categories beyond the kept ones are compared."""

LAST_DATE = 6e10
"""Seconds from 1970 within which every time has a date of four digits."""

UNSEEN = SMALL_EFFECT / 4
"""Share of the reference's values in categories that the PSI does not see from which on it does not judge alone.

Fewer that all become others move the shares, without a floor, by less than what is a small effect anyhow: by 2 (r + c).
"""

MISSING_SIDE = "no values on one side"
FREE_TEXT = "free text has no bins: only missing values are compared"


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """What changed in one column between a reference and a current set of rows. Distances are None with a reason where not computable.

    `ks_low`, `ks_high`, `wasserstein_low`, `wasserstein_high` bound the exact values; from samples they are equal to them. From profiles
    `ks` is a lower bound, so `ks_p_value` is an upper one. `method` is `samples` or `profiles`.

    `unseen` is the share of the reference's values in categories that the PSI does not see: rarer than its floor, or not kept by name.
    `moved` is how far shares are apart without that floor (`distances.reshuffle`); None where some categories were not kept by name.
    """

    column: str
    kind: str
    method: Literal["samples", "profiles"]
    n_reference: int
    n_current: int
    missing_reference: float | None
    missing_current: float | None
    mean_reference: float | None = None
    mean_current: float | None = None
    psi: float | None = None
    js: float | None = None
    chi2: float | None = None
    chi2_p_value: float | None = None
    ks: float | None = None
    ks_low: float | None = None
    ks_high: float | None = None
    ks_p_value: float | None = None
    wasserstein: float | None = None
    wasserstein_low: float | None = None
    wasserstein_high: float | None = None
    unseen: float = 0.0
    moved: float | None = None
    moved_p_value: float | None = None
    new_categories: tuple[str, ...] = ()
    vanished_categories: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def judged(self) -> float | None:
        """What the drift is judged by: the PSI, or where it does not see many values how far shares moved, if that is more."""
        return self.psi if self.moved is None or self.psi is None or self.unseen <= UNSEEN else max(self.psi, self.moved)

    @property
    def blind(self) -> bool:
        """Many values are of categories that were not kept by name, so that a small PSI says nothing of them."""
        return self.unseen > UNSEEN and self.moved is None and self.psi is not None


def compare(reference: Profile, current: Profile) -> ColumnDrift:
    """Drift between two stored profiles of one column, without any row. Raises `ProfileMismatch` unless both were counted in one way."""
    _counted_alike(reference, current)
    drift = ColumnDrift(
        column=reference.column,
        kind=reference.kind,
        method="profiles",
        n_reference=reference.n,
        n_current=current.n,
        missing_reference=reference.missing_rate,
        missing_current=current.missing_rate,
        mean_reference=reference.mean,
        mean_current=current.mean,
    )
    if reference.kind in BINNED:
        drift = _with_shares(drift, reference.counts, current.counts)
        return _with_notes(_with_bounds(drift, reference, current), reference, current)
    if reference.kind in NAMED:
        return _compare_named(drift, reference, current)
    return replace(
        drift, reasons=dict.fromkeys(("psi", "js", "chi2", "ks", "wasserstein"), "free text has no bins: only missing values are compared")
    )


def psi_between(reference: Profile, current: Profile) -> float | None:
    """The PSI that `compare` gives, without the rest; None where it gives none. Raises `ProfileMismatch`."""
    _counted_alike(reference, current)
    if reference.kind in BINNED:
        return population_stability_index(reference.counts, current.counts)
    return population_stability_index(*_counts(reference, current, _paired(reference, current))) if reference.kind in NAMED else None


def judged_between(reference: Profile, current: Profile) -> float | None:
    """What `compare` is judged by, without the rest; None where there is nothing. Raises `ProfileMismatch`."""
    if reference.kind not in NAMED or reference.other or current.other or unseen_of(reference) <= UNSEEN:
        return psi_between(reference, current)
    _counted_alike(reference, current)
    counts = _counts(reference, current, _paired(reference, current))
    psi, moved = population_stability_index(*counts), reshuffle(*counts)
    return psi if psi is None or moved is None else max(psi, moved.size)


def blind_between(reference: Profile, current: Profile) -> bool:
    """Whether many values are of categories that neither the PSI sees nor names were kept of, so that a small PSI says nothing."""
    return reference.kind in NAMED and bool(reference.other or current.other) and unseen_of(reference) > UNSEEN


def unseen_of(reference: Profile) -> float:
    """Share of the values in categories that the PSI does not see."""
    if not reference.n or reference.named is None:
        return 0.0
    counts = reference.named.counts
    return (int(counts[counts <= SHARE_FLOOR * reference.n].sum()) + reference.other) / reference.n


def _counted_alike(reference: Profile, current: Profile) -> None:
    if (reference.column, reference.kind, reference.edges, reference.tails) != (current.column, current.kind, current.edges, current.tails):
        raise ProfileMismatch(
            f"{reference.column!r} ({reference.kind}) and {current.column!r} ({current.kind}) were not counted on the same edges; "
            "profile the current rows with the reference's own"
        )


def _with_shares(drift: ColumnDrift, reference: npt.ArrayLike, current: npt.ArrayLike) -> ColumnDrift:
    chi2 = chi2_test(reference, current)
    if chi2 is None:
        return replace(drift, reasons={**drift.reasons, **dict.fromkeys(("psi", "js", "chi2"), MISSING_SIDE)})
    return replace(
        drift,
        psi=population_stability_index(reference, current),
        js=jensen_shannon_distance(reference, current),
        chi2=chi2.statistic,
        chi2_p_value=chi2.p_value,
    )


def _with_bounds(drift: ColumnDrift, reference: Profile, current: Profile) -> ColumnDrift:
    edges, before = reference.finest
    _, now = current.finest
    ks = ks_from_counts(before, now, edges)
    if ks is None:
        return replace(drift, reasons={**drift.reasons, **dict.fromkeys(("ks", "wasserstein"), MISSING_SIDE)})
    n, m = reference.n, current.n
    drift = replace(drift, ks=ks.value, ks_low=ks.low, ks_high=ks.high, ks_p_value=kolmogorov_survival(ks.value * (n / (n + m) * m) ** 0.5))
    lows = [value for value in (reference.min, current.min) if value is not None]
    highs = [value for value in (reference.max, current.max) if value is not None]
    area = None
    if not reference.infinite and not current.infinite and lows and highs:
        area = wasserstein_from_counts(before, now, edges, min(lows), max(highs))
    if area is None:
        return replace(drift, reasons={**drift.reasons, "wasserstein": "infinite or too large values"})
    # The distance can never be smaller than the difference of the means, which the sums give exactly.
    means = (reference.mean, current.mean)
    apart = abs(means[0] - means[1]) if means[0] is not None and means[1] is not None else 0.0
    low, high = min(max(area.low, apart), area.high), area.high
    # Where one distribution lies to one side of the other at every edge, the area between them is the difference of the means.
    estimate = apart if one_sided(before, now) else area.value
    return replace(drift, wasserstein=min(max(estimate, low), high), wasserstein_low=low, wasserstein_high=high)


def _with_notes(drift: ColumnDrift, reference: Profile, current: Profile) -> ColumnDrift:
    notes = list(drift.notes)
    if reference.spike is not None:
        notes.append(f"the deciles of the reference collapse: {_value(reference.spike, reference.kind)} has a bin of its own")
    if reference.infinite or current.infinite:
        notes.append(f"infinite values are counted in the outer bins: {reference.infinite} in the reference, {current.infinite} now")
    return replace(drift, notes=tuple(notes))


def _value(value: float, kind: str) -> str:
    """A value in words: a time by its date, where there is one."""
    if kind == "timestamp" and abs(value) < LAST_DATE:
        return f"{datetime.fromtimestamp(0, UTC) + timedelta(seconds=value):%Y-%m-%d %H:%M:%S} UTC"
    return f"{value:g}"


def _compare_named(drift: ColumnDrift, reference: Profile, current: Profile) -> ColumnDrift:
    pairs = _paired(reference, current)
    counts = _counts(reference, current, pairs)
    notes: tuple[str, ...] = ()
    no_order = dict.fromkeys(("ks", "wasserstein"), "categories have no order")
    moved = None if reference.other or current.other else reshuffle(*counts)
    if reference.other or current.other:
        notes = (f"categories beyond the kept ones are compared together as {OTHER}; one of them may be listed as new or vanished",)
        no_order["moved"] = "not every category was kept by name"
    return replace(
        _with_shares(replace(drift, reasons=no_order, notes=notes), *counts),
        unseen=unseen_of(reference),
        moved=moved.size if moved else None,
        moved_p_value=moved.p_value if moved else None,
        new_categories=pairs.new() if reference.n else (),
        vanished_categories=pairs.vanished() if current.n else (),
    )


def _paired(reference: Profile, current: Profile) -> Pairs:
    assert reference.named is not None
    assert current.named is not None
    return paired(reference.named, current.named)


def _counts(reference: Profile, current: Profile, pairs: Pairs) -> tuple[Floats, Floats]:
    """The counts of both sides over the union of their categories; behind them what each side did not keep by name."""
    beside = ([reference.other], [current.other]) if reference.other or current.other else ([], [])
    before, now = (
        np.append(counts, other).astype(np.float64) for counts, other in zip((pairs.reference, pairs.current), beside, strict=True)
    )
    return before, now
