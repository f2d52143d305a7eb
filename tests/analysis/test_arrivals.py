"""The arrival curve: what a textbook's product-limit estimator says, and a plain share where nobody waits any more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.analysis.arrivals import arrival_curve

rows = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=10, max_size=200)


def by_hand(found: list[tuple[float, bool]], delay: float) -> float:
    """Kaplan and Meier, one step at a time."""
    waiting = 1.0
    for moment in sorted({wait for wait, known in found if known and wait <= delay}):
        at_risk = sum(wait >= moment for wait, _ in found)
        waiting *= 1 - sum(known and wait == moment for wait, known in found) / at_risk
    return 1 - waiting


@given(rows)
def test_it_is_the_product_limit_estimator_up_to_where_ten_rows_have_waited(found: list[tuple[int, bool]]) -> None:
    curve = arrival_curve([wait for wait, _ in found], [known for _, known in found])
    assert curve.horizon == sorted(wait for wait, _ in found)[-10]
    for delay in range(42):
        if delay <= curve.horizon:
            assert curve.share_at(delay) == pytest.approx(by_hand(found, delay), abs=1e-12)
        else:
            assert curve.share_at(delay) is None
    assert (np.diff(curve.shares) > 0).all()


@given(rows)
def test_the_order_of_rows_says_nothing(found: list[tuple[int, bool]]) -> None:
    one, other = (arrival_curve(*zip(*each, strict=True)) for each in (found, found[::-1]))
    assert one.delays.tolist() == other.delays.tolist() and one.shares.tolist() == other.shares.tolist()


def test_where_everybody_has_waited_long_enough_it_is_the_plain_share() -> None:
    waits = np.concatenate([np.arange(1.0, 81.0), np.full(20, 200.0)])
    curve = arrival_curve(waits, waits < 200)
    assert curve.share_at(40) == pytest.approx(0.4) and curve.share_at(199) == pytest.approx(0.8)
    assert curve.delay_of(0.5) == 50.0 and curve.delay_of(0.8) == 80.0
    assert curve.delay_of(0.81) is None, "the others never came"


def test_fresh_rows_do_not_make_outcomes_look_slow() -> None:
    random = np.random.default_rng(3)
    delay, age = random.exponential(4.0, 20_000), random.uniform(0, 24, 20_000)
    curve = arrival_curve(np.minimum(delay, age), delay <= age)
    assert curve.delay_of(0.5) == pytest.approx(4 * np.log(2), rel=0.03)
    assert curve.share_at(8) == pytest.approx(1 - np.exp(-2), abs=0.01)


def test_nothing_is_said_of_nothing() -> None:
    empty = arrival_curve([], [])
    assert empty.share_at(0) is None and empty.delay_of(0.1) is None
    early = arrival_curve([-3.0, np.nan] + [1.0] * 10, [True, True] + [True] * 10)
    assert early.n == 11 and early.share_at(0) == pytest.approx(1 / 11), "an outcome before its score took no time"
