"""A slow trend: slope, interval and p-value are scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from console.analysis.trend import trend


@given(st.lists(st.floats(-1e3, 1e3).map(lambda value: round(value, 6)), min_size=6, max_size=16))
@settings(deadline=None, max_examples=80)
def test_slope_and_p_value_are_scipys(values: list[float]) -> None:
    found = trend(range(len(values)), values)
    if len(set(values)) < 2:
        assert found is None
        return
    assert found is not None
    sen = stats.theilslopes(values, range(len(values)), 0.95)
    assert found.slope == pytest.approx(sen.slope, abs=1e-12)
    assert found.low <= found.slope <= found.high
    if len(set(values)) == len(values):
        assert found.p_value == pytest.approx(stats.kendalltau(range(len(values)), values, method="exact").pvalue, rel=1e-9)
        assert (found.low, found.high) == pytest.approx((sen.low_slope, sen.high_slope), abs=1e-12)


def test_a_rise_is_found_and_noise_is_not() -> None:
    chance = np.random.default_rng(1)
    rising = trend(range(12), np.arange(12) * 0.5 + chance.normal(0, 0.3, 12))
    assert rising is not None and rising.p_value < 1e-4 and rising.low < 0.5 < rising.high
    flat = trend(range(12), chance.normal(0, 1, 12))
    assert flat is not None and flat.p_value > 0.05 and flat.low < 0 < flat.high


def test_too_few_values_or_equal_ones_have_no_trend() -> None:
    assert trend(range(5), [1, 2, 3, 4, 5]) is None
    assert trend(range(8), [1.0] * 8) is None
    assert trend([0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6]) is None
