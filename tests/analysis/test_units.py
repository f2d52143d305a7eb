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
