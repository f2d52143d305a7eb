"""Quality: periods side by side, by slice, by day, by score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.quality import quality_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class QualityScreen(DeckScreen):
    """How good one model is, on the outcomes that are known."""

    scope = "quality"

    def load(self, lookout: Lookout) -> Any:
        self.draws_curves()
        assert self.target is not None
        return lookout.quality(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return quality_page(view, width=width, height=height, curves=self.curves)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        return "slices" if key is None or key.startswith("slice:") else key

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("explain", self.topic_of(key))
