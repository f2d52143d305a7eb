"""Did it help? A signal on the rows scored since something was done, so that old rows do not hide the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from backends.records import State
from backends.store.reader import Reader
from console.render import figures
from console.views.health.assessment import subject_of
from console.views.health.evaluation import Evaluated
from console.views.health.judging import BY_SIZE, TITLES, Judged
from console.views.health.live_rows import scores_beside
from console.views.health.measures import HOURLY, STEPWISE, Material
from console.views.health.windows import HOUR, micros
from console.views.sight import Sight
from console.views.versions.registry import Registry
from console.views.versions.serving import serving_at

AT_ONCE: Final = frozenset({"age_hours"})
"""Signals of this very moment: no window of theirs reaches back."""

_FROM_LABELS: Final = frozenset({"late_gap", "mae", "mae_ratio", "brier_ratio", "bias_ratio", "ece", "auc", "auc_drop", "slice_auc_gap"})


@dataclass(frozen=True, slots=True)
class Since:
    """A signal since a moment. `limit` is what it has to be within; None where it has none."""

    state: State
    value: float | None
    limit: float | None
    n: int
    sentence: str


def measured_since(sight: Sight, reader: Reader, registry: Registry, evaluated: Evaluated, judged: Judged, began: datetime) -> Since:
    """The signal of `judged` on rows scored from `began` to now, over at most its rule's own window.

    Unknown with fewer rows than the rule asks for, and for a signal that is not computed from rows while its window reaches
    back beyond `began`.
    """
    rule, signal = judged.rule, judged.signal
    limit = signal.warning if signal.warning is not None else signal.critical
    if rule is None:
        return Since(State.UNKNOWN, None, limit, 0, f"{signal.id}: no rule judges it")
    measure = HOURLY.get(rule.signal) or STEPWISE.get(rule.signal)
    if measure is None:
        if rule.signal in AT_ONCE or sight.at - began >= rule.window:
            return Since(signal.state, signal.value, limit, signal.n or 0, signal.why)
        why = f"{signal.id}: its window of {figures.age(rule.window)} still reaches back before that"
        return Since(State.UNKNOWN, None, limit, 0, why)
    width = min(round(rule.window.total_seconds() * 1_000_000), micros(sight.at) - micros(began))
    if width <= 0:
        return Since(State.UNKNOWN, None, limit, 0, f"{signal.id}: nothing was scored since")
    material = _material(sight, reader, registry, evaluated, began)
    measured = measure(material, np.array([micros(sight.at)], dtype=np.int64), width)
    n, raw = int(measured.n[-1]), float(measured.values[-1])
    value = None if np.isnan(raw) else raw
    judged_value = abs(value) if value is not None and rule.signal in BY_SIZE else value
    state = rule.judge(judged_value, n, signal.warning, signal.critical)
    unit = TITLES.get(rule.signal, ("", "ratio"))[1]
    rows = f"{figures.count(n)} {'labelled' if rule.signal in _FROM_LABELS else 'scored'} since"
    if state is State.UNKNOWN:
        few = f"{rows}, {rule.minimum_n} are needed" if n < rule.minimum_n else measured.why_not or "no limit is set"
        said = f"{signal.id} {figures.amount(value, unit)}: " if value is not None else f"{signal.id}: "
        return Since(state, value, limit, n, f"{said}{few}")
    side = "within" if state is State.OK else "over" if rule.bad == "above" else "under"
    return Since(state, value, limit, n, f"{signal.id} {figures.amount(value, unit)} {side} {figures.amount(limit, unit)}, {rows}")


def _material(sight: Sight, reader: Reader, registry: Registry, evaluated: Evaluated, began: datetime) -> Material:
    """What the measures need, with the scores of the version before on the same rows."""
    name = evaluated.health.model
    model = registry.models[name]
    serving = serving_at(sight.alias_history(name), sight.at)
    rows, before = evaluated.rows, None
    if serving.before is not None and len(rows):
        before = scores_beside(reader, subject_of(sight, registry, model), rows, began, sight.at, shadow=serving.before)
    delay = round(model.label_delay_hours * HOUR) if model.label_delay_hours is not None else None
    return Material(rows, model.task, micros(sight.at), evaluated.reference, before, serving.before, model.threshold, delay)
