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
        app.run_words("as-of 0001-01-01T00:00", app.screen)
        assert app.session.as_of is None
        assert "outside of the years 1900 to 2199" in app.screen.why.composed(200).text


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


async def test_a_command_too_long_for_terminals_is_not_copied_by_half(app: ConsoleApp, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        monkeypatch.setattr(app.screen, "verb", "incident " + "é" * 2048)
        await pilot.press("y")
        assert app.clipboard == ""
        assert "nothing was copied: the command has 4108 bytes" in app.screen.why.composed(200).text


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


async def test_a_filter_says_on_line_2_that_it_is_on_and_what_it_left(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("slash", *"nothing", "enter")
        assert app.screen.heading.composed(80).text.rstrip().endswith("/nothing  0 of 1")
        assert any("no row matches nothing" in row.line.text for row in app.screen.content.rows)
        await pilot.press("escape")
        assert app.is_running and app.screen.content.cursor_key == "m", "Esc takes the filter away before it leaves anything"
        await pilot.press("slash", *"!state:ok", "enter")
        assert app.screen.content.cursor_key == "m"
        await pilot.press("escape", "slash", *"state:ok", "enter")
        assert app.screen.content.cursor_key is None


@pytest.mark.parametrize("key", ["escape", "backspace"])
async def test_only_q_leaves_the_console_from_its_first_screen(app: ConsoleApp, key: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press(key)
        assert app.is_running and "q leaves the console" in app.screen.why.composed(80).text
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_a_key_that_does_nothing_says_so(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("X")
        assert "X (reject or veto) does nothing on this screen" in app.screen.why.composed(80).text
        await pilot.press("V")
        assert "V is no key of this screen" in app.screen.why.composed(80).text, "it is one thing in the audit and another in actions"
        await pilot.press("ampersand")
        assert "& is no key of this screen" in app.screen.why.composed(80).text
        await pilot.press("g", "z")
        assert "g z is no key of this screen" in app.screen.why.composed(80).text
        await pilot.press("r")
        await until(pilot, lambda: shown(app))
        for moving in ("j", "k", "G", "pagedown"):
            app.screen.why.hush()
            await pilot.press(moving)
            assert "no key" not in app.screen.why.composed(80).text


async def test_n_goes_to_the_next_row_that_is_not_ok(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.scope == "model" and shown(app))
        content = app.screen.content
        seen = []
        for _ in range(3):
            await pilot.press("n")
            seen.append(content.cursor_row.state)
        assert seen and "ok" not in seen and "" not in seen
        await pilot.press("q")
        await until(pilot, lambda: app.screen.scope == "fleet" and shown(app))
        await pilot.press("n")
        assert "no other row here is not ok" in app.screen.why.composed(80).text


async def test_nothing_of_the_present_stays_under_the_banner_of_the_past(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        app.run_words("as-of 2024-04-30T18:00", app.screen)
        assert app.screen.view is None and not app.screen.content.rows
        assert "reading 2024-04-30 18:00" in app.screen.heading.composed(80).text
        assert "K kill" not in app.screen.keys.composed(80).text
        await until(pilot, lambda: shown(app))
        assert app.screen.keys.composed(80).text.endswith("?  q")
        app.run_words("now", app.screen)
        await until(pilot, lambda: shown(app))
        assert "K kill" in app.screen.keys.composed(80).text


async def test_help_puts_the_screens_own_keys_first_and_says_whole_why_some_are_off(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        app.run_words("as-of 2024-04-30T18:00", app.screen)
        await until(pilot, lambda: shown(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen.scope == "help")
        await pilot.pause()
        texts = [row.line.text for row in app.screen.content.rows]
        assert all(len(text) <= 80 for text in texts)
        assert sum("off now: you look at the past, 0 returns" in text for text in texts) == 2
        drift, going = (next(n for n, text in enumerate(texts) if word in text) for word in (":drift", ":alerts"))
        assert drift < going
        titles = {text[33:].strip() for text in texts if text.startswith("   ")}
        assert {"drift", "alerts", "back to where you came from"} <= {title.removeprefix(" ") for title in titles}
        assert "Enter" not in app.screen.keys.composed(80).text
