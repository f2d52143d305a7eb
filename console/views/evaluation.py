"""Evaluating one model: every rule that watches it, judged over time, put together into its health."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from backends.protocol import AliasMove
from backends.records import Layer, Model, ModelVersion, PipelineRun, State, SwitchState, worst
from backends.store import queries
from backends.store.reader import Reader
from console.analysis.slo import EventCounts, budget_status
from console.policies.load import Policies
from console.policies.rules import AlertRule, GoodEvents, GoodSlices, Slo
from console.render import figures
from console.views.column_signals import block_signals, drift_signal, not_for_little
from console.views.health import Budget, LabelCoverage, LayerHealth, ModelHealth, Signal
from console.views.input_days import input_days
from console.views.judging import Judged, judge, limits_of, silent, trouble_began, unknown
from console.views.measures import HOURLY, STEPWISE, Material, Measured, quality_between
from console.views.serving import Serving, serving_at
from console.views.windows import (
    HOUR,
    Floats,
    Ints,
    Reference,
    Rows,
    hourly_ends,
    micros,
    moment_of,
    reference_of,
    strip_ends,
)

BLOCKS: Final = frozenset({"schema_violations", "null_share", "out_of_range_share", "duplicate_share"})
LOOK_BACK: Final = timedelta(days=75)
"""Rows further back than this take no part in a judgement."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated, and what is known of it beside its rows."""

    environment: str
    model: Model
    version: ModelVersion | None
    aliases: Sequence[AliasMove]
    switch: SwitchState
    incidents: tuple[str, ...]
    runs: Sequence[PipelineRun]
    onset: datetime | None = None
    """When the oldest open incident began; None without one."""
    overrides: Sequence[tuple[datetime, datetime]] = ()
    """Stretches in which a person had the switch at something else than normal: what answered then was meant to."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's health, and every signal with its course."""

    health: ModelHealth
    judged: tuple[Judged, ...]
    rows: Rows
    reference: Reference | None


def evaluate(reader: Reader, policies: Policies, subject: Subject, at: datetime) -> Evaluated:
    """Judge a model at `at` by the policies in force."""
    model = subject.model
    serving = serving_at(subject.aliases, at)
    rows = as_meant(live_rows(reader, subject.environment, model.name, at - LOOK_BACK, at), subject.overrides)
    first = moment_of(int(rows.event_at[0])) if len(rows) else None
    reference = reference_of(serving.since, first, at)
    rules = policies.rules_for(model.name, subject.environment, model.task)
    hourly, strip = hourly_ends(at), strip_ends(at)
    material = _material(reader, subject, serving, rows, reference, at)
    judged = [
        *_from_rows(rules, model.name, material, hourly, strip),
        *_from_columns(reader, rules, subject, reference, at, strip),
        *_from_elsewhere(reader, rules, subject, rows, at, strip),
    ]
    order = {rule.id: number for number, rule in enumerate(rules)}
    judged.sort(key=lambda each: order.get(each.signal.id, len(order)))
    budget, burn = _budgets(policies, rules, subject, rows, judged, at, strip)
    if burn is not None:
        judged.append(burn)
    # What no model needs and nobody lands says nothing about this one; rules that ask for it by name still find it.
    shown = tuple(each for each in judged if each.rule is None or each.rule.needed or each.signal.value is not None)
    return Evaluated(_health(subject, serving, rows, reference, shown, budget, at, strip, reader), tuple(judged), rows, reference)


def live_rows(reader: Reader, environment: str, model: str, start: datetime, end: datetime) -> Rows:
    """The live rows of a model with the labels known now, in order of time."""
    found = queries.scored(reader, environment, model, start, end, role="live")
    return rows_of(found)


def as_meant(rows: Rows, overrides: Sequence[tuple[datetime, datetime]]) -> Rows:
    """Rows with those that a person's switch had answered marked `switch`: neither a fault nor a broken promise."""
    if not overrides:
        return rows
    served_by = rows.served_by.copy()
    for start, end in overrides:
        # The request that was under way when the switch moved may still be answered the other way.
        inside = (rows.event_at >= micros(start) - HOUR) & (rows.event_at <= micros(end) + HOUR)
        served_by[inside & (served_by != "model")] = "switch"
    return replace(rows, served_by=served_by)


def rows_of(found: queries.Scored) -> Rows:
    """Scored rows laid out for judging."""
    event_at = found.event_at.astype("datetime64[us]").astype(np.int64)
    order = np.argsort(event_at, kind="stable")
    known_at = found.label_known_at.astype("datetime64[us]").astype(np.int64)
    return Rows(
        key=found.key[order],
        event_at=event_at[order],
        score=found.score[order],
        label=found.label[order],
        label_known_at=np.where(np.isnan(found.label), np.iinfo(np.int64).max, known_at)[order],
        latency_ms=found.latency_ms[order],
        version=found.version[order],
        served_by=found.served_by[order],
    )


def _material(reader: Reader, subject: Subject, serving: Serving, rows: Rows, reference: Reference | None, at: datetime) -> Material:
    model = subject.model
    before = _scores_of_before(reader, subject, serving, rows, at)
    delay = round(model.label_delay_hours * HOUR) if model.label_delay_hours is not None else None
    return Material(rows, model.task, micros(at), reference, before, serving.before, model.threshold, delay)


def _scores_of_before(reader: Reader, subject: Subject, serving: Serving, rows: Rows, at: datetime) -> Floats | None:
    """What the version before would have scored on the rows since this one serves, where it scored them in the shadow."""
    if serving.before is None or serving.since is None or not len(rows):
        return None
    start = max(serving.since, at - timedelta(days=28))
    shadow = queries.scored(reader, subject.environment, subject.model.name, start, at, role="shadow", versions=[serving.before])
    if not len(shadow.key):
        return None
    scores = dict(zip(shadow.key.tolist(), shadow.score.tolist(), strict=True))
    found = np.full(len(rows), np.nan)
    first = int(np.searchsorted(rows.event_at, micros(start)))
    mine = (rows.version[first:] == serving.version).tolist()
    found[first:] = [scores.get(key, np.nan) if own else np.nan for key, own in zip(rows.key[first:].tolist(), mine, strict=True)]
    return found


def _from_rows(rules: Sequence[AlertRule], model: str, material: Material, hourly: Ints, strip: Ints) -> list[Judged]:
    found = []
    for rule in rules:
        measure = HOURLY.get(rule.signal) or STEPWISE.get(rule.signal)
        if measure is None:
            continue
        if not len(material.rows):
            found.append(unknown(rule, "nothing was scored in the last 75 days"))
            continue
        ends = hourly if rule.signal in HOURLY else strip
        width = round(rule.window.total_seconds() * 1_000_000)
        past = None
        if any(limit == "calibrated" for limit in (rule.warning, rule.critical)) and material.reference is not None:
            past = measure(material, _calibrating_ends(material.reference, rule), width).values
        measured = measure(material, ends, width)
        limits = limits_of(rule, model, past)
        found.append(judge(rule, measured, not_for_little(limits) if rule.signal == "score_psi" else limits, ends, strip))
    return found


def _calibrating_ends(reference: Reference, rule: AlertRule) -> Ints:
    """Ends of the windows of the quiet period that a limit is taken from: one every sixth of a window, at least an hour apart."""
    width = round(rule.window.total_seconds() * 1_000_000)
    step = max(HOUR, width // 6)
    first = micros(reference.start) + width
    ends = np.arange(first, micros(reference.end) + 1, step, dtype=np.int64)
    return ends if len(ends) else np.array([micros(reference.end)], dtype=np.int64)


def _from_columns(
    reader: Reader, rules: Sequence[AlertRule], subject: Subject, reference: Reference | None, at: datetime, strip: Ints
) -> list[Judged]:
    signature = subject.version.signature if subject.version else None
    blocks = block_signals(
        {rule.signal: rule for rule in rules if rule.signal in BLOCKS}, reader, subject.environment, subject.model.name, signature, strip
    )
    found = list(blocks.values())
    for rule in rules:
        if rule.signal != "input_psi":
            continue
        if reference is None:
            found.append(unknown(rule, "no week of history to compare with"))
            continue
        inputs = input_days(reader, subject.environment, subject.model.name, signature, reference, at, subject.model.zone)
        found.append(drift_signal(rule, subject.model.name, inputs, strip))
    return found


def _from_elsewhere(reader: Reader, rules: Sequence[AlertRule], subject: Subject, rows: Rows, at: datetime, strip: Ints) -> list[Judged]:
    """Signals that come from metrics, sources and pipeline runs."""
    found = []
    for rule in rules:
        if rule.signal in HOURLY or rule.signal in STEPWISE or rule.signal in BLOCKS or rule.signal in {"input_psi", "slo_burn"}:
            continue
        if rule.signal == "age_hours":
            found.append(_freshness(rule, reader, subject, rows, at, strip))
        elif rule.signal == "failed_runs":
            found.append(_failed_runs(rule, subject, at, strip))
        else:
            found.append(_landed(rule, reader, subject, at, strip))
    return found


def _freshness(rule: AlertRule, reader: Reader, subject: Subject, rows: Rows, at: datetime, strip: Ints) -> Judged:
    """Age of the stalest source that this model reads: its own predictions, and every feed that reports its age."""
    ends = strip
    places = np.searchsorted(rows.event_at, ends, side="right") - 1
    newest = np.where(places >= 0, rows.event_at[np.maximum(places, 0)] if len(rows) else 0, np.iinfo(np.int64).min // 2)
    ages = {"predictions": (ends - newest) / HOUR if len(rows) else np.full(len(ends), np.nan)}
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


def _failed_runs(rule: AlertRule, subject: Subject, at: datetime, strip: Ints) -> Judged:
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


def _landed(rule: AlertRule, reader: Reader, subject: Subject, at: datetime, strip: Ints) -> Judged:
    """A signal that somebody lands as a metric, under its name or as `metric.NAME`."""
    name = rule.signal.removeprefix("metric.")
    start = moment_of(int(strip[0])) - rule.window
    series = queries.metric_series(reader, subject.environment, name, start, at, model=subject.model.name, layer=rule.layer.value)
    if not len(series.at):
        return unknown(rule, f"nobody lands the metric {name}")
    times = series.at.astype("datetime64[us]").astype(np.int64)
    places = np.searchsorted(times, strip, side="right") - 1
    width = round(max(rule.window.total_seconds(), 3600) * 1_000_000)
    fresh = (places >= 0) & (strip - times[np.maximum(places, 0)] <= width)
    values = np.where(fresh, series.value[np.maximum(places, 0)], np.nan)
    n = np.where(fresh, np.nan_to_num(series.n[np.maximum(places, 0)], nan=1.0), 0).astype(np.int64)
    past = series.value if any(limit == "calibrated" for limit in (rule.warning, rule.critical)) else None
    judged = judge(
        rule,
        Measured(values, n, why_not=f"the last {name} is older than {figures.age(rule.window)}"),
        limits_of(rule, subject.model.name, past),
        strip,
        strip,
    )
    return replace(judged, signal=judged.signal.model_copy(update={"simulated": series.simulated}))


# budgets


def _budgets(
    policies: Policies, rules: Sequence[AlertRule], subject: Subject, rows: Rows, judged: Sequence[Judged], at: datetime, strip: Ints
) -> tuple[Budget | None, Judged | None]:
    """The budget that is spent most, and the burn rule judged on it."""
    found: list[tuple[float, Slo, Budget, float]] = []
    for slo in policies.slos_for(subject.model.name, subject.environment, subject.model.task):
        events = _events_of(slo, rows, judged)
        if events is None:
            continue
        status = budget_status(events, micros(at), slo.objective, period=round(slo.window.total_seconds() * 1_000_000))
        if status.budget_left is None:
            continue
        rate = (
            max((alert.long.burn_rate or 0.0) / alert.rule.rate for alert in status.alerts if alert.state != State.UNKNOWN)
            if any(alert.state != State.UNKNOWN for alert in status.alerts)
            else 0.0
        )
        budget = Budget(
            slo=slo.id,
            objective=slo.objective,
            left=status.budget_left,
            state=status.state,
            why=f"SLO {slo.id} ({slo.title}, {slo.objective:.1%}): {status.reason}",
        )
        found.append((status.budget_left, slo, budget, rate))
    rule = next((rule for rule in rules if rule.signal == "slo_burn"), None)
    if not found:
        return None, unknown(rule, "no objective can be computed for this model") if rule else None
    _, _, budget, _ = min(found, key=lambda each: each[0])
    if rule is None:
        return budget, None
    _, fastest, _, rate = max(found, key=lambda each: each[3])
    measured = Measured(np.append(np.full(len(strip) - 1, np.nan), rate), np.ones(len(strip), dtype=np.int64), of=fastest.id)
    judged_burn = judge(rule, measured, limits_of(rule, subject.model.name, None), strip, strip)
    # A promise about the model layer that burns is the model's trouble, whatever layer the rule is filed under.
    return budget, replace(judged_burn, signal=judged_burn.signal.model_copy(update={"layer": fastest.layer}))


def _events_of(slo: Slo, rows: Rows, judged: Sequence[Judged]) -> EventCounts | None:
    good = slo.good
    if isinstance(good, GoodEvents):
        if good.column == "served_by" and good.one_of is not None:
            meant = rows.served_by == "switch"
            bad = ~np.isin(rows.served_by[~meant].astype(str), list(good.one_of))
            return EventCounts.of(rows.event_at[~meant], bad) if len(bad) else None
        if good.column == "latency_ms" and good.at_most is not None:
            known = ~np.isnan(rows.latency_ms)
            return EventCounts.of(rows.event_at[known], rows.latency_ms[known] > good.at_most) if known.any() else None
        return None
        return EventCounts.of(rows.event_at, bad) if len(rows) else None
    return _slices_of(good, judged)


def _slices_of(good: GoodSlices, judged: Sequence[Judged]) -> EventCounts | None:
    signal = next((each for each in judged if each.rule is not None and each.rule.signal == good.signal and each.values is not None), None)
    if signal is None or signal.values is None or signal.ends is None:
        return None
    values = np.abs(signal.values) if good.signal == "late_gap" else signal.values
    known = ~np.isnan(values)
    if not known.any():
        return None
    bad = values[known] > good.at_most if good.at_most is not None else values[known] < (good.at_least or 0.0)
    return EventCounts.of(signal.ends[known] - 1, bad)


# putting it together


def _health(
    subject: Subject,
    serving: Serving,
    rows: Rows,
    reference: Reference | None,
    judged: tuple[Judged, ...],
    budget: Budget | None,
    at: datetime,
    strip: Ints,
    reader: Reader,
) -> ModelHealth:
    model = subject.model
    layers = tuple(_layer(layer, [each for each in judged if each.signal.layer == layer]) for layer in Layer)
    state = _overall(layers)
    now = micros(at)
    day = quality_between(rows, model.task, now - 24 * HOUR, now, now, model.threshold) if len(rows) else None
    began = {layer.layer: _began(layer, judged) for layer in layers if layer.state in {State.WARNING, State.CRITICAL}}
    known = {layer: moment for layer, moment in began.items() if moment is not None}
    severe = {layer.layer: known[layer.layer] for layer in layers if layer.state == state and layer.layer in known}
    first = min(severe, key=lambda layer: severe[layer]) if severe else None
    onset = known.get(Layer.MODEL) or subject.onset
    zone_start = _day_start(onset, model.zone) if onset else at - timedelta(days=7)
    since_onset = quality_between(rows, model.task, micros(zone_start), now, now, model.threshold) if len(rows) else None
    scored = day.scored if day else 0
    recent = queries.label_completeness(reader, subject.environment, model.name, at - timedelta(hours=48), at) if len(rows) else None
    drift = next((each.signal for each in judged if each.rule is not None and each.rule.signal == "score_psi"), None)
    latency = next((each.signal for each in judged if each.rule is not None and each.rule.signal == "latency_p95"), None)
    return ModelHealth(
        environment=subject.environment,
        model=model.name,
        task=model.task,
        version=serving.version or _last_version(rows),
        version_since=serving.since,
        owner=model.owner,
        target=model.target,
        at=at,
        zone=model.zone,
        state=state,
        since=_since(layers, state),
        layers=layers,
        broke_first=first,
        broke_first_at=severe[first] if first is not None else None,
        broke_first_why=_broke_why(first, layers),
        last_day=day,
        since_onset=since_onset,
        labels=LabelCoverage(scored=scored, labelled=day.labelled if day else 0, complete_to=recent.complete_up_to if recent else None),
        drift=drift.value if drift else None,
        drift_state=drift.state if drift else State.UNKNOWN,
        budget=budget,
        switch=subject.switch,
        scored_last_day=scored,
        latency_p95_ms=latency.value if latency else None,
        ends=tuple(moment_of(end) for end in strip.tolist()),
        reference_from=reference.start if reference else None,
        reference_to=reference.end if reference else None,
        incidents=subject.incidents,
        oldest_source_at=moment_of(int(rows.event_at[-1])) if len(rows) else None,
        readers=tuple(reader.name for reader in model.readers),
    )


def _layer(layer: Layer, judged: Sequence[Judged]) -> LayerHealth:
    signals = [each.signal for each in judged]
    if not signals:
        nothing = silent(f"{layer.value}.none", layer, layer.value, "no rule watches this layer").signal
        return LayerHealth(layer=layer, state=State.UNKNOWN, signals=(), why=nothing.why)
    if layer == Layer.BUSINESS and all(signal.state == State.UNKNOWN for signal in signals):
        why = "no outcome or cost is recorded; land a business metric: qd ingest metrics"
        return LayerHealth(layer=layer, state=State.UNKNOWN, signals=tuple(signals), why=why)
    state = worst([signal.state for signal in signals])
    first = next(signal for signal in signals if signal.state == state)
    return LayerHealth(layer=layer, state=state, signals=tuple(signals), since=first.since, why=first.why)


def _overall(layers: Sequence[LayerHealth]) -> State:
    """The worst layer; a business layer that nobody feeds does not hide that the other three are well, it keeps its own lamp."""
    states = [layer.state for layer in layers if not (layer.layer == Layer.BUSINESS and layer.state == State.UNKNOWN)]
    return worst(states)


def _since(layers: Sequence[LayerHealth], state: State) -> datetime | None:
    moments = [layer.since for layer in layers if layer.state == state and layer.since is not None]
    return min(moments) if moments else None


def _began(layer: LayerHealth, judged: Sequence[Judged]) -> datetime | None:
    """When the layer's present trouble began: by the signals that page and are in the layer's state, else by any in that state."""
    mine = [each for each in judged if each.signal.layer == layer.layer and each.signal.state == layer.state]
    paging = [each for each in mine if each.rule is not None and each.rule.severity == "page" and each.rule.signal != "slo_burn"]
    moments = [trouble_began(each) for each in paging or mine]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


def _broke_why(first: Layer | None, layers: Sequence[LayerHealth]) -> str:
    if first is None:
        return ""
    layer = next(each for each in layers if each.layer == first)
    return _in_words(next((signal for signal in layer.signals if signal.state == layer.state), None), layer.why)


def _in_words(signal: Signal | None, otherwise: str) -> str:
    if signal is None or signal.value is None:
        return otherwise
    if signal.id == "model.late_gap":
        return "more happen than the scores say" if signal.value > 0 else "fewer happen than the scores say"
    return f"{signal.title} {figures.amount(signal.value, signal.unit)}"


def _day_start(moment: datetime, zone: str) -> datetime:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    local = moment.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _last_version(rows: Rows) -> str | None:
    return str(rows.version[-1]) if len(rows) else None
