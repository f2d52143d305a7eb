"""Latency percentiles, from samples or from logarithmic buckets that can be added up over any range of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

BUCKET_BASE: Final = 2 ** (1 / 8)
"""Ratio of the bounds of one bucket: 9 %, so that the middle of a bucket is at most 4.5 % off."""

PERCENTILES: Final = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in the unit of the samples (milliseconds in the store); None without samples, and then `reason` says so.

    From buckets, each true percentile lies within `relative_error` of the one given (0.0 from samples).
    """

    n: int
    p50: float | None
    p95: float | None
    p99: float | None
    relative_error: float = 0.0
    reason: str = ""


def latency_from_samples(samples: npt.ArrayLike) -> Latency:
    """Linear quantiles (numpy's default, Hyndman and Fan's type 7). NaN, infinite and negative samples are left out."""
    values = np.asarray(samples, dtype=np.float64)
    values = values[np.isfinite(values) & (values >= 0)]
    if not values.size:
        return Latency(0, None, None, None, reason="no latency was recorded")
    p50, p95, p99 = np.quantile(values, PERCENTILES).tolist()
    return Latency(int(values.size), p50, p95, p99)


def log_bucket(samples: npt.ArrayLike, base: float = BUCKET_BASE) -> npt.NDArray[np.int64]:
    """Bucket number of each positive sample: floor(log(sample) / log(base)), so bucket b is about [base^b, base^(b+1))."""
    return np.floor(np.log(np.asarray(samples, dtype=np.float64)) / math.log(base)).astype(np.int64)


def latency_from_buckets(buckets: npt.ArrayLike, counts: npt.ArrayLike, *, base: float = BUCKET_BASE, zeros: int = 0) -> Latency:
    """Percentiles from counts per bucket number; buckets may repeat and come in any order. `zeros` counts samples of 0.

    The percentile is the sample of rank ceil(p n), given as the geometric middle of its bucket. Raises ValueError for negative counts.
    """
    number, count = np.asarray(buckets, dtype=np.int64), np.asarray(counts, dtype=np.int64)
    if number.size != count.size or (count < 0).any() or zeros < 0:
        raise ValueError(f"{number.size} buckets with {count.size} counts: one count of 0 or more is needed for each")
    n = int(count.sum()) + zeros
    if not n:
        return Latency(0, None, None, None, reason="no latency was recorded")
    order = np.argsort(number, kind="stable")
    number, running = number[order], zeros + np.cumsum(count[order])

    def percentile(share: float) -> float:
        rank = max(1, math.ceil(share * n - 1e-9))
        return 0.0 if rank <= zeros else float(base ** (int(number[np.searchsorted(running, rank)]) + 0.5))

    return Latency(n, percentile(0.50), percentile(0.95), percentile(0.99), relative_error=math.sqrt(base) - 1)
