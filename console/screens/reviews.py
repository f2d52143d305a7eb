"""Reviews: everything that waits for a person; Enter opens the screen that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from console.render.waiting import reviews_page, row_key
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout
    from console.views.waiting.row import WaitRow

BY_ID: Final = {
    "approval": "approval", "execution": "approval", "in doubt": "action", "incident": "incident", "escalate step": "incident",
}  # fmt: skip
"""Screens that are about the very thing that waits."""


class ReviewsScreen(DeckScreen):
    """What is overdue first."""

    scope = "reviews"

    def load(self, lookout: Lookout) -> Any:
        return lookout.reviews()

    def page(self, view: Any, width: int, height: int) -> Page:
        return reviews_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        row = self._row(key)
        return row.model if row is not None else None

    def topic_of(self, key: str | None) -> str | None:
        del key
        return "escalation"

    def leads_to(self, key: str) -> DeckScreen | None:
        row = self._row(key)
        if row is None:
            return None
        if row.kind in BY_ID:
            return made(BY_ID[row.kind], row.id)
        if row.kind == "scores":
            return made("labels", row.model)
        if row.kind == "broken glass":
            return made("approvals")
        what = row.id.partition(" ")[0]
        return made("switches") if what == "switch" else made("data", row.model) if what == "hold" else made("sources")

    def _row(self, key: str | None) -> WaitRow | None:
        rows = self.view.rows if self.view is not None else ()
        return next((row for row in rows if row_key(row) == key), None)
