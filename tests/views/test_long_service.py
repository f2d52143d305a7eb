"""A version that has served for months is held to how it began, not to whatever happens to be loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from views_workspace import DAY, START, Made, days_of_predictions, made

from backends.records import Model, State
from backends.store.landing import land_records
from console.config import ClockSettings, init_workspace
from console.views.health.model import Signal


def served(root: Path, days: int) -> dict[str, Signal]:
    """The signals of a model whose version serves for `days`; its scores say nothing of outcomes from the last ten days on."""
    chance = np.random.default_rng(3)
    place: Made = made(root / "w", START + days * DAY, label_delay_hours=1.0)
    scores = chance.beta(2, 5, size=(days, 120))
    outcomes = (chance.random((days, 120)) < np.where(np.arange(days)[:, None] < days - 10, scores, 0.3)).astype(float)
    days_of_predictions(
        place, days, 120, temp=lambda _day, _row: None, score=lambda day, row: float(scores[day, row]),
        label=lambda day, row: float(outcomes[day, row]),
    )  # fmt: skip
    return {each.id: each for layer in place.lookout().model("delay").layers for each in layer.signals}


@pytest.mark.parametrize("days", [40, 130])
def test_what_is_held_against_the_first_weeks_of_service_is_judged_however_long_ago_they_were(tmp_path: Path, days: int) -> None:
    found = served(tmp_path, days)
    psi, lost = found["model.score_psi"], found["model.auc_drop"]
    assert psi.state is State.OK and psi.value is not None and psi.warning is not None
    assert lost.state is State.CRITICAL and lost.value is not None


def test_without_an_alias_the_first_weeks_are_those_of_the_first_facts_and_do_not_move_on(tmp_path: Path) -> None:
    workspace = init_workspace(tmp_path / "w", name="small", clock=ClockSettings(start=START + 130 * DAY))
    model = Model(name="delay", task="binary", event_at=START, known_at=START)
    land_records(workspace.paths, [model], now=START)
    days_of_predictions(Made(workspace), 130, 40, temp=lambda _day, _row: None)
    health = Made(workspace).lookout().model("delay")
    assert health.reference_from == START and health.reference_to == START + 21 * DAY
