"""Where a model does worst: every value of every column, and every pair of values of two columns, searched for a raised loss.

A slice is named only when the lower end of the interval of its excess loss over all other rows lies above zero after a Bonferroni
correction for the slices that were looked at, and never below a stated minimum of labelled rows. A pair must be worse than each
of the two slices that it is made of, else it says nothing new. In the spirit of Slice Finder (Chung and others 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from console.analysis.intervals import Floats, Ints

SIGNIFICANCE: Final = 0.05
"""Chance of naming any slice at all when none is worse, over the whole search."""

MOST_VALUES: Final = 200
"""Distinct values beyond which a column is not searched: its slices would be too small to name."""


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """A column as small integers: `codes[row]` indexes `values`; -1 marks a row that takes no part."""

    name: str
    values: tuple[str, ...]
    codes: Ints


@dataclass(frozen=True, slots=True)
class WorstSlice:
    """Rows that share one value, or two, with a loss above that of all others.

    `where` holds (column, value) once or twice. `excess` is the mean loss of these rows minus the mean loss of all others; `low` and
    `high` bound it at the corrected level (`searched` slices looked at). `share` is the part of the total loss that falls on them.
    """

    where: tuple[tuple[str, str], ...]
    n: int
    loss: float
    excess: float
    low: float
    high: float
    share: float
    searched: int


@dataclass(frozen=True, slots=True)
class _Found:
    where: tuple[tuple[str, str], ...]
    n: int
    total: float
    squares: float


def worst_slices(losses: Floats, columns: Sequence[CodedColumn], *, minimum: int, most: int = 10) -> tuple[tuple[WorstSlice, ...], int]:
    """The worst slices, the largest certain excess first, and how many slices were looked at.

    `losses` holds one finite loss a labelled row (squared error, for one). Slices of fewer than `minimum` rows, or with fewer than
    `minimum` rows outside, are never looked at.
    """
    usable = [column for column in columns if 1 < len(column.values) <= MOST_VALUES]
    singles = [found for column in usable for found in _singles(losses, column, minimum)]
    pairs = [found for one, other in combinations(usable, 2) for found in _pairs(losses, one, other, minimum)]
    searched = len(singles) + len(pairs)
    if not searched:
        return (), 0
    z = NormalDist().inv_cdf(1 - SIGNIFICANCE / 2 / searched)
    every = _Found((), losses.size, float(losses.sum()), float((losses * losses).sum()))
    judged = [_judged(found, every, z, searched) for found in (*singles, *pairs)]
    by_where = {slice_.where: slice_ for slice_ in judged}
    worse = [slice_ for slice_ in judged if slice_.low > 0 and _says_something_new(slice_, by_where)]
    worse.sort(key=lambda slice_: (-slice_.low, -slice_.n, slice_.where))
    return tuple(worse[:most]), searched


def says_outcome(column: CodedColumn, outcomes: Floats) -> bool:
    """Whether every value of the column comes with one outcome only, 0 or 1, and both occur: it is the outcome by another name.

    Its slices would be the rows that were 1 and those that were 0, which nobody knows when they are scored.
    """
    taken = column.codes >= 0
    codes, outcome = column.codes[taken], outcomes[taken]
    counts = np.bincount(codes, minlength=len(column.values))
    positives = np.bincount(codes, weights=outcome, minlength=len(column.values))
    pure = bool(((positives == 0) | (positives == counts)).all())
    return pure and 0 < positives.sum() < counts.sum() and len(column.values) <= MOST_VALUES


def coded(name: str, values: npt.NDArray[np.generic], labels: Sequence[str]) -> CodedColumn:
    """A column whose rows already are indexes into `labels`."""
    return CodedColumn(name, tuple(labels), np.asarray(values, dtype=np.int64))


def _singles(losses: Floats, column: CodedColumn, minimum: int) -> list[_Found]:
    return [
        _Found(((column.name, column.values[code]),), n, total, squares)
        for code, n, total, squares in _summed(losses, column.codes, len(column.values), minimum)
    ]


def _pairs(losses: Floats, one: CodedColumn, other: CodedColumn, minimum: int) -> list[_Found]:
    width = len(other.values)
    both = (one.codes >= 0) & (other.codes >= 0)
    codes = np.where(both, one.codes * width + other.codes, -1)
    return [
        _Found(((one.name, one.values[code // width]), (other.name, other.values[code % width])), n, total, squares)
        for code, n, total, squares in _summed(losses, codes, len(one.values) * width, minimum)
    ]


def _summed(losses: Floats, codes: Ints, size: int, minimum: int) -> list[tuple[int, int, float, float]]:
    """(code, rows, sum of losses, sum of squared losses) of every code with enough rows inside and outside."""
    taken = codes >= 0
    kept, weights = codes[taken], losses[taken]
    counts = np.bincount(kept, minlength=size)
    totals = np.bincount(kept, weights=weights, minlength=size)
    squares = np.bincount(kept, weights=weights * weights, minlength=size)
    enough = np.flatnonzero((counts >= max(2, minimum)) & (losses.size - counts >= max(2, minimum)))
    return [(int(code), int(counts[code]), float(totals[code]), float(squares[code])) for code in enough]


def _judged(found: _Found, every: _Found, z: float, searched: int) -> WorstSlice:
    n, rest = found.n, every.n - found.n
    inside, outside = found.total / n, (every.total - found.total) / rest
    # Welch's standard error of a difference of two means.
    within = max(0.0, found.squares / n - inside * inside) / (n - 1)
    without = max(0.0, (every.squares - found.squares) / rest - outside * outside) / (rest - 1)
    half = z * float(np.sqrt(within + without))
    excess = inside - outside
    share = found.total / every.total if every.total > 0 else 0.0
    return WorstSlice(found.where, n, inside, excess, excess - half, excess + half, share, searched)


def _says_something_new(slice_: WorstSlice, by_where: Mapping[tuple[tuple[str, str], ...], WorstSlice]) -> bool:
    """A single always does; a pair when it is certainly worse than each of its halves already is on average."""
    if len(slice_.where) == 1:
        return True
    halves = [by_where.get((each,)) for each in slice_.where]
    return all(half is None or slice_.low > half.excess for half in halves)
