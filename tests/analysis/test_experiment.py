"""The ratio and the difference of two versions beside each other, against scipy and statistics written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from console.analysis.experiment import MINIMUM_REQUESTS, MISMATCH, losses, paired, sample_ratio_p, unpaired


@given(st.integers(0, 5000), st.integers(0, 5000), st.floats(0.01, 0.99))
def test_the_ratio_is_the_chi_squared_test_of_scipy(first: int, second: int, share: float) -> None:
    found = sample_ratio_p((first, second), (1 - share, share))
    if first + second < MINIMUM_REQUESTS:
        assert found is None
    else:
        total = first + second
        assert found == pytest.approx(stats.chisquare([first, second], [total * (1 - share), total * share]).pvalue, abs=1e-9)


def test_answers_where_none_were_asked_for_are_no_chance_and_one_version_alone_is_no_ratio() -> None:
    assert sample_ratio_p((900, 100, 1), (0.9, 0.1, 0.0)) == 0.0
    assert sample_ratio_p((1000, 0), (1.0, 0.0)) is None
    assert (sample_ratio_p((1000, 0), (0.8, 0.2)) or 0.0) < MISMATCH


def test_separate_groups_have_the_interval_of_unequal_variances() -> None:
    random = np.random.default_rng(3)
    mine, theirs = random.normal(0.3, 0.2, 400), random.normal(0.2, 0.5, 900)
    found = unpaired(mine, theirs)
    oracle = stats.ttest_ind(mine, theirs, equal_var=False).confidence_interval()
    assert found is not None and found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((oracle.low, oracle.high), abs=1e-3)
    assert found.certain and not found.better and found.n == 400
    assert found.worse(0.02) and found.worse(found.value / found.base) and not found.worse(found.value / found.base * 1.01)
    assert unpaired(np.array([]), theirs) is None
    alone = unpaired(np.array([0.9]), theirs)
    assert alone is not None and alone.interval is None and not alone.worse(0.0)


def test_the_same_rows_tell_apart_what_separate_groups_cannot() -> None:
    random = np.random.default_rng(4)
    label = (random.random(500) < 0.3).astype(float)
    score = np.clip(random.random(500), 0.05, 0.95)
    worse = losses(np.clip(score + 0.02, 0, 1), label, binary=True)
    base = losses(score, label, binary=True)
    pair, apart = paired(worse, base, np.arange(500)), unpaired(worse, base)
    assert pair is not None and apart is not None and pair.value == pytest.approx(apart.value)
    assert pair.interval is not None and apart.interval is not None
    assert pair.interval.high - pair.interval.low < 0.2 * (apart.interval.high - apart.interval.low)
    assert pair.value == pytest.approx(float(np.mean(worse - base)))
