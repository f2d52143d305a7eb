"""Fleet, home: one row a model, worst first, the row under the cursor spelt out below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from console.render.fleet import fleet_page
from console.screens import glancing, made
from console.screens.base import DeckScreen
from widgets.line import Page
from widgets.rows import Moved

if TYPE_CHECKING:
    from console.commands import Command
    from console.lookout import Lookout


class FleetScreen(DeckScreen):
    """The first screen."""

    scope = "fleet"

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self._marks: set[str] = set()
        self._curve_of: str | None = None
        """The model whose curve is drawn: it follows the cursor once that rests, since a curve is many bytes over a slow line."""
        self._curve_rest: Timer | None = None

    @property
    def marked(self) -> tuple[str, ...]:
        rows = self.view.rows if self.view is not None else ()
        return tuple(row.model for row in rows if row.model in self._marks)

    def unmark(self) -> None:
        self._marks.clear()
        self._marks_changed()

    def do_mark(self) -> None:
        key = self.content.cursor_key
        if key is None:
            return
        self._marks ^= {key}
        self._marks_changed()
        many = len(self.marked)
        self.say(
            f"{many} marked: K acts on {'it' if many == 1 else 'all of them'}, Esc takes the marks away" if many else "no row is marked"
        )

    def _marks_changed(self) -> None:
        self.draw()
        self.show_keys()

    def footer_of(self, command: Command) -> str:
        return f"{command.footer} of {len(self.marked)}" if command.id == "kill" and len(self.marked) > 1 else super().footer_of(command)

    def first_view(self) -> Any:
        return self.app.summary

    def load(self, lookout: Lookout) -> Any:
        self.draws_curves()
        return lookout.fleet()

    def at_once(self, lookout: Lookout) -> Any:
        return lookout.fleet_standing()

    def page(self, view: Any, width: int, height: int) -> Page:
        selected, marked = self.content.cursor_key, frozenset(self._marks)
        if not any(row.model == self._curve_of for row in view.rows):
            self._curve_of = selected
        return fleet_page(view, width=width, height=height, selected=selected, curve=self.curves, curve_of=self._curve_of, marked=marked)

    def on_rows_moved(self, message: Moved) -> None:
        # First what line 23 says, so that both reach the terminal together; Textual tells the base class once more, which changes nothing.
        super().on_rows_moved(message)
        if self.view is not None:
            self.draw()
        if self._curve_rest is not None:
            self._curve_rest.stop()
        self._curve_rest = self.set_timer(glancing.RESTED, self._curve_now) if self._curve_of != self.content.cursor_key else None

    def _curve_now(self) -> None:
        self._curve_of = self.content.cursor_key
        self.draw()

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("model", key)
