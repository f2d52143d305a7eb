"""What is kept of a column once its rows are gone: counts on fixed edges, and a few sums. Profiles of equal edges add up.

Bins of a numeric column are `(-inf, e1), [e1, e2), ..., [em, +inf)`: the inner edges only, so that both ends are open. A single
value that was split off has a bin of its own, `[v, next float after v)`; nothing else about such a bin is special.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final, Literal, cast

from backends.profile.categories import Categories, added
from backends.profile.sketch import Distinct, Sketch

ColumnKind = Literal["numeric", "categorical", "boolean", "timestamp", "text"]

BINNED: Final = frozenset({"numeric", "timestamp"})
"""Kinds that are counted on edges. A timestamp is its UTC seconds since 1970."""

NAMED: Final = frozenset({"categorical", "boolean"})
"""Kinds that are counted by value."""

QUANTILES: Final = tuple(step / 10 for step in range(11))
"""Where the edges of a reference lie: 0, .1, ..., 1."""

TAILS: Final = (0.01, 0.99)
"""The quantiles of a reference beyond which its tails are counted."""

TailEdges = tuple[float | None, float | None]
"""Where the tails of a reference begin, each None where it has none of its own: the outer bin is no longer than it."""

MAX_CATEGORIES: Final = 10_000
"""Categories kept by name in one profile; the rest is counted together as `other`."""


class ProfileMismatch(ValueError):
    """Two profiles that were not counted in the same way, so that adding or comparing them would invent numbers."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """How a column is counted: fixed once per reference, then the same for every window.

    `spike` is the value that was split off because the quantiles of the reference collapsed into one bin; None if they did not.
    `edges_from` says in words where the edges come from; of `text`, why there are none. Values whose hash is below `sampled` set
    bits that say how many different ones there are; 0: none do.
    """

    column: str
    kind: ColumnKind
    edges: tuple[float, ...] = ()
    spike: float | None = None
    edges_from: str = ""
    max_categories: int = MAX_CATEGORIES
    tails: TailEdges = (None, None)
    sampled: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """One column over one set of rows.

    `n` values are present and `nulls` are missing (NaN counts as missing). `sum`, `min` and `max` are over the finite values;
    `infinite` values are in the outer bins only. `sum` is None when it is too large for a float. Of the kinds `NAMED` there are the
    categories that are `named`; `other` counts the rows whose category was not kept by name. `tail_counts` are the values below the
    first of `tails`, and those not below the second; they are in the outer bins too. Without values there is no `sketch`.
    """

    column: str
    kind: ColumnKind
    n: int
    nulls: int
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    sum: float | None = 0.0
    min: float | None = None
    max: float | None = None
    infinite: int = 0
    spike: float | None = None
    named: Categories | None = None
    other: int = 0
    edges_from: str = ""
    tails: TailEdges = (None, None)
    tail_counts: tuple[int, int] = (0, 0)
    sketch: Sketch | None = None

    @property
    def rows(self) -> int:
        """All rows, present or missing."""
        return self.n + self.nulls

    @property
    def categories(self) -> tuple[tuple[str, int], ...]:
        """Name and count of each category, in the order of names."""
        return tuple(self.named) if self.named is not None else ()

    @property
    def missing_rate(self) -> float | None:
        """Share of rows without a value; None without rows."""
        return self.nulls / self.rows if self.rows else None

    @property
    def mean(self) -> float | None:
        """Mean of the finite values; None if there are none, or their sum is too large."""
        finite = self.n - self.infinite
        return self.sum / finite if finite and self.sum is not None and self.kind in BINNED else None

    @property
    def finest(self) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """The narrowest bins there are, and their counts: those of `edges`, with the tails split off."""
        (low, high), (below, above) = self.tails, self.tail_counts
        edges, counts = self.edges, self.counts
        if low is not None:
            edges, counts = (low, *edges), (below, counts[0] - below, *counts[1:])
        if high is not None:
            edges, counts = (*edges, high), (*counts[:-1], counts[-1] - above, above)
        return edges, counts

    @property
    def distinct(self) -> Distinct | None:
        """How many different values there are, and how that is known; None where nobody knows."""
        if self.kind in NAMED and (not self.other or self.sketch is None):
            named = len(self.named) if self.named is not None else 0
            more = f", as far as names were kept: {self.other} values have others" if self.other else ""
            return Distinct(named, named, named + self.other, f"counted by name{more}")
        if not self.n:
            return Distinct(0, 0, 0, "counted")
        found = self.sketch.distinct if self.sketch is not None else None
        # Values cannot be more than rows are.
        high = self.n if found is None or found.high is None else min(found.high, self.n)
        return found and replace(found, value=min(found.value, self.n), low=min(found.low, self.n), high=high)

    def merge(self, later: Profile) -> Profile:
        """The profile of both sets of rows together. Raises `ProfileMismatch` unless both were counted in the same way."""
        return _merged([self, later])

    def to_dict(self, *, apart: bool = False) -> dict[str, Any]:
        """Plain values for JSON, read back exactly by `from_dict`; with `apart` without the categories, which are kept elsewhere."""
        return {
            "column": self.column,
            "kind": self.kind,
            "n": self.n,
            "nulls": self.nulls,
            "edges": list(self.edges),
            "counts": list(self.counts),
            "sum": self.sum,
            "min": self.min,
            "max": self.max,
            "infinite": self.infinite,
            "spike": self.spike,
            "categories": None if apart and self.named is not None else dict(self.categories),
            "other": self.other,
            "edges_from": self.edges_from,
            "tails": list(self.tails),
            "tail_counts": list(self.tail_counts),
            "sketch": None if self.sketch is None else self.sketch.to_dict(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], apart: Categories | None = None) -> Profile:
        """The profile that `to_dict` wrote, with the categories that were kept `apart`.

        Raises ValueError when fields are missing or do not fit together.
        """
        try:
            named = apart
            if stored["categories"] is not None:
                named = Categories.of(stored["categories"].items()) if stored["kind"] in NAMED else None
            profile = cls(
                column=str(stored["column"]),
                kind=cast(ColumnKind, stored["kind"]),
                n=int(stored["n"]),
                nulls=int(stored["nulls"]),
                edges=tuple(map(float, stored["edges"])),
                counts=tuple(map(int, stored["counts"])),
                sum=_number(stored["sum"]),
                min=_number(stored["min"]),
                max=_number(stored["max"]),
                infinite=int(stored["infinite"]),
                spike=_number(stored["spike"]),
                named=named,
                other=int(stored["other"]),
                edges_from=str(stored["edges_from"]),
                tails=(_number(stored["tails"][0]), _number(stored["tails"][1])),
                tail_counts=(int(stored["tail_counts"][0]), int(stored["tail_counts"][1])),
                sketch=None if stored["sketch"] is None else Sketch.from_dict(stored["sketch"]),
            )
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"a stored profile cannot be read ({error}); profile its window again") from error
        if profile.kind in BINNED and (
            len(profile.counts) != len(profile.edges) + 1 or sum(profile.counts) != profile.n or min(profile.finest[1]) < 0
        ):
            raise ValueError(f"the stored profile of {profile.column!r} does not add up; profile its window again")
        if profile.kind in NAMED and (profile.named is None or profile.named.total + profile.other != profile.n):
            raise ValueError(f"the stored categories of {profile.column!r} do not add up; profile its window again")
        return profile


def _number(stored: Any) -> float | None:
    return None if stored is None else float(stored)


def finite_or_none(value: float | None) -> float | None:
    """`value` if JSON can carry it, else None."""
    return value if value is not None and math.isfinite(value) else None


def merge_profiles(profiles: Iterable[Profile]) -> Profile | None:
    """All profiles of one column added; None if there are none."""
    found = list(profiles)
    return _merged(found) if len(found) > 1 else found[0] if found else None


def _merged(profiles: Sequence[Profile]) -> Profile:
    first = profiles[0]
    if any((each.column, each.kind, each.edges, each.tails) != (first.column, first.kind, first.edges, first.tails) for each in profiles):
        raise ProfileMismatch(
            f"{first.column!r}: two profiles with different kinds or edges cannot be added; profile both again with the same edges"
        )
    total: float | None = 0.0
    for each in profiles:
        total = finite_or_none(None if total is None or each.sum is None else total + each.sum)
    named = [each.named for each in profiles if each.named is not None]
    return Profile(
        column=first.column,
        kind=first.kind,
        n=sum(each.n for each in profiles),
        nulls=sum(each.nulls for each in profiles),
        edges=first.edges,
        counts=tuple(map(sum, zip(*(each.counts for each in profiles), strict=True))),
        sum=total,
        min=min((each.min for each in profiles if each.min is not None), default=None),
        max=max((each.max for each in profiles if each.max is not None), default=None),
        infinite=sum(each.infinite for each in profiles),
        spike=first.spike,
        named=added(named) if named else None,
        other=sum(each.other for each in profiles),
        edges_from=first.edges_from,
        tails=first.tails,
        tail_counts=(sum(each.tail_counts[0] for each in profiles), sum(each.tail_counts[1] for each in profiles)),
        sketch=reduce(_joined, (each.sketch for each in profiles if each.n)) if any(each.n for each in profiles) else None,
    )


def _joined(one: Sketch | None, two: Sketch | None) -> Sketch | None:
    """The sketch of both; None where one has none, or they were hashed differently."""
    return one.merge(two) if one is not None and two is not None else None


def inner_edges(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Inner edges from the quantiles of a reference: unique values without the two outermost, whose bins are open.

    Empty when the column collapses into one bin: then split off its most frequent value with `edges_around`.
    """
    return tuple(sorted({float(value) + 0.0 for value in quantiles if math.isfinite(value)}))[1:-1]


def with_top(edges: Sequence[float], quantiles: Sequence[float]) -> tuple[tuple[float, ...], str]:
    """Inner edges that also tell the largest value from those below it where it is common, and the words that say so.

    Bins are closed below, so the largest value shares its bin with the last decile before it. Where it is the last decile itself, as in
    every column of few whole numbers, that would leave a tenth of the rows or more free to go from one to the other unseen.
    """
    known = [float(value) + 0.0 for value in quantiles if math.isfinite(value)]
    if not edges or known[-1] != known[-2] or known[-1] <= edges[-1]:
        return tuple(edges), ""
    return (*edges, known[-1]), f"; the largest value, {known[-1]:g}, has a bin of its own"


def tail_edges(edges: Sequence[float], low: float, high: float) -> TailEdges:
    """Where tails begin, from the two quantiles `TAILS` of a reference: inside the outer bins, or nowhere."""
    if not edges:
        return None, None
    low, high = low + 0.0, high + 0.0
    return low if low < edges[0] else None, high if high > edges[-1] else None


def edges_around(value: float) -> tuple[float, ...]:
    """Edges that give one value a bin of its own: below it, the value, above it."""
    beyond = math.nextafter(value, math.inf)
    return (value + 0.0, beyond) if math.isfinite(beyond) else (value + 0.0,)
