"""How long outcomes take to be known, from rows of which many still wait.

A row that has waited for three hours without an outcome says that its delay is longer than three hours, no more. The product-limit
estimator (Kaplan and Meier 1958) counts it exactly so, where a plain share of known rows would call fresh rows slow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from console.analysis.intervals import Floats

FEWEST_WAITING = 10
"""Rows still at risk below which the curve says nothing any more."""


@dataclass(frozen=True, slots=True)
class ArrivalCurve:
    """Share of the outcomes known `delays[i]` after the score, as a step function: `shares[i]` from `delays[i]` on.

    `horizon` is the longest delay that enough rows have waited for; beyond it nothing is known. Delays are in the unit of the input.
    """

    n: int
    known: int
    delays: Floats
    shares: Floats
    horizon: float

    def share_at(self, delay: float) -> float | None:
        """The share known that long after the score; None beyond the horizon, and without rows."""
        if not self.n or delay > self.horizon:
            return None
        place = int(np.searchsorted(self.delays, delay, side="right")) - 1
        return float(self.shares[place]) if place >= 0 else 0.0

    def delay_of(self, share: float) -> float | None:
        """The least delay by which this share of all outcomes is known; None when so many have not come within the horizon."""
        place = int(np.searchsorted(self.shares, share - 1e-12, side="left"))
        return float(self.delays[place]) if place < len(self.shares) else None


def arrival_curve(waited: npt.ArrayLike, known: npt.ArrayLike) -> ArrivalCurve:
    """The curve of rows that each `waited` so long: until their outcome where `known`, until now where not.

    An outcome known before its score counts as delay 0. Rows with a NaN are left out.
    """
    waits, seen = np.asarray(waited, dtype=np.float64), np.asarray(known, dtype=np.bool_)
    usable = ~np.isnan(waits)
    waits, seen = np.maximum(waits[usable], 0.0), seen[usable]
    n = len(waits)
    if not n:
        return ArrivalCurve(0, 0, np.array([]), np.array([]), -math.inf)
    order = np.argsort(waits, kind="stable")
    waits, seen = waits[order], seen[order]
    horizon = float(waits[-min(n, FEWEST_WAITING)])
    delays, first = np.unique(waits, return_index=True)
    came = np.add.reduceat(seen.astype(np.float64), first)
    at_risk = n - first
    shares = np.asarray(1.0 - np.cumprod(1.0 - came / at_risk), dtype=np.float64)
    told = (came > 0) & (delays <= horizon)
    return ArrivalCurve(n, int(seen.sum()), delays[told], shares[told], horizon)
