"""Signals that come from outside a model's own rows: the age of its sources, pipeline runs, metrics that somebody lands."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from backends.store import queries
from backends.store.queries import MetricSeries
from backends.store.reader import Reader
from console.policies.rules import AlertRule
from console.render import figures
from console.views.health.judging import Judged, judge, limits_of, unknown
from console.views.health.measures import Measured
from console.views.health.subject import Subject
from console.views.health.windows import HOUR, Floats, Ints, Rows, moment_of


def freshness(rule: AlertRule, reader: Reader, subject: Subject, rows: Rows, at: datetime, strip: Ints) -> Judged:
    """Age of the stalest source that this model reads: its own predictions, and every feed that reports its age."""
    ends = strip
    places = np.searchsorted(rows.event_at, ends, side="right") - 1
    newest = rows.event_at[np.maximum(places, 0)] if len(rows) else np.zeros(len(ends), dtype=np.int64)
    # Before the first fact there was nothing to be old.
    ages = {"predictions": np.where(places >= 0, (ends - newest) / HOUR, np.nan)}
    for name, (seen_at, age) in _feeds(reader, subject, moment_of(int(ends[0])) - timedelta(days=1), at).items():
        seen = np.searchsorted(seen_at, ends, side="right") - 1
        ages[name] = np.where(seen >= 0, age[np.maximum(seen, 0)] + (ends - seen_at[np.maximum(seen, 0)]) / HOUR, np.nan)
    judged = []
    for name, values in ages.items():
        n = (~np.isnan(values)).astype(np.int64)
        judged.append(
            judge(rule, Measured(values, n, of=name, why_not="never seen"), limits_of(rule, subject.model.name, None), ends, strip)
        )
    return max(judged, key=lambda each: each.signal.value if each.signal.value is not None else -1.0)


def _feeds(reader: Reader, subject: Subject, start: datetime, end: datetime) -> dict[str, tuple[Ints, Floats]]:
    """Feeds that report how old their newest data is (metric `age_hours`, data layer), by their label `source`: when, and how old."""
    found: dict[str, tuple[Ints, Floats]] = {}
    for model in (None, subject.model.name):
        series = queries.metric_series(reader, subject.environment, "age_hours", start, end, model=model, layer="data")
        names = np.array([str(json.loads(labels).get("source", "feed")) for labels in series.labels.tolist()])
        for name in dict.fromkeys(names.tolist()):
            chosen = names == name
            found[name] = series.at[chosen].astype("datetime64[us]").astype(np.int64), series.value[chosen]
    return found


def failed_runs(rule: AlertRule, subject: Subject, at: datetime, strip: Ints) -> Judged:
    """Pipeline runs whose last state within the window is a failure."""
    ends, values, counted = strip, [], []
    for end in ends.tolist():
        moment = moment_of(end)
        last: dict[str, str] = {}
        seen = 0
        for run in sorted(subject.runs, key=lambda run: run.started_at):
            if moment - rule.window <= run.started_at <= moment and run.status in {"succeeded", "failed"}:
                last[run.pipeline] = run.status
                seen += 1
        values.append(float(sum(status == "failed" for status in last.values())) if seen else np.nan)
        counted.append(seen)
    del at
    measured = Measured(np.array(values), np.array(counted, dtype=np.int64), why_not="no pipeline run was recorded")
    return judge(rule, measured, limits_of(rule, subject.model.name, None), ends, strip)


def landed(rule: AlertRule, reader: Reader, subject: Subject, at: datetime, ends: Ints, strip: Ints) -> Judged:
    """A signal that somebody lands as a metric, under its name or as `metric.NAME`."""
    name = rule.signal.removeprefix("metric.")
    start = moment_of(int(min(ends[0], strip[0]))) - rule.window
    series = queries.metric_series(reader, subject.environment, name, start, at, model=subject.model.name, layer=rule.layer.value)
    if not len(series.at):
        return unknown(rule, f"nobody lands the metric {name}")
    width = round(max(rule.window.total_seconds(), 3600) * 1_000_000)
    values, n = _newest(series, ends, width)
    second = None
    if rule.together_with is not None:
        other = rule.together_with.signal.removeprefix("metric.")
        beside = queries.metric_series(reader, subject.environment, other, start, at, model=subject.model.name, layer=rule.layer.value)
        second = _newest(beside, ends, width)[0]
    times = _micros(series)
    # The window that is judged takes no part in its own limits.
    quiet = series.value[times <= times[-1] - width]
    past = quiet if any(limit == "calibrated" for limit in (rule.warning, rule.critical)) else None
    judged = judge(
        rule,
        Measured(values, n, why_not=f"the last {name} is older than {figures.age(rule.window)}", second=second),
        limits_of(rule, subject.model.name, past),
        ends,
        strip,
    )
    return replace(judged, signal=judged.signal.model_copy(update={"simulated": series.simulated}))


def _micros(series: MetricSeries) -> Ints:
    return series.at.astype("datetime64[us]").astype(np.int64)


def _newest(series: MetricSeries, ends: Ints, width: int) -> tuple[Floats, Ints]:
    """The newest value at each end and what it rests on; NaN and 0 where it is older than `width` microseconds."""
    if not len(series.at):
        return np.full(len(ends), np.nan), np.zeros(len(ends), dtype=np.int64)
    times = _micros(series)
    places = np.maximum(np.searchsorted(times, ends, side="right") - 1, 0)
    fresh = (times[places] <= ends) & (ends - times[places] <= width)
    n = np.where(fresh, np.nan_to_num(series.n[places], nan=1.0), 0).astype(np.int64)
    return np.where(fresh, series.value[places], np.nan), n
