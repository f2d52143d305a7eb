"""Signals of the data layer that judge each input and report the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from backends.profile.profile import ColumnKind, ColumnSpec, Profile, merge_profiles
from backends.profile.sql import profile_columns, reference_specs
from backends.records import Column, Signature, severity_rank
from backends.store.columns import Blocks, ColumnCheck, column_blocks
from backends.store.reader import Reader
from console.analysis.bands import equal_weekdays
from console.analysis.drift import compare
from console.policies.rules import AlertRule
from console.views.judging import Judged, Limits, judge, limits_of, unknown
from console.views.measures import Measured
from console.views.windows import STRIP_STEP_HOURS, Floats, Ints, Reference, moment_of

SMALL_PSI: Final = 0.1
"""A PSI up to this never alarms, however unusual: the customary bound of "no change"."""

BAND_WINDOWS: Final = 15


@dataclass(frozen=True, slots=True)
class InputDays:
    """Profiles of every input by UTC day, on edges fixed by the reference."""

    reference: Reference
    specs: tuple[ColumnSpec, ...]
    days: dict[date, dict[str, Profile]]
    calendar: frozenset[str]

    def over(self, column: str, days: Sequence[date]) -> Profile | None:
        """The profile of a column over some days, those without facts left out."""
        found = [self.days[day][column] for day in days if day in self.days and column in self.days[day]]
        return merge_profiles(found) if found else None

    def reference_days(self) -> list[date]:
        """The UTC days of the reference."""
        first, last = self.reference.start.astimezone(UTC).date(), (self.reference.end - timedelta(microseconds=1)).astimezone(UTC).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def psi(self, column: str, days: Sequence[date]) -> tuple[float | None, int]:
        """PSI of some days against the reference, and the rows; calendar columns against equal weekdays only."""
        against = self.reference_days()
        if column in self.calendar:
            against = list(equal_weekdays([day for day in against if day in self.days], [day for day in days if day in self.days]).days)
        before, now = self.over(column, against), self.over(column, days)
        if before is None or now is None:
            return None, 0
        return compare(before, now).psi, now.n


def input_days(reader: Reader, environment: str, model: str, signature: Signature | None, reference: Reference, end: datetime) -> InputDays:
    """Profile every input by day, from the earliest window that a band needs up to `end`."""
    stored = reader.features(model)
    declared = {column.name: column for column in signature.inputs} if signature else {}
    names = [name for name in stored if not declared or name in declared]
    kinds: dict[str, ColumnKind] = {name: declared[name].kind for name in names if name in declared}
    start = end - timedelta(days=120)

    def live(first: datetime, last: datetime) -> str:
        chosen = reader.rows("predictions", model=model, start=first, end=last)
        return f"(SELECT * FROM {chosen} WHERE role = 'live' AND environment = '{environment.replace(chr(39), chr(39) * 2)}')"

    def run(sql: str, parameters: Sequence[object]) -> list[tuple[object, ...]]:
        return reader.fetch(sql, list(parameters))

    specs = reference_specs(run, live(reference.start, reference.end), names, kinds) if names else ()
    profiled = profile_columns(run, live(start, end), specs, by=["strftime(event_at, '%Y-%m-%d')"]) if specs else {}
    days = {date.fromisoformat(str(key[0])): {profile.column: profile for profile in found} for key, found in profiled.items()}
    return InputDays(reference, specs, days, frozenset(name for name, column in declared.items() if column.calendar))


def days_ending(end: datetime, count: int) -> list[date]:
    """The UTC day in which a window ends, and the `count - 1` days before it."""
    last = (end - timedelta(microseconds=1)).astimezone(UTC).date()
    return [last - timedelta(days=back) for back in range(count - 1, -1, -1)]


def drift_signal(rule: AlertRule, model: str, inputs: InputDays, strip: Ints) -> Judged:
    """PSI of every input against the reference, judged by earlier windows of the same length."""
    length = max(1, round(rule.window.total_seconds() / 86_400))
    found = []
    for spec in inputs.specs:
        measured = [inputs.psi(spec.column, days_ending(moment_of(end), length)) for end in strip.tolist()]
        past = band_of(inputs, spec.column, moment_of(int(strip[-1])), length)
        limits = limits_of(rule, model, np.array([value for value in past if value is not None]), column=spec.column)
        limits = Limits(_at_least(limits.warning, SMALL_PSI), _at_least(limits.critical, SMALL_PSI * 1.5), limits.because)
        values = np.array([np.nan if value is None else value for value, _ in measured])
        n = np.array([rows for _, rows in measured], dtype=np.int64)
        found.append(judge(rule, Measured(values, n, of=spec.column, why_not="no facts in the window"), limits, strip, strip))
    return worst_of(rule, found, "no inputs are logged with the predictions")


def band_of(inputs: InputDays, column: str, end: datetime, length: int) -> list[float | None]:
    """PSI of up to 15 earlier windows of `length` days that do not overlap, newest last."""
    values: list[float | None] = []
    for back in range(BAND_WINDOWS, 0, -1):
        days = days_ending(end - timedelta(days=back * length), length)
        whole = all(day in inputs.days for day in days)
        values.append(inputs.psi(column, days)[0] if whole else None)
    return values


def block_signals(
    rules: dict[str, AlertRule], reader: Reader, environment: str, model: str, signature: Signature | None, strip: Ints
) -> dict[str, Judged]:
    """Nulls, ranges, repeats and schema over 24 hours at every strip end, from counts in blocks."""
    if not rules:
        return {}
    columns = list(signature.inputs) if signature else [Column(name=name, kind="text") for name in reader.features(model)]
    checks = [ColumnCheck(column.name, column.minimum, column.maximum, column.allowed) for column in columns]
    step = timedelta(hours=STRIP_STEP_HOURS)
    start = moment_of(int(strip[0])) - 2 * step
    counted = column_blocks(reader, environment, model, start=start, step=step, blocks=len(strip) + 1, checks=checks)
    rows = _pairs(counted.rows)
    found: dict[str, Judged] = {}
    for name, rule in rules.items():
        if name == "schema_violations":
            found[name] = _schema(rule, model, counted, columns, rows, strip)
        elif name == "duplicate_share":
            measured = Measured(_share(_pairs(counted.repeats), rows), rows, why_not="nothing was scored")
            found[name] = judge(rule, measured, limits_of(rule, model, None), strip, strip)
        else:
            counts = counted.missing if name == "null_share" else counted.outside
            found[name] = _by_column(rule, model, columns, counts, rows, strip)
    return found


def _by_column(rule: AlertRule, model: str, columns: Sequence[Column], counts: dict[str, list[int]], rows: Ints, strip: Ints) -> Judged:
    judged = []
    for column in columns:
        measured = Measured(_share(_pairs(counts[column.name]), rows), rows, of=column.name, why_not="nothing was scored in 24 h")
        limits = limits_of(rule, model, None, column=column.name, declared=column.max_null_share)
        judged.append(judge(rule, measured, limits, strip, strip))
    return worst_of(rule, judged, "no inputs are logged with the predictions")


def _schema(rule: AlertRule, model: str, counted: Blocks, columns: Sequence[Column], rows: Ints, strip: Ints) -> Judged:
    """Columns that never came, or that hold values outside what the contract allows."""
    gone = np.zeros(len(strip))
    named = ""
    for column in columns:
        missing = _pairs(counted.missing[column.name])
        strange = _pairs(counted.outside[column.name]) if column.allowed is not None else np.zeros(len(strip), dtype=np.int64)
        wrong = ((missing == rows) & (rows > 0)) | (strange > 0)
        gone += wrong
        if wrong[-1]:
            named = column.name
    values = np.where(rows > 0, gone, np.nan)
    return judge(
        rule, Measured(values, rows, of=named or None, why_not="nothing was scored in 24 h"), limits_of(rule, model, None), strip, strip
    )


def worst_of(rule: AlertRule, judged: Sequence[Judged], why_none: str) -> Judged:
    """The column in the worst state; among equals the one nearest to, or furthest beyond, its limit."""
    if not judged:
        return unknown(rule, why_none)

    def key(each: Judged) -> tuple[int, float]:
        limit = each.signal.warning or each.signal.critical or 1.0
        return severity_rank(each.signal.state), -(each.signal.value or 0.0) / limit

    return min(judged, key=key)


def _pairs(counts: Sequence[int]) -> Ints:
    """Blocks of half a window, added up to windows that end with each block but the first."""
    blocks = np.array(counts, dtype=np.int64)
    return blocks[:-1] + blocks[1:]


def _share(part: Ints, whole: Ints) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _at_least(value: float | None, floor: float) -> float | None:
    return None if value is None else max(value, floor)
