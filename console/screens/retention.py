"""Retention: how long every log is kept; `D` opens the plan that deletes what is due of the model under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.retention import JOB, retention_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class RetentionScreen(DeckScreen):
    """Every log of the environment, what stays, datasets, and what was deleted."""

    scope = "retention"

    def load(self, lookout: Lookout) -> Any:
        return lookout.retention()

    def page(self, view: Any, width: int, height: int) -> Page:
        return retention_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        if key is None or key.startswith((JOB, "dataset ")):
            return None
        return key.partition(" ")[2]

    def leads_to(self, key: str) -> DeckScreen | None:
        if key.startswith(JOB):
            return made("action", key.removeprefix(JOB))
        model = self.model_of(key)
        known = {each.model for each in self.app.summary.rows} if self.app.summary is not None else set()
        return made("model", model) if model in known else None

    def open_row(self, key: str) -> None:
        if self.leads_to(key) is None:
            self.leads_nowhere("a dataset, or a log of no model" if self.model_of(key) is None else "the log of a model without health")
        else:
            super().open_row(key)
