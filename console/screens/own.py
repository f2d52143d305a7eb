"""The console's own health."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from console.render.own import own_page
from console.screens.base import DeckScreen
from console.terminal import terminal
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class OwnScreen(DeckScreen):
    """What the program needs to be well, the worst first. Needs no workspace that can be opened."""

    scope = "own"

    def read(self) -> Any:
        from console.views.own.view import own_view  # runs in a worker, loads the store

        return own_view(self.app.session.located, terminal(os.environ))

    def load(self, lookout: Lookout) -> Any:
        del lookout
        return self.read()

    def page(self, view: Any, width: int, height: int) -> Page:
        return own_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return None
