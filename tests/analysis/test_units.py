"""A change of unit is told from a change of the world."""

from __future__ import annotations

import numpy as np
import pytest

from console.analysis.units import CONVERSIONS, Spread, changed_unit


def spread(values: np.ndarray) -> Spread:
    return Spread(float(values.mean()), float(values.min()), float(values.max()))


CHANCE = np.random.default_rng(2)
BEFORE, NOW = CHANCE.normal(55, 12, 5000), CHANCE.normal(56, 12, 1200)


@pytest.mark.parametrize(("name", "factor", "added"), CONVERSIONS)
def test_every_conversion_is_recognised_in_both_directions(name: str, factor: float, added: float) -> None:
    assert changed_unit(spread(BEFORE), spread(NOW * factor + added)) == name
    assert changed_unit(spread(BEFORE * factor + added), spread(NOW)) == f"{name}, backwards"


def test_a_season_an_outlier_and_a_new_kind_of_value_are_no_unit() -> None:
    assert changed_unit(spread(BEFORE), spread(NOW)) is None
    assert changed_unit(spread(BEFORE), spread(NOW + 40)) is None
    assert changed_unit(spread(BEFORE), spread(np.append(NOW, 5_000))) is None
    assert changed_unit(spread(BEFORE), spread(CHANCE.normal(200, 90, 1200))) is None
    assert changed_unit(Spread(0, 0, 0), spread(NOW)) is None


def test_counts_and_codes_have_no_unit_but_a_whole_factor_may_have_made_them() -> None:
    stops, without_two = np.array([0.0, 1.0, 2.0] * 100), np.array([0.0, 1.0, 1.0] * 100)
    assert changed_unit(spread(stops), spread(without_two)) is None
    assert changed_unit(spread(stops), spread(stops * 60)) == "times 60, as minutes to seconds"
    assert changed_unit(spread(stops + 0.5), spread((stops + 0.5) / 1.609344)) == "miles to kilometres, backwards"
