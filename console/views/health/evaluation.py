"""Evaluating one model: every rule that watches it, judged over time, put together into its health."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import numpy as np

from backends.records import Layer, Model, Onset, State, worst
from backends.store import queries
from backends.store.reader import Reader
from console.policies.load import Policies
from console.policies.rules import AlertRule
from console.policies.signals import OF_HARM, SIGNALS
from console.render import figures
from console.views.data.courses import Courses, courses_of
from console.views.drift.input_days import input_days
from console.views.health.budgets import budgets
from console.views.health.column_signals import block_signals, drift_signal, not_for_little, worst_of
from console.views.health.deleted_rows import OF_OUTCOMES, Gone, gone_of, say_deleted, without_deleted
from console.views.health.estimated_signals import ESTIMATED, beyond_custom
from console.views.health.handled_signals import HANDLED, handled_signal
from console.views.health.harm_signals import columns_of_harm, harm_signals, is_declared
from console.views.health.judging import Judged, Limits, judge, limits_of, silent, trouble_began, unknown
from console.views.health.live_rows import apart, as_meant, live_rows, scores_beside
from console.views.health.measures import HOURLY, STEPWISE, Material, quality_between
from console.views.health.model import BesideHealth, Budget, LabelCoverage, LayerHealth, ModelHealth, Signal
from console.views.health.outside_signals import failed_runs, freshness, landed
from console.views.health.proxies import as_proxies
from console.views.health.subject import Subject
from console.views.health.windows import (
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
from console.views.versions.serving import Serving, serving_at

BLOCKS: Final = frozenset({"schema_violations", "null_share", "out_of_range_share", "duplicate_share"})
SHORT: Final = timedelta(hours=6)
"""A rule over a window up to this long is judged every hour, whatever its signal costs."""

NEVER_FOR_LITTLE: Final[dict[str, Callable[[Limits], Limits]]] = {"score_psi": not_for_little, "estimated_auc_drop": beyond_custom}
"""Signals whose calibrated limits have a floor."""

NOT_LEARNT: Final = "the watch has not learnt what the scores of this version stand for yet"

LOOK_BACK: Final = timedelta(days=75)
"""Rows further back than this take no part in a judgement, but for those of the reference, however long ago it was."""


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
    rules = policies.rules_for(model.name, subject.environment, model.task)
    slices = _slices(reader, rules, model)
    asked = list(dict.fromkeys([*slices, *_logged(reader, model, columns_of_harm(rules, model))]))
    lately = live_rows(reader, subject.environment, model.name, at - LOOK_BACK, at, columns=asked)
    reference = reference_of(serving.since, _first_scored(reader, subject, serving, lately, at), at)
    every = as_meant(_with_reference(reader, subject, lately, reference, at - LOOK_BACK), subject.overrides)
    rows, beside = apart(every, subject.let_in)
    hourly, strip = hourly_ends(at), strip_ends(at)
    material = _material(reader, subject, serving, rows, reference, at, slices)
    # Nobody asks which version was late: what all of them answered is what people got. How good a version is, is its own.
    answered = (
        replace(material, rows=every, before=None, slices={name: every.columns[name] for name in slices}) if len(beside) else material
    )
    courses = courses_of(reader, subject, strip)
    mine = partial(gone_of, reader, subject.environment, model.name)
    gone = _Lost(mine("predictions"), mine("predictions", "labels"))
    judged = [
        *_from_rows([rule for rule in rules if _about_the_version(rule)], model.name, material, hourly, strip, gone),
        *_from_rows([rule for rule in rules if not _about_the_version(rule)], model.name, answered, hourly, strip, gone),
        *harm_signals(rules, model, material, strip, gone.outcomes),
        *_from_columns(reader, rules, subject, courses, reference, at, strip),
        *_from_elsewhere(reader, rules, subject, every, courses, at, hourly, strip),
    ]
    judged = say_deleted(reader, subject.environment, model.name, judged, at)
    order = {rule.id: number for number, rule in enumerate(rules)}
    judged.sort(key=lambda each: order.get(each.signal.id, len(order)))
    budget, burn = budgets(policies, rules, subject, every, judged, at, strip)
    if burn is not None:
        judged.append(burn)
    judged = as_proxies(judged, rows, micros(at))
    # What no model needs and nobody lands says nothing about this one; rules that ask for it by name still find it.
    shown = tuple(each for each in judged if each.rule is None or each.signal.value is not None or _is_missed(each.rule, model))
    health = _health(subject, serving, rows, reference, shown, budget, at, strip, reader)
    if gone.outcomes.touches(moment_of(int(strip[0])) - timedelta(days=1), at):
        health = health.model_copy(update={"deleted": gone.outcomes.why})
    if len(beside):
        health = health.model_copy(update={"beside": _beside(beside, subject, at), "oldest_source_at": moment_of(int(every.event_at[-1]))})
    return Evaluated(health, tuple(judged), rows, reference)


def _is_missed(rule: AlertRule, model: Model) -> bool:
    """Whether a signal without a value stands on the page all the same."""
    return rule.needed or is_declared(rule.signal, model)


def _first_scored(reader: Reader, subject: Subject, serving: Serving, rows: Rows, at: datetime) -> datetime | None:
    """When the model answered first, as far as that is known; for one that no alias names, as far back as there are facts."""
    own, _ = apart(rows, subject.let_in)
    if not len(own):
        return None
    first = moment_of(int(own.event_at[0]))
    if serving.since is not None or first - (at - LOOK_BACK) > timedelta(days=1):
        return first
    hours = [
        each.first_hour for each in queries.volumes(reader, subject.environment, subject.model.name, None, first) if each.role == "live"
    ]
    return min([first, *hours])


def _with_reference(reader: Reader, subject: Subject, rows: Rows, reference: Reference | None, since: datetime) -> Rows:
    """The rows from `since` on, with those of a reference that was before: a version that serves for long is held to how it began."""
    if reference is None or reference.start >= since:
        return rows
    end = min(reference.end, since)
    before = live_rows(reader, subject.environment, subject.model.name, reference.start, end, columns=tuple(rows.columns))
    return before.then(rows)


def _about_the_version(rule: AlertRule) -> bool:
    known = SIGNALS.get(rule.signal)
    return (rule.layer if known is None else known.layer) == Layer.MODEL


def _beside(rows: Rows, subject: Subject, at: datetime) -> tuple[BesideHealth, ...]:
    """What candidates answered in the last 24 hours."""
    now, model = micros(at), subject.model
    found = []
    for version in dict.fromkeys(rows.version.tolist()):
        own = quality_between(rows.where(rows.version == version), model.task, now - 24 * HOUR, now, now, model.threshold)
        found += [BesideHealth(version=version, last_day=own)] if own.scored else []
    return tuple(found)


def _material(
    reader: Reader, subject: Subject, serving: Serving, rows: Rows, reference: Reference | None, at: datetime, slices: Sequence[str]
) -> Material:
    model = subject.model
    before = _scores_of_before(reader, subject, serving, rows, at)
    delay = round(model.label_delay_hours * HOUR) if model.label_delay_hours is not None else None
    learnt = subject.estimates
    return Material(
        rows, model.task, micros(at), reference, before, serving.before, model.threshold, delay, serving.version,
        learnt.calibration if learnt else None, learnt.reasons.get("calibration", NOT_LEARNT) if learnt else NOT_LEARNT,
        {name: rows.columns[name] for name in slices},
    )  # fmt: skip


def _slices(reader: Reader, rules: Sequence[AlertRule], model: Model) -> list[str]:
    """The declared slices that are logged with the predictions, when a rule asks for them."""
    if not any(rule.signal == "slice_auc_gap" for rule in rules):
        return []
    return _logged(reader, model, model.slices)


def _logged(reader: Reader, model: Model, names: Sequence[str]) -> list[str]:
    """Those of the names that are inputs which are logged with the predictions."""
    logged = queries.feature_columns(reader, model.name) if names else []
    return [name for name in names if name in logged]


def _scores_of_before(reader: Reader, subject: Subject, serving: Serving, rows: Rows, at: datetime) -> Floats | None:
    """What the version before would have scored on the rows since this one serves, where it scored them in the shadow."""
    if serving.before is None or serving.since is None or not len(rows):
        return None
    start = max(serving.since, at - timedelta(days=28))
    return scores_beside(reader, subject, rows, start, at, shadow=serving.before, answered_by=serving.version)


@dataclass(frozen=True, slots=True)
class _Lost:
    """What retention deleted: of the scores, and of scores or outcomes."""

    scores: Gone
    outcomes: Gone


def _from_rows(rules: Sequence[AlertRule], model: str, material: Material, hourly: Ints, strip: Ints, lost: _Lost) -> list[Judged]:
    found = []
    for rule in rules:
        measure = HOURLY.get(rule.signal) or STEPWISE.get(rule.signal) or ESTIMATED.get(rule.signal)
        if measure is None:
            continue
        if not len(material.rows):
            gone = lost.scores.touches(moment_of(material.at) - LOOK_BACK, moment_of(material.at))
            found.append(unknown(rule, lost.scores.why if gone else "nothing was scored in the last 75 days"))
            continue
        ends = hourly if rule.signal in HOURLY or rule.window <= SHORT else strip
        width = round(rule.window.total_seconds() * 1_000_000)
        past = None
        if any(limit == "calibrated" for limit in (rule.warning, rule.critical)) and material.reference is not None:
            past = measure(material, _calibrating_ends(material.reference, rule), width).values
        measured = without_deleted(
            measure(material, ends, width), ends, width, lost.outcomes if rule.signal in OF_OUTCOMES else lost.scores
        )
        limits = limits_of(rule, model, past)
        found.append(judge(rule, measured, NEVER_FOR_LITTLE.get(rule.signal, _as_they_are)(limits), ends, strip))
    return found


def _as_they_are(limits: Limits) -> Limits:
    return limits


def _calibrating_ends(reference: Reference, rule: AlertRule) -> Ints:
    """Ends of the windows of the quiet period that a limit is taken from: one every sixth of a window, at least an hour apart."""
    width = round(rule.window.total_seconds() * 1_000_000)
    step = max(HOUR, width // 6)
    first = micros(reference.start) + width
    ends = np.arange(first, micros(reference.end) + 1, step, dtype=np.int64)
    return ends if len(ends) else np.array([micros(reference.end)], dtype=np.int64)


def _from_columns(
    reader: Reader,
    rules: Sequence[AlertRule],
    subject: Subject,
    courses: Courses,
    reference: Reference | None,
    at: datetime,
    strip: Ints,
) -> list[Judged]:
    signature = subject.version.signature if subject.version else None
    watching = {rule.signal: rule for rule in rules if rule.signal in BLOCKS}
    found = list(block_signals(watching, courses).values()) if watching else []
    for rule in rules:
        if rule.signal != "input_psi":
            continue
        if reference is None:
            found.append(unknown(rule, "no week of history to compare with"))
            continue
        zone, beside = subject.model.zone, subject.let_in
        inputs = input_days(reader, subject.environment, subject.model.name, signature, reference, at, zone, let_in=beside)
        found.append(drift_signal(rule, subject.model.name, inputs, strip))
    return found


def _from_elsewhere(
    reader: Reader, rules: Sequence[AlertRule], subject: Subject, rows: Rows, courses: Courses, at: datetime, hourly: Ints, strip: Ints
) -> list[Judged]:
    """Signals that come from metrics, sources and pipeline runs."""
    found = []
    for rule in rules:
        if rule.signal in {*HOURLY, *STEPWISE, *ESTIMATED, *BLOCKS, *OF_HARM} or rule.signal in {"input_psi", "slo_burn"}:
            continue
        if rule.signal == "age_hours":
            agreed = courses.freshness(rule)
            sources = freshness(rule, reader, subject, rows, at, strip)
            found.append(sources if agreed is None else worst_of(rule, [sources, agreed], ""))
        elif rule.signal == "failed_runs":
            found.append(failed_runs(rule, subject, at, strip))
        elif rule.signal in HANDLED:
            found.append(handled_signal(rule, reader, subject, at, hourly if rule.window <= SHORT else strip, strip))
        else:
            found.append(landed(rule, reader, subject, at, hourly if rule.window <= SHORT else strip, strip))
    return found


# putting it together

ANOTHER: Final = timedelta(hours=12)
"""Further apart than this are two beginnings: the longest step of a history."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What broke first, and when; `signal` is the one that an incident recorded."""

    layer: Layer
    at: datetime
    signal: str


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
    seen = Seen(first, severe[first], "") if first is not None else None
    named = _as_recorded(seen, subject.recorded)
    other = _another(seen, named)
    told = subject.recorded if subject.recorded is not None and subject.recorded.layer is Layer.MODEL else None
    onset = told.at if told is not None else known.get(Layer.MODEL) or subject.onset
    # A window that ends at midnight saw the day before.
    zone_start = _day_start(onset - timedelta(microseconds=1), model.zone) if onset else at - timedelta(days=7)
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
        broke_first=named.layer if named is not None else None,
        broke_first_at=named.at if named is not None else None,
        broke_first_why=_broke_why(named, layers),
        now_seen=seen.layer if other and seen is not None else None,
        now_seen_since=seen.at if other and seen is not None else None,
        last_day=day,
        since_onset=since_onset,
        labels=LabelCoverage(scored=scored, labelled=day.labelled if day else 0, complete_to=recent.complete_up_to if recent else None),
        drift=drift.value if drift else None,
        drift_state=drift.state if drift and not drift.only_logged else State.UNKNOWN,
        drift_only_logged=bool(drift and drift.only_logged),
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
    signals = tuple(each.signal for each in judged)
    # What only is logged asks for nobody: it shows its number and its state, and turns no lamp, neither to trouble nor to ok.
    counting = [signal for signal in signals if not signal.only_logged]
    if not counting:
        what = "only rules that log watch this layer" if signals else "no rule watches this layer"
        nothing = silent(f"{layer.value}.none", layer, layer.value, what).signal
        return LayerHealth(layer=layer, state=State.UNKNOWN, signals=signals, why=nothing.why)
    if layer == Layer.BUSINESS and all(signal.state == State.UNKNOWN for signal in counting):
        why = "no outcome or cost is recorded; add one: qd ingest metrics"
        return LayerHealth(layer=layer, state=State.UNKNOWN, signals=signals, why=why)
    state = worst([signal.state for signal in counting])
    first = next(signal for signal in counting if signal.state == state)
    return LayerHealth(layer=layer, state=state, signals=signals, since=first.since, why=first.why)


def _overall(layers: Sequence[LayerHealth]) -> State:
    """The worst layer; a business layer that nobody feeds does not hide that the other three are well, it keeps its own lamp."""
    states = [layer.state for layer in layers if not (layer.layer == Layer.BUSINESS and layer.state == State.UNKNOWN)]
    return worst(states)


def _since(layers: Sequence[LayerHealth], state: State) -> datetime | None:
    moments = [layer.since for layer in layers if layer.state == state and layer.since is not None]
    return min(moments) if moments else None


def _began(layer: LayerHealth, judged: Sequence[Judged]) -> datetime | None:
    """When the layer's present trouble began: by the signals that page and are in the layer's state, else by any in that state."""
    mine = [each for each in judged if (each.signal.layer, each.signal.state, each.signal.only_logged) == (layer.layer, layer.state, False)]
    paging = [each for each in mine if each.rule is not None and each.rule.severity == "page" and each.rule.signal != "slo_burn"]
    moments = [trouble_began(each) for each in paging or mine]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


def _as_recorded(seen: Seen | None, recorded: Onset | None) -> Seen | None:
    """What broke first: what the incident recorded, as long as something is wrong."""
    return seen if seen is None or recorded is None else Seen(recorded.layer, recorded.at, recorded.signal)


def _another(seen: Seen | None, named: Seen | None) -> bool:
    """Whether what is seen now is not what is named. Windows begin elsewhere at each evaluation: a shift within one is none."""
    if seen is None or named is None:
        return False
    return seen.layer is not named.layer or abs(seen.at - named.at) > ANOTHER


def _broke_why(first: Seen | None, layers: Sequence[LayerHealth]) -> str:
    if first is None:
        return ""
    layer = next(each for each in layers if each.layer == first.layer)
    named = next((signal for signal in layer.signals if signal.id == first.signal), None)
    return _in_words(named or next((signal for signal in layer.signals if signal.why == layer.why), None), layer.why)


def _in_words(signal: Signal | None, otherwise: str) -> str:
    if signal is None or signal.value is None:
        return otherwise
    if signal.id == "model.late_gap":
        return "more happen than the scores say" if signal.value > 0 else "fewer happen than the scores say"
    return f"{signal.title} {figures.amount(signal.value, signal.unit)}"


def _day_start(moment: datetime, zone: str) -> datetime:
    from zoneinfo import ZoneInfo

    local = moment.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _last_version(rows: Rows) -> str | None:
    return str(rows.version[-1]) if len(rows) else None
