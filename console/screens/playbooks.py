"""The library of playbooks, and one playbook step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.playbooks import library_page, playbook_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class PlaybooksScreen(DeckScreen):
    """Every playbook that can be started: those that ship and the workspace's own."""

    scope = "playbooks"

    def load(self, lookout: Lookout) -> Any:
        from console.runbook.library import library_view  # reads and checks every file

        return library_view(lookout.workspace.paths.playbooks, lookout.clock().real_now())

    def page(self, view: Any, width: int, height: int) -> Page:
        del height
        return library_page(view, width=width)

    def model_of(self, key: str | None) -> str | None:
        del key
        return None

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("playbook", key)


class PlaybookScreen(DeckScreen):
    """One playbook as it would run, with nothing started."""

    scope = "playbook"

    def load(self, lookout: Lookout) -> Any:
        from console.runbook.library import playbook_view

        return playbook_view(lookout.workspace.paths.playbooks, self.target or "", lookout.clock().real_now())

    def page(self, view: Any, width: int, height: int) -> Page:
        del height
        return playbook_page(view, width=width)

    def model_of(self, key: str | None) -> str | None:
        del key
        return None
