"""Does a number rise or fall slowly? The median slope of all pairs, and how likely so steady an order would be by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from console.analysis.distributions import Z95
from console.analysis.intervals import Floats

MINIMUM: Final = 6
"""Values below which no trend is looked for: of five in a row, one order in sixty is steady by chance."""


@dataclass(frozen=True, slots=True)
class Trend:
    """`slope` is change by unit of time, in [low, high] at 95 %; `p_value` is two-sided, under no trend and independent values."""

    slope: float
    low: float
    high: float
    p_value: float
    n: int


def trend(times: Sequence[float], values: Sequence[float]) -> Trend | None:
    """Theil-Sen slope with Sen's interval (1968), and Mann-Kendall's test: exact without ties up to 60 values, else normal.

    None with fewer than six values, or when times or values are all equal.
    """
    t, y = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if t.size < MINIMUM or not np.isfinite(y).all() or len(np.unique(t)) < t.size or len(np.unique(y)) < 2:
        return None
    first, second = np.triu_indices(t.size, 1)
    slopes = np.sort((y[second] - y[first]) / (t[second] - t[first]))
    rises = int(np.sign(slopes).sum())
    n, ties = t.size, np.unique(y, return_counts=True)[1]
    spread = math.sqrt((n * (n - 1) * (2 * n + 5) - float(np.sum(ties * (ties - 1) * (2 * ties + 5)))) / 18)
    exact = n <= 60 and len(ties) == n
    p = _exact(n, rises) if exact else math.erfc(max(0.0, abs(rises) - 1) / spread / math.sqrt(2))
    low, high = _ends(slopes, spread)
    return Trend(float(np.median(slopes)), low, high, min(1.0, p), n)


def _exact(n: int, rises: int) -> float:
    """P(|S| >= |rises|) over all orders of n values, by the number of orders with so many falls."""
    pairs = n * (n - 1) // 2
    orders = np.ones(1)
    for size in range(2, n + 1):
        orders = np.convolve(orders, np.full(size, 1 / size))
    falls = (pairs - abs(rises)) // 2
    return float(min(1.0, 2 * orders[: falls + 1].sum()))


def _ends(slopes: Floats, spread: float) -> tuple[float, float]:
    """Sen's interval: the slopes so many places from both ends as the normal limit of the sum of signs leaves."""
    half = Z95 * spread
    low = max(round((slopes.size - half) / 2) - 1, 0)
    high = min(round((slopes.size + half) / 2), slopes.size - 1)
    return float(slopes[low]), float(slopes[high])
