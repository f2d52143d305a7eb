"""Since when, budgets and latency: each against a count done the slow way."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.records import State
from console.analysis.latency import latency_from_samples
from console.analysis.series import broke_first, limit_from_history, since
from console.analysis.slo import DAY, HOUR, MINUTE, BurnRule, EventCounts, budget_status, burn_rate

OK, WARN, CRIT, UNKN, STALE = State.OK, State.WARNING, State.CRITICAL, State.UNKNOWN, State.STALE


def test_since_is_the_first_window_of_the_current_state() -> None:
    began = since(["a", "b", "c", "d"], [OK, WARN, CRIT, CRIT])
    assert began is not None
    assert (began.state, began.index, began.began, began.windows) == (CRIT, 2, "c", 2)
    assert since([], []) is None
    with pytest.raises(ValueError, match="3 window ends for 1 states"):
        since([1, 2, 3], [OK])


@pytest.mark.parametrize(
    ("states", "bridge", "first"),
    [
        ([OK, WARN, CRIT, CRIT], 0, 1),
        ([CRIT, OK, WARN], 0, 2),
        ([CRIT, OK, WARN], 1, 0),
        ([CRIT, OK, OK, WARN], 1, 3),
        ([OK, CRIT, UNKN, STALE, WARN], 0, 1),
        ([OK, UNKN, WARN, UNKN], 0, 2),
        ([WARN, OK], 0, None),
        ([WARN, OK], 1, 0),
        ([UNKN, UNKN], 3, None),
        ([], 0, None),
    ],
)
def test_what_broke_first_is_the_start_of_the_trouble_still_on(states: list[State], bridge: int, first: int | None) -> None:
    assert broke_first(states, bridge) == first


def test_limits_come_from_the_reference_and_it_never_reaches_critical() -> None:
    gaps = np.random.default_rng(1).normal(0, 0.08, 500)
    limits = limit_from_history([*gaps, None, math.nan])
    assert limits.n == 500
    assert limits.warning == pytest.approx(np.quantile(np.abs(gaps), 0.95))
    assert limits.critical == np.abs(gaps).max()
    assert [limits.judge(gap) for gap in gaps].count(CRIT) == 0
    assert [limits.judge(gap) for gap in gaps].count(WARN) == 25
    assert limit_from_history([0.0] * 100, smallest=0.05).judge(0.05) == OK
    assert (limits.judge(-0.9), limits.judge(0.0), limits.judge(None)) == (CRIT, OK, UNKN)
    short = limit_from_history([0.1] * 5)
    assert (short.warning, short.judge(9.0)) == (None, UNKN)
    assert "only 5 windows" in short.reason


WORKBOOK = (
    BurnRule("page", CRIT, HOUR, 5 * MINUTE, 14.4),
    BurnRule("page", CRIT, 6 * HOUR, 30 * MINUTE, 6.0),
    BurnRule("ticket", WARN, 3 * DAY, 6 * HOUR, 1.0),
)

events = st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=80)


@given(events, st.integers(0, 220), st.sampled_from([0.9, 0.99, 0.999]))
@settings(max_examples=200, deadline=None)
def test_budgets_equal_a_count_event_by_event(rows: list[tuple[int, bool]], at: int, objective: float) -> None:
    rules = (BurnRule("page", CRIT, 60 * MINUTE, 5 * MINUTE, 14.4), BurnRule("ticket", WARN, 120 * MINUTE, 10 * MINUTE, 1.0))
    counts = EventCounts.of([row[0] * MINUTE for row in rows], [row[1] for row in rows])
    status = budget_status(counts, at * MINUTE, objective, period=200 * MINUTE, rules=rules, minimum_events=3, recorded_since=0)

    def slow(minutes: int) -> tuple[int, int]:
        held = [bad for minute, bad in rows if at - minutes <= minute < at]
        return sum(held), len(held)

    bad, total = slow(200)
    assert (status.bad, status.total) == (bad, total)
    assert status.budget_left == (pytest.approx(1 - bad / total / (1 - objective)) if total else None)
    for rule, alert in zip(rules, status.alerts, strict=True):
        (long_bad, long_total), (short_bad, short_total) = slow(rule.long // MINUTE), slow(rule.short // MINUTE)
        if long_total < 3 or not short_total:
            assert alert.state == UNKN
        else:
            budget, rate = 1 - Fraction(str(objective)), Fraction(str(rule.rate))
            fires = all(Fraction(b, n) / budget > rate for b, n in ((long_bad, long_total), (short_bad, short_total)))
            assert alert.state == (rule.severity if fires else OK)
    json.dumps(asdict(status), allow_nan=False)


def test_an_alert_needs_strictly_more_than_its_rate_in_both_windows() -> None:
    rule = BurnRule("page", CRIT, HOUR, 5 * MINUTE, 10.0)
    even = EventCounts.of(np.arange(60) * MINUTE, np.arange(60) % 10 == 9, None)

    def state(rate: float, bad: EventCounts = even) -> State:
        rules = (BurnRule("page", CRIT, HOUR, 10 * MINUTE, rate),)
        return budget_status(bad, HOUR, 0.9, rules=rules, recorded_since=-30 * DAY).alerts[0].state

    assert (state(0.99), state(1.0), state(1.01)) == (CRIT, OK, OK)
    over = EventCounts.of(np.arange(60) * MINUTE, np.arange(60) < 40)
    assert budget_status(over, HOUR, 0.99, rules=(rule,)).alerts[0].state == OK


def test_no_events_and_few_events_are_unknown_never_green() -> None:
    nothing = budget_status(EventCounts.of([], []), DAY, 0.99, rules=WORKBOOK)
    assert (nothing.state, nothing.budget_left) == (UNKN, None)
    few = budget_status(EventCounts.of([1, 2, 3], [1, 0, 0]), HOUR, 0.99, rules=WORKBOOK)
    assert few.state == UNKN
    assert "3 events in 30 d, fewer than 30" in few.reason


def test_a_window_that_is_not_full_says_so() -> None:
    counts = EventCounts.of(np.arange(72) * HOUR, np.zeros(72))
    status = budget_status(counts, 3 * DAY, 0.99, rules=WORKBOOK)
    assert (status.state, status.budget_left) == (OK, 1.0)
    assert status.reason == "100% of the budget is left; window not full: 3 d of 30 d"
    assert status.alerts[-1].long.covered == 1.0


def test_buckets_count_like_events() -> None:
    buckets = EventCounts.of([0, HOUR], [5, 0], [50, 50])
    status = budget_status(buckets, 2 * HOUR, 0.9, rules=WORKBOOK)
    assert (status.bad, status.total, status.burn_rate) == (5, 100, pytest.approx(0.5))
    assert status.exhausted_in == pytest.approx(0.5 * 30 * DAY / 0.5)
    with pytest.raises(ValueError, match="between 0 and the total"):
        EventCounts.of([0], [2], [1])
    with pytest.raises(ValueError, match="no budget"):
        burn_rate(1, 2, 1.0)


def test_a_spent_budget_is_critical_and_says_how_often() -> None:
    counts = EventCounts.of(np.arange(1000) * MINUTE, np.arange(1000) < 29)
    status = budget_status(counts, 1000 * MINUTE, 0.99, rules=WORKBOOK)
    assert status.state == CRIT
    assert status.budget_left == pytest.approx(-1.9)
    assert status.reason.startswith("the budget is spent 2.9 times")


def test_percentiles_of_samples_are_numpys_and_nothing_is_unknown() -> None:
    samples = np.random.default_rng(3).lognormal(size=999)
    latency = latency_from_samples([*samples, math.nan, math.inf, -1.0])
    assert [latency.p50, latency.p95, latency.p99] == pytest.approx(np.percentile(samples, [50, 95, 99]))
    empty = latency_from_samples([])
    assert (empty.p95, empty.reason) == (None, "no latency was recorded")
