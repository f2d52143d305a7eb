"""Windows of profiles add up: in any order, in any grouping, to what all their rows together say, and never twice."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.profile.profile import ColumnSpec, Profile, ProfileMismatch, merge_profiles
from backends.profile.reference import reference_specs
from backends.profile.sketch import HASHES, SIZE, Sketch, sampled_below
from backends.profile.sql import Run, profile_columns
from backends.profile.windows import WindowProfile, merge_windows, schema_of
from console.analysis.drift import compare
from console.analysis.samples import profile_categories, profile_sample, reference_edges


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


@pytest.fixture(scope="module")
def run(connection: duckdb.DuckDBPyConnection) -> Run:
    def execute(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        return connection.execute(sql, list(params)).fetchall()

    return execute


Row = tuple[float | None, str | None, int]
rows_of_three_days = st.lists(
    st.tuples(
        st.none() | st.integers(-40, 40).map(lambda value: value / 8) | st.sampled_from([math.inf, -math.inf, math.nan, -0.0]),
        st.none() | st.sampled_from(["a", "b", "\u2603", "", "(other)"]),
        st.integers(0, 2),
    ),
    max_size=40,
)
NUMBER = ColumnSpec("x", "numeric", (-1.0, 0.0, 2.0), tails=(-4.0, 4.5), sampled=HASHES)
CATEGORY = ColumnSpec("c", "categorical", sampled=HASHES // 2)


def load(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    connection.execute("CREATE OR REPLACE TABLE t (x DOUBLE, c VARCHAR, day INTEGER)")
    if rows:
        columns = [list(each) for each in zip(*rows, strict=True)]
        connection.execute("INSERT INTO t SELECT unnest(?::DOUBLE[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[])", columns)


def counted(connection: duckdb.DuckDBPyConnection, run: Run, rows: Sequence[Row]) -> tuple[Profile, ...]:
    load(connection, rows)
    return profile_columns(run, "t", [NUMBER, CATEGORY])[()]


def exactly(profile: Profile) -> Profile:
    """Everything but the sum, whose last digits depend on the order in which rows were added."""
    return replace(profile, sum=0.0)


@given(rows_of_three_days)
@settings(max_examples=40, deadline=None)
def test_parts_add_up_to_the_whole_in_any_order_and_grouping(connection: duckdb.DuckDBPyConnection, run: Run, rows: list[Row]) -> None:
    whole = counted(connection, run, rows)
    days = profile_columns(run, "t", [NUMBER, CATEGORY], by=["day"])
    for place, expected in enumerate(whole):
        parts = [columns[place] for columns in days.values()]
        for order in (parts, parts[::-1]):
            total = merge_profiles(order)
            if total is None:
                assert not rows
                continue
            assert exactly(total) == exactly(expected)
            assert total.distinct == expected.distinct
            assert total.sum == pytest.approx(expected.sum, abs=1e-9)
        if len(parts) == 3:
            one, two, three = parts
            assert exactly(one.merge(two).merge(three)) == exactly(one.merge(two.merge(three)))


@given(rows_of_three_days, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_changes_nothing(connection: duckdb.DuckDBPyConnection, run: Run, rows: list[Row], chance: random.Random) -> None:
    before = counted(connection, run, rows)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert [exactly(each) for each in counted(connection, run, shuffled)] == [exactly(each) for each in before]


@given(rows_of_three_days)
@settings(max_examples=25, deadline=None)
def test_equal_rows_are_no_drift_at_all(connection: duckdb.DuckDBPyConnection, run: Run, rows: list[Row]) -> None:
    one, two = counted(connection, run, rows), counted(connection, run, rows)
    for before, now in zip(one, two, strict=True):
        drift = compare(before, now)
        distances = (drift.psi, drift.js, drift.chi2, drift.ks, drift.wasserstein)
        assert all(each is None or each == pytest.approx(0.0, abs=1e-7) for each in distances)
        assert (drift.psi is not None) == (before.n > 0)
        assert (drift.new_categories, drift.vanished_categories) == ((), ())


def test_tails_are_counted_beyond_the_first_and_last_hundredth_of_the_reference(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    values = np.random.default_rng(1).normal(size=3000)
    connection.execute("CREATE OR REPLACE TABLE r AS SELECT unnest(?::DOUBLE[]) AS x", [values.tolist()])
    (spec,) = reference_specs(run, "r")
    low, high = np.quantile(values, [0.01, 0.99])
    assert spec.tails == pytest.approx((low, high))
    (profile,) = profile_columns(run, "r", [spec])[()]
    assert profile.tail_counts == (int((values < low).sum()), int((values >= high).sum())) == (30, 30)
    assert len(profile.counts) == 10 and sum(profile.counts) == 3000
    edges, counts = profile.finest
    assert list(counts) == np.histogram(values, [-np.inf, *edges, np.inf])[0].tolist()


def test_tails_narrow_the_bounds_of_what_profiles_cannot_say_exactly() -> None:
    rng = np.random.default_rng(2)
    before, now = rng.standard_t(2, 2000), rng.standard_t(2, 2000) * 1.4
    plain = reference_edges(before, "x")
    tailed = replace(plain, tails=(float(np.quantile(before, 0.01)), float(np.quantile(before, 0.99))))

    def profile(spec: ColumnSpec, values: Any) -> Profile:
        low, high = spec.tails
        below, above = (0, 0) if low is None or high is None else (int((values < low).sum()), int((values >= high).sum()))
        return replace(profile_sample(values, spec), tails=spec.tails, tail_counts=(below, above))

    loose, tight = (compare(profile(spec, before), profile(spec, now)) for spec in (plain, tailed))
    assert loose.psi == tight.psi
    assert tight.wasserstein_high is not None and loose.wasserstein_high is not None and tight.wasserstein_low is not None
    assert tight.wasserstein_high < 0.8 * loose.wasserstein_high
    exact = float(np.abs(np.sort(before) - np.sort(now)).mean())
    assert tight.wasserstein_low <= exact <= tight.wasserstein_high


@pytest.mark.parametrize("different", [1, 200, 3_000, 60_000])
def test_how_many_different_values_there_are_is_known_whatever_the_rows(
    connection: duckdb.DuckDBPyConnection, run: Run, different: int
) -> None:
    connection.execute(
        f"CREATE OR REPLACE TABLE v AS SELECT (i % {different}) * 0.5 AS v, 'k' || (i % {different}) AS c, i % 7 AS day "
        "FROM range(60000) r(i)"
    )
    specs = [spec for spec in reference_specs(run, "v", kinds={"c": "categorical"}) if spec.column != "day"]
    days = profile_columns(run, "v", specs, by=["day"])
    for place, whole in enumerate(profile_columns(run, "v", specs)[()]):
        total = merge_profiles(columns[place] for columns in days.values())
        assert total is not None and total.distinct is not None and whole.distinct is not None and whole.distinct.high is not None
        # By name more are known of the days than of all their rows at once, where only so many names are kept.
        assert total.distinct == whole.distinct or (whole.other > 0 and total.distinct.value == different)
        # Twice the interval of 95 %: every engine has hashes of its own.
        assert abs(whole.distinct.value - different) <= whole.distinct.high - whole.distinct.low
        assert whole.distinct.high - whole.distinct.low <= 0.12 * different + 12
        by_name = whole.column == "c" and different < 10_000
        assert (whole.distinct.method == "counted by name") == by_name
        assert not by_name or whole.distinct.value == different


def test_estimates_of_different_values_keep_what_their_intervals_promise() -> None:
    rng, held = np.random.default_rng(4), 0
    for different in [5, 50, 500, 2_000, 20_000] * 40:
        below = sampled_below(different)
        hashes = rng.integers(0, HASHES, different)
        bits = 0
        for place in rng.integers(0, SIZE, int((hashes < below).sum())).tolist():
            bits |= 1 << place
        found = Sketch("e 1", below, bits).distinct
        assert found.high is not None
        held += found.low <= different <= found.high
    assert held >= 0.92 * 200


def test_a_sketch_that_is_full_says_that_there_are_more_than_it_can_tell() -> None:
    found = Sketch("e 1", HASHES, (1 << SIZE) - 1).distinct
    assert found.high is None and found.low == SIZE
    assert found.method.endswith("more than can be told")
    assert Sketch("e 1", HASHES // 128, 0).distinct.high == 384


def test_values_hashed_by_another_engine_are_not_added_to_ours() -> None:
    ours, theirs = (
        replace(profile_sample([1.0, 2.0], ColumnSpec("x", "numeric")), sketch=Sketch(by, HASHES, 0b11))
        for by in ("duckdb 2.0.0", "duckdb 1.5.6")
    )
    assert ours.distinct is not None
    assert ours.merge(theirs).distinct is None
    assert ours.merge(theirs).counts == (4,)


def test_categories_beyond_those_kept_by_name_leave_bounds(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    load(connection, [(None, each, 0) for each in ("a", "a", "b", "c", "d")])
    (kept,) = profile_columns(run, "t", [ColumnSpec("c", "categorical", max_categories=2)])[()]
    assert kept.distinct is not None
    assert (kept.distinct.low, kept.distinct.high) == (2, 4)
    assert kept.distinct.method == "counted by name, as far as names were kept: 2 values have others"


def window(day: int, columns: tuple[Profile, ...], version: str = "v1", schema: str = "sha256:1") -> WindowProfile:
    return WindowProfile(((date(2013, 4, day), version),), ("duckdb 2.0.0",), (schema,), columns)


def test_windows_are_stored_and_read_back_exactly(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    spec = reference_edges([0.1, 0.2, 1 / 3, 1e300], "x")
    by_hand = (profile_sample([0.1, math.nan, math.inf], spec), profile_categories(["\u2603", None], "c"))
    for columns in (by_hand, counted(connection, run, [(0.5, "a", 0), (-7.0, "\u2603", 0), (None, None, 0)])):
        stored = window(1, columns)
        assert WindowProfile.from_json(stored.to_json()) == stored
    with pytest.raises(ValueError, match="not of format"):
        WindowProfile.from_json('{"format": 99}')
    damaged = window(1, by_hand).to_json().replace('"n":2', '"n":3')
    with pytest.raises(ValueError, match="does not add up"):
        WindowProfile.from_json(damaged)


def test_days_and_versions_add_up_and_never_twice() -> None:
    spec = ColumnSpec("x", "numeric", (0.0,))
    days = [window(day, (profile_sample([float(day), -1.0], spec),)) for day in (1, 2, 4)]
    merged = merge_windows([days[2], days[0], days[1]])
    assert merged is not None
    assert merged.windows == tuple((date(2013, 4, day), "v1") for day in (1, 2, 4))
    assert merged.columns[0].counts == (3, 3)
    with pytest.raises(ProfileMismatch, match="twice"):
        merge_windows([days[0], days[0]])
    both = merge_windows([days[0], window(1, days[0].columns, "v2", "sha256:2")])
    assert both is not None
    assert both.windows == ((date(2013, 4, 1), "v1"), (date(2013, 4, 1), "v2"))
    assert (both.engines, both.schemas) == (("duckdb 2.0.0",), ("sha256:1", "sha256:2"))
    assert merge_windows([]) is None


def test_a_column_absent_from_a_day_is_missing_there_not_forgotten() -> None:
    spec = ColumnSpec("x", "numeric", (0.0,))
    without = window(2, (profile_categories(["a", "b", "a"], "c"),))
    merged = merge_windows([window(1, (profile_sample([1.0], spec), profile_categories(["a"], "c"))), without])
    assert merged is not None
    column = merged.column("x")
    assert column is not None
    assert (column.n, column.nulls) == (1, 3)


def test_a_schema_is_told_by_names_and_types_not_by_their_order() -> None:
    assert schema_of({"a": "DOUBLE", "b": "VARCHAR"}) == schema_of({"b": "VARCHAR", "a": "DOUBLE"})
    assert len({schema_of(each) for each in ({"a": "DOUBLE"}, {"a": "BIGINT"}, {"A": "DOUBLE"}, {"a": "DOUBLE", "b": "DOUBLE"}, {})}) == 5
