"""Kill switches; capital letters act on the model under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.switches import switches_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout

MODEL = "model:"


class SwitchesScreen(DeckScreen):
    """Every switch, overdue ones first."""

    scope = "switches"

    def load(self, lookout: Lookout) -> Any:
        return lookout.switches()

    def page(self, view: Any, width: int, height: int) -> Page:
        return switches_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        return key.removeprefix(MODEL) if key is not None and key.startswith(MODEL) else None

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("model", key.removeprefix(MODEL)) if key.startswith(MODEL) else made("action", key)
