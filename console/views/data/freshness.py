"""How old a feature was when it was used: offline and online, for the same requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from backends.data_files.ages import Ages, Lengths
from backends.data_files.columns import TableColumn
from backends.data_files.problem import DataFileProblem
from backends.data_files.table import Table
from backends.durations import format_duration
from backends.records import State
from backends.text import Untrusted
from console.views.health.model import View

GAP: Final = timedelta(hours=1)
"""Which a feature's times on both sides may be apart, unless another is asked for."""

LEAST: Final = 30
"""Requests on both sides below which there is no verdict."""

ENDING: Final = "_at"
REQUEST_TIME: Final = "event_at"
MICROS: Final = 1_000_000


class Freshness(View):
    """One feature over the requests that have its time on both sides; lengths in seconds."""

    feature: Untrusted
    time_column: Untrusted
    state: State
    why: str
    n: int
    gap_median: float | None
    """Its time online less its time offline: above 0 it is fresher online."""
    gap_p95: float | None
    """The size that 95 % of the gaps do not exceed, whatever their sign."""
    fresher_online: float | None
    """Share of the requests."""
    age_offline_median: float | None
    age_offline_p95: float | None
    age_online_median: float | None
    age_online_p95: float | None
    after_offline: int
    """Requests whose value offline is from after the request: a leak."""
    after_online: int


def times_of(offline: Table, online: Table, shared: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
    """The column with the time of each feature. Raises DataFileProblem for one that is named and is no time on both sides."""
    for feature, column in named.items():
        for table in (offline, online):
            table.column(feature)
            _time(table, column)
    found = dict(named)
    for feature in shared:
        column = f"{feature}{ENDING}"
        if feature not in found and column in shared and {offline.columns[column].kind, online.columns[column].kind} == {"timestamp"}:
            found[feature] = column
    return found


def request_time(online: Table, named: str | None) -> TableColumn | None:
    """When a request was made. Raises DataFileProblem for a column that is named and is no time."""
    if named is not None:
        return _time(online, named)
    column = online.columns.get(REQUEST_TIME)
    return column if column is not None and column.kind == "timestamp" else None


def _time(table: Table, name: str) -> TableColumn:
    column = table.column(name)
    if column.kind != "timestamp" or column.why_not:
        raise DataFileProblem(f"{table.given}: {name} is {column.why_not or column.kind}, not a time")
    return column


def freshness(feature: str, column: str, found: Ages, limit: timedelta, moment: TableColumn | None) -> Freshness:
    """One feature with its verdict."""
    state, why = _judged(found, limit)
    if moment is None:
        why += "; no time of the request is known: name its column with --request-time"
    return Freshness(
        feature=Untrusted(feature),
        time_column=Untrusted(column),
        state=state,
        why=why,
        n=found.gap.n,
        gap_median=_seconds(found.gap.median),
        gap_p95=_seconds(found.gap.p95),
        fresher_online=found.fresher_online / found.gap.n if found.gap.n else None,
        age_offline_median=_seconds(found.offline.median),
        age_offline_p95=_seconds(found.offline.p95),
        age_online_median=_seconds(found.online.median),
        age_online_p95=_seconds(found.online.p95),
        after_offline=found.late_offline,
        after_online=found.late_online,
    )


def _judged(found: Ages, limit: timedelta) -> tuple[State, str]:
    n = found.gap.n
    if found.late_offline:
        return State.CRITICAL, f"{found.late_offline:,} of {found.offline.n:,} requests have a value offline from after the request"
    if n < LEAST:
        return State.UNKNOWN, f"{n:,} requests have its time on both sides; {LEAST} are needed"
    size = found.gap.p95 or 0.0
    allowed = limit.total_seconds() * MICROS
    state = State.CRITICAL if size > 2 * allowed else State.WARNING if size > allowed else State.OK
    side = "online" if _is_positive(found.gap) else "offline"
    said = f"95 % of {n:,} requests have its times at most {_written(size)} apart; {format_duration(limit)} is allowed"
    return state, said if state is State.OK else f"fresher {side}: {said}"


def _is_positive(gap: Lengths) -> bool:
    return gap.median is not None and gap.median >= 0


def _written(micros: float) -> str:
    return format_duration(timedelta(seconds=round(micros / MICROS)))


def _seconds(micros: float | None) -> float | None:
    return None if micros is None else micros / MICROS
