"""Approvals: the list of requests, and one request with what is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.approvals import approval_page, approvals_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page
from widgets.rows import Moved

if TYPE_CHECKING:
    from console.commands import Command
    from console.lookout import Lookout


SIGNED = {"promote": "execute", "elevate": "elevate first", "reject": "veto"}
"""What line 24 says behind the keys of a request that was approved."""


class ApprovalsScreen(DeckScreen):
    """Every request."""

    scope = "approvals"

    def load(self, lookout: Lookout) -> Any:
        return lookout.approvals()

    def page(self, view: Any, width: int, height: int) -> Page:
        return approvals_page(view, width=width, height=height)

    def footer_of(self, command: Command) -> str:
        """What has ended is neither approved nor vetoed."""
        state = next((row.state for row in self.view.rows if row.id == self.content.cursor_key), "") if self.view is not None else ""
        if (command.id == "approve" and state != "pending") or (command.id == "reject" and state not in {"pending", "approved"}):
            return ""
        return super().footer_of(command)

    def on_rows_moved(self, message: Moved) -> None:
        del message
        self.show_keys()

    def model_of(self, key: str | None) -> str | None:
        return next((row.model for row in (*self.view.rows, *self.view.reviews) if row.id == key), None) if self.view is not None else None

    def leads_to(self, key: str) -> DeckScreen | None:
        broken = next((row.action for row in self.view.reviews if row.id == key), None) if self.view is not None else None
        return made("approval", key) if broken is None else made("action", broken)


class ApprovalScreen(DeckScreen):
    """One request."""

    scope = "approval"
    own_keys = frozenset({"promote"})

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.approval(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return approval_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.view.request.model if self.view is not None else None

    def footer_of(self, command: Command) -> str:
        """A request that was signed is executed; one that has ended is only read."""
        state = self.view.request.state if self.view is not None else "pending"
        if state == "approved" and command.id in SIGNED and not (command.id == "elevate" and self.app.elevated):
            return SIGNED[command.id]
        if command.id in {"approve", "reject"} and state != "pending":
            return ""
        return super().footer_of(command)
