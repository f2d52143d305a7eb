"""Intervals of 95 % around the numbers that people act on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from console.analysis.distributions import Z95

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided 95 % interval and how it was computed."""

    low: float
    high: float
    method: str

    def excludes(self, value: float) -> bool:
        """True when `value` lies outside."""
        return value < self.low or value > self.high


def wilson(successes: int, trials: int) -> Interval | None:
    """Interval of a rate (Wilson 1927, without continuity correction); None without trials."""
    if trials <= 0:
        return None
    rate, z2 = successes / trials, Z95 * Z95
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 / (1 + z2 / trials) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials * trials))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(low, high, "Wilson")


def mean_interval(values: Floats) -> Interval | None:
    """Interval of the mean of independent values: mean +- 1.96 standard errors (ddof 1); None for fewer than two values."""
    if values.size < 2:
        return None
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(values.size)
    return Interval(mean - Z95 * error, mean + Z95 * error, "normal") if math.isfinite(error) and math.isfinite(mean) else None


def clustered_mean_interval(values: Floats, groups: npt.NDArray[np.generic]) -> Interval | None:
    """Interval of a mean when rows of one group (an hour, a day) move together: 1.96 cluster-robust standard errors.

    Variance = G/(G-1) * sum over groups of (sum of residuals)^2 / n^2 (Liang and Zeger 1986); None for fewer than two groups.
    """
    _, codes = np.unique(groups, return_inverse=True)
    count = int(codes.max()) + 1 if codes.size else 0
    if count < 2:
        return None
    mean = float(values.mean())
    sums = np.bincount(codes.ravel(), weights=values - mean, minlength=count)
    error = math.sqrt(count / (count - 1) * float(np.sum(sums * sums))) / values.size
    return Interval(mean - Z95 * error, mean + Z95 * error, f"normal, clustered in {count} groups")
