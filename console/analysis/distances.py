"""How far two samples, or two sets of bin counts, are apart. Definitions are fixed; each function states its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from console.analysis.distributions import chi2_survival, ks_p_value
from console.analysis.intervals import Floats
from console.analysis.ordered import ks_difference, wasserstein_of_sorted

SHARE_FLOOR: Final = 1e-4
"""Smallest share of a bin in the PSI, on both sides; shares are not renormalised."""


@dataclass(frozen=True, slots=True)
class Chi2:
    """Chi-squared test of a 2 x bins table. `degrees` is the number of bins that hold anything, minus one."""

    statistic: float
    p_value: float
    degrees: int


@dataclass(frozen=True, slots=True)
class KolmogorovSmirnov:
    """Largest distance of the two distribution functions, and the p-value of the two-sided test."""

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Bounded:
    """A number known from counts only: an estimate and what the exact value cannot leave."""

    value: float
    low: float
    high: float


def population_stability_index(reference: npt.ArrayLike, current: npt.ArrayLike, times: Floats | float = 1.0) -> float | None:
    """sum((c - r) ln(c / r)) over the shares of the bins, floored at 1e-4 on both sides; None if a side is empty.

    `times` says how many bins have each pair of counts, here and below: millions of categories have few different pairs.
    """
    r, c = _shares(reference, current, times)
    if r is None or c is None:
        return None
    r, c = np.maximum(r, SHARE_FLOOR), np.maximum(c, SHARE_FLOOR)
    return float(np.sum(times * ((c - r) * np.log(c / r))))


def jensen_shannon_distance(reference: npt.ArrayLike, current: npt.ArrayLike, times: Floats | float = 1.0) -> float | None:
    """Square root of the Jensen-Shannon divergence with natural logarithm (0 to .8326), no smoothing; None if a side is empty."""
    r, c = _shares(reference, current, times)
    if r is None or c is None:
        return None
    middle = (r + c) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(r > 0, r * np.log(r / middle), 0.0) + np.where(c > 0, c * np.log(c / middle), 0.0)
    return math.sqrt(max(0.0, float(np.sum(times * each))) / 2)


def chi2_test(reference: npt.ArrayLike, current: npt.ArrayLike, times: Floats | float = 1.0) -> Chi2 | None:
    """Test of homogeneity on the 2 x bins table, empty bins dropped, no continuity correction; None if a side is empty."""
    r, c = _counts(reference), _counts(current)
    bins = np.broadcast_to(np.asarray(times, dtype=np.float64), r.shape)
    n, m = float((bins * r).sum()), float((bins * c).sum())
    if not n or not m:
        return None
    held = (r + c) > 0
    r, c, bins = r[held], c[held], bins[held]
    share = (r + c) / (n + m)
    expected_r, expected_c = share * n, share * m
    statistic = float((bins * ((r - expected_r) ** 2 / expected_r + (c - expected_c) ** 2 / expected_c)).sum())
    degrees = int(bins.sum()) - 1
    return Chi2(statistic if degrees else 0.0, chi2_survival(statistic, degrees), degrees)


@dataclass(frozen=True, slots=True)
class Reshuffle:
    """How far apart shares are without a floor, on the scale of a small PSI (0 to 4), and the chance of that much by chance alone."""

    size: float
    p_value: float


def reshuffle(reference: npt.ArrayLike, current: npt.ArrayLike, times: Floats | float = 1.0) -> Reshuffle | None:
    """How far apart two sets of shares are, categories that are too rare for the PSI among them; None if a side is empty.

    The smaller of two numbers that both are the PSI where it is small: 2 sum((r - c)^2 / (r + c)), which chance raises where rows are
    few, and (chi2 - E chi2) (1/n + 1/m), which chance does not raise, but unequal sizes do. E chi2 = degrees (n + m) / (n + m - 1) holds
    for any division of these rows into n and m (Haldane 1940). The p-value is that of chi2, normal with the variance of the
    binomial counts, which is far above 2 degrees where a category has few rows.
    """
    r, c = _counts(reference), _counts(current)
    bins = np.broadcast_to(np.asarray(times, dtype=np.float64), r.shape)
    n, m = float((bins * r).sum()), float((bins * c).sum())
    if not n or not m:
        return None
    held = (r + c) > 0
    r, c, bins = r[held], c[held], bins[held]
    total, rows = r + c, n + m
    part = m / rows
    spread = part * (1 - part)
    degrees = float(bins.sum()) - 1
    chi2 = float((bins * (c - total * part) ** 2 / (total * spread)).sum())
    beyond = chi2 - degrees * rows / (rows - 1)
    variance = float((bins * np.maximum(0.0, 2 + (1 - 6 * spread) / (total * spread))).sum())
    shares = r / n, c / m
    plain = 2 * float((bins * (shares[0] - shares[1]) ** 2 / (shares[0] + shares[1])).sum())
    size = max(0.0, min(plain, beyond * (1 / n + 1 / m)))
    return Reshuffle(size, 0.5 * math.erfc(beyond / math.sqrt(2 * variance)) if variance > 0 else 1.0)


def different_among(rows: int, counts: npt.ArrayLike, times: Floats | float = 1.0) -> float:
    """Share of different values to expect in `rows` rows drawn from these counts: few rows of a long table repeat little."""
    held = _counts(counts)
    n = float(np.sum(times * held))
    return float(np.sum(times * (1 - (1 - rows / n) ** held))) / rows if rows and n else 0.0


def kolmogorov_smirnov(reference: Floats, current: Floats) -> KolmogorovSmirnov | None:
    """Exact two-sample statistic; p-value exact up to 10,000 rows in the larger sample, else the Kolmogorov limit. Infinities are values.

    Missing values must be left out before. None if a sample is empty.
    """
    n, m = reference.size, current.size
    if not n or not m:
        return None
    difference = ks_difference(np.sort(reference), np.sort(current))
    return KolmogorovSmirnov(difference / (n * m), ks_p_value(difference, n, m))


def wasserstein(reference: Floats, current: Floats) -> float | None:
    """Area between the two distribution functions, in the unit of the values, exact.

    None if a sample is empty, holds infinities, or spans more than a float can hold.
    """
    return wasserstein_of_sorted(np.sort(reference), np.sort(current))


def ks_from_counts(reference: npt.ArrayLike, current: npt.ArrayLike, edges: npt.ArrayLike = ()) -> Bounded | None:
    """The KS statistic from counts on equal edges: the largest distance at an edge, which is also its lower bound.

    Inside a bin one function may be at its top while the other is still at its bottom: that is the upper bound. A bin that the inner
    `edges` show to hold a single float has no inside. None if a side is empty.
    """
    shares = _cumulative(reference, current)
    if shares is None:
        return None
    r, c = shares
    at_edges = float(np.abs(r - c).max())
    ends = np.concatenate(([-np.inf], np.asarray(edges, dtype=np.float64), [np.inf]))
    with np.errstate(over="ignore", under="ignore"):
        wide = np.nextafter(ends[:-1], np.inf) != ends[1:] if ends.size == r.size else np.ones(r.size - 1, dtype=bool)
    inside = np.maximum(r[1:] - c[:-1], c[1:] - r[:-1])[wide]
    return Bounded(at_edges, at_edges, min(1.0, max(at_edges, float(inside.max(initial=0.0)))))


def wasserstein_from_counts(
    reference: npt.ArrayLike, current: npt.ArrayLike, edges: npt.ArrayLike, low: float, high: float
) -> Bounded | None:
    """The Wasserstein distance from counts on inner `edges`, all values lying in [low, high].

    The estimate spreads each bin evenly; the bounds let every bin be as good and as bad as its counts allow. None if a side is empty.
    """
    shares = _cumulative(reference, current)
    if shares is None:
        return None
    r, c = shares
    borders = np.clip(np.concatenate(([low], np.asarray(edges, dtype=np.float64), [high])), low, high)
    with np.errstate(over="ignore"):
        widths = np.diff(borders)
    left, right = r[:-1] - c[:-1], r[1:] - c[1:]
    crossing = left * right < 0
    steps = np.abs(left) + np.abs(right)
    area = np.where(crossing, (left**2 + right**2) / np.where(steps > 0, 2 * steps, 1.0), steps / 2)
    worst = np.maximum(np.abs(r[1:] - c[:-1]), np.abs(c[1:] - r[:-1]))
    best = np.maximum(0.0, np.maximum(r[:-1] - c[1:], c[:-1] - r[1:]))
    values = [float(np.sum(part * widths)) for part in (area, best, worst)]
    return Bounded(*values) if all(map(math.isfinite, values)) else None


def one_sided(reference: npt.ArrayLike, current: npt.ArrayLike) -> bool:
    """Whether one distribution function is nowhere below the other at the edges; False if a side is empty."""
    shares = _cumulative(reference, current)
    if shares is None:
        return False
    apart = shares[0] - shares[1]
    return bool((apart >= 0).all() or (apart <= 0).all())


def _cumulative(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[Floats, Floats] | None:
    r, c = _counts(reference), _counts(current)
    if not r.sum() or not c.sum():
        return None
    return np.concatenate(([0.0], np.cumsum(r))) / r.sum(), np.concatenate(([0.0], np.cumsum(c))) / c.sum()


def _shares(reference: npt.ArrayLike, current: npt.ArrayLike, times: Floats | float) -> tuple[Floats, Floats] | tuple[None, None]:
    r, c = _counts(reference), _counts(current)
    n, m = np.sum(times * r), np.sum(times * c)
    return (r / n, c / m) if n and m else (None, None)


def _counts(counts: npt.ArrayLike) -> Floats:
    return np.asarray(counts, dtype=np.float64)
