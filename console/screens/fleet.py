"""Fleet, home: one row a model, worst first, the row under the cursor spelt out below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.fleet import fleet_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page
from widgets.rows import Moved

if TYPE_CHECKING:
    from console.lookout import Lookout


HIGH = 30
"""Terminals with more lines than this may have room for a curve."""


class FleetScreen(DeckScreen):
    """The first screen."""

    scope = "fleet"

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self._curves = False
        """Whether what draws curves is loaded: the first frame does not wait for it."""

    def first_view(self) -> Any:
        return self.app.summary

    def load(self, lookout: Lookout) -> Any:
        if self.size.height > HIGH:
            import plotext  # noqa: F401 - here, in a worker, it keeps no key waiting

            self._curves = True
        return lookout.fleet()

    def page(self, view: Any, width: int, height: int) -> Page:
        return fleet_page(view, width=width, height=height, selected=self.content.cursor_key, curve=self._curves)

    def on_rows_moved(self, message: Moved) -> None:
        super().on_rows_moved(message)
        if self.view is not None:
            self.draw()

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("model", key)

    def incident_of(self, key: str | None) -> str | None:
        row = next((row for row in self.view.rows if row.model == key), None) if self.view is not None else None
        return row.incidents[0] if row is not None and row.incidents else None
