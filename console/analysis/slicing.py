"""Which rows belong together when a column of numbers is sliced."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from console.analysis.intervals import Floats, Ints

DISTINCT: Final = 20
"""Distinct numbers up to which a column is sliced by value; beyond, by its quartiles."""


def number_slices(values: Floats) -> tuple[list[str], Ints]:
    """Names of the slices of a column of numbers, and for each row the place of its name; -1 where the number is missing.

    By value where there are few of them; else by the quartiles of the finite ones, [low, high).
    """
    missing = np.isnan(values)
    known = np.unique(values[np.isfinite(values)])
    if len(known) <= DISTINCT:
        distinct, found = np.unique(values[~missing], return_inverse=True)
        names, placed = [f"{value:.15g}" for value in distinct], found
    else:
        edges = np.unique(np.quantile(values[np.isfinite(values)], [0.25, 0.5, 0.75]))
        between = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges.tolist())]
        names = [f"under {edges[0]:.4g}", *between, f"{edges[-1]:.4g} up"]
        placed = np.searchsorted(edges, values[~missing], side="right")
    places: Ints = np.full(values.size, -1, dtype=np.int64)
    places[~missing] = placed
    return names, places
