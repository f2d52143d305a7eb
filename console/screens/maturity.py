"""Maturity: every system with its bar of practices, and one system with the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.maturity import maturity_page, system_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class MaturityScreen(DeckScreen):
    """Every system, those with the least first."""

    scope = "maturity"

    def load(self, lookout: Lookout) -> Any:
        return lookout.maturity()

    def page(self, view: Any, width: int, height: int) -> Page:
        return maturity_page(view, width=width, height=height)

    def topic_of(self, key: str | None) -> str | None:
        del key
        return "maturity"

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("system", key)


class SystemScreen(DeckScreen):
    """One system; the target is its model."""

    scope = "system"

    def load(self, lookout: Lookout) -> Any:
        return lookout.maturity(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return system_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        del key
        return "maturity"
