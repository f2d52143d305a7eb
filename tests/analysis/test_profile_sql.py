"""Profiles counted by the engine equal profiles counted row by row, add up, and survive storage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.profile.profile import ColumnSpec
from backends.profile.reference import reference_specs
from backends.profile.sql import MissingColumn, Run, profile_columns
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


def load(connection: duckdb.DuckDBPyConnection, values: Sequence[Any], engine_type: str = "DOUBLE") -> None:
    connection.execute(f"CREATE OR REPLACE TABLE t (x {engine_type})")
    connection.execute(f"INSERT INTO t SELECT unnest(?::{engine_type}[])", [list(values)])


numbers = st.lists(st.none() | st.floats(allow_nan=True) | st.integers(-3, 3).map(float), max_size=50)
quarters = st.lists(st.none() | st.just(math.inf) | st.just(math.nan) | st.integers(-400, 400).map(lambda value: value / 4), max_size=60)


@given(quarters)
@settings(max_examples=60, deadline=None)
def test_the_engine_finds_the_edges_that_numpy_finds(connection: duckdb.DuckDBPyConnection, run: Run, values: list[float | None]) -> None:
    load(connection, values)
    (spec,) = reference_specs(run, "t")
    expected = reference_edges([math.nan if value is None else value for value in values], "x", top=True)
    assert spec.edges == pytest.approx(expected.edges, rel=1e-12, abs=1e-12)
    assert spec.spike == expected.spike


def test_the_largest_of_few_whole_numbers_is_told_from_the_one_below_it(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    load(connection, [0.0, 1.0, 2.0] * 100)
    (spec,) = reference_specs(run, "t")
    assert spec.edges == (1.0, 2.0) and spec.edges_from.endswith("the largest value, 2, has a bin of its own")
    (before,) = profile_columns(run, "t", [spec])[()]
    load(connection, [0.0, 1.0, 1.0] * 100)
    (now,) = profile_columns(run, "t", [spec])[()]
    assert (before.counts, now.counts) == ((100, 100, 100), (100, 200, 0))
    psi = compare(before, now).psi
    assert psi is not None and psi > 1


@given(numbers)
@settings(max_examples=60, deadline=None)
def test_the_engine_counts_as_the_rows_do(connection: duckdb.DuckDBPyConnection, run: Run, values: list[float | None]) -> None:
    load(connection, values)
    plain = [math.nan if value is None else value for value in values]
    spec = reference_edges(plain, "x")
    (counted,) = profile_columns(run, "t", [spec])[()]
    by_hand = profile_sample(plain, spec)
    assert (counted.n, counted.nulls, counted.counts, counted.infinite) == (by_hand.n, by_hand.nulls, by_hand.counts, by_hand.infinite)
    assert (counted.min, counted.max, counted.spike) == (by_hand.min, by_hand.max, by_hand.spike)
    if by_hand.sum is not None and counted.sum is not None:
        assert counted.sum == pytest.approx(by_hand.sum, rel=1e-9, abs=1e-9 * max([abs(v) for v in plain if math.isfinite(v)], default=1.0))


def test_a_value_on_an_edge_belongs_to_the_bin_above(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    load(connection, [-1.0, 0.0, -0.0, math.nextafter(0.0, -1), 1.0, 2.0, math.inf, -math.inf, math.nan, None])
    (profile,) = profile_columns(run, "t", [ColumnSpec("x", "numeric", (0.0, 1.0))])[()]
    assert (profile.counts, profile.n, profile.nulls, profile.infinite) == ((3, 2, 3), 8, 2, 2)


def test_categories_are_exact_and_the_rest_is_counted(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    values = ["b"] * 3 + ["a"] * 3 + ["c", "\u2603'\"; DROP", None, ""] + ["z"] * 9
    load(connection, values, "VARCHAR")
    (every,) = profile_columns(run, "t", [ColumnSpec("x", "categorical")])[()]
    assert every == profile_categories(values, "x")
    (kept,) = profile_columns(run, "t", [ColumnSpec("x", "categorical", max_categories=2)])[()]
    assert (kept.categories, kept.other, kept.n, kept.nulls) == ((("a", 3), ("z", 9)), 6, 18, 1)
    drift = compare(every, kept)
    assert drift.psi is not None
    assert "(other)" in drift.notes[0]


def test_texts_that_have_no_categories_are_not_counted_by_name(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    connection.execute(
        """CREATE OR REPLACE TABLE told AS SELECT 'row ' || i AS note, 'k' || (i % 60) AS code, '[' || i || ', 1]' AS vector,
        CASE WHEN i = 7 THEN 'plain' ELSE '{a: ' || (i % 3) || '}' END AS mostly FROM range(200) r(i)"""
    )
    found = {spec.column: spec for spec in reference_specs(run, "told")}
    assert {name: spec.kind for name, spec in found.items()} == {
        "note": "text", "code": "categorical", "vector": "text", "mostly": "categorical",
    }  # fmt: skip
    assert found["note"].edges_from.startswith("free text has no order and no categories: nearly every value is another")
    assert found["vector"].edges_from == "lists or structures, such as embeddings, have no order and no categories"
    # What somebody declared stays as declared; lists never have categories.
    declared = reference_specs(run, "told", kinds={"note": "categorical", "vector": "numeric", "code": "text"})
    assert [spec.kind for spec in declared] == ["categorical", "text", "text", "categorical"]


def test_every_kind_of_column_in_one_pass_per_window(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    connection.execute(
        '''CREATE OR REPLACE TABLE scored AS SELECT 'v' || (i % 2) AS version, TIMESTAMP '2013-04-01' + INTERVAL (i) HOUR AS event_at,
        i % 7 AS "count of ""things""", (i % 10)::DECIMAL(9, 2) / 4 AS price, i % 3 = 0 AS flag, 'k' || (i % 5) AS carrier,
        DATE '2013-04-01' + (i // 24)::INTEGER AS day, [i] AS nested FROM range(96) r(i)'''
    )
    specs = reference_specs(run, "scored")
    assert [spec.kind for spec in specs] == ["categorical", "timestamp", "numeric", "numeric", "boolean", "categorical", "timestamp"]
    windows = profile_columns(run, "scored", specs, by=["version", "day"])
    assert len(windows) == 8
    whole = profile_columns(run, "scored", specs)[()]
    for place, profile in enumerate(whole):
        total = None
        for columns in windows.values():
            total = columns[place] if total is None else total.merge(columns[place])
        assert total is not None
        assert (total.counts, total.categories, total.n, total.min, total.max) == (
            profile.counts,
            profile.categories,
            profile.n,
            profile.min,
            profile.max,
        )
        assert total.sum == pytest.approx(profile.sum)
    flag = next(profile for profile in whole if profile.column == "flag")
    assert flag.categories == (("false", 64), ("true", 32))


def test_empty_and_all_null_columns_have_profiles(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    load(connection, [])
    (spec,) = reference_specs(run, "t")
    (empty,) = profile_columns(run, "t", [spec])[()]
    assert (empty.rows, empty.missing_rate, empty.mean, empty.counts) == (0, None, None, (0,))
    load(connection, [None, None])
    (nothing,) = profile_columns(run, "t", [ColumnSpec("x", "numeric", (1.0,))])[()]
    assert (nothing.n, nothing.nulls, nothing.counts, nothing.missing_rate) == (0, 2, (0, 0), 1.0)
    assert profile_columns(run, "t", [spec], by=["x"])[(None,)][0].nulls == 2


def test_a_column_that_is_gone_is_named(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    load(connection, [1.0])
    with pytest.raises(MissingColumn, match="no column 'temp' here; there are 'x'"):
        profile_columns(run, "t", [ColumnSpec("temp", "numeric")])


def test_a_constant_column_beside_any_other_has_its_value_split_off(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    connection.execute("CREATE OR REPLACE TABLE told AS SELECT 7.0 AS x, i AS v, i AS w0, 'k' AS rows FROM range(20) r(i)")
    spikes = {spec.column: spec.spike for spec in reference_specs(run, "told")}
    assert spikes == {"x": 7.0, "v": None, "w0": None, "rows": None}
    assert [each.n for each in profile_columns(run, "told", reference_specs(run, "told"), by=["v % 2"])[(0,)]] == [10, 10, 10, 10]


def test_a_sampled_reference_says_so_and_counts_stay_exact(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    load(connection, np.random.default_rng(1).normal(size=5000).tolist())
    (spec,) = reference_specs(run, "t", exact_up_to=1000)
    assert spec.edges_from == "deciles of a sample of 1000 of 5000 rows"
    assert sum(profile_columns(run, "t", [spec])[()][0].counts) == 5000
