"""Versions of a model, and the card of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.version import version_page
from console.render.versions import versions_page
from console.screens.base import DeckScreen
from widgets.line import Page
from widgets.rows import Moved

if TYPE_CHECKING:
    from console.lookout import Lookout


class VersionsScreen(DeckScreen):
    """Every version, the one under the cursor spelt out below."""

    scope = "versions"

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.versions(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return versions_page(view, width=width, height=height, selected=self.content.cursor_key)

    def on_rows_moved(self, message: Moved) -> None:
        super().on_rows_moved(message)
        if self.view is not None:
            self.draw()

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def open_row(self, key: str) -> None:
        self.app.go("version", f"{self.target}@{key}")


class VersionScreen(DeckScreen):
    """One version in full; the target is `model@version`."""

    scope = "version"

    def load(self, lookout: Lookout) -> Any:
        return lookout.version(*self._named())

    def page(self, view: Any, width: int, height: int) -> Page:
        return version_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self._named()[0]

    def _named(self) -> tuple[str, str]:
        model, _, version = (self.target or "").rpartition("@")
        return model, version
