"""Fairness by its definitions, and the search for the worst slices against slices planted in the data."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import confusion_matrix

from console.analysis.fairness import NO_THRESHOLD, ONE_GROUP, fairness
from console.analysis.slicing import number_slices
from console.analysis.worst_slices import coded, worst_slices

GROUPS = ("a", "b", "c")


def masks(groups: np.ndarray) -> dict[str | None, np.ndarray]:
    return {name: groups == name for name in sorted(set(groups.tolist()))}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rates_and_differences_are_those_of_the_confusion_matrices_of_the_groups(seed: int) -> None:
    random = np.random.default_rng(seed)
    score, label = random.random(400), (random.random(400) < 0.5).astype(float)
    groups = random.choice(GROUPS, 400)
    found = fairness(score, label, masks(groups), 0.4, minimum=1)
    selected, true, false = [], [], []
    for name in GROUPS:
        of = groups == name
        (tn, fp), (fn, tp) = confusion_matrix(label[of], score[of] >= 0.4, labels=[0, 1])
        selected.append((tp + fp) / of.sum())
        true.append(tp / (tp + fn))
        false.append(fp / (fp + tn))
        assert found.by_group[name].true_positive_rate == pytest.approx(true[-1])
        assert found.by_group[name].false_positive_rate == pytest.approx(false[-1])
    assert found.demographic_parity_difference == pytest.approx(max(selected) - min(selected))
    assert found.demographic_parity_ratio == pytest.approx(min(selected) / max(selected))
    assert found.equalized_odds_difference == pytest.approx(max(max(true) - min(true), max(false) - min(false)))


def test_selection_counts_rows_without_an_outcome_and_the_odds_do_not() -> None:
    score = np.array([0.9, 0.1, 0.9, 0.9, 0.1, 0.1])
    label = np.array([1.0, 0.0, np.nan, 1.0, 1.0, 0.0])
    found = fairness(score, label, masks(np.array(list("aaabbb"))), 0.5, minimum=1)
    assert found.by_group["a"].selection_rate == pytest.approx(2 / 3)
    assert (found.by_group["a"].true_positive_rate, found.by_group["b"].true_positive_rate) == (1.0, 0.5)
    assert found.equalized_odds_difference == 0.5


def test_what_cannot_be_compared_says_why() -> None:
    score, label = np.array([0.9, 0.1, 0.8, 0.2]), np.array([1.0, 0.0, 1.0, np.nan])
    groups = masks(np.array(list("aabb")))
    assert set(fairness(score, label, groups, None, minimum=1).reasons.values()) == {NO_THRESHOLD}
    alone = fairness(score, label, groups, 0.5, minimum=3)
    assert (alone.demographic_parity_difference, alone.reasons["equalized_odds_difference"]) == (None, ONE_GROUP)
    assert alone.left_out == ("a", "b")
    without = fairness(score, label, groups, 0.5, minimum=1)
    assert without.equalized_odds_difference is None
    assert "no negative outcome is known in group b" in without.reasons["equalized_odds_difference"]
    nobody = fairness(score, label, groups, 1.0, minimum=1)
    assert (nobody.demographic_parity_difference, nobody.demographic_parity_ratio) == (0.0, None)


def test_odds_that_rest_on_few_outcomes_of_one_kind_name_the_group() -> None:
    score, groups = np.tile([0.9, 0.1], 200), np.repeat(["a", "b"], 200)
    label = np.tile([1.0, 0.0], 200)
    label[200:] = 0.0
    label[200:229] = 1.0
    found = fairness(score, label, masks(groups), 0.5, minimum=1)
    assert found.equalized_odds_difference is not None
    assert found.few == {"b": "29 positive outcomes"}
    label[229] = 1.0
    assert fairness(score, label, masks(groups), 0.5, minimum=1).few == {}


def planted(seed: int, worse: float) -> tuple[np.ndarray, list]:
    random = np.random.default_rng(seed)
    one, two, three = random.integers(0, 4, 8000), random.integers(0, 3, 8000), random.integers(0, 5, 8000)
    losses = random.exponential(0.2, 8000) + np.where((one == 2) & (two == 1), worse, 0.0)
    return losses, [coded("one", one, "pqrs"), coded("two", two, "xyz"), coded("three", three, "abcde")]


def test_a_pair_that_is_worse_is_named_before_the_values_that_it_is_made_of() -> None:
    losses, columns = planted(1, 0.3)
    found, searched = worst_slices(losses, columns, minimum=200)
    assert found[0].where == (("one", "r"), ("two", "y"))
    held = (columns[0].codes == columns[0].values.index("r")) & (columns[1].codes == columns[1].values.index("y"))
    inside, outside = losses[held], losses[~held]
    assert found[0].n == held.sum()
    assert found[0].excess == pytest.approx(inside.mean() - outside.mean())
    # Welch's interval at 95 %, shared by all slices that were looked at.
    error = np.sqrt(inside.var(ddof=1) / inside.size + outside.var(ddof=1) / outside.size)
    half = stats.norm.ppf(1 - 0.05 / searched / 2) * error
    assert (found[0].low, found[0].high) == pytest.approx((found[0].excess - half, found[0].excess + half), rel=1e-6)
    assert found[0].low > 0.2 and found[0].low < found[0].excess < found[0].high
    assert searched == 4 + 3 + 5 + 12 + 20 + 15
    assert all(("three", name) not in slice_.where for slice_ in found for name in "abcde")


def test_where_nothing_is_worse_nothing_is_named() -> None:
    assert sum(bool(worst_slices(*planted(seed, 0.0), minimum=100)[0]) for seed in range(40)) <= 6, "5 % of searches may name one"


def test_excess_is_the_difference_of_the_means_counted_by_hand() -> None:
    losses, columns = planted(3, 0.3)
    found, _ = worst_slices(losses, columns, minimum=200)
    for slice_ in found:
        inside = np.ones(losses.size, dtype=bool)
        for name, value in slice_.where:
            column = next(each for each in columns if each.name == name)
            inside &= column.codes == column.values.index(value)
        assert slice_.n == inside.sum()
        assert slice_.excess == pytest.approx(losses[inside].mean() - losses[~inside].mean())
        assert slice_.share == pytest.approx(losses[inside].sum() / losses.sum())


@pytest.mark.parametrize("minimum", [50, 700, 100_000])
def test_no_slice_is_named_below_the_minimum(minimum: int) -> None:
    found, searched = worst_slices(*planted(2, 0.5), minimum=minimum)
    assert all(slice_.n >= minimum for slice_ in found)
    assert (searched == 0) == (minimum == 100_000)


def test_a_pair_is_named_only_when_it_is_worse_than_its_halves() -> None:
    random = np.random.default_rng(5)
    one, two = random.integers(0, 2, 6000), random.integers(0, 2, 6000)
    losses = random.exponential(0.1, 6000) + 0.5 * one
    found, _ = worst_slices(losses, [coded("one", one, "ab"), coded("two", two, "xy")], minimum=200)
    assert [slice_.where for slice_ in found] == [(("one", "b"),)]
    assert all(len(slice_.where) < 2 for slice_ in found for _ in combinations(slice_.where, 2))


def test_numbers_are_sliced_by_value_where_they_are_few_and_by_quartiles_where_they_are_many() -> None:
    names, places = number_slices(np.array([2.0, 1.0, np.nan, 2.0]))
    assert (names, places.tolist()) == (["1", "2"], [1, 0, -1, 1])
    names, places = number_slices(np.append(np.arange(100.0), np.nan))
    assert names == ["under 24.75", "24.75 to 49.5", "49.5 to 74.25", "74.25 up"]
    assert np.bincount(places[:-1]).tolist() == [25, 25, 25, 25] and places[-1] == -1
