"""The exact comparison of a column that is too long to be held: its files are read once for each range of values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from backends.data_files.columns import TableColumn
from backends.data_files.table import Table, Tables
from backends.data_files.values import pieces_of_numbers
from backends.profile.profile import ColumnSpec, Profile, merge_profiles
from console.analysis.distances import KolmogorovSmirnov
from console.analysis.distributions import ks_p_value
from console.analysis.drift import ColumnDrift, compare
from console.analysis.intervals import Floats
from console.analysis.ranges import Walk, cuts_of, decile_ranks, deciles_from, times_among
from console.analysis.samples import NumberKind, Sample, profile_of, spec_from, with_exact

if TYPE_CHECKING:
    from backends.data_files.values import Cursor


LOOKED_AT: Final = 64
"""Values that are looked at for each range when ranges are chosen: the share by which a range may be too long."""

Side: TypeAlias = tuple[Table, TableColumn]


@dataclass(slots=True)
class _Seen:
    """What one pass over a side says: values, those at either infinity, and some of them in order."""

    n: int = 0
    low: int = 0
    high: int = 0
    kept: list[Floats] = field(default_factory=list)

    def look(self, piece: Floats, stride: int) -> None:
        self.n += int(piece.size)
        self.low += int(np.searchsorted(piece, -np.inf, side="right"))
        self.high += int(piece.size - np.searchsorted(piece, np.inf, side="left"))
        self.kept.append(piece[::stride].copy())


def exact_by_ranges(cursor: Cursor, tables: Tables, before: TableColumn, now: TableColumn, kind: NumberKind, target: int) -> ColumnDrift:
    """Compare two columns holding about `target` values at once; the result is that of all values together."""
    sides: tuple[Side, Side] = (tables.reference, before), (tables.current, now)
    stride = max(1, target // LOOKED_AT)
    seen = _Seen(), _Seen()
    for each, side in zip(seen, sides, strict=True):
        for piece in pieces_of_numbers(cursor, *side):
            each.look(piece, stride)
    n, m = seen[0].n, seen[1].n
    if not n or not m:
        spec = ColumnSpec(before.name, kind)
        return with_exact(compare(_profile(cursor, sides[0], spec), _profile(cursor, sides[1], spec)), None, None)
    low, rows = seen[0].low, n - seen[0].low - seen[0].high
    walk = Walk(n, m, decile_ranks(low, rows))
    _walk(cursor, sides, cuts_of(np.sort(np.concatenate([*seen[0].kept, *seen[1].kept])), max(1, target // stride)), walk)
    deciles = deciles_from(walk.found, low, rows)
    different = sorted(set(deciles))
    times = times_among(pieces_of_numbers(cursor, *sides[0]), different) if len(different) <= 2 else {}
    spec = spec_from(deciles, rows, times, before.name, kind)
    drift = compare(_profile(cursor, sides[0], spec), _profile(cursor, sides[1], spec))
    ks = KolmogorovSmirnov(walk.largest / (n * m), ks_p_value(walk.largest, n, m))
    return with_exact(drift, ks, None if any(each.low or each.high for each in seen) else walk.area)


def _profile(cursor: Cursor, side: Side, spec: ColumnSpec) -> Profile:
    merged = merge_profiles(profile_of(Sample(piece, 0), spec) for piece in pieces_of_numbers(cursor, *side))
    assert merged is not None, "a table has at least one piece"
    return replace(merged, nulls=side[0].rows - merged.n)


def _walk(cursor: Cursor, sides: tuple[Side, Side], cuts: list[float], walk: Walk) -> None:
    ends = [*cuts, np.inf]
    below: float | None = None
    for end in ends:
        single = below is not None and np.nextafter(below, np.inf) == end
        parts: list[Floats] = []
        equal = [0, 0]
        for side, (table, column) in enumerate(sides):
            found = []
            for piece in pieces_of_numbers(cursor, table, column, below, end):
                equal[side] += int(piece.size)
                if not single:
                    found.append(piece.copy())
            parts.append(np.sort(np.concatenate(found)) if found else np.empty(0))
        if single:
            walk.feed_equal(float(end), equal[0], equal[1])
        else:
            walk.feed(parts[0], parts[1])
        below = float(end)
