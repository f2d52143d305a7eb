"""Two samples that are sorted already: order statistics, counts between edges, and exact distances without merging them.

Sorting is what costs; everything here is a few passes over the sorted values at most. No NaN may be among them; infinities may.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from console.analysis.intervals import Floats

KS_STRIDE: Final = 128
"""Values between two places at which the two distribution functions are looked at first."""

BLOCK: Final = 1 << 15
"""Values that are worked on at once: their temporaries stay in the processor's cache."""

SMALLER: Final = 2.0**-100
"""By which values are scaled whose sums would be too large; a power of two, so no digit changes."""


def quantiles_of_sorted(values: Floats, shares: Sequence[float]) -> list[float]:
    """Linear quantiles of sorted finite values, to the last bit those of `numpy.quantile`; empty without values."""
    if not values.size:
        return []
    found = []
    for share in shares:
        place = share * (values.size - 1)
        below = min(math.floor(place), values.size - 1)
        found.append(interpolated(float(values[below]), float(values[min(below + 1, values.size - 1)]), place - below))
    return found


def interpolated(low: float, high: float, part: float) -> float:
    """The point between two values; counted from the nearer one, so that the ends are met exactly."""
    apart = high - low
    return high - apart * (1.0 - part) if part >= 0.5 else low + apart * part


def counts_of_sorted(values: Floats, edges: Sequence[float]) -> tuple[int, ...]:
    """How many sorted values lie in each bin of inner `edges`, `[a, b)` with both ends open: one more than there are edges."""
    below = np.searchsorted(values, np.asarray(edges, dtype=np.float64), side="left")
    return tuple(np.diff(np.concatenate(([0], below, [values.size]))).tolist())


def ks_difference(one: Floats, two: Floats) -> int:
    """The largest |m i - n j| where i of n and j of m sorted values are not above some x: n m times the KS statistic, exactly.

    Both functions are looked at every `KS_STRIDE` values first. Between two such places the difference can leave what was seen by the
    values in between at most, so only the few stretches that could hold a larger one are gone through value by value.
    """
    n, m = one.size, two.size
    places = np.concatenate((one[KS_STRIDE - 1 :: KS_STRIDE], two[KS_STRIDE - 1 :: KS_STRIDE]))
    places.sort()
    i = np.concatenate(([0], np.searchsorted(one, places, side="right"), [n]))
    j = np.concatenate(([0], np.searchsorted(two, places, side="right"), [m]))
    seen = m * i - n * j
    largest = int(np.abs(seen).max())
    reach = np.maximum(m * i[1:] - n * j[:-1], n * j[1:] - m * i[:-1])
    candidates = np.flatnonzero(reach > largest)
    for stretch in candidates[np.argsort(-reach[candidates], kind="stable")]:
        if reach[stretch] <= largest:
            break
        mine, theirs = one[i[stretch] : i[stretch + 1]], two[j[stretch] : j[stretch + 1]]
        inside = np.concatenate((mine, theirs))
        apart = seen[stretch] + m * np.searchsorted(mine, inside, side="right") - n * np.searchsorted(theirs, inside, side="right")
        largest = max(largest, int(np.abs(apart).max()))
    return largest


def wasserstein_of_sorted(one: Floats, two: Floats) -> float | None:
    """Area between the two distribution functions, in the unit of the values.

    Read sideways: the mean distance between values of equal rank. Each of the n values of the larger sample is met by at most two of
    the m values of the smaller one, for parts of 1/n that whole numbers give exactly. None if a sample is empty, holds infinities, or
    spans more than a float can hold.
    """
    if one.size < two.size:
        one, two = two, one
    m = two.size
    if not m or not all(math.isfinite(float(end)) for end in (one[0], one[-1], two[0], two[-1])):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        area = _mean_distance(one, two)
        if not math.isfinite(area):
            # The sum over all values is too large for a float where their mean need not be.
            area = _mean_distance(one * SMALLER, two * SMALLER) / SMALLER
    return area if math.isfinite(area) else None


def _mean_distance(one: Floats, two: Floats) -> float:
    n, m = one.size, two.size
    return _equal_ranks(one, two) / n if n == m else _shared_ranks(one, two) / n / m


def _equal_ranks(one: Floats, two: Floats) -> float:
    return sum(float(np.abs(one[at : at + BLOCK] - two[at : at + BLOCK]).sum()) for at in range(0, one.size, BLOCK))


def _shared_ranks(one: Floats, two: Floats) -> float:
    """m times the sum over the larger sample of the mean distance to what shares the rank of each value."""
    n, m = one.size, two.size
    steps = np.arange(BLOCK, dtype=np.int64) * m
    total = 0.0
    for at in range(0, n, BLOCK):
        mine = one[at : at + BLOCK]
        first, over = divmod(at * m, n)
        theirs = two[first:]
        starts = steps[: mine.size] + over
        place = starts // n
        # Units of 1 / (n m): a value of the larger sample is m of them wide, one of the smaller n.
        part = np.minimum(m, (place + 1) * n - starts)
        apart = np.abs(mine - theirs[place])
        following = np.abs(mine - theirs[np.minimum(place + 1, theirs.size - 1)])
        apart -= following
        apart *= part
        total += float(apart.sum()) + m * float(following.sum())
    return total


def times_of(values: Floats, value: float) -> int:
    """How many of the sorted values are equal to `value`."""
    return int(np.searchsorted(values, value, side="right") - np.searchsorted(values, value, side="left"))
