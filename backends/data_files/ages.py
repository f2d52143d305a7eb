"""How old features were when they were used: their times on both sides of the same requests, beside the time of the request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.data_files.paired import Pairs
from backends.data_files.table import Table
from backends.store.sql import run

HALF, NEARLY_ALL = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class Lengths:
    """Microseconds: the median, and what 95 % do not exceed; `n` requests."""

    n: int
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Ages:
    """One feature over the matched requests. `gap` is time online less time offline, its `p95` of its size whatever its sign.

    `late_*` are requests whose feature is from after the request; ages and those are of none where the request has no time.
    """

    gap: Lengths
    fresher_online: int
    offline: Lengths
    online: Lengths
    late_offline: int
    late_online: int


def ages(table: Table, pairs: Pairs, times: Sequence[int]) -> list[Ages]:
    """Of the paired columns numbered `times`, all of them times, in one pass."""
    asked: list[str] = []
    for at in times:
        gap, offline, online = f"b{at} - a{at}", f"m - a{at}", f"m - b{at}"
        asked += [*_lengths(gap, f"abs({gap})"), f"count(*) FILTER ({gap} > 0)", *_lengths(offline, offline), *_lengths(online, online)]
        asked += [f"count(*) FILTER ({offline} < 0)", f"count(*) FILTER ({online} < 0)"]
    if not asked:
        return []
    row: tuple[Any, ...] = run(table.connection, f"SELECT {', '.join(asked)} FROM {pairs.relation}")[0]
    parts = [row[12 * at : 12 * at + 12] for at in range(len(times))]
    return [Ages(Lengths(*each[:3]), each[3], Lengths(*each[4:7]), Lengths(*each[7:10]), each[10], each[11]) for each in parts]


def _lengths(value: str, size: str) -> tuple[str, str, str]:
    return f"count({value})", f"quantile_cont({value}, {HALF})", f"quantile_cont({size}, {NEARLY_ALL})"
