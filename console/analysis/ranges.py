"""Exact distances of two columns too long to be held, taken range of values by range of values, the lowest first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from backends.profile.profile import QUANTILES
from console.analysis.intervals import Floats
from console.analysis.ordered import SMALLER, interpolated


def cuts_of(seen: Floats, target: int) -> list[float]:
    """Upper ends of ranges that hold `target` of the sorted values `seen` each.

    A value that fills a range by itself gets one of its own, from just below it to itself: it need only be counted.
    """
    ends = seen[target - 1 :: target]
    again = ends[1:][ends[1:] == ends[:-1]]
    return [float(end) for end in np.unique(np.concatenate((ends, again, np.nextafter(again, -np.inf)))) if math.isfinite(end)]


class Walk:
    """Both columns in ascending order, `n` and `m` values in all; what is known once the last range has been fed.

    `ranks` are the places of values of the reference that are wanted; they are kept in `found` as they come by.
    """

    def __init__(self, n: int, m: int, ranks: Iterable[int]) -> None:
        self.n, self.m = n, m
        self.ranks = sorted(set(ranks))
        self.found: dict[int, float] = {}
        self.largest = 0
        self._area = 0.0
        self._i = self._j = 0
        self._last: float | None = None

    def feed(self, one: Floats, two: Floats) -> None:
        """The sorted values of both sides in the next range."""
        for rank in self.ranks:
            if self._i <= rank < self._i + one.size:
                self.found[rank] = float(one[rank - self._i])
        merged = np.concatenate((one, two))
        if not merged.size:
            return
        merged.sort()
        self._step(float(merged[0]))
        i = self._i + np.searchsorted(one, merged, side="right")
        j = self._j + np.searchsorted(two, merged, side="right")
        apart = np.abs(self.m * i - self.n * j)
        self.largest = max(self.largest, int(apart.max()))
        with np.errstate(over="ignore", invalid="ignore"):
            area = float((apart[:-1] * np.diff(merged)).sum()) / self.n / self.m
            if not math.isfinite(area):
                area = float((apart[:-1] * np.diff(merged * SMALLER)).sum()) / self.n / self.m / SMALLER
        self._area += area
        self._i, self._j, self._last = self._i + int(one.size), self._j + int(two.size), float(merged[-1])

    def feed_equal(self, value: float, one: int, two: int) -> None:
        """A range of one value, which occurs so often on both sides."""
        for rank in self.ranks:
            if self._i <= rank < self._i + one:
                self.found[rank] = value
        if one or two:
            self._step(value)
            self._i, self._j, self._last = self._i + one, self._j + two, value
            self.largest = max(self.largest, abs(self.m * self._i - self.n * self._j))

    def _step(self, first: float) -> None:
        if self._last is not None:
            self._area += abs(self.m * self._i - self.n * self._j) / self.n / self.m * (first - self._last)

    @property
    def area(self) -> float | None:
        """The Wasserstein distance; None when values are infinite or too far apart for a float."""
        return self._area if math.isfinite(self._area) else None


def decile_ranks(first: int, rows: int) -> list[int]:
    """Places of the values between which the deciles lie, of `rows` finite values that begin at place `first`."""
    places = [math.floor(share * (rows - 1)) for share in QUANTILES] if rows else []
    return [first + min(place + step, rows - 1) for place in places for step in (0, 1)]


def deciles_from(found: dict[int, float], first: int, rows: int) -> list[float]:
    """The linear deciles, from the values at `decile_ranks`."""
    if not rows:
        return []
    deciles = []
    for share in QUANTILES:
        place = share * (rows - 1)
        below = min(math.floor(place), rows - 1)
        deciles.append(interpolated(found[first + below], found[first + min(below + 1, rows - 1)], place - below))
    return deciles


def times_among(pieces: Iterable[Floats], values: Sequence[float]) -> dict[float, int]:
    """How often each of some values occurs in sorted pieces."""
    times = dict.fromkeys(values, 0)
    for piece in pieces:
        for value in times:
            times[value] += int(np.searchsorted(piece, value, side="right") - np.searchsorted(piece, value, side="left"))
    return times
