"""Error budgets of a model's objectives: which is spent most, and whether one burns too fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from backends.records import State
from console.analysis.slo import BurnAlert, BurnRule, EventCounts, budget_status
from console.policies.load import Policies
from console.policies.rules import AlertRule, GoodEvents, GoodSlices, Slo
from console.views.health.judging import Judged, Limits, judge, limits_of, unknown
from console.views.health.measures import Measured
from console.views.health.model import Budget
from console.views.health.subject import Subject
from console.views.health.windows import Ints, Rows, micros


def budgets(
    policies: Policies, rules: Sequence[AlertRule], subject: Subject, rows: Rows, judged: Sequence[Judged], at: datetime, strip: Ints
) -> tuple[Budget | None, Judged | None]:
    """The budget that is spent most, and the burn rule judged on the pair that burns: one that pages before one that does not."""
    found: list[tuple[float, Budget, Slo, tuple[BurnAlert, ...]]] = []
    for slo in policies.slos_for(subject.model.name, subject.environment, subject.model.task):
        events = _events_of(slo, rows, judged)
        if events is None:
            continue
        period = round(slo.window.total_seconds() * 1_000_000)
        status = budget_status(events, micros(at), slo.objective, period=period, rules=_burn_rules(slo))
        if status.budget_left is None:
            continue
        budget = Budget(
            slo=slo.id,
            objective=slo.objective,
            left=status.budget_left,
            state=status.state,
            why=f"SLO {slo.id} ({slo.title}, {slo.objective:.1%}): {status.reason}",
        )
        found.append((status.budget_left, budget, slo, status.alerts))
    rule = next((rule for rule in rules if rule.signal == "slo_burn"), None)
    if not found:
        return None, unknown(rule, "no objective can be computed for this model") if rule else None
    _, budget, _, _ = min(found, key=lambda each: each[0])
    if rule is None:
        return budget, None
    burning = [(alert.times, slo, alert) for _, _, slo, alerts in found for alert in alerts if alert.times is not None]
    if not burning:
        return budget, unknown(rule, found[0][3][-1].reason)
    times, fastest, alert = max(burning, key=lambda each: (each[2].state == State.CRITICAL, each[2].state == State.WARNING, each[0]))
    n = np.full(len(strip), round(alert.long.total), dtype=np.int64)
    measured = Measured(np.append(np.full(len(strip) - 1, np.nan), times), n, of=fastest.id)
    limits = limits_of(rule, subject.model.name, None)
    if alert.rule.severity == State.WARNING:
        # A pair that only files a ticket wakes nobody, however fast it burns.
        limits = Limits(limits.critical if limits.warning is None else limits.warning, None, limits.because)
    judged_burn = judge(rule, measured, limits, strip, strip)
    # A promise about the model layer that burns is the model's trouble, whatever layer the rule is filed under.
    said = {"layer": fastest.layer, "why": f"{rule.id} {fastest.id}: {alert.reason}"}
    return budget, replace(judged_burn, signal=judged_burn.signal.model_copy(update=said))


def _burn_rules(slo: Slo) -> tuple[BurnRule, ...]:
    """The pairs of windows that an objective is watched over."""
    return tuple(
        BurnRule(
            name=pair.severity,
            severity=State.CRITICAL if pair.severity == "page" else State.WARNING,
            long=round(pair.long.total_seconds() * 1_000_000),
            short=round(pair.short.total_seconds() * 1_000_000),
            rate=pair.rate,
        )
        for pair in slo.alert_pairs
    )


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
