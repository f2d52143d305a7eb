"""A screen reads again when something changed: at once for what somebody did, and within bounds for facts that land all the time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backends.text import Untrusted
from console.acting import open_desk
from console.app import ConsoleApp
from console.clock import SimulatedClock, SystemClock
from console.locate import Located
from console.lookout import Lookout
from console.screens.pace import READING_SHARE
from console.session import Session

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, Made, days_of_predictions, made

COST = 2.0
"""Seconds that a look takes, by the clock of these tests."""


async def until(pilot: Pilot[int], true: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"never came: {what}")


@pytest.fixture
def place(tmp_path: Path) -> Made:
    place = made(tmp_path / "w", START + 10 * DAY)
    days_of_predictions(place, 9, 4, temp=lambda _day, row: float(row))
    return place


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed: as many as the test says, and what each look takes."""
    passed = [0.0]
    for clock in (SimulatedClock, SystemClock):
        monkeypatch.setattr(clock, "monotonic", lambda _clock: passed[0])
    return passed


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, passed: list[float]) -> list[Any]:
    """Every look at all models from here on."""
    found: list[Any] = []
    true = Lookout.fleet

    def counted(lookout: Lookout) -> Any:
        found.append(view := true(lookout))
        passed[0] += COST
        return view

    monkeypatch.setattr(Lookout, "fleet", counted)
    return found


async def test_facts_alone_are_read_for_a_share_of_the_time_and_what_somebody_does_at_once(
    place: Made, looks: list[Any], passed: list[float]
) -> None:
    app = ConsoleApp(Session(Located(place.root, "the test")))
    async with app.run_test(size=(80, 24)) as pilot:
        screen: Any = app.screen
        await until(pilot, lambda: bool(looks) and not screen._pending and screen.view is looks[-1], "the first look")

        def facts_land(day: int) -> None:
            days_of_predictions(place, 1, 2, temp=lambda _day, row: float(row), first=day, compacted=False)

        rest = COST / READING_SHARE - COST
        rested, read = passed[0] + rest, len(looks)
        facts_land(9)
        passed[0] = rested - 0.1
        assert not screen.reload_when_changed(), "facts are read again only after a rest"
        with open_desk(place.workspace, "production") as desk:
            desk.declare_incident("production", "delay", Untrusted("late"), key="by hand")
        await until(pilot, lambda: bool(screen.view.rows[0].incidents), "what somebody did is drawn")
        await until(pilot, lambda: len(looks) == read + 1 and not screen._pending, "and is read with what landed")
        facts_land(10)
        assert not screen.reload_when_changed()
        passed[0] += rest
        await until(pilot, lambda: len(looks) == read + 2, "facts are read after the rest")
