"""`B` in Sources holds the breaker of what lies outside, with an end and a reason, and lets it go."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from textual.pilot import Pilot

from backends.breaker import BreakerState
from backends.breaker_file import BreakerFile
from backends.store.paths import WorkspacePaths
from console.app import ConsoleApp
from console.clock import SystemClock
from console.config import init_workspace
from console.control.ledger import read_state
from console.guards import FILE_RULE
from console.locate import Located
from console.screens.base import DeckScreen
from console.session import Session

NAME = "duckdb:flights"


class Keys:
    """Sources of a workspace with a database file of its user's own, under a pilot."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self.pilot = pilot

    @property
    def screen(self) -> DeckScreen:
        found = self.pilot.app.screen
        assert isinstance(found, DeckScreen)
        return found

    @property
    def text(self) -> str:
        strips = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    async def shows(self, text: str) -> None:
        for _ in range(1500):
            if text in " ".join(self.text.split()):
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"never: {text}\n{self.text}")

    async def on(self, source: str) -> None:
        """Put the cursor on a source."""
        for _ in range(40):
            if self.screen.content.cursor_key == source:
                return
            await self.pilot.press("j")
        raise AssertionError(f"no row {source}\n{self.text}")

    async def answers(self, words: str) -> None:
        """Replace what the prompt starts with, and press Enter."""
        await self.shows("breaker open or closed, how long, why")
        await self.pilot.press(*["backspace"] * len("open 1h "), *("space" if each == " " else each for each in words), "enter")


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    init_workspace(tmp_path / "w", name="small")
    settings = tmp_path / "w" / "workspace.toml"
    settings.write_text(settings.read_text() + '\n[duckdb.flights]\npath = "flights.duckdb"\n')
    with duckdb.connect(str(tmp_path / "w" / "flights.duckdb")) as own:
        own.execute("CREATE TABLE flights (n INTEGER)")
    return WorkspacePaths(tmp_path / "w")


def sources(paths: WorkspacePaths, *, read_only: bool = False) -> ConsoleApp:
    session = Session(Located(paths.root, "the test"), read_only=read_only)
    return ConsoleApp(session, start=("sources", None))  # type: ignore[arg-type]


def standing(paths: WorkspacePaths) -> BreakerState:
    return BreakerFile(paths.breakers, SystemClock().real_now).told(NAME, FILE_RULE).state


async def test_it_is_held_by_a_line_and_the_page_the_banner_and_the_audit_say_so(paths: WorkspacePaths) -> None:
    async with sources(paths).run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.shows("flights duckdb")
        await keys.on("file:flights")
        await pilot.press("B")
        await keys.answers("open 2h it is being moved")
        await keys.shows("not read; breaker held open by")
        await keys.shows("it is being moved")
        await keys.shows("OVERRIDE duckdb:flights held open")
        assert standing(paths) is BreakerState.FORCED_OPEN
        assert read_state(paths).breakers[NAME]["reason"] == "it is being moved"

        await keys.on("file:flights")
        await pilot.press("enter")
        await keys.shows("B, or: quarterdeck breaker duckdb:flights open")
        await pilot.press("B")
        await keys.answers("automatic moved")
        await keys.shows("breaker closed")
        assert standing(paths) is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("words", "said"), [("open it is being moved", "write: open 2h and why"), ("open 2h", "say why"), ("shut 2h x", "write:")]
)
async def test_without_a_length_and_a_reason_nothing_is_held(paths: WorkspacePaths, words: str, said: str) -> None:
    async with sources(paths).run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.shows("flights duckdb")
        await keys.on("file:flights")
        await pilot.press("B")
        await keys.answers(words)
        await keys.shows(said)
        assert NAME not in read_state(paths).breakers


async def test_what_lies_in_the_workspace_has_none_and_a_locked_console_holds_nothing(paths: WorkspacePaths) -> None:
    async with sources(paths).run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.shows("flights duckdb")
        await keys.on("registry")
        await pilot.press("B")
        await keys.shows("only what lies outside the workspace has a breaker")
    async with sources(paths, read_only=True).run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.shows("flights duckdb")
        await keys.on("file:flights")
        await pilot.press("B")
        await keys.shows("--read-only")
        assert NAME not in read_state(paths).breakers
