"""Judging a signal by its rule: limits, states over time, since when, and the sentence that says why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from backends.records import Layer, State
from backends.text import Untrusted
from console.analysis.series import broke_first, limit_from_history, since
from console.control.actions import version_label
from console.policies.rules import AlertRule, ContractLimit
from console.policies.signals import caveat_of
from console.render import figures
from console.views.health.measures import Measured
from console.views.health.model import Signal, Unit
from console.views.health.windows import HOUR, Floats, Ints, moment_of

BRIDGE_HOURS: Final = 24
"""Hours of `ok` that do not end one stretch of trouble: a number over 24 hours that dips for a night is one incident, not two."""

TITLES: Final[dict[str, tuple[str, Unit]]] = {
    "latency_p95": ("latency p95", "ms"),
    "error_share": ("errors", "share"),
    "fallback_share": ("unasked fallback", "share"),
    "volume_ratio": ("scored, to usual", "ratio"),
    "failed_runs": ("failed pipeline runs", "count"),
    "schema_violations": ("schema violations", "count"),
    "null_share": ("nulls, worst", "share"),
    "out_of_range_share": ("out of range, worst", "share"),
    "duplicate_share": ("duplicates", "share"),
    "reject_share": ("requests rejected", "share"),
    "repair_share": ("values repaired", "share"),
    "age_hours": ("oldest source", "hours"),
    "input_psi": ("inputs, worst", "ratio"),
    "score_psi": ("score PSI", "ratio"),
    "score_mean_jump": ("mean score jump", "ratio"),
    "late_gap": ("observed less scored", "signed"),
    "mae": ("mean absolute error", "ratio"),
    "ece": ("ECE", "ratio"),
    "auc": ("AUC", "ratio"),
    "auc_drop": ("AUC lost", "ratio"),
    "estimated_auc_drop": ("AUC lost, estimated", "ratio"),
    "brier_ratio": ("Brier, times before", "ratio"),
    "mae_ratio": ("MAE, times before", "ratio"),
    "bias_ratio": ("bias to usual error", "ratio"),
    "label_coverage": ("labels arrived", "share"),
    "slice_auc_gap": ("AUC lost, worst", "ratio"),
    "harm_errors": ("harmful errors", "share"),
    "harm_gap": ("harm between groups", "share"),
    "slo_burn": ("SLO burn", "ratio"),
}
"""What each signal is called on screen, and how it is written."""

TROUBLE: Final = frozenset({State.WARNING, State.CRITICAL})
ONLY_LOGGED: Final = "; only logged: no alert, no lamp"
"""Said beside the trouble of a rule that only logs."""

AGAINST_BEFORE: Final = frozenset({"brier_ratio", "mae_ratio"})
"""Signals whose `of` is the version that served before."""

BY_SIZE: Final = frozenset({"late_gap"})
"""Signals whose sign does not matter for their limits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A rule's limits as numbers, and where they come from when they are not written in it."""

    warning: float | None
    critical: float | None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A signal, the rule that judged it, and its course, which alerts are made from."""

    signal: Signal
    rule: AlertRule | None = None
    ends: Ints | None = None
    values: Floats | None = None
    n: Ints | None = None
    states: tuple[State, ...] = ()


def limits_of(rule: AlertRule, model: str, past: Floats | None, *, column: str | None = None, declared: float | None = None) -> Limits:
    """Resolve a rule's limits: numbers as they stand, those of the contract, and calibrated ones from `past` values of a quiet time."""
    found: list[float | None] = []
    because = ""
    calibrated = None
    for place, limit in enumerate(rule.limits_for(model, column)):
        if limit is None or isinstance(limit, float):
            found.append(limit)
        elif isinstance(limit, ContractLimit):
            found.append(limit.resolved(declared))
            because = "the contract's limit" if declared is not None else "the customary limit, the contract has none"
        else:
            if calibrated is None:
                calibration = rule.calibration
                calibrated = limit_from_history(
                    [] if past is None else past.tolist(),
                    warning_quantile=calibration.warning_quantile,
                    critical_margin=calibration.critical_times,
                    minimum=calibration.least_windows,
                )
            found.append(calibrated.critical if place else calibrated.warning)
            because = calibrated.reason
    return Limits(found[0], found[1], because)


def judge(rule: AlertRule, measured: Measured, limits: Limits, ends: Ints, strip: Ints) -> Judged:
    """Judge every window of a measured signal and describe the last one."""
    title, unit = TITLES.get(rule.signal, (rule.signal.removeprefix("metric."), "ratio"))
    by_size = rule.signal in BY_SIZE
    judged = np.abs(measured.values) if by_size else measured.values
    raw = [
        rule.judge(_plain(value), n, limits.warning, limits.critical) for value, n in zip(judged.tolist(), measured.n.tolist(), strict=True)
    ]
    if measured.second is not None:
        raw = [rule.beside(state, _plain(second)) for state, second in zip(raw, measured.second.tolist(), strict=True)]
    states = held(raw, ends, int(rule.hold.total_seconds() * 1_000_000))
    value, n, state = _plain(measured.values[-1]), int(measured.n[-1]), states[-1]
    places = np.searchsorted(ends, strip, side="right") - 1
    history = tuple(_plain(measured.values[place]) if place >= 0 else None for place in places.tolist())
    then = tuple(states[place] if place >= 0 else State.UNKNOWN for place in places.tolist())
    scored = int(measured.scored[-1]) if measured.scored is not None else None
    signal = Signal(
        id=rule.id,
        layer=rule.layer,
        title=f"{title.partition(',')[0]}: {measured.of}" if measured.of and ", worst" in title else title,
        state=state,
        value=value,
        unit=unit,
        warning=limits.warning,
        critical=limits.critical,
        worse=rule.bad,
        n=n,
        low=_plain(measured.low),
        high=_plain(measured.high),
        coverage=n / scored if scored else None,
        since=_began(ends, states),
        why=_why(rule, measured, limits, state) + (ONLY_LOGGED if rule.only_logs and state in TROUBLE else ""),
        of=Untrusted(measured.of) if measured.of else None,
        is_a=measured.is_a,
        window_hours=rule.window.total_seconds() / 3600,
        history=history,
        states=then,
        only_logged=rule.only_logs,
    )
    return Judged(signal, rule, ends, measured.values, measured.n, states)


def unknown(rule: AlertRule, why: str) -> Judged:
    """A signal that cannot be computed, with the reason."""
    title, unit = TITLES.get(rule.signal, (rule.signal, "ratio"))
    signal = Signal(
        id=rule.id, layer=rule.layer, title=title, state=State.UNKNOWN, value=None, unit=unit, why=f"{rule.id}: {why}",
        only_logged=rule.only_logs,
    )  # fmt: skip
    return Judged(signal, rule)


def silent(name: str, layer: Layer, title: str, why: str) -> Judged:
    """A signal that no rule watches and that cannot be computed."""
    return Judged(Signal(id=name, layer=layer, title=title, state=State.UNKNOWN, value=None, why=why))


def held(states: list[State], ends: Ints, hold: int) -> tuple[State, ...]:
    """A state counts only once it, or a worse one, has lasted for `hold` microseconds; until then the milder one stands.

    A hold shorter than the time between two windows is covered by the window itself.
    """
    step = int(ends[1] - ends[0]) if len(ends) > 1 else 0
    if hold <= 0 or hold < step:
        return tuple(states)
    kept = []
    critical: int | None = None
    trouble: int | None = None
    for state, end in zip(states, ends.tolist(), strict=True):
        critical = (end if critical is None else critical) if state == State.CRITICAL else None
        trouble = (end if trouble is None else trouble) if state in {State.WARNING, State.CRITICAL} else None
        if critical is not None and end - critical >= hold:
            kept.append(State.CRITICAL)
        elif trouble is not None:
            kept.append(State.WARNING if end - trouble >= hold else State.OK)
        else:
            kept.append(state)
    return tuple(kept)


def trouble_began(judged: Judged, up_to: int | None = None) -> datetime | None:
    """When the stretch of trouble that is on at the last window began, or at window `up_to`; short quiet spells are bridged.

    None when all is well.
    """
    if judged.ends is None or not judged.states:
        return None
    states = judged.states if up_to is None else judged.states[: up_to + 1]
    # The last window ends now, minutes after the one before it: the distance of the others is the step.
    step = int(judged.ends[1] - judged.ends[0]) if len(judged.ends) > 1 else HOUR
    index = broke_first(states, bridge=max(1, BRIDGE_HOURS * HOUR // max(step, 1)))
    return None if index is None else moment_of(int(judged.ends[index]))


def _began(ends: Ints, states: tuple[State, ...]) -> datetime | None:
    if states[-1] not in {State.WARNING, State.CRITICAL}:
        return None
    found = since(ends.tolist(), states)
    return moment_of(int(found.began)) if found and isinstance(found.began, int) else None


def _why(rule: AlertRule, measured: Measured, limits: Limits, state: State) -> str:
    value, n = _plain(measured.values[-1]), int(measured.n[-1])
    unit = TITLES.get(rule.signal, ("", "ratio"))[1]
    against = f"against {version_label(measured.of)}" if rule.signal in AGAINST_BEFORE else measured.of
    where = f" {against}" if measured.of else ""
    if value is None:
        return f"{rule.id}: {measured.why_not or 'nothing to compute it from'}"
    caveat = caveat_of(rule.signal)
    sample = f"{_length(rule)}, n {figures.count(n)}{'; ' if caveat else ''}{caveat}"
    text = f"{rule.id}{where}: {measured.is_a + ' ' if measured.is_a else ''}{figures.amount(value, unit)}"
    held_back = _held_back(rule, measured, limits)
    if held_back:
        return f"{text}, {held_back} ({sample})"
    if state == State.UNKNOWN:
        reason = f"n {n} is below {rule.minimum_n}" if n < rule.minimum_n else limits.because or "no limit is set"
        return f"{text}, not judged: {reason}"
    passed = {State.CRITICAL: limits.critical, State.WARNING: limits.warning}.get(state)
    if passed is None and _beyond(rule, measured, limits):
        return f"{text} beyond its limit, but not for {_said(rule.hold)} yet ({sample})"
    side = "over" if rule.bad == "above" else "under"
    if passed is None:
        # The table's column of limits gives the critical one: the nearer has to be named for what it is.
        next_limit, called = (limits.critical, "critical") if limits.warning in {None, limits.critical} else (limits.warning, "warns")
        return f"{text}, {called} {side} {figures.amount(next_limit, unit)} ({sample})"
    return f"{text} {side} {figures.amount(passed, unit)} ({sample})"


def _held_back(rule: AlertRule, measured: Measured, limits: Limits) -> str:
    """What the second metric of a rule says against trouble; empty where it says nothing."""
    if rule.together_with is None or measured.second is None or not _beyond(rule, measured, limits):
        return ""
    second, name = _plain(measured.second[-1]), rule.together_with.signal.removeprefix("metric.")
    holds = rule.together_with.holds(second)
    if holds is None:
        return f"beyond its limit, not judged: nobody landed {name} beside it"
    return "" if holds else f"beyond its limit, but {name} is {second:.4g}"


def _beyond(rule: AlertRule, measured: Measured, limits: Limits) -> bool:
    value = _plain(measured.values[-1])
    if value is None:
        return False
    size = abs(value) if rule.signal in BY_SIZE else value
    return rule.judge(size, int(measured.n[-1]), limits.warning, limits.critical) in {State.WARNING, State.CRITICAL}


def _said(length: timedelta) -> str:
    minutes = length.total_seconds() / 60
    return f"{minutes:g} min" if minutes < 60 else f"{minutes / 60:g} h"


def _length(rule: AlertRule) -> str:
    hours = rule.window.total_seconds() / 3600
    return f"{hours:g} h" if hours < 72 else f"{hours / 24:g} d"


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
