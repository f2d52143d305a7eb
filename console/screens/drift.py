"""Drift: every column of a model ranked, and one column in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.drift import drift_detail_page, drift_page
from console.render.drift_bug import KEY as BUG
from console.render.drift_together import KEY as TOGETHER
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class DriftScreen(DeckScreen):
    """Every column of one model against the reference."""

    scope = "drift"

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.drift(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        return drift_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        return {TOGETHER: "told apart", BUG: "real or a bug"}.get(key or "", "psi")

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("explain", self.topic_of(key)) if key in {TOGETHER, BUG} else DriftColumnScreen(self.target, key)


class DriftColumnScreen(DeckScreen):
    """One column of one model."""

    scope = "drift"

    def __init__(self, target: str | None, column: str) -> None:
        super().__init__(target)
        self.column = column

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        self.draws_curves()
        return lookout.drift_column(self.target, self.column)

    def page(self, view: Any, width: int, height: int) -> Page:
        return drift_detail_page(view, width=width, height=height, curves=self.curves)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        del key
        return "drift verdict"
