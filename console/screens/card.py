"""The card of a model version, and the data sheet of a dataset that it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import commands
from console.render.card import card_page, sheet_page
from console.render.card_words import DATASET
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class CardScreen(DeckScreen):
    """One card; the target is `model`, for what serves, or `model@version`."""

    scope = "card"

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.card(*lookout.named_version(self.target))

    def page(self, view: Any, width: int, height: int) -> Page:
        return card_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.view.model.raw if self.view is not None else self.target

    def version_of(self, key: str | None) -> str | None:
        """The version of this card, wherever the cursor is."""
        del key
        return self.view.version if self.view is not None else None

    def topic_of(self, key: str | None) -> str | None:
        del key
        return "model card"

    def works(self, command: commands.Command) -> bool:
        return command.id != "card" and super().works(command)

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("sheet", key.removeprefix(DATASET)) if key.startswith(DATASET) else made("explain", self.topic_of(key))


class SheetScreen(DeckScreen):
    """One data sheet; the target is the name of the dataset."""

    scope = "sheet"

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.sheet(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return sheet_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return None

    def topic_of(self, key: str | None) -> str | None:
        del key
        return "data sheet"
