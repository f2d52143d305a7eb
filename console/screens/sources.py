"""Sources with their age, and one source explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.sources import source_page, sources_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.commands import Command
    from console.lookout import Lookout
    from console.views.sources.listing import SourcesView


class SourcesScreen(DeckScreen):
    """Every source, the worst first."""

    scope = "sources"

    def load(self, lookout: Lookout) -> Any:
        return lookout.sources()

    def page(self, view: Any, width: int, height: int) -> Page:
        return sources_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return None

    def breaker_of(self, key: str | None) -> str | None:
        """The breaker of the source under the cursor."""
        return _breaker(self.view, key)

    def works(self, command: Command) -> bool:
        outside = self.view is not None and any(each.breaker is not None for each in self.view.sources)
        return super().works(command) and (command.id != "breaker" or outside)

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("source", key)


class SourceScreen(DeckScreen):
    """One source: what it is, what is expected of it, why it has its mark."""

    scope = "source"

    def load(self, lookout: Lookout) -> Any:
        return lookout.sources()

    def page(self, view: Any, width: int, height: int) -> Page:
        return source_page(view, self.target or "", width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return None

    def breaker_of(self, key: str | None) -> str | None:
        """The breaker of this source."""
        del key
        return _breaker(self.view, self.target)

    def works(self, command: Command) -> bool:
        return super().works(command) and (command.id != "breaker" or self.breaker_of(None) is not None)


def _breaker(view: SourcesView | None, source: str | None) -> str | None:
    found = next((each for each in view.sources if each.id == source), None) if view is not None else None
    return found.breaker.name if found is not None and found.breaker is not None else None
