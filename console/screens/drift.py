"""Drift: every column of a model ranked, and one column in detail; `s` goes on to the next thing to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from console.render.drift import drift_detail_page, drift_page
from console.render.drift_bug import KEY as BUG
from console.render.drift_together import KEY as TOGETHER
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout
    from console.views.drift.view import Against, Asked

NEXT: Final[dict[Against, Against]] = {"reference": "weekday", "weekday": "previous", "previous": "season", "season": "reference"}
"""What is compared with after the one before it."""


class _Comparing(DeckScreen):
    """A page of drift, against what its reader chose."""

    scope = "drift"

    def __init__(self, target: str | None = None, against: Against = "reference") -> None:
        super().__init__(target)
        self.against = against

    def do_drift_against(self) -> None:
        """Compare with the next thing: what is on the page says what it is compared with until then."""
        self.against = NEXT[self.against]
        self.reload()

    def _asked(self) -> Asked:
        from console.views.drift.view import Asked  # not for the first frame

        return Asked(against=self.against)


class DriftScreen(_Comparing):
    """Every column of one model."""

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.drift(self.target, self._asked())

    def page(self, view: Any, width: int, height: int) -> Page:
        return drift_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        return {TOGETHER: "told apart", BUG: "real or a bug"}.get(key or "", "psi")

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("explain", self.topic_of(key)) if key in {TOGETHER, BUG} else DriftColumnScreen(self.target, key, self.against)


class DriftColumnScreen(_Comparing):
    """One column of one model."""

    def __init__(self, target: str | None, column: str, against: Against = "reference") -> None:
        super().__init__(target, against)
        self.column = column

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        self.draws_curves()
        return lookout.drift_column(self.target, self.column, self._asked())

    def page(self, view: Any, width: int, height: int) -> Page:
        return drift_detail_page(view, width=width, height=height, curves=self.curves)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        del key
        return "drift verdict"
