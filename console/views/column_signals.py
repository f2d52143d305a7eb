"""Signals of the data layer that judge each input and report the worst."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np

from backends.records import Column, Signature, severity_rank
from backends.store.columns import Blocks, ColumnCheck, column_blocks
from backends.store.reader import Reader
from console.policies.rules import AlertRule
from console.views.input_days import InputDays
from console.views.judging import Judged, Limits, judge, limits_of, unknown
from console.views.measures import Measured
from console.views.windows import STRIP_STEP_HOURS, Floats, Ints, moment_of

SMALL_PSI: Final = 0.1
"""A PSI up to this never alarms, however unusual: the customary bound of "no change"."""


def drift_signal(rule: AlertRule, model: str, inputs: InputDays, strip: Ints) -> Judged:
    """PSI of every input against the reference, judged by earlier windows of the same length."""
    length = max(1, round(rule.window.total_seconds() / 86_400))
    found = []
    for spec in inputs.specs:
        measured = [inputs.psi(spec.column, inputs.days_ending(moment_of(end), length)) for end in strip.tolist()]
        last = inputs.days_ending(moment_of(int(strip[-1])), 1)[0]
        past = [value for _, value in inputs.band(spec.column, last, length)]
        limits = limits_of(rule, model, np.array([value for value in past if value is not None]), column=spec.column)
        limits = not_for_little(limits)
        values = np.array([np.nan if value is None else value for value, _ in measured])
        n = np.array([rows for _, rows in measured], dtype=np.int64)
        found.append(judge(rule, Measured(values, n, of=spec.column, why_not="no facts in the window"), limits, strip, strip))
    return worst_of(rule, found, "no inputs are logged with the predictions")


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


def not_for_little(limits: Limits) -> Limits:
    """Limits of a PSI taken from a quiet past, raised to what is no change at all by custom."""
    return Limits(_at_least(limits.warning, SMALL_PSI), _at_least(limits.critical, 2 * SMALL_PSI), limits.because)


def _at_least(value: float | None, floor: float) -> float | None:
    return None if value is None else max(value, floor)
