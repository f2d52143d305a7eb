"""Explain: how the number under the cursor is defined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.explain import explain_list_page, explain_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class ExplainScreen(DeckScreen):
    """One number or word; without a target all of them."""

    scope = "explain"

    def load(self, lookout: Lookout) -> Any:
        return lookout.explain(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        if hasattr(view, "names"):
            return explain_list_page(view, width=width, height=height)
        return explain_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return None

    def topic_of(self, key: str | None) -> str | None:
        return key

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("explain", key)
