"""Alerts and incidents; Enter opens the incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.render.alerts import alerts_page, incidents_page
from console.screens import made
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout


class AlertsScreen(DeckScreen):
    """Firing alerts first."""

    scope = "alerts"

    def load(self, lookout: Lookout) -> Any:
        return lookout.alerts()

    def page(self, view: Any, width: int, height: int) -> Page:
        return alerts_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        row = self._row(key)
        return row.model if row is not None else None

    def leads_to(self, key: str) -> DeckScreen | None:
        row = self._row(key)
        if row is None:
            return None
        return made("incident", row.incident) if row.incident is not None else made("model", row.model)

    def _row(self, key: str | None) -> Any:
        rows = self.view.rows if self.view is not None else ()
        return next((row for row in rows if row.id == key), None)


class IncidentsScreen(DeckScreen):
    """Open incidents first."""

    scope = "incidents"

    def load(self, lookout: Lookout) -> Any:
        return lookout.incidents()

    def page(self, view: Any, width: int, height: int) -> Page:
        return incidents_page(view, width=width, height=height)

    def model_of(self, key: str | None) -> str | None:
        rows = self.view.rows if self.view is not None else ()
        return next((row.model for row in rows if row.id == key), None)

    def leads_to(self, key: str) -> DeckScreen | None:
        return made("incident", key)
