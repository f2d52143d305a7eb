"""Signals of the data layer that judge each input and report the worst."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from backends.records import severity_rank
from console.analysis.identifiers import TURNS
from console.policies.rules import AlertRule
from console.views.data.courses import Courses
from console.views.drift.column import TEXT
from console.views.drift.input_days import InputDays
from console.views.health.judging import Judged, Limits, judge, limits_of, unknown
from console.views.health.measures import Measured
from console.views.health.windows import Ints, moment_of

SMALL_PSI: Final = 0.1
"""A PSI up to this never alarms, however unusual: the customary bound of "no change"."""


MOVED: Final = "shares of rare categories moved by"
DIFFERENT: Final = "the share of different values changed by at least"
"""What the number of an input is where it is no PSI."""

TOO_MANY: Final = "its categories are too rare for the PSI, and too many to be kept by name"


def drift_signal(rule: AlertRule, model: str, inputs: InputDays, strip: Ints) -> Judged:
    """PSI of every input against the reference, judged by earlier windows of the same length.

    Of rare categories, which PSI does not see, how far their shares moved; of texts whether they are as different as they were.
    """
    length = max(1, round(rule.window.total_seconds() / 86_400))
    found = []
    for spec in inputs.specs:
        windows = [inputs.days_ending(moment_of(end), length) for end in strip.tolist()]
        measured = [inputs.judged_by(spec.column, window) for window in windows]
        if spec.kind == TEXT:
            found.append(_of_texts(rule, inputs, spec.column, windows, measured, strip))
            continue
        last = inputs.days_ending(moment_of(int(strip[-1])), 1)[0]
        past = [value for _, value in inputs.band(spec.column, last, length)]
        limits = limits_of(rule, model, np.array([value for value in past if value is not None]), column=spec.column)
        limits = not_for_little(limits)
        values = np.array([np.nan if value is None else value for value, _ in measured])
        n = np.array([rows for _, rows in measured], dtype=np.int64)
        blind = np.array([inputs.blind(spec.column, window) for window in windows])
        within = values <= min((limit for limit in (limits.warning, limits.critical) if limit is not None), default=np.inf)
        values[blind & within] = np.nan
        why_not = TOO_MANY if len(blind) and blind[-1] else "no facts in the window"
        is_a = MOVED if measured and measured[-1][0] != inputs.psi(spec.column, windows[-1])[0] else ""
        found.append(judge(rule, Measured(values, n, of=spec.column, why_not=why_not, is_a=is_a), limits, strip, strip))
    return worst_of(rule, found, "no inputs are logged with the predictions")


def _of_texts(
    rule: AlertRule,
    inputs: InputDays,
    column: str,
    windows: Sequence[Sequence[date]],
    measured: Sequence[tuple[float | None, int]],
    strip: Ints,
) -> Judged:
    """A column of texts: critical, whatever was usual, where an identifier began to repeat, or the reverse."""
    shares = [inputs.different(column, window) for window in windows]
    values = np.array([np.nan if each is None else each.change for each in shares])
    limits = Limits(None, TURNS, "that an identifier repeats, or the reverse, is no matter of what is usual")
    n = np.array([rows for _, rows in measured], dtype=np.int64)
    why_not = "how many of its values are different is not known on both sides"
    return judge(rule, Measured(values, n, of=column, is_a=DIFFERENT, why_not=why_not), limits, strip, strip)


def block_signals(rules: dict[str, AlertRule], courses: Courses) -> dict[str, Judged]:
    """Nulls, ranges, repeats and schema over 24 hours at every strip end, each by the worst of its columns."""
    found: dict[str, Judged] = {}
    columns = courses.agreed.columns
    for name, rule in rules.items():
        if name == "schema_violations":
            found[name] = _schema(rule, courses)
        elif name == "duplicate_share":
            found[name] = worst_of(rule, [courses.repeats(rule), *(courses.repeats(rule, key) for key in courses.agreed.keys)], "")
        else:
            of = courses.nulls if name == "null_share" else courses.out_of_range
            beside = courses.agreed.references.together.values() if name == "out_of_range_share" else ()
            judged = [*(of(rule, column) for column in columns), *(courses.strangers(rule, each) for each in beside)]
            found[name] = worst_of(rule, judged, "no inputs are logged with the predictions")
    return found


def _schema(rule: AlertRule, courses: Courses) -> Judged:
    """Columns that never came, are of another kind, or hold values outside what is allowed."""
    wrong = np.zeros(len(courses.strip))
    named = None
    for name, each in courses.violations():
        wrong += each
        named = name if each[-1] else named
    return courses.schema(rule, wrong, named)


def worst_of(rule: AlertRule, judged: Sequence[Judged], why_none: str) -> Judged:
    """The column in the worst state; among equals the one nearest to, or furthest beyond, its limit."""
    if not judged:
        return unknown(rule, why_none)

    def key(each: Judged) -> tuple[int, float]:
        limit = each.signal.warning or each.signal.critical or 1.0
        return severity_rank(each.signal.state), -(each.signal.value or 0.0) / limit

    return min(judged, key=key)


def not_for_little(limits: Limits) -> Limits:
    """Limits of a PSI taken from a quiet past, raised to what is no change at all by custom."""
    return Limits(_at_least(limits.warning, SMALL_PSI), _at_least(limits.critical, 2 * SMALL_PSI), limits.because)


def _at_least(value: float | None, floor: float) -> float | None:
    return None if value is None else max(value, floor)
