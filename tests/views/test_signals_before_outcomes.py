"""What is known before outcomes are is called a proxy, for as long as the outcomes of its window have not come, and no longer."""

from __future__ import annotations

from pathlib import Path

import pytest
from views_workspace import DAY, START, days_of_predictions, made

from console.render.model import model_page
from console.views.health.model import ModelHealth, Signal

DAYS, ROWS = 40, 500


def health_of(root: Path, never: int) -> ModelHealth:
    """Of a model of which in the last ten days `never` of ten outcomes do not come, the others after an hour."""
    place = made(root, START + DAYS * DAY)
    days_of_predictions(
        place, DAYS, ROWS, temp=lambda _day, row: float(row % 50), score=lambda day, row: (row % 10) / 10 + 0.01 * (day % 7),
        label=lambda day, row: None if day >= DAYS - 10 and row % 10 < never else float(row % 10 >= 5),
    )  # fmt: skip
    return place.lookout().model("delay")


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> ModelHealth:
    return health_of(tmp_path_factory.mktemp("early") / "w", never=4)


def signals(health: ModelHealth) -> dict[str, Signal]:
    return {signal.id: signal for layer in health.layers for signal in layer.signals if signal.value is not None}


def test_what_is_known_before_outcomes_is_a_proxy_while_outcomes_of_its_window_are_missing(early: ModelHealth) -> None:
    found = signals(early)
    assert {name for name, each in found.items() if each.proxy} == {"model.score_psi", "model.score_mean", "data.drift"}
    # Of five days six of ten, less those of the last hour.
    assert found["model.score_psi"].outcomes_known == pytest.approx(0.6, abs=0.01)
    assert found["model.auc"].outcomes_known is None


def test_it_is_none_once_the_outcomes_of_its_window_are_known(tmp_path: Path) -> None:
    found = signals(health_of(tmp_path / "w", never=0))
    assert not any(each.proxy for each in found.values())
    assert found["data.drift"].outcomes_known == pytest.approx(1.0, abs=0.01)


def test_health_says_proxy_where_there_is_room_and_always_in_the_line_of_the_cursor(early: ModelHealth) -> None:
    for width, named in ((80, ["score PSI (proxy)"]), (120, ["score PSI (proxy)", "mean score jump (proxy)", "inputs: carrier (proxy)"])):
        page = model_page(early, width=width, height=60)
        assert all(any(name in row.line.text for row in page.rows) for name in named), width
        told = {row.key: row.why.text for row in page.rows if row.key}
        shares = {"model.score_psi": 60, "model.score_mean": 58, "data.drift": 60}
        assert all(f"proxy, {known} % of outcomes known: {name}" in told[name] for name, known in shares.items())
        assert "proxy" not in told["model.auc"]
