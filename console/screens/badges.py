"""Badges: every asset of a system with its five badges, and one asset with the records behind them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from console.render.badges import asset_page, badges_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class BadgesScreen(DeckScreen):
    """Every asset of one system; the target is its model."""

    scope = "badges"

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.badges(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return badges_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        del key
        return "badges"

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("asset", shlex.join([self.target or "", key]))


class AssetScreen(DeckScreen):
    """One asset; the target is its model and its id, each quoted as for a shell."""

    scope = "asset"

    def load(self, lookout: Lookout) -> Any:
        return lookout.badges(*self._named())

    def page(self, view: Any, width: int, height: int) -> Page:
        return asset_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self._named()[0]

    def topic_of(self, key: str | None) -> str | None:
        return key or "badges"

    def _named(self) -> tuple[str, str]:
        model, asset = shlex.split(self.target or "")
        return model, asset
