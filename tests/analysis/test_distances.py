"""Distances equal scipy's on random and adversarial data, and hold their bounds on counts."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from console.analysis.distances import (
    chi2_test,
    jensen_shannon_distance,
    kolmogorov_smirnov,
    ks_from_counts,
    population_stability_index,
    wasserstein,
    wasserstein_from_counts,
)
from console.analysis.distributions import chi2_survival, kolmogorov_survival, ks_exact_p, ks_p_value

values = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=60)
counts = st.lists(st.integers(0, 5000), min_size=2, max_size=12)


@given(st.integers(1, 3000), st.floats(0.001, 4))
@settings(max_examples=200, deadline=None)
def test_the_chi2_tail_is_scipys(degrees: int, ratio: float) -> None:
    statistic = degrees * ratio
    expected = float(stats.chi2.sf(statistic, degrees))
    assert chi2_survival(statistic, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(("statistic", "degrees"), [(1400.0, 1), (1000.0, 9), (2e6, 4), (5_003_000.0, 5_000_000), (1e-9, 3), (700.0, 700)])
def test_the_chi2_tail_holds_at_extremes(statistic: float, degrees: int) -> None:
    assert chi2_survival(statistic, degrees) == pytest.approx(float(stats.chi2.sf(statistic, degrees)), rel=1e-6, abs=1e-300)


@pytest.mark.parametrize("x", [0.01, 0.2, 0.5, 0.9, 0.999, 1.0, 1.2, 2.0, 5.0, 15.0, 30.0])
def test_the_kolmogorov_tail_is_scipys(x: float) -> None:
    assert kolmogorov_survival(x) == pytest.approx(float(special.kolmogorov(x)), rel=1e-10, abs=1e-300)


@given(values, values)
@settings(max_examples=300, deadline=None)
def test_ks_statistic_and_exact_p_are_scipys(one: list[float], two: list[float]) -> None:
    ours = kolmogorov_smirnov(np.array(one), np.array(two))
    with warnings.catch_warnings(record=True) as gave_up:
        warnings.simplefilter("always")
        theirs = stats.ks_2samp(one, two)
    assert ours is not None
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    if gave_up:  # scipy's own exact sum overshoots 1 and it falls back to the limit law
        assert ours.p_value == pytest.approx(1.0)
    else:
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(
    ("n", "m", "shift"), [(10_000, 9_999, 0.02), (10_000, 10_000, 0.05), (9_000, 300, 0.3), (1, 5_000, 1.0), (2_000, 2_000, 1.5)]
)
def test_exact_p_of_larger_samples_is_scipys(n: int, m: int, shift: float) -> None:
    random = np.random.default_rng(7)
    one, two = random.normal(size=n), random.normal(shift, size=m)
    ours, theirs = kolmogorov_smirnov(one, two), stats.ks_2samp(one, two)
    assert ours is not None
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-300)


def test_exact_p_counts_lattice_paths() -> None:
    """Against every order in which three and four values can be merged."""
    n, m = 3, 4
    reached = []
    for mask in range(1 << (n + m)):
        steps = [mask >> bit & 1 for bit in range(n + m)]
        if sum(steps) == n:
            firsts = np.cumsum(steps)
            seconds = np.arange(1, n + m + 1) - firsts
            reached.append(int(np.abs(firsts * m - seconds * n).max()))
    for difference in range(n * m + 1):
        expected = sum(value >= difference for value in reached) / len(reached)
        assert ks_exact_p(difference, n, m) == pytest.approx(expected, abs=1e-14)


def test_beyond_ten_thousand_rows_p_is_the_kolmogorov_limit() -> None:
    n, m, difference = 20_000, 15_000, 4_000_000
    x = difference / (n * m) * math.sqrt(n * m / (n + m))
    assert ks_p_value(difference, n, m) == pytest.approx(float(special.kolmogorov(x)), rel=1e-12)


@given(values, values)
@settings(max_examples=200, deadline=None)
def test_wasserstein_is_scipys(one: list[float], two: list[float]) -> None:
    assert wasserstein(np.array(one), np.array(two)) == pytest.approx(stats.wasserstein_distance(one, two), rel=1e-9, abs=1e-9)


def test_infinities_are_values_to_ks_and_refused_by_wasserstein() -> None:
    one, two = np.array([-np.inf, 0.0, 1.0]), np.array([0.0, np.inf, np.inf])
    ks = kolmogorov_smirnov(one, two)
    assert ks is not None
    assert ks.statistic == pytest.approx(2 / 3)
    assert wasserstein(one, two) is None
    assert wasserstein(np.array([-1.7e308]), np.array([1.7e308])) is None


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_chi2_and_js_are_scipys(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 12))
    table = np.array([data.draw(st.lists(st.integers(0, 5000), min_size=size, max_size=size)) for _ in range(2)])
    ours = chi2_test(*table)
    if not table.sum(axis=1).all():
        assert ours is None
        assert jensen_shannon_distance(*table) is None
        return
    held = table[:, table.sum(axis=0) > 0]
    theirs = stats.chi2_contingency(held, correction=False)
    assert ours is not None
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.degrees == theirs.dof
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-7, abs=1e-12)
    assert jensen_shannon_distance(*table) == pytest.approx(jensenshannon(*table), abs=1e-7)


def test_psi_floors_shares_at_one_in_ten_thousand_without_renormalising() -> None:
    expected = (0.5 - 1.0) * math.log(0.5 / 1.0) + (0.5 - 1e-4) * math.log(0.5 / 1e-4)
    assert population_stability_index([100, 0], [50, 50]) == pytest.approx(expected)
    assert population_stability_index([0, 0], [1, 2]) is None
    assert population_stability_index([0, 7], [0, 9]) == 0.0


@given(counts)
def test_identical_counts_are_no_distance(table: list[int]) -> None:
    if sum(table):
        assert population_stability_index(table, table) == 0.0
        assert jensen_shannon_distance(table, table) == 0.0
        chi2 = chi2_test(table, table)
        assert chi2 is not None
        assert chi2.statistic == pytest.approx(0.0, abs=1e-9)
        assert chi2.p_value == pytest.approx(1.0)


@given(values, values, st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8, unique=True))
@settings(max_examples=200, deadline=None)
def test_bounds_from_counts_hold_the_exact_values(one: list[float], two: list[float], edges: list[float]) -> None:
    edges = sorted(edges)
    tables = [np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1) for sample in (one, two)]
    ks, exact = ks_from_counts(*tables), kolmogorov_smirnov(np.array(one), np.array(two))
    assert ks is not None
    assert exact is not None
    assert ks.low - 1e-12 <= exact.statistic <= ks.high + 1e-12
    area = wasserstein_from_counts(*tables, edges, min(one + two), max(one + two))
    distance = stats.wasserstein_distance(one, two)
    assert area is not None
    assert area.low - 1e-6 <= distance <= area.high + 1e-6
    assert area.low - 1e-9 <= area.value <= area.high + 1e-9


def test_nothing_on_one_side_is_not_computable() -> None:
    empty, some = np.array([]), np.array([1.0])
    assert kolmogorov_smirnov(empty, some) is None
    assert wasserstein(some, empty) is None
    assert ks_from_counts([0, 0], [1, 2]) is None
