"""Training-serving parity: the same requests as they were computed offline and as they were used online, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from backends.data_files.ages import ages
from backends.data_files.columns import TableColumn
from backends.data_files.logged import BESIDE
from backends.data_files.paired import Differing, Pairs, differing, first_differing, paired
from backends.data_files.problem import DataFileProblem
from backends.data_files.table import Table, opened_pair
from backends.durations import Duration
from backends.records import State, severity_rank, worst
from backends.text import Untrusted
from console.contracts.shapes import shape
from console.views.data.freshness import GAP, LEAST, Freshness, freshness, request_time, times_of
from console.views.health.model import View
from console.views.lineage.windows import TwoWindows

WARNING: Final = 0.001
CRITICAL: Final = 0.02
"""Share of the requests whose values differ; as for values outside a contract."""

GAP_WARNING: Final = 0.01
GAP_CRITICAL: Final = 0.05
"""Distance of the shares of missing values, or of defaults, of both sides."""

SAMPLE: Final = 3


@dataclass(frozen=True, slots=True)
class ParityAsked:
    """What is compared. `columns` empty: every column that both sides have, beside the keys."""

    keys: tuple[str, ...]
    columns: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 1e-6
    """Relative to the greater of two numbers."""
    show_values: bool = False
    times: Mapping[str, str] = field(default_factory=dict)
    """Columns with the time of a feature, by the feature; of one that is not named, `<feature>_at` where both sides have it."""
    request_time: str | None = None
    """The column of the online side with the time of the request; `event_at` where it has one."""
    gap: timedelta = GAP
    """How far the times of a feature may be apart."""


class Difference(View):
    """One request on both sides; the values as their shapes unless they were asked for."""

    key: Untrusted
    offline: Untrusted | None
    online: Untrusted | None
    redacted: bool


class ParityColumn(View):
    """One column over the requests that both sides have."""

    name: Untrusted
    state: State
    why: str
    differing: int | None
    share: float | None
    largest: float | None
    """The largest distance of two finite numbers."""
    nulls_offline: float | None
    nulls_online: float | None
    default: Untrusted | None = None
    defaults_offline: float | None = None
    defaults_online: float | None = None
    sample: tuple[Difference, ...] = ()
    training_window: Untrusted | None = None
    """Of a feature whose window of time is defined otherwise where the model serves; both or none."""
    serving_window: Untrusted | None = None


class ParityView(View):
    """Both sides, and every column, the worst first."""

    offline: Untrusted
    online: Untrusted
    keys: tuple[Untrusted, ...]
    offline_rows: int
    online_rows: int
    matched: int
    """Requests that stand exactly once on either side: all numbers are of these."""
    offline_only: int
    online_only: int
    repeated_offline: int
    repeated_online: int
    """Keys that stand more than once: they take no part."""
    missing_online: tuple[Untrusted, ...]
    missing_offline: tuple[Untrusted, ...]
    """Columns that only the other side has."""
    tolerance: float
    state: State
    columns: tuple[ParityColumn, ...]
    freshness: tuple[Freshness, ...]
    """Of each feature whose time both sides have, the worst first."""
    gap_limit: Duration
    request_time: Untrusted | None
    untimed: tuple[Untrusted, ...]
    """Compared columns without a time on both sides: how old they were nobody can tell."""


def parity(offline: str, online: str, asked: ParityAsked) -> ParityView:
    """Compare two files. Raises DataFileProblem."""
    with opened_pair(offline, online) as tables:
        return parity_of(tables.reference, tables.current, asked)


def parity_of(offline: Table, online: Table, asked: ParityAsked, windows: Mapping[str, TwoWindows] | None = None) -> ParityView:
    """Compare two tables of one connection; `windows` are the features whose definitions differ.

    Raises DataFileProblem for a key or column that is not there.
    """
    for table in (offline, online):
        for name in (*asked.keys, *asked.columns):
            table.column(name)
    shared = tuple(name for name in offline.columns if name in online.columns and name not in asked.keys)
    timed = times_of(offline, online, shared, asked.times)
    moment = request_time(online, asked.request_time)
    names = asked.columns or tuple(name for name in shared if name not in timed.values())
    unknown = [name for name in asked.defaults if name not in names]
    if unknown:
        raise DataFileProblem(f"a default is given for {unknown[0]!r}, which is not compared")
    comparable = [name for name in names if not _why_not(offline.columns[name], online.columns[name])]
    both = [(offline.columns[name], online.columns[name]) for name in comparable]
    laid = [*comparable, *timed.values()]
    with paired(offline, online, asked.keys, laid, moment) as pairs:
        if not pairs.matched:
            raise DataFileProblem(f"no request of {offline.given} is in {online.given} by {', '.join(asked.keys)}: nothing can be compared")
        defaults = {at: asked.defaults[name] for at, name in enumerate(comparable) if name in asked.defaults}
        counts = differing(offline, pairs, both, asked.tolerance, defaults)
        columns = [
            _column(offline, pairs, at, name, found, both[at], asked)
            for at, (name, found) in enumerate(zip(comparable, counts, strict=True))
        ]
        found_ages = ages(offline, pairs, range(len(comparable), len(laid)))
    fresh = [freshness(name, column, each, asked.gap, moment) for (name, column), each in zip(timed.items(), found_ages, strict=True)]
    fresh.sort(key=lambda each: severity_rank(each.state))
    columns += [_unfit(name, _why_not(offline.columns[name], online.columns[name])) for name in names if name not in comparable]
    columns = [_with_windows(each, (windows or {}).get(each.name.raw)) for each in columns]
    columns.sort(key=lambda each: (severity_rank(each.state), -(each.share or 0.0)))
    only = [name for name in offline.columns if name not in online.columns]
    return ParityView(
        offline=Untrusted(offline.given),
        online=Untrusted(online.given),
        keys=tuple(map(Untrusted, asked.keys)),
        offline_rows=offline.rows,
        online_rows=online.rows,
        matched=pairs.matched,
        offline_only=pairs.offline_only,
        online_only=pairs.online_only,
        repeated_offline=pairs.repeated_offline,
        repeated_online=pairs.repeated_online,
        missing_online=tuple(map(Untrusted, only)),
        missing_offline=tuple(Untrusted(name) for name in online.columns if name not in offline.columns),
        tolerance=asked.tolerance,
        state=worst([*(each.state for each in columns), *(each.state for each in fresh)]),
        columns=tuple(columns),
        freshness=tuple(fresh),
        gap_limit=asked.gap,
        request_time=None if moment is None else Untrusted(moment.name),
        untimed=tuple(Untrusted(name) for name in names if name not in timed and name not in BESIDE),
    )


def _with_windows(column: ParityColumn, found: TwoWindows | None) -> ParityColumn:
    if found is None:
        return column
    return column.model_copy(update={"training_window": Untrusted(found.training), "serving_window": Untrusted(found.serving)})


def _why_not(offline: TableColumn, online: TableColumn) -> str:
    """Why two columns cannot be held against each other; empty when they can. A category may be written as a number on one side."""
    for each in (offline, online):
        if each.why_not:
            return each.why_not
    kinds = {offline.kind, online.kind}
    if "timestamp" in kinds and len(kinds - {"empty"}) > 1:
        return f"is {offline.kind} offline and {online.kind} online"
    return ""


def _unfit(name: str, why: str) -> ParityColumn:
    return ParityColumn(
        name=Untrusted(name), state=State.UNKNOWN, why=why, differing=None, share=None, largest=None, nulls_offline=None, nulls_online=None
    )


def _column(
    table: Table, pairs: Pairs, at: int, name: str, found: Differing, both: tuple[TableColumn, TableColumn], asked: ParityAsked
) -> ParityColumn:
    n = pairs.matched
    share, nulls = found.differing / n, (found.nulls_offline / n, found.nulls_online / n)
    defaults = (
        None if found.defaults_offline is None or found.defaults_online is None else (found.defaults_offline / n, found.defaults_online / n)
    )
    state, why = _judged(n, share, nulls, defaults)
    broken = state in {State.WARNING, State.CRITICAL}
    sample = first_differing(table, pairs, at, both, asked.tolerance, SAMPLE) if broken else []
    return ParityColumn(
        name=Untrusted(name),
        state=state,
        why=why,
        differing=found.differing,
        share=share,
        largest=found.largest,
        nulls_offline=nulls[0],
        nulls_online=nulls[1],
        default=Untrusted(asked.defaults[name]) if name in asked.defaults else None,
        defaults_offline=defaults[0] if defaults else None,
        defaults_online=defaults[1] if defaults else None,
        sample=tuple(_difference(each, asked.show_values) for each in sample),
    )


def _judged(n: int, share: float, nulls: tuple[float, float], defaults: tuple[float, float] | None) -> tuple[State, str]:
    if n < LEAST:
        return State.UNKNOWN, f"{n:,} requests are on both sides; {LEAST} are needed"
    found = [(_state(share, WARNING, CRITICAL), f"{share * 100:.3g} % of {n:,} requests differ")]
    pairs: Sequence[tuple[str, tuple[float, float] | None]] = (("missing", nulls), ("default", defaults))
    for what, rates in pairs:
        if rates is not None:
            said = f"{rates[0] * 100:.3g} % {what} offline, {rates[1] * 100:.3g} % online"
            found.append((_state(abs(rates[1] - rates[0]), GAP_WARNING, GAP_CRITICAL), said))
    state = worst([each for each, _ in found])
    return state, "; ".join(said for each, said in found if each == state) if state is not State.OK else found[0][1]


def _state(value: float, warning: float, critical: float) -> State:
    return State.CRITICAL if value > critical else State.WARNING if value > warning else State.OK


def _difference(found: tuple[str, str | None, str | None], shown: bool) -> Difference:
    key, offline, online = (None if each is None else Untrusted(each if shown else shape(each)) for each in found)
    return Difference(key=key or Untrusted(""), offline=offline, online=online, redacted=not shown)
