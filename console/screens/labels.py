"""Labels: how much of what was scored has an outcome, and how fast outcomes come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.labels import labels_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class LabelsScreen(DeckScreen):
    """The outcomes of one model, as such."""

    scope = "labels"

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.labels(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return labels_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        return "coverage" if key is None else key

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("explain", self.topic_of(key))
