"""Getting about: time travel and back, the screen before, copying, the first run's letters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backends.store.landing import land
from console import commands
from console.app import ConsoleApp
from console.config import ClockSettings, init_workspace
from console.locate import Located
from console.session import Session

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


async def until(pilot: Pilot[int], reached: Callable[[], bool]) -> None:
    for _ in range(1500):
        await pilot.pause(0.02)
        if reached():
            return
    raise AssertionError("the screen never got there")


@pytest.fixture
def app(tmp_path: Path) -> ConsoleApp:
    workspace = init_workspace(tmp_path / "w", name="w", clock=ClockSettings(start=NOW))
    times = [NOW - timedelta(hours=hours) for hours in range(48)]
    columns = {"event_at": times, "model": ["m"] * 48, "version": ["1"] * 48, "key": [f"k{n}" for n in range(48)], "score": [0.5] * 48}
    land(workspace.paths, "predictions", columns, now=NOW)
    return ConsoleApp(Session(Located(tmp_path / "w", "--workspace")))


def shown(app: ConsoleApp) -> bool:
    return app.screen.view is not None and not app.screen._pending


async def test_t_stands_at_a_past_moment_where_nothing_acts_and_0_returns(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("t")
        app.screen.prompt._set("", 0)
        await pilot.press(*"2024-04-30T18:00", "enter")
        await until(pilot, lambda: shown(app) and app.session.as_of is not None)
        assert app.banner_facts().clock.startswith("PAST 2024-04-30 18:00")
        assert app.screen.verb.startswith("--as-of 2024-04-30T18:00")
        await pilot.press("K")
        await pilot.pause()
        assert "you look at the past" in app.screen.why.composed(80).text
        await pilot.press("0")
        await until(pilot, lambda: app.session.as_of is None and shown(app))
        assert app.banner_facts().clock.startswith("sim 2024-05-01 12:00")


async def test_the_future_cannot_be_looked_at(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        app.run_words("as-of 2024-06-01T00:00", app.screen)
        assert app.session.as_of is None
        assert "has not been yet" in app.screen.why.composed(200).text


async def test_minus_opens_the_screen_that_was_left(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.scope == "model")
        await pilot.press("q")
        await until(pilot, lambda: app.screen.scope == "fleet")
        await pilot.press("minus")
        await until(pilot, lambda: app.screen.scope == "model")
        assert app.screen.target == "m"


async def test_y_sends_the_headless_command_and_says_how_many_bytes(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("y")
        assert app.clipboard == "qd fleet"
        assert "8 bytes" in app.screen.why.composed(80).text


async def test_without_a_workspace_a_letter_leaves_for_the_command_that_makes_one(tmp_path: Path) -> None:
    app = ConsoleApp(Session(Located(tmp_path / "nowhere", "the default")))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.view is not None)
        await pilot.press("d")
        await pilot.pause()
    assert app.follow_up == ["demo"]


GOING = [command for command in commands.CATALOGUE if command.id.startswith("go.") and command.id not in {"go.last", "go.fleet"}]


@pytest.mark.parametrize("command", GOING, ids=lambda command: command.id)
async def test_every_place_that_a_key_goes_to_opens_and_names_its_verb(app: ConsoleApp, command: commands.Command) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press(*command.keys[0].split(" "))
        await until(pilot, lambda: app.screen.scope == command.id.removeprefix("go.") and shown(app))
        assert command.verb is not None and app.screen.verb.startswith(command.verb)
    assert app.crash is None


async def test_a_playbook_of_the_library_opens_with_its_steps(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("g", "p")
        await until(pilot, lambda: app.screen.scope == "playbooks" and shown(app))
        assert app.screen.content.put_cursor_on("quality-collapse")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.scope == "playbook" and shown(app))
        assert any("Which is the fastest safe mitigation?" in row.line.text for row in app.screen.content.rows)
        assert app.screen.verb == "playbook show quality-collapse"
