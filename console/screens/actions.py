"""Actions, and the life of one; both lead out of doubt: recheck, settle, once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.actions import action_page, actions_page
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class ActionsScreen(DeckScreen):
    """Actions, those that wait for a person first; `o` shows only these."""

    scope = "actions"

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self._only_open = False

    def load(self, lookout: Lookout) -> Any:
        return lookout.actions(only_open=self._only_open)

    def page(self, view: Any, width: int, height: int) -> Page:
        return actions_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        rows = self.view.rows if self.view is not None else ()
        return next((row.model for row in rows if row.id == key), None)

    def do_actions_open(self) -> None:
        """Only those that wait for a person, or all."""
        self._only_open = not self._only_open
        self.reload()

    def open_row(self, key: str) -> None:
        self.app.go("action", key)


class ActionScreen(DeckScreen):
    """One action: life, calls, what was seen."""

    scope = "action"

    def load(self, lookout: Lookout) -> Any:
        return lookout.action(self.target or "")

    def page(self, view: Any, width: int, height: int) -> Page:
        return action_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.view.row.model if self.view is not None else None
