"""One column of two files: its distances, whatever it takes to read it, and how bad they are."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import Field

from backends.data_files.columns import WHOLE_UP_TO, TableColumn, comparable
from backends.data_files.table import Tables, threads
from backends.data_files.values import TooLarge, categories, from_least, names_rows, numbers, pieces_of_numbers, present, sampled_numbers
from backends.profile.profile import Profile, merge_profiles
from backends.records import State
from backends.text import Untrusted
from console.analysis.bands import MINIMUM_ROWS
from console.analysis.distances import (
    SHARE_FLOOR,
    chi2_test,
    different_among,
    jensen_shannon_distance,
    population_stability_index,
    reshuffle,
)
from console.analysis.drift import MISSING_SIDE, ColumnDrift
from console.analysis.effect import Effect, judged
from console.analysis.estimates import estimated, specs_of
from console.analysis.identifiers import IDENTIFIER
from console.analysis.samples import NumberKind, Sample, compare_sorted, profile_of
from console.views.compare.ranges import exact_by_ranges
from console.views.health.model import View

if TYPE_CHECKING:
    from backends.data_files.values import Cursor

METRICS: Final = ("psi", "js", "chi2", "ks", "wasserstein")
NO_ORDER: Final = dict.fromkeys(("ks", "wasserstein"), "categories have no order")


class ComparedColumn(View):
    """One column. `n_*` are rows with a value, `missing_*` shares of rows without one. What cannot be computed is null, with the reason."""

    name: Untrusted
    kind: str
    n_reference: int
    n_current: int
    missing_reference: float | None
    missing_current: float | None
    psi: float | None = None
    js: float | None = None
    ks: float | None = None
    ks_high: float | None = None
    """From profiles KS lies between `ks` and this; exact, they are equal."""
    ks_p_value: float | None = None
    wasserstein: float | None = None
    wasserstein_low: float | None = None
    wasserstein_high: float | None = None
    chi2: float | None = None
    chi2_p_value: float | None = None
    new_categories: tuple[Untrusted, ...] = ()
    """The most frequent ones, at most a hundred; `new_count` says how many there are."""
    vanished_categories: tuple[Untrusted, ...] = ()
    new_count: int = 0
    vanished_count: int = 0
    free_text: bool = False
    """Free text or an identifier: shares of its values are counted like any, and say nothing."""
    severity: State
    reason: str
    notes: tuple[str, ...] = ()
    reasons: dict[str, str] = Field(default_factory=dict)
    """Why a distance is null, by its name."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How numbers are read: by profiles, as whole columns of which so many fit at once, or `target` values at a time."""

    profiles: bool
    whole: bool
    target: int
    room: threading.Semaphore


def effort_of(tables: Tables, held: int, profiles: bool) -> Effort:
    """How to read numbers when `held` bytes of values may be held at once."""
    column = 8 * (tables.reference.rows + tables.current.rows)
    # A range is held beside its merged copy and the ranks of both sides.
    return Effort(profiles, column <= held, max(1, held // 64), threading.Semaphore(max(1, min(threads(), held // max(1, column)))))


def is_retyped(reference: TableColumn, current: TableColumn) -> bool:
    """Text files have no types of their own: there only another kind of value is another type."""
    if "empty" in {reference.kind, current.kind}:
        return False
    if reference.inferred or current.inferred:
        return reference.kind != current.kind or reference.zoned != current.zoned
    return reference.type != current.type


def compare_column(tables: Tables, name: str, scratch: str, columns: int, effort: Effort) -> ComparedColumn:
    """Compare the column `name`, one of `columns`; `scratch` names a table that nobody else uses. Raises the engine's own error."""
    before, now = tables.reference.columns.get(name), tables.current.columns.get(name)
    cursor = tables.connection.cursor()
    try:
        if before is None or now is None:
            return _one_sided(cursor, tables, name, before, now)
        why = comparable(before, now)
        if why:
            return _refused(cursor, tables, before, now, why)
        one, two = _settled(before, now)
        if one.kind in {"numeric", "timestamp"}:
            try:
                return _numbers(cursor, tables, one, two, columns, is_retyped(before, now), effort, whole=one.whole and two.whole)
            except TooLarge:
                return _large(cursor, tables, one, two, columns, is_retyped(before, now), effort)
        return _categories(cursor, tables, one, two, scratch, columns, is_retyped(before, now))
    finally:
        cursor.close()


def _settled(before: TableColumn, now: TableColumn) -> tuple[TableColumn, TableColumn]:
    """A column without any value takes the kind of the other side."""
    kind = now.kind if before.kind == "empty" else before.kind
    kind = "numeric" if kind == "empty" else kind
    one = replace(before, kind=kind) if before.kind == "empty" else before
    return one, replace(now, kind=kind) if now.kind == "empty" else now


def _one_sided(cursor: Cursor, tables: Tables, name: str, before: TableColumn | None, now: TableColumn | None) -> ComparedColumn:
    n = present(cursor, tables.reference, before) if before else 0
    m = present(cursor, tables.current, now) if now else 0
    reason = "removed: only the reference has this column" if before else "added: only the current rows have this column"
    kind = before.kind if before else now.kind if now else ""
    return ComparedColumn(
        name=Untrusted(name), kind=kind, n_reference=n, n_current=m,
        missing_reference=_share(tables.reference.rows - n, tables.reference.rows) if before else None,
        missing_current=_share(tables.current.rows - m, tables.current.rows) if now else None,
        severity=State.CRITICAL if before else State.WARNING, reason=reason, reasons=dict.fromkeys(METRICS, reason),
    )  # fmt: skip


def _refused(cursor: Cursor, tables: Tables, before: TableColumn, now: TableColumn, why: str) -> ComparedColumn:
    n, m = present(cursor, tables.reference, before), present(cursor, tables.current, now)
    retyped = is_retyped(before, now)
    return ComparedColumn(
        name=Untrusted(before.name), kind=before.kind, n_reference=n, n_current=m,
        missing_reference=_share(tables.reference.rows - n, tables.reference.rows),
        missing_current=_share(tables.current.rows - m, tables.current.rows),
        severity=State.CRITICAL if retyped else State.UNKNOWN,
        reason=f"type changed from {before.type} to {now.type}: {why}" if retyped else why, reasons=dict.fromkeys(METRICS, why),
    )  # fmt: skip


def _numbers(
    cursor: Cursor, tables: Tables, before: TableColumn, now: TableColumn, columns: int, retyped: bool, effort: Effort, *, whole: bool
) -> ComparedColumn:
    kind: NumberKind = "timestamp" if before.kind == "timestamp" else "numeric"
    if effort.profiles:
        drift = _estimate(cursor, tables, before, now, kind)
    else:
        with effort.room:
            drift = (
                _exact(cursor, tables, before, now, kind)
                if effort.whole
                else exact_by_ranges(cursor, tables, before, now, kind, effort.target)
            )
    bins = 2 if drift.notes and "collapse" in drift.notes[0] else 10
    effect = judged(drift, bins=bins, columns=columns)
    if (
        effect.state in {State.WARNING, State.CRITICAL}
        and whole
        and all(names_rows(cursor, table, column) for table, column in ((tables.reference, before), (tables.current, now)))
    ):
        effect = judged(drift, bins=bins, columns=columns, unlike=1.0)
    return _told(drift, effect, before, now, retyped)


def _large(
    cursor: Cursor, tables: Tables, before: TableColumn, now: TableColumn, columns: int, retyped: bool, effort: Effort
) -> ComparedColumn:
    """Whole numbers of which floats lose the last digits: compared as distances from the least one."""
    note = "beside numbers with a fraction whole numbers this large lose their last digits"
    whole = all(each.whole or each.value == "NULL" for each in (before, now))
    if whole:
        least, longest, (before, now) = from_least(cursor, ((tables.reference, before), (tables.current, now)))
        note = f"bins are told as distances from {least}, since floats lose the last digits of such numbers"
        if longest > WHOLE_UP_TO:
            note += f"; numbers less than {math.ulp(longest):g} apart are taken for equal"
    found = _numbers(cursor, tables, replace(before, whole=False), replace(now, whole=False), columns, retyped, effort, whole=whole)
    return found.model_copy(update={"notes": (*found.notes, note)})


def _exact(cursor: Cursor, tables: Tables, before: TableColumn, now: TableColumn, kind: NumberKind) -> ColumnDrift:
    one, two = numbers(cursor, tables.reference, before), numbers(cursor, tables.current, now)
    return compare_sorted(Sample(one, tables.reference.rows - one.size), Sample(two, tables.current.rows - two.size), before.name, kind)


def _estimate(cursor: Cursor, tables: Tables, before: TableColumn, now: TableColumn, kind: NumberKind) -> ColumnDrift:
    bins, fine = specs_of(Sample(sampled_numbers(cursor, tables.reference, before), 0), tables.reference.rows, before.name, kind)
    found = []
    for table, column in ((tables.reference, before), (tables.current, now)):
        merged = merge_profiles(profile_of(Sample(part, 0), fine) for part in pieces_of_numbers(cursor, table, column))
        assert isinstance(merged, Profile), "a table has at least one piece"
        found.append(replace(merged, nulls=table.rows - merged.n))
    return estimated(found[0], found[1], bins)


def _categories(
    cursor: Cursor, tables: Tables, before: TableColumn, now: TableColumn, scratch: str, columns: int, retyped: bool
) -> ComparedColumn:
    counts = categories(cursor, tables.reference, tables.current, (before, now), scratch)
    n, m = counts.n
    drift = ColumnDrift(
        column=before.name, kind=before.kind, method="samples", n_reference=n, n_current=m,
        missing_reference=_share(tables.reference.rows - n, tables.reference.rows),
        missing_current=_share(tables.current.rows - m, tables.current.rows), reasons=dict(NO_ORDER),
    )  # fmt: skip
    rare = reshuffle(counts.reference, counts.current, counts.times)
    chi2 = chi2_test(counts.reference, counts.current, counts.times)
    if chi2 is None:
        drift = replace(drift, reasons={**drift.reasons, **dict.fromkeys(("psi", "js", "chi2"), MISSING_SIDE)})
        bins, unlike, different = 0, 0.0, None
    else:
        drift = replace(
            drift,
            psi=population_stability_index(counts.reference, counts.current, counts.times),
            js=jensen_shannon_distance(counts.reference, counts.current, counts.times),
            chi2=chi2.statistic,
            chi2_p_value=chi2.p_value,
        )
        held = np.maximum(counts.reference / n, counts.current / m) > SHARE_FLOOR
        bins = int(counts.times[held].sum())
        unlike = max(float(counts.times[side > 0].sum()) / rows for side, rows in ((counts.reference, n), (counts.current, m)))
        each = [different_among(min(n, m), side, counts.times) for side in (counts.reference, counts.current)]
        different = (each[0], each[1]) if unlike > IDENTIFIER else None
    listed = {
        "free_text": unlike > IDENTIFIER and min(n, m) >= MINIMUM_ROWS,
        "new_categories": tuple(map(Untrusted, counts.new)) if n else (),
        "vanished_categories": tuple(map(Untrusted, counts.vanished)) if m else (),
        "new_count": counts.new_count if n else 0,
        "vanished_count": counts.vanished_count if m else 0,
    }
    return _told(
        drift, judged(drift, bins=bins, columns=columns, unlike=unlike, different=different, rare=rare), before, now, retyped
    ).model_copy(update=listed)


def _told(drift: ColumnDrift, effect: Effect, before: TableColumn, now: TableColumn, retyped: bool) -> ComparedColumn:
    state, reason = effect.state, effect.reason
    if retyped:
        state = state if state is State.CRITICAL else State.WARNING
        reason = f"type changed from {before.type} to {now.type}; {reason}"
    return ComparedColumn(
        name=Untrusted(drift.column), kind=drift.kind, n_reference=drift.n_reference, n_current=drift.n_current,
        missing_reference=drift.missing_reference, missing_current=drift.missing_current, psi=drift.psi, js=drift.js, ks=drift.ks,
        ks_high=drift.ks_high, ks_p_value=drift.ks_p_value, wasserstein=drift.wasserstein,
        wasserstein_low=drift.wasserstein_low, wasserstein_high=drift.wasserstein_high, chi2=drift.chi2, chi2_p_value=drift.chi2_p_value,
        severity=state, reason=reason, notes=drift.notes, reasons=drift.reasons,
    )  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
