"""How many different values a column has, from a few bits that add up: linear counting (Whang et al. 1990), of a share of the hashes.

Each value sets one bit, whichever row it comes in, so the bits of two sets of rows together are those of either. Of columns with many
different values only those with a small hash set one. Hashes are the engine's, and only those of one version of one engine are alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SIZE: Final = 4096
"""Bits in one sketch."""

HASHES: Final = 1 << 48
"""Hashes are below this number."""

FILLED_BY: Final = SIZE // 2
"""Different values that a reference sets bits with, at most: then few share a bit."""


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different values there are, an interval that holds it (of 95 % where it is estimated), and how it is known."""

    value: int
    low: int
    high: int | None
    """None: nobody knows."""
    method: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """The bits that the values with a hash under `below` have set. `hashed_by` is the engine and its version."""

    hashed_by: str
    below: int
    bits: int

    @property
    def distinct(self) -> Distinct:
        """How many different values there are: -m ln(1 - k/m) for k of m bits set, by the share of hashes that set any."""
        share, filled = self.below / HASHES, self.bits.bit_count()
        method = "estimated from bits set by their hashes" + (f", one in {1 / share:.3g}" if share < 1 else "")
        if filled == SIZE:
            least = round(SIZE * math.log(SIZE) / share)
            return Distinct(least, filled, None, f"{method}, all of which are set: more than can be told")
        if not filled:
            return Distinct(0, 0, math.ceil(3 / share), method)
        kept = -SIZE * math.log1p(-filled / SIZE)
        load = kept / SIZE
        spread = 1.96 * math.sqrt(SIZE * (math.expm1(load) - load) + kept * (1 - share)) / share
        value = kept / share
        return Distinct(round(value), max(filled, math.floor(value - spread)), math.ceil(value + spread), method)

    def merge(self, later: Sketch) -> Sketch | None:
        """The sketch of both sets of rows; None when their hashes are not alike."""
        alike = (self.hashed_by, self.below) == (later.hashed_by, later.below)
        return Sketch(self.hashed_by, self.below, self.bits | later.bits) if alike else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, read back by `from_dict`."""
        return {"by": self.hashed_by, "below": self.below, "bits": f"{self.bits:x}"}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Sketch:
        """The sketch that `to_dict` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        below, bits = int(stored["below"]), int(stored["bits"], 16)
        if not 0 < below <= HASHES or not 0 <= bits < 1 << SIZE:
            raise ValueError("a stored sketch does not fit together; profile its window again")
        return cls(str(stored["by"]), below, bits)


def sampled_below(distinct: int) -> int:
    """Below which hash values set a bit, for a reference with about so many different ones."""
    return HASHES if distinct <= FILLED_BY else max(1, HASHES * FILLED_BY // distinct)
