"""Model: health in four layers with one time cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console.render.incident import incident_rows
from console.render.model import model_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page
from widgets.rows import Moved

if TYPE_CHECKING:
    from console.lookout import Lookout


GLANCE_HEAD = 2
"""Lines that a glance puts above the rows of a page."""


class ModelScreen(DeckScreen):
    """Health of one model."""

    scope = "model"

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self._cursor: int | None = None
        self._led = False

    def draw(self) -> None:
        super().draw()
        if self.view is None or self._led or not self.content.total:
            return
        # Once: from then on the cursor is where the person put it.
        self._led = True
        leading = self.view.leading_signal
        if leading is not None:
            self.content.put_cursor_on(leading.id)

    def load(self, lookout: Lookout) -> Any:
        self.draws_curves()
        assert self.target is not None
        return lookout.model(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return model_page(view, width=width, height=height, cursor=self._cursor, curve=self.curves, selected=self.content.cursor_key)

    def load_glance(self, lookout: Lookout) -> Any:
        health = self.load(lookout)
        return health, lookout.incident(health.incidents[0]) if health.incidents else None

    def page_at_a_glance(self, view: Any, width: int, height: int) -> Page:
        # Its tabs are keys of the screen, not of the list beside it.
        health, incident = view
        page = model_page(health, width=width, height=height, tabbed=False)
        if incident is None:
            return page
        rows = incident_rows(incident, width, height - len(page.rows) - GLANCE_HEAD)
        return replace(page, rows=(*page.rows, *rows))

    def on_rows_moved(self, message: Moved) -> None:
        # First what line 23 says, so that both reach the terminal together; Textual tells the base class once more, which changes nothing.
        super().on_rows_moved(message)
        if self.view is not None and self.curves:
            self.draw()

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        return "states" if key is None or key.startswith("layer:") else key

    def do_time_earlier(self) -> None:
        self._move_time(-1)

    def do_time_later(self) -> None:
        self._move_time(1)

    def _move_time(self, step: int) -> None:
        if self.view is None or not self.view.ends:
            return
        last = len(self.view.ends) - 1
        before = last if self._cursor is None else self._cursor
        place = max(0, min(last, before + step))
        if place == before:
            self.say("this is the newest window" if step > 0 else "this is the oldest window", "dim")
            return
        self._cursor = None if place == last else place
        self.draw()

    def leads_to(self, key: str) -> DeckScreen | None:
        if key.startswith("data.drift"):
            return made("drift", self.target)
        if key.startswith(("data.", "layer:data")) and key != "data.freshness":
            return made("data", self.target)
        if key.startswith(("model.", "layer:model")):
            return made("quality", self.target)
        return made("explain", self.topic_of(key))
