"""Did a column change its unit? A change of unit moves the mean and both ends of a column by one factor, as the world hardly does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONVERSIONS: Final[tuple[tuple[str, float, float], ...]] = (
    ("Fahrenheit to Celsius", 5 / 9, -160 / 9),
    ("inches to centimetres", 2.54, 0.0),
    ("feet to metres", 0.3048, 0.0),
    ("miles to kilometres", 1.609344, 0.0),
    ("pounds to kilograms", 0.45359237, 0.0),
    ("knots to km/h", 1.852, 0.0),
    ("times 10", 10.0, 0.0),
    ("times 24, as days to hours", 24.0, 0.0),
    ("times 60, as minutes to seconds", 60.0, 0.0),
    ("times 100, as shares to percent", 100.0, 0.0),
    ("times 1,000, as seconds to milliseconds", 1_000.0, 0.0),
    ("times 3,600, as hours to seconds", 3_600.0, 0.0),
    ("times 1,000,000", 1_000_000.0, 0.0),
)
"""(name, factor, what is added after); each is looked for backwards too."""

MEAN_WITHIN: Final = 0.1
ENDS_WITHIN: Final = 0.25
"""How near mean and ends must come to those of the converted reference, in widths of its range."""

APART: Final = 1.5
"""Times by which the range must have grown or shrunk, for a unit to be thought of."""

COUNTED_BELOW: Final = 10
"""Whole steps of a range below which its numbers are counts or codes, which no conversion makes whole numbers of again."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean, smallest and largest value of a column over a period."""

    mean: float
    low: float
    high: float


def changed_unit(before: Spread, now: Spread) -> str | None:
    """The conversion that takes a column from `before` to `now`, in words; None when there is none, or none is needed.

    Looks at ranges only when the width of one is at least 1.5 times that of the other: then of all conversions, forwards and backwards,
    whose mean lies within .1 and whose ends lie within .25 of the converted range's width, the nearest is named. A range of fewer than
    ten whole steps is of counts or codes: only a whole factor can have made it.
    """
    width, wide = before.high - before.low, now.high - now.low
    if width <= 0 or wide <= 0 or 1 / APART < wide / width < APART:
        return None
    counted = min(width, wide) < COUNTED_BELOW and all(end == int(end) for end in (before.low, before.high, now.low, now.high))
    best: tuple[float, str] | None = None
    for name, factor, added in CONVERSIONS:
        for said, times, plus in ((name, factor, added), (f"{name}, backwards", 1 / factor, -added / factor)):
            if counted and times != int(times):
                continue
            expected = Spread(before.mean * times + plus, before.low * times + plus, before.high * times + plus)
            scale = width * times
            mean_off = abs(now.mean - expected.mean) / scale
            ends_off = max(abs(now.low - expected.low), abs(now.high - expected.high)) / scale
            if mean_off <= MEAN_WITHIN and ends_off <= ENDS_WITHIN and (best is None or mean_off + ends_off < best[0]):
                best = (mean_off + ends_off, said)
    return best[1] if best else None
