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


class FleetScreen(DeckScreen):
    """The first screen."""

    scope = "fleet"

    def first_view(self) -> Any:
        return self.app.summary

    def load(self, lookout: Lookout) -> Any:
        self.draws_curves()
        return lookout.fleet()

    def at_once(self, lookout: Lookout) -> Any:
        return lookout.fleet_standing()

    def page(self, view: Any, width: int, height: int) -> Page:
        return fleet_page(view, width=width, height=height, selected=self.content.cursor_key, curve=self.curves)

    def on_rows_moved(self, message: Moved) -> None:
        # First what line 23 says, so that both reach the terminal together; Textual tells the base class once more, which changes nothing.
        super().on_rows_moved(message)
        if self.view is not None:
            self.draw()

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("model", key)

    def incident_of(self, key: str | None) -> str | None:
        row = next((row for row in self.view.rows if row.model == key), None) if self.view is not None else None
        return row.incidents[0] if row is not None and row.incidents else None
