"""Signs that a set of rows knows what it could not have known: single columns that tell the outcome, times that come too late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backends.data_files.columns import TableColumn
from backends.data_files.leakage_counts import Told, first_later, later_than, outcomes, told_by_absence, told_by_value
from backends.data_files.problem import DataFileProblem
from backends.data_files.table import ENGINE_MIB, Table, opened
from backends.records import State, severity_rank, worst
from backends.text import Untrusted
from console.views.data.leakage_checks import CRITICAL, LEAST, WARNING, CheckName, Late, LeakageCheck, interval, passed, too_good
from console.views.data.leakage_together import Together, shuffling
from console.views.health.model import View

SAMPLE: Final = 3


@dataclass(frozen=True, slots=True)
class LeakageAsked:
    """Which columns are what. `features` empty: every other column."""

    label: str
    label_time: str | None = None
    as_of_key: str | None = None
    feature_times: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    together: bool = False
    """Whether a model of all features is trained, to see what each tells beside the others."""


class LeakageView(View):
    """Every check, the worst first."""

    file: Untrusted
    label: Untrusted
    rows: int
    positives: int
    negatives: int
    warning: float
    critical: float
    state: State
    checks: tuple[LeakageCheck, ...]
    together: Together | None
    """How the features were tried together; None: they were not."""


def leakage(given: str, asked: LeakageAsked) -> LeakageView:
    """Check a file, or a pattern of files. Raises DataFileProblem, also for columns that are not there or not what they are said to be."""
    with opened(given, engine_mib=ENGINE_MIB) as table:
        label = table.column(asked.label)
        if label.kind not in {"boolean", "numeric"}:
            raise DataFileProblem(f"{given}: {asked.label} is {label.kind}; the outcome must be 0 and 1, or true and false")
        positives, negatives, others = outcomes(table, label)
        if others or not positives or not negatives:
            what = f"{others:,} values that are neither 0 nor 1" if others else f"{positives:,} rows with 1 and {negatives:,} with 0"
            raise DataFileProblem(f"{given}: {asked.label} has {what}; the outcome must be 0 and 1, and both must occur")
        features = [table.column(name) for name in _features(table, asked)]
        together, beside = shuffling(table, features, label) if asked.together else (None, ())
        checks = [*_times(table, asked), *_columns(table, features, label), *beside]
        checks.sort(key=lambda each: (severity_rank(each.state), -(each.auc or 1.0), -(each.lost or 0.0)))
        return LeakageView(
            file=Untrusted(given),
            label=Untrusted(asked.label),
            rows=table.rows,
            positives=positives,
            negatives=negatives,
            warning=WARNING,
            critical=CRITICAL,
            state=worst([each.state for each in checks]),
            checks=tuple(checks),
            together=together,
        )


def _times(table: Table, asked: LeakageAsked) -> Iterator[LeakageCheck]:
    label_time = _time(table, asked.label_time) if asked.label_time is not None else None
    features = [_time(table, name) for name in asked.feature_times]
    if asked.as_of_key is None:
        why = "no as-of key is named: nobody can tell as of when the features of a row were taken"
        yield LeakageCheck(check="as-of key", column=None, state=State.UNKNOWN, why=why, rows=table.rows)
        limit = label_time
    elif asked.as_of_key not in table.columns:
        why = "the rows have no such column, so nothing says as of when their features were taken"
        yield LeakageCheck(
            check="as-of key", column=Untrusted(asked.as_of_key), state=State.CRITICAL, why=why, rows=table.rows, count=table.rows
        )
        limit = label_time
    else:
        limit = _time(table, asked.as_of_key)
        yield _as_of(table, limit)
        if label_time is not None:
            yield _order(table, limit, label_time)
    if limit is not None:
        for column in features:
            yield _order(table, column, limit)
    if label_time is not None and limit is not None and limit.name != label_time.name:
        for column in features:
            yield _order(table, column, label_time)


def _time(table: Table, name: str) -> TableColumn:
    column = table.column(name)
    if column.kind != "timestamp" or column.why_not:
        raise DataFileProblem(f"{table.given}: {name} is {column.why_not or column.kind}, not a time")
    return column


def _as_of(table: Table, column: TableColumn) -> LeakageCheck:
    rows = later_than(table, column, column)[1]
    missing = table.rows - rows
    state = State.CRITICAL if missing else State.OK
    why = f"{missing:,} rows do not say as of when" if missing else "every row says as of when its features were taken"
    return LeakageCheck(check="as-of key", column=Untrusted(column.name), state=state, why=why, count=missing, rows=table.rows)


def _order(table: Table, column: TableColumn, limit: TableColumn) -> LeakageCheck:
    """One row from the future is too many: it shows that the join does not look at the time."""
    if column.zoned != limit.zoned:
        why = f"one of {column.name} and {limit.name} has a time zone and the other has none, so they have no common order"
        return LeakageCheck(check="time", column=Untrusted(column.name), state=State.UNKNOWN, why=why, rows=0)
    late, rows = later_than(table, column, limit)
    sample = first_later(table, column, limit, SAMPLE) if late else []
    if not rows:
        state, why = State.UNKNOWN, f"no row has both {column.name} and {limit.name}"
    elif late:
        state, why = State.CRITICAL, f"{late:,} of {rows:,} rows are later than {limit.name}"
    else:
        state, why = State.OK, f"none of {rows:,} rows is later than {limit.name}"
    return LeakageCheck(
        check="time", column=Untrusted(column.name), state=state, why=why, count=late if rows else None, rows=rows,
        sample=tuple(Late(row=row, time=Untrusted(time), limit=Untrusted(other)) for row, time, other in sample),
    )  # fmt: skip


def _features(table: Table, asked: LeakageAsked) -> Sequence[str]:
    special = {asked.label, asked.label_time, asked.as_of_key, *asked.feature_times, *asked.keys}
    return asked.features or [name for name in table.columns if name not in special]


def _columns(table: Table, features: Sequence[TableColumn], label: TableColumn) -> Iterator[LeakageCheck]:
    for column in features:
        name = column.name
        if column.kind in {"nested", "binary", "mixed", "empty"} or column.why_not:
            why = column.why_not or "no row has a value"
            yield LeakageCheck(check="alone", column=Untrusted(name), state=State.UNKNOWN, why=why, rows=0)
            continue
        yield _judged("alone", name, told_by_value(table, column, label), ordered=column.kind in {"numeric", "timestamp"})
        absence = told_by_absence(table, column, label)
        if absence.share != 0.5:
            yield _judged("absence", name, absence)


def _judged(check: CheckName, name: str, told: Told, *, ordered: bool = True) -> LeakageCheck:
    rows = told.positives + told.negatives
    if told.share is None or min(told.positives, told.negatives) < LEAST:
        why = f"{told.positives:,} rows with outcome 1 and {told.negatives:,} with 0 have a value; {LEAST} of each are needed"
        return LeakageCheck(check=check, column=Untrusted(name), state=State.UNKNOWN, why=why, rows=rows)
    # The folds of a category without any say come out a little below one half; that is no order turned round.
    auc = max(told.share, 1 - told.share if ordered else 0.5)
    low, high = interval(auc, told.positives, told.negatives)
    state = too_good(low)
    what = "alone" if check == "alone" else "by whether it has a value"
    why = f"tells the outcome {what} with AUC {auc:.3f} ({low:.3f}-{high:.3f}){passed(state)}"
    return LeakageCheck(check=check, column=Untrusted(name), state=state, why=why, auc=auc, low=low, high=high, rows=rows)
