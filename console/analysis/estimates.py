"""Distances from one pass over pieces of two columns: exact counts on fine edges that a sample of the reference fixes.

Memory does not grow with the rows. PSI, JS and chi2 use the deciles of the sample; KS and Wasserstein come with the bounds that the
fine edges allow. Profiles of pieces add up, so the order and the size of the pieces do not matter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from backends.profile.profile import ColumnSpec, Profile
from console.analysis.drift import ColumnDrift, compare
from console.analysis.ordered import quantiles_of_sorted
from console.analysis.samples import NumberKind, Sample, edges_of

FINE: Final = (0.0005, 0.001, 0.002, 0.005, *(step / 100 for step in range(1, 100)), 0.995, 0.998, 0.999, 0.9995)
"""Quantiles of the sample where the fine edges lie: every hundredth, and closer together in the tails."""


def specs_of(sample: Sample, rows: int, column: str, kind: NumberKind) -> tuple[ColumnSpec, ColumnSpec]:
    """The bins of a column, and the fine edges that it is counted on, from a sample of its `rows` reference rows."""
    bins = edges_of(sample, column, kind)
    drawn = int(sample.values.size) + sample.missing
    if drawn < rows:
        bins = replace(bins, edges_from=bins.edges_from.replace("deciles of", f"deciles of a sample of {rows:,} rows,", 1))
    finite = sample.finite
    with np.errstate(over="ignore", invalid="ignore"):
        inner = [value for value in quantiles_of_sorted(finite, FINE) if np.isfinite(value)]
    ends = [float(finite[0]), float(np.nextafter(finite[-1], np.inf))] if finite.size else []
    edges = tuple(sorted({value + 0.0 for value in (*bins.edges, *inner, *ends) if np.isfinite(value)}))
    return bins, replace(bins, edges=edges)


def regrouped(profile: Profile, bins: ColumnSpec) -> Profile:
    """A profile on fine edges as one on the bins, whose edges are some of the fine ones."""
    starts = [0, *(profile.edges.index(edge) + 1 for edge in bins.edges)]
    counts = tuple(np.add.reduceat(np.asarray(profile.counts, dtype=np.int64), starts).tolist())
    return replace(profile, edges=bins.edges, counts=counts, edges_from=bins.edges_from)


def estimated(reference: Profile, current: Profile, bins: ColumnSpec) -> ColumnDrift:
    """Two profiles on the same fine edges compared: shares by `bins`, KS and Wasserstein by the fine edges."""
    coarse = compare(regrouped(reference, bins), regrouped(current, bins))
    fine = compare(reference, current)
    return replace(
        coarse,
        ks=fine.ks,
        ks_low=fine.ks_low,
        ks_high=fine.ks_high,
        ks_p_value=fine.ks_p_value,
        wasserstein=fine.wasserstein,
        wasserstein_low=fine.wasserstein_low,
        wasserstein_high=fine.wasserstein_high,
        reasons={**fine.reasons, **coarse.reasons},
    )
