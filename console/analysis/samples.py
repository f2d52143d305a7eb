"""Drift from the values themselves: profiles of samples, and comparisons whose KS and Wasserstein distances are exact.

Values are sorted once; everything else is read off the sorted values. NaN is missing; an infinity is a value, except to the
Wasserstein distance, which it makes None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from backends.profile.categories import Categories
from backends.profile.profile import QUANTILES, ColumnSpec, Profile, edges_around, finite_or_none, inner_edges, with_top
from console.analysis.distances import KolmogorovSmirnov
from console.analysis.distributions import ks_p_value
from console.analysis.drift import ColumnDrift, compare
from console.analysis.intervals import Floats
from console.analysis.ordered import counts_of_sorted, ks_difference, quantiles_of_sorted, times_of, wasserstein_of_sorted

NumberKind = Literal["numeric", "timestamp"]

NO_FINITE_AREA = "infinite or too large values"


@dataclass(frozen=True, slots=True)
class Sample:
    """A column as sorted values without NaN, and how many rows have no value."""

    values: Floats
    missing: int

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Sample:
        """Sort some values; NaN counts as missing."""
        found = np.sort(np.asarray(values, dtype=np.float64))
        present = int(np.searchsorted(found, math.nan))
        return cls(found[:present], int(found.size) - present)

    @property
    def finite(self) -> Floats:
        """The values between the infinities."""
        first = int(np.searchsorted(self.values, -math.inf, side="right"))
        last = int(np.searchsorted(self.values, math.inf, side="left"))
        return self.values[first:last]


def reference_edges(values: npt.ArrayLike, column: str = "", kind: NumberKind = "numeric", *, top: bool = False) -> ColumnSpec:
    """Inner edges of the bins of a reference: its unique linear quantiles 0, .1, ..., 1, the outer ones open.

    With `top` the largest value is told apart where it is a decile too (`backends.profile.profile.with_top`), as windows of a model are
    counted. Two files are not: KS stands beside them, which sees every value.
    NaN and infinities are left out. When the quantiles collapse into one bin, the most frequent value (the smallest of equals) gets a
    bin of its own, and `spike` and `edges_from` say so.
    """
    return edges_of(Sample.of(values), column, kind, top=top)


def edges_of(sample: Sample, column: str = "", kind: NumberKind = "numeric", *, top: bool = False) -> ColumnSpec:
    """`reference_edges` of a sample."""
    finite = sample.finite
    with np.errstate(over="ignore", invalid="ignore"):
        quantiles = quantiles_of_sorted(finite, QUANTILES)
    spec = spec_from(quantiles, int(finite.size), {value: times_of(finite, value) for value in set(quantiles)}, column, kind)
    if not top or spec.spike is not None:
        return spec
    edges, note = with_top(spec.edges, quantiles)
    return replace(spec, edges=edges, edges_from=spec.edges_from + note)


def spec_from(quantiles: Sequence[float], rows: int, times: dict[float, int], column: str, kind: NumberKind) -> ColumnSpec:
    """How to count a column whose reference has these deciles; `times` says how often each of them occurs as a value.

    Deciles that collapse leave two values at most, and one of them is the most frequent of all: it holds 45 % of the rows or more.
    """
    origin = f"deciles of {rows} rows"
    if not quantiles:
        return ColumnSpec(column, kind, edges_from=origin)
    edges = inner_edges(quantiles)
    if edges:
        return ColumnSpec(column, kind, edges, edges_from=origin)
    spike = min(times, key=lambda value: (-times[value], value)) + 0.0
    return ColumnSpec(column, kind, edges_around(spike), spike, f"{origin}, which collapse: {spike:g} is split off")


def profile_sample(values: npt.ArrayLike, spec: ColumnSpec) -> Profile:
    """The profile of a numeric sample on the edges of `spec`; NaN counts as missing."""
    return profile_of(Sample.of(values), spec)


def profile_of(sample: Sample, spec: ColumnSpec) -> Profile:
    """`profile_sample` of a sample."""
    finite = sample.finite
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(finite.sum())
    return Profile(
        column=spec.column,
        kind=spec.kind,
        n=int(sample.values.size),
        nulls=sample.missing,
        edges=spec.edges,
        counts=counts_of_sorted(sample.values, spec.edges),
        sum=finite_or_none(total),
        min=float(finite[0]) if finite.size else None,
        max=float(finite[-1]) if finite.size else None,
        infinite=int(sample.values.size - finite.size),
        spike=spec.spike,
        edges_from=spec.edges_from,
    )


def profile_categories(values: Iterable[Any], column: str = "", kind: Literal["categorical", "boolean"] = "categorical") -> Profile:
    """The profile of a categorical sample; None counts as missing."""
    counts: dict[str, int] = {}
    rows = 0
    for value in values:
        rows += 1
        if value is not None:
            counts[str(value)] = counts.get(str(value), 0) + 1
    n = sum(counts.values())
    return Profile(column=column, kind=kind, n=n, nulls=rows - n, named=Categories.of(counts.items()))


def compare_samples(reference: npt.ArrayLike, current: npt.ArrayLike, column: str = "") -> ColumnDrift:
    """Drift between two numeric samples: bins by the reference's deciles, KS and Wasserstein exact."""
    return compare_sorted(Sample.of(reference), Sample.of(current), column)


def compare_sorted(reference: Sample, current: Sample, column: str = "", kind: NumberKind = "numeric") -> ColumnDrift:
    """`compare_samples` of two samples."""
    spec = edges_of(reference, column, kind)
    profiles = profile_of(reference, spec), profile_of(current, spec)
    n, m = reference.values.size, current.values.size
    if not n or not m:
        return with_exact(compare(*profiles), None, None)
    difference = ks_difference(reference.values, current.values)
    ks = KolmogorovSmirnov(difference / (n * m), ks_p_value(difference, n, m))
    return with_exact(compare(*profiles), ks, wasserstein_of_sorted(reference.values, current.values))


def with_exact(drift: ColumnDrift, ks: KolmogorovSmirnov | None, area: float | None) -> ColumnDrift:
    """A comparison of profiles whose estimates are replaced by exact distances; without `ks` there were no values on one side."""
    drift = replace(drift, method="samples")
    if ks is None:
        return drift
    reasons = dict(drift.reasons)
    reasons.pop("wasserstein", None)
    if area is None:
        reasons["wasserstein"] = NO_FINITE_AREA
    return replace(
        drift,
        ks=ks.statistic,
        ks_low=ks.statistic,
        ks_high=ks.statistic,
        ks_p_value=ks.p_value,
        wasserstein=area,
        wasserstein_low=area,
        wasserstein_high=area,
        reasons=reasons,
    )


def compare_categories(reference: Iterable[Any], current: Iterable[Any], column: str = "") -> ColumnDrift:
    """Drift between two categorical samples, over the union of their categories; None is missing."""
    return replace(compare(profile_categories(reference, column), profile_categories(current, column)), method="samples")
