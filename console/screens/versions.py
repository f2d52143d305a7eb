"""Versions of a model, and the card of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from console.commands import Command
from console.render.version import version_page
from console.render.versions import version_detail, versions_page
from console.screens import made
from console.screens.base import DeckScreen
from console.screens.detailed import DetailedScreen
from widgets.line import Line, Page

if TYPE_CHECKING:
    from console.lookout import Lookout


def _footer(command: Command) -> str:
    """Where versions are looked at, the card of one is a key away."""
    return "card" if command.id == "card" else ""


class VersionsScreen(DetailedScreen):
    """Every version, the one under the cursor spelt out below."""

    scope = "versions"

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.versions(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return versions_page(view, width=width, height=height, preview=False)

    def detail_of(self, view: Any, key: str | None, width: int) -> Sequence[Line]:
        return version_detail(view, key, width)

    def version_of(self, key: str | None) -> str | None:
        """The version that a promotion means."""
        return key

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def footer_of(self, command: Command) -> str:
        return _footer(command) or super().footer_of(command)

    def do_card(self) -> None:
        """The card of the version under the cursor."""
        key = self.content.cursor_key
        self.app.go("card", self.target if key is None else f"{self.target}@{key}")

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("version", f"{self.target}@{key}")


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

    def version_of(self, key: str | None) -> str | None:
        """The version of this page, wherever the cursor is."""
        del key
        return self._named()[1]

    def footer_of(self, command: Command) -> str:
        return _footer(command) or super().footer_of(command)

    def do_card(self) -> None:
        """The card of this version."""
        self.app.go("card", self.target)

    def _named(self) -> tuple[str, str]:
        model, _, version = (self.target or "").rpartition("@")
        return model, version
