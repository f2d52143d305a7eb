"""Data: the production logs of a model against its contract, column by column and rule by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends.store.queries.handled import METRICS as HANDLED
from console.render.contract import contract_page
from console.screens import made
from console.screens.base import DeckScreen
from console.screens.holding import HELD
from console.views.data.kept_search import METRICS
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class ContractScreen(DeckScreen):
    """What is agreed of one model's rows, and what they say to it."""

    scope = "data"

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.contract(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        del height
        return contract_page(view, width=width, tabbed=True)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        if key is not None and key.startswith(HELD):
            return "contract"
        if key is None or key in METRICS:
            return key or "contract"
        rule = key.partition(" ")[0]
        return f"{rule}s" if rule in HANDLED else f"contract.{rule}"

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("explain", self.topic_of(key))
