"""Drift between samples and between profiles: fixed edges, honest bounds, severity from the column's own past."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from backends.profile.profile import ColumnSpec, ProfileMismatch
from backends.records import State
from console.analysis.drift import Profile, band, compare, equal_weekdays, psi_between, verdict
from console.analysis.samples import compare_categories, compare_samples, profile_categories, profile_sample, reference_edges

any_float = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-3, 3).map(float)
samples = st.lists(any_float, max_size=60)


def test_edges_are_the_unique_inner_deciles_of_the_reference() -> None:
    values = np.random.default_rng(1).normal(size=1001)
    assert reference_edges(values).edges == tuple(np.quantile(values, np.arange(1, 10) / 10))
    assert reference_edges([1.0] + [2.0] * 9 + [3.0]).edges == (2.0,)
    assert reference_edges([math.nan, math.inf]).edges == ()


def test_a_zero_inflated_column_never_reads_no_drift() -> None:
    random = np.random.default_rng(2)
    before = np.where(random.random(5000) < 0.93, 0.0, random.random(5000))
    now = np.where(random.random(5000) < 0.75, 0.0, random.random(5000))
    drift = compare_samples(before, now)
    spec = reference_edges(before)
    assert spec.spike == 0.0
    assert "0 is split off" in spec.edges_from
    r, c = (before == 0).mean(), (now == 0).mean()
    assert drift.psi == pytest.approx((c - r) * math.log(c / r) + (r - c) * math.log((1 - c) / (1 - r)))
    assert drift.notes == ("the deciles of the reference collapse: 0 has a bin of its own",)


def test_a_constant_column_that_starts_to_vary_drifts() -> None:
    drift = compare_samples([5.0] * 300, [5.0] * 200 + [4.0] * 100)
    assert drift.psi is not None
    assert drift.psi > 1
    assert compare_samples([5.0] * 300, [5.0] * 20).psi == 0.0


def test_a_scale_change_of_a_heavy_tail_is_seen() -> None:
    """Equal-width bins read .001 here: one outlier stretches them."""
    before, now = stats.t.rvs(2, size=(2, 50_000), random_state=4)
    drift = compare_samples(before, now * 1.5)
    assert drift.psi == pytest.approx(0.12, abs=0.02)
    assert drift.js == pytest.approx(0.147 * math.sqrt(math.log(2)), abs=0.005)  # .147 with base-2 logarithms


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning:scipy")
@given(samples, samples)
@settings(max_examples=200, deadline=None)
def test_samples_agree_with_scipy_and_with_their_own_profiles(one: list[float], two: list[float]) -> None:
    exact = compare_samples(one, two, "x")
    spec = reference_edges(one, "x")
    bounded = compare(profile_sample(one, spec), profile_sample(two, spec))
    json.dumps(asdict(exact), allow_nan=False)
    json.dumps(asdict(bounded), allow_nan=False)
    assert (exact.psi, exact.js, exact.chi2) == (bounded.psi, bounded.js, bounded.chi2)
    left, right = [[value for value in some if not math.isnan(value)] for some in (one, two)]
    if not left or not right:
        assert (exact.psi, exact.ks, exact.wasserstein) == (None, None, None)
        assert exact.reasons["psi"] == "no values on one side"
        return
    assert exact.ks == pytest.approx(stats.ks_2samp(left, right, method="asymp").statistic, abs=1e-12)
    assert bounded.ks_low is not None
    assert bounded.ks_high is not None
    assert exact.ks is not None
    assert bounded.ks_low - 1e-12 <= exact.ks <= bounded.ks_high + 1e-12
    if exact.wasserstein is not None and bounded.wasserstein_low is not None and bounded.wasserstein_high is not None:
        slack = 1e-9 * max(map(abs, left + right), default=0.0) + 1e-12
        assert bounded.wasserstein_low - slack <= exact.wasserstein <= bounded.wasserstein_high + slack


@given(samples)
@settings(max_examples=100, deadline=None)
def test_identical_data_is_no_drift(values: list[float]) -> None:
    drift = compare_samples(values, list(reversed(values)))
    if drift.n_reference:
        assert (drift.psi, drift.ks) == (0.0, 0.0)
        assert drift.js == pytest.approx(0.0, abs=1e-7)
        assert drift.chi2 == pytest.approx(0.0, abs=1e-9)
        assert drift.wasserstein in {0.0, None}


@given(samples, samples, samples)
@settings(max_examples=150, deadline=None)
def test_adding_profiles_is_profiling_all_rows_at_once(one: list[float], two: list[float], three: list[float]) -> None:
    spec = ColumnSpec("x", "numeric", (-1.0, 0.0, 2.5))
    a, b, c = (profile_sample(values, spec) for values in (one, two, three))
    left, right, whole = a.merge(b).merge(c), a.merge(b.merge(c)), profile_sample(one + two + three, spec)
    for merged in (left, right):
        assert (merged.n, merged.nulls, merged.counts, merged.min, merged.max, merged.infinite) == (
            whole.n,
            whole.nulls,
            whole.counts,
            whole.min,
            whole.max,
            whole.infinite,
        )
        assert sum(merged.counts) == merged.n


@given(st.lists(st.sampled_from([None, "a", "b", "\u00e9", ""])), st.lists(st.sampled_from([None, "b", "c"])))
@settings(deadline=None)
def test_categories_are_compared_over_their_union(one: list[str | None], two: list[str | None]) -> None:
    drift = compare_categories(one, two)
    left, right = {value for value in one if value is not None}, {value for value in two if value is not None}
    assert drift.n_reference == sum(value is not None for value in one)
    if left and right:
        assert set(drift.new_categories) == right - left
        assert set(drift.vanished_categories) == left - right
        assert drift.psi is not None
    merged = profile_categories(one).merge(profile_categories(two))
    assert merged == profile_categories(one + two)


def test_profiles_of_different_edges_are_never_compared() -> None:
    one, two = (Profile("x", "numeric", 1, 0, (edge,), (1, 0)) for edge in (0.0, 1.0))
    with pytest.raises(ProfileMismatch, match="same edges"):
        compare(one, two)
    with pytest.raises(ProfileMismatch):
        one.merge(two)


def test_missing_values_are_beside_the_distances_not_in_them() -> None:
    drift = compare_samples([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0, math.nan, math.nan, math.nan, math.nan])
    assert (drift.psi, drift.missing_reference, drift.missing_current) == (0.0, 0.0, 0.5)


TEMP = (1.3, 0.6, 8.9, 0.6, 5.2, 0.7, 2.4, 1.5, 1.4, 0.3, 1.8, 0.9, 0.3, 4.5, 5.2)


def test_big_but_usual_is_ok() -> None:
    judged = verdict(3.36, band(TEMP), 4676, window="week")
    assert judged.state == State.OK
    assert judged.reason == "big but usual: 4 of 15 earlier weeks were further from the reference"
    assert judged.band is not None
    assert (judged.band.low, judged.band.median, judged.band.high, judged.band.n) == (0.3, 1.4, 8.9, 15)


def test_beyond_all_earlier_windows_warns_and_far_beyond_is_critical() -> None:
    past = band([0.05, 0.32, 0.1, 0.2, 0.07, None, math.nan])
    assert past is not None
    assert past.n == 5
    warned = verdict(0.36, past, 4676, window="week")
    assert (warned.state, warned.reason) == (State.WARNING, "beyond all 5 earlier weeks (most .32)")
    assert verdict(0.64, past, 4676).state == State.WARNING
    far = verdict(0.65, past, 4676)
    assert (far.state, far.reason) == (State.CRITICAL, "far beyond all 5 earlier windows: 2.0 times the highest (.32)")


def test_small_effects_never_alarm_however_unusual() -> None:
    still = band([0.001] * 20)
    judged = verdict(0.05, still, 1_000_000)
    assert judged.state == State.OK
    assert "but small" in judged.reason
    assert verdict(0.15, still, 1_000_000).state == State.WARNING
    assert verdict(0.21, still, 1_000_000).state == State.CRITICAL
    assert verdict(0.05, still, 1_000_000, small_effect=0.0).state == State.CRITICAL


@pytest.mark.parametrize(
    ("value", "past", "n", "why"),
    [
        (None, TEMP, 5000, "not computable"),
        (9.0, TEMP, 12, "only 12 rows"),
        (9.0, TEMP[:3], 5000, "only 3 earlier windows"),
        (9.0, (), 5000, "only 0"),
    ],
)
def test_too_little_to_judge_is_unknown_with_its_reason(value: float | None, past: tuple[float, ...], n: int, why: str) -> None:
    judged = verdict(value, band(past), n)
    assert judged.state == State.UNKNOWN
    assert why in judged.reason


@given(st.floats(0, 20), st.lists(st.floats(0, 10), min_size=5, max_size=30))
def test_a_larger_distance_is_never_judged_milder(value: float, past: list[float]) -> None:
    order = [State.OK, State.WARNING, State.CRITICAL]
    judged = [order.index(verdict(value * factor, band(past), 1000).state) for factor in (0.5, 1.0, 1.5, 3.0)]
    assert judged == sorted(judged)


def test_calendar_columns_are_compared_with_equal_weekdays() -> None:
    reference = [date(2013, 3, 11) + timedelta(days=day) for day in range(21)]
    current = [date(2013, 4, 22) + timedelta(days=day) for day in range(5)]
    chosen = equal_weekdays(reference, current)
    assert len(chosen.days) == 15
    assert {day.weekday() for day in chosen.days} == {0, 1, 2, 3, 4}
    weekdays = [[day.weekday() for day in days] for days in (chosen.days, current)]
    profiles = [profile_categories(days, "dow") for days in weekdays]
    assert compare(*profiles).psi == 0.0
    assert equal_weekdays(reference[:3], current).days == ()
    assert "too few" in equal_weekdays(reference[:3], current).reason


def test_the_psi_alone_is_the_psi_of_the_whole_comparison() -> None:
    generator = np.random.default_rng(7)
    one = generator.normal(size=500)
    spec = reference_edges(one, "x")
    pairs = [(profile_sample(one, spec), profile_sample(generator.normal(0.5, size=90), spec)), (profile_sample(one, spec),) * 2]
    pairs.append((profile_categories("aabbc", "letter"), profile_categories("bbcdd", "letter")))
    pairs.append((profile_categories("aabbc", "letter"), profile_categories([], "letter")))
    found = [psi_between(*pair) for pair in pairs]
    assert found == [compare(*pair).psi for pair in pairs]
    assert found[0] is not None and found[0] > 0.1 and found[1] == 0 and found[3] is None
    with pytest.raises(ProfileMismatch):
        psi_between(pairs[0][0], pairs[2][0])
