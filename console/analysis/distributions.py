"""Tails of the distributions that tests of equality need, so that no statistics package is loaded for a handful of numbers."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

Z95: Final = 1.959963984540054
"""The normal quantile of 97.5 %: half-width of a two-sided 95 % interval, in standard errors."""

EXACT_KS_UP_TO: Final = 10_000
"""Rows of the larger sample up to which the p-value of a two-sample KS test is exact."""

_TINY: Final = 1e-300
_RELATIVE: Final = 1e-16
_MAX_TERMS: Final = 1_000_000


def chi2_survival(statistic: float, degrees: int) -> float:
    """P(X >= statistic) of a chi-squared variable; 1.0 for no degrees of freedom.

    The regularised upper incomplete gamma function Q(degrees/2, statistic/2): its power series below the mean, its continued
    fraction above (DLMF 8.11.4 and 8.9.2, the latter by Lentz's method). Below 1e-308 the result is 0.0.
    """
    if degrees <= 0 or statistic <= 0:
        return 1.0
    shape, x = degrees / 2, statistic / 2
    log_front = -x + shape * math.log(x) - math.lgamma(shape)
    if x < shape + 1:
        return max(0.0, 1.0 - math.exp(log_front) * _lower_series(shape, x))
    return min(1.0, math.exp(log_front) * _upper_fraction(shape, x)) if log_front > -745 else 0.0


def _lower_series(shape: float, x: float) -> float:
    term = total = 1.0 / shape
    for step in range(1, _MAX_TERMS):
        term *= x / (shape + step)
        total += term
        if term < total * _RELATIVE:
            break
    return total


def _upper_fraction(shape: float, x: float) -> float:
    b = x + 1.0 - shape
    c, d = 1.0 / _TINY, 1.0 / b if b else 1.0 / _TINY
    product = d
    for step in range(1, _MAX_TERMS):
        a = -step * (step - shape)
        b += 2.0
        d = a * d + b
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = b + a / c
        c = c if abs(c) > _TINY else _TINY
        change = d * c
        product *= change
        if abs(change - 1.0) < 4 * _RELATIVE:
            break
    return product


def kolmogorov_survival(x: float) -> float:
    """P(K >= x) of the Kolmogorov distribution: the limit law of sqrt(n m / (n + m)) times the two-sample KS distance.

    The alternating series for large x, its theta-function form for small x, where the former cancels (Marsaglia, Tsang and Wang 2003).
    """
    if x <= 0:
        return 1.0
    if x < 1.0:
        exponent = -(math.pi**2) / (8 * x * x)
        below = sum(math.exp((2 * k - 1) ** 2 * exponent) for k in range(1, 6) if (2 * k - 1) ** 2 * exponent > -745)
        return min(1.0, max(0.0, 1.0 - math.sqrt(2 * math.pi) / x * below))
    return max(0.0, 2 * sum((1.0 if k % 2 else -1.0) * math.exp(-2 * k * k * x * x) for k in range(1, 12)))


def ks_exact_p(difference: int, n: int, m: int) -> float:
    """P(D >= difference / (n m)) for samples of n and m values without ties, exactly.

    `difference` is the largest |m i - n j| over the merged samples, where i and j count the values seen so far. A random merge is a
    lattice path from (0, 0) to (n, m); what is propagated along its diagonals is the share of the paths to a point that have
    already left the band, so only positive numbers are averaged and small tails keep their digits (Viehmann 2021).
    Time: (n + m) vector operations.
    """
    if difference <= 0:
        return 1.0
    total = n + m
    if 2 * difference / n * (difference / m) / total > 800:
        return 0.0  # beyond what a float can hold, whatever the path count says
    left = np.ones(n + 2)
    left[1] = 0.0
    first_inside = 0
    places = np.arange(n + 1, dtype=np.float64)
    for step in range(1, total + 1):
        low = max(0, step - m, (step * n - difference) // total + 1)
        high = min(n, step, -((-step * n - difference) // total) - 1)
        if low > high:
            return 1.0
        weight = places[low : high + 1] / step
        moved = left[low : high + 1] * weight + left[low + 1 : high + 2] * (1.0 - weight)
        if low > first_inside:
            left[first_inside + 1 : low + 1] = 1.0
            first_inside = low
        left[low + 1 : high + 2] = moved
    return float(min(1.0, left[n + 1]))


def ks_p_value(difference: int, n: int, m: int) -> float:
    """p-value of the two-sided two-sample KS test: exact up to `EXACT_KS_UP_TO` rows in the larger sample, else the Kolmogorov limit."""
    if max(n, m) <= EXACT_KS_UP_TO:
        return ks_exact_p(difference, n, m)
    return kolmogorov_survival(difference / (n * m) * math.sqrt(n / (n + m) * m))
