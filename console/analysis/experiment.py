"""Two versions beside each other: were requests divided as asked, and does one do worse than the other?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from console.analysis.distributions import Z95, chi2_survival
from console.analysis.intervals import Floats, Interval, clustered_mean_interval, mean_interval

MISMATCH: Final = 0.001
"""p-value of the sample ratio below which a division is not the one that was asked for; small, because it is looked at again and again
(Fabijan et al. 2019)."""

MINIMUM_REQUESTS: Final = 100
"""Requests below which the ratio is not judged."""

TOLERATED: Final = 0.25
"""Share of the stable version's loss. While the interval still admits that the candidate loses so much more, "not worse" is not said:
few rows would otherwise clear any candidate (a non-inferiority margin, Piaggio et al. 2012)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of the candidate's losses minus that of the stable version's: above zero the candidate is worse."""

    value: float
    interval: Interval | None
    n: int
    """Rows of the candidate that it rests on."""
    base: float
    """Mean loss of the stable version there."""

    @property
    def certain(self) -> bool:
        """Whether the candidate loses more beyond chance, however little that is."""
        return self.interval is not None and self.interval.low > 0

    def worse(self, floor: float) -> bool:
        """Whether it loses more beyond chance, and as much more as matters: `floor` is a share of the stable version's loss."""
        return self.certain and self.value >= floor * self.base

    @property
    def better(self) -> bool:
        return self.interval is not None and self.interval.high < 0

    @property
    def cleared(self) -> bool:
        """Whether a loss of TOLERATED more than the stable version's is out of the question."""
        return self.interval is not None and self.interval.high <= TOLERATED * self.base


def sample_ratio_p(counts: Sequence[int], shares: Sequence[float]) -> float | None:
    """p-value of Pearson's chi-squared test that requests were divided by `shares` (0 to 1, together 1), no continuity correction.

    None for fewer than MINIMUM_REQUESTS requests or two shares above 0. A request that went where nothing was asked for gives 0.
    """
    total = sum(counts)
    asked = [(count, share) for count, share in zip(counts, shares, strict=True) if share > 0]
    if total < MINIMUM_REQUESTS or len(asked) < 2:
        return None
    if sum(count for count, _ in asked) < total:
        return 0.0
    statistic = sum((count - total * share) ** 2 / (total * share) for count, share in asked)
    return chi2_survival(statistic, len(asked) - 1)


def losses(scores: Floats, labels: Floats, *, binary: bool) -> Floats:
    """Loss of each row: the squared error of a probability, else the absolute error."""
    error = scores - labels
    found: Floats = error * error if binary else np.abs(error)
    return found


def unpaired(candidate: Floats, stable: Floats) -> Difference | None:
    """Difference of the means of two separate groups, each with its own variance: +- 1.96 standard errors; None for an empty group."""
    if not candidate.size or not stable.size:
        return None
    value, interval = float(candidate.mean() - stable.mean()), None
    if candidate.size > 1 and stable.size > 1:
        error = math.sqrt(float(candidate.var(ddof=1)) / candidate.size + float(stable.var(ddof=1)) / stable.size)
        interval = Interval(value - Z95 * error, value + Z95 * error, "normal, separate groups")
    return Difference(value, interval, int(candidate.size), float(stable.mean()))


def paired(candidate: Floats, stable: Floats, groups: npt.NDArray[np.generic]) -> Difference | None:
    """Mean difference on the very same rows; rows of one group (an hour) move together. None without rows."""
    if not candidate.size:
        return None
    each = candidate - stable
    interval = clustered_mean_interval(each, groups) or mean_interval(each)
    return Difference(float(each.mean()), interval, int(each.size), float(stable.mean()))
