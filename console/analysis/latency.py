"""Latency percentiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

PERCENTILES: Final = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in the unit of the samples (milliseconds in the store); None without samples, and then `reason` says so."""

    n: int
    p50: float | None
    p95: float | None
    p99: float | None
    reason: str = ""


def latency_from_samples(samples: npt.ArrayLike) -> Latency:
    """Linear quantiles (numpy's default, Hyndman and Fan's type 7). NaN, infinite and negative samples are left out."""
    values = np.asarray(samples, dtype=np.float64)
    values = values[np.isfinite(values) & (values >= 0)]
    if not values.size:
        return Latency(0, None, None, None, reason="no latency was recorded")
    p50, p95, p99 = np.quantile(values, PERCENTILES).tolist()
    return Latency(int(values.size), p50, p95, p99)
