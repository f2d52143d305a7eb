"""Two files of rows side by side: every column with its distances, its severity, and why; changes of the schema are never no drift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final, Literal

from pydantic import Field

from backends.data_files.columns import comparable
from backends.data_files.table import Table, Tables, opened_pair, threads
from backends.records import State, severity_rank
from backends.text import Untrusted
from console.analysis.effect import CHANCE
from console.closest import closest
from console.views.compare.column import ComparedColumn, compare_column, effort_of, is_retyped
from console.views.health.model import View

HELD_BYTES: Final = 448 << 20
"""Bytes of values that may be held at once; what needs more is taken by ranges of values and stays exact."""


Progress = Callable[[int, int], None]


class NoSuchColumn(ValueError):
    """A column that was asked for is on neither side."""


class NothingToCompare(ValueError):
    """A column that was asked for, or all that there are, cannot be compared; the message says why."""


class ComparedSide(View):
    """One side: what was named, and its rows."""

    path: Untrusted
    rows: int


class TypeChange(View):
    """The types of a column before and now, as the engine calls them."""

    reference: str
    current: str


class SchemaChanges(View):
    """Columns that only one side has, and columns of another type."""

    added: tuple[Untrusted, ...] = ()
    removed: tuple[Untrusted, ...] = ()
    type_changed: dict[str, TypeChange] = Field(default_factory=dict)


class CompareView(View):
    """Two files of rows, every column, the worst first."""

    reference: ComparedSide
    current: ComparedSide
    method: Literal["exact", "profile"]
    """`exact`, or `profile`: one pass, memory that does not grow with the rows, KS and Wasserstein with bounds."""
    changes: SchemaChanges = Field(alias="schema")
    columns: tuple[ComparedColumn, ...]
    severity: State
    note: str
    """What to keep in mind when many columns are compared at once."""


def compared(
    reference: str,
    current: str,
    asked: Sequence[str] = (),
    progress: Progress | None = None,
    *,
    profiles: bool = False,
    held: int = HELD_BYTES,
) -> CompareView:
    """Compare two files, or patterns of files, exactly; with `profiles` by one pass, with bounds. `asked` names the columns; all without.
    `held` is how many bytes of values may be held at once.

    Raises `backends.data_files.problem.DataFileProblem` when a side cannot be read, `NoSuchColumn` and `NothingToCompare`.
    """
    with opened_pair(reference, current) as tables:
        names = _names(tables, asked)
        _refuse(tables, names, asked)
        effort = effort_of(tables, held, profiles)
        found: dict[str, ComparedColumn] = {}
        with ThreadPoolExecutor(threads()) as pool:
            waiting = {
                pool.submit(compare_column, tables, name, f"counted_{at}", len(names), effort): name for at, name in enumerate(names)
            }
            try:
                for done in as_completed(waiting):
                    found[waiting[done]] = done.result()
                    if progress is not None:
                        progress(len(found), len(names))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                tables.connection.interrupt()
                raise
        columns = sorted(found.values(), key=_order)
        return CompareView(
            reference=_side(tables.reference),
            current=_side(tables.current),
            method="profile" if profiles else "exact",
            schema=_changes(tables, names),
            columns=tuple(columns),
            severity=min((each.severity for each in columns), key=severity_rank, default=State.UNKNOWN),
            note=_note(len(names)),
        )


def _side(table: Table) -> ComparedSide:
    return ComparedSide(path=Untrusted(table.given), rows=table.rows)


def _names(tables: Tables, asked: Sequence[str]) -> list[str]:
    known = list(dict.fromkeys([*tables.reference.columns, *tables.current.columns]))
    for name in asked:
        if name not in known:
            near = closest(name, known, n=3, cutoff=0.5) or known[:6]
            raise NoSuchColumn(f"no column {name!r} on either side; nearest: {', '.join(near)}")
    return [name for name in known if not asked or name in asked]


def _note(columns: int) -> str:
    counted = "1 column was compared" if columns == 1 else f"{columns} columns were compared"
    limit = (
        f"p below {CHANCE:g}" if columns == 1 else f"p below {CHANCE:g} / {columns}, since each column is one more chance of an accident"
    )
    return f"{counted}. p-values count rows, not importance; severity comes from the size of an effect, and needs {limit}."


def _refuse(tables: Tables, names: Sequence[str], asked: Sequence[str]) -> None:
    before, now = tables.reference.columns, tables.current.columns
    why = {
        name: comparable(before[name], now[name])
        for name in names
        if name in before and name in now and not is_retyped(before[name], now[name]) and comparable(before[name], now[name])
    }
    for name in asked:
        if name in why:
            raise NothingToCompare(f"column {name!r} cannot be compared: it {why[name]}")
    if len(why) == len(names):
        name, words = next(iter(why.items()))
        raise NothingToCompare(f"no column can be compared; {name!r} {words}")


def _changes(tables: Tables, names: Sequence[str]) -> SchemaChanges:
    before, now = tables.reference.columns, tables.current.columns
    return SchemaChanges(
        added=tuple(Untrusted(name) for name in names if name not in before),
        removed=tuple(Untrusted(name) for name in names if name not in now),
        type_changed={
            name: TypeChange(reference=before[name].type, current=now[name].type)
            for name in names
            if name in before and name in now and is_retyped(before[name], now[name])
        },
    )


def _order(column: ComparedColumn) -> tuple[int, float, str]:
    return severity_rank(column.severity), -(column.psi or 0.0), column.name.raw
