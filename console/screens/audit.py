"""The audit: entries, the one under the cursor spelt out, `V` recomputes the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from console.render.audit import audit_page, entry_detail, entry_page
from console.screens import made
from console.screens.base import DeckScreen, Loaded
from console.screens.detailed import DetailedScreen
from widgets.line import Line, Page

if TYPE_CHECKING:
    from console.lookout import Lookout

SCREENS_OF = (("A-", "action"), ("APR-", "approval"), ("INC-", "incident"))
"""Which screen shows a subject, by the beginning of its id."""


class AuditScreen(DetailedScreen):
    """Who did what, newest first."""

    scope = "audit"

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self._asked = False

    def load(self, lookout: Lookout) -> Any:
        return lookout.audit(signatures=self._asked)

    def page(self, view: Any, width: int, height: int) -> Page:
        return audit_page(view, width=width, height=height)

    def detail_of(self, view: Any, key: str | None, width: int) -> Sequence[Line]:
        return entry_detail(view, key, width)

    def model_of(self, key: str | None) -> str | None:
        row = self._row(key)
        return row.model if row is not None else None

    def do_verify(self) -> None:
        """Recompute the chain now, and say what was found."""
        self._asked = True
        self.say("verifying the whole chain ...", "dim")
        self.reload()

    def on_loaded(self, message: Loaded) -> None:
        super().on_loaded(message)
        if not self._asked or self.view is None or message.epoch != self._epoch:
            return
        self._asked = False
        chain = self.view.chain
        if chain.state == "whole":
            self.say(f"verified {chain.verified_at:%H:%M:%S} UTC: {chain.entries} entries, nothing edited, cut or reordered")
        elif chain.state == "broken":
            self.say(f"the chain is broken: {chain.findings[0].message.raw}", "critical")
        else:
            self.say(f"the journal cannot be read: {chain.problem.raw}", "critical")

    def do_touched(self) -> None:
        """Open what the entry under the cursor is about."""
        row = self._row(self.content.cursor_key)
        if row is None:
            return
        name = next((screen for beginning, screen in SCREENS_OF if row.subject.startswith(beginning)), None)
        if name is not None:
            self.app.go(name, row.subject)
        elif row.model is not None:
            self.app.go("model", row.model)
        else:
            self.say("this entry is about the journal itself", "dim")

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("entry", key) if key.startswith("#") else None

    def _row(self, key: str | None) -> Any:
        rows = self.view.rows if self.view is not None else ()
        return next((row for row in rows if f"#{row.seq}" == key), None)


class EntryScreen(DeckScreen):
    """One entry in full; the target is `#42`."""

    scope = "entry"

    def load(self, lookout: Lookout) -> Any:
        return lookout.audit(limit=None)

    def page(self, view: Any, width: int, height: int) -> Page:
        return entry_page(view, int((self.target or "#0").removeprefix("#")), width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return None
