"""Actions, and the life of one; both lead out of doubt: recheck, settle, once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.commands import Command
from console.render.actions import action_page, actions_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


OF_DOUBT = frozenset({"recheck", "resolve", "retry"})
"""Commands that only an action in doubt has a use for."""


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

    def works(self, command: Command) -> bool:
        in_doubt = self.view is not None and any(row.open for row in self.view.rows)
        return super().works(command) and (command.id not in OF_DOUBT or in_doubt)

    def do_actions_open(self) -> None:
        """Only those that wait for a person, or all."""
        self._only_open = not self._only_open
        self.reload()

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("action", key)


class ActionScreen(DeckScreen):
    """One action: life, calls, what was seen."""

    scope = "action"

    def load(self, lookout: Lookout) -> Any:
        return lookout.action_with_effect(self.target or "")

    def at_once(self, lookout: Lookout) -> Any:
        # How it ended is not held up by counting anew whether it helped.
        known = self.view
        return lookout.action(self.target or "").model_copy(update={"effect": known.effect, "effect_problem": known.effect_problem})

    def load_glance(self, lookout: Lookout) -> Any:
        return lookout.action(self.target or "")

    def page(self, view: Any, width: int, height: int) -> Page:
        return action_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.view.row.model if self.view is not None else None

    def works(self, command: Command) -> bool:
        return super().works(command) and (command.id not in OF_DOUBT or (self.view is not None and self.view.row.open))
