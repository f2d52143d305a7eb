"""What changed for a model; `s` turns between nearness to the onset and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.changes import changes_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class ChangesScreen(DeckScreen):
    """Changes of one model."""

    scope = "changes"

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self._by_time = False

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.changes(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return changes_page(view, width=width, height=height, by_time=self._by_time)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def do_changes_order(self) -> None:
        """Nearest to the onset first, or by time."""
        self._by_time = not self._by_time
        if self.view is not None:
            page = self.page(self.view, self.list_width, self.content_height)
            self.content.show(page, mark_changes=False, take_order=True)
            self.draw()

    def leads_to(self, key: str) -> DeckScreen | None:
        source, _, rest = key.partition("|")
        name = rest.partition("|")[0]
        for beginning, screen in (("A-", "action"), ("INC-", "incident"), ("APR-", "approval")):
            if source == "control" and name.startswith(beginning):
                return made(screen, name)
        return None

    def open_row(self, key: str) -> None:
        if self.leads_to(key) is None:
            self.leads_nowhere("this change")
        else:
            super().open_row(key)
