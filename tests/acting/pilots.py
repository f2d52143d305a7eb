"""Driving the console key by key: wait for a state, never for a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from acting_workspace import MODEL, Place
from textual.pilot import Pilot

from console.app import ConsoleApp
from widgets.confirm import ConfirmView


class Console:
    """An open console under a pilot."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def until(self, holds: Callable[[], Any], said: str = "") -> None:
        """Wait until `holds`; fails with what the screen shows when it never does."""
        for _ in range(1200):
            if holds():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"never: {said}\n{self.text}")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def opens(self, key: str, *, facts: bool = True) -> ConfirmView:
        """Press a capital letter and wait for its plan, with everything that comes in later, or without `facts` as it is drawn first."""
        from console.screens.dialog import DRAWING, DialogScreen

        await self.press(key)
        await self.until(lambda: isinstance(self.app.screen, DialogScreen), f"a dialog after {key}")
        await self.until(lambda: self.app.screen.body is not DRAWING, "the plan is drawn")
        if facts:
            await self.all_came_in()
        form: ConfirmView = self.app.screen.form
        await self.until(lambda: form.takes_keys, "the dialog takes keys")
        await self.pilot.pause()
        return form

    async def all_came_in(self) -> None:
        """Wait until nothing that the dialog still reads can change its plan: that puts the focus back on Cancel, and keys go elsewhere."""
        screen = self.app.screen

        def reading() -> bool:
            return any(each.node is screen and each.group in {"first", "more"} for each in self.app.workers)

        await self.until(lambda: not reading(), "all facts")
        await self.until(lambda: screen.form.takes_keys, "the dialog takes keys")

    async def signs(self, name: str = MODEL) -> None:
        """Type the name, Tab, Space."""
        await self.press(*name)
        await self.press("tab", "space")

    async def shows(self, text: str) -> None:
        await self.until(lambda: text in self.text, text)

    @property
    def text(self) -> str:
        """What the terminal shows."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def rows(self) -> list[str]:
        return self.text.split("\n")


@asynccontextmanager
async def console(place: Place, *, size: tuple[int, int] = (80, 24), **session: Any) -> AsyncIterator[Console]:
    """The console on Fleet, with its first rows."""
    app = ConsoleApp(place.session(**session))
    async with app.run_test(size=size) as pilot:
        found = Console(app, pilot)
        await found.until(lambda: getattr(app.screen, "scope", "") == "fleet" and not app.screen._pending, "Fleet")
        await pilot.pause()
        yield found
