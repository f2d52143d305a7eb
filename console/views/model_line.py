"""Who a model is and how it stands, in one line: what every screen about a model begins with."""

from __future__ import annotations

from backends.records import Moment, State
from console.views.health.model import ModelHealth, View


class ModelLine(View):
    """The heading of a model's screens."""

    environment: str
    model: str
    version: str | None
    owner: str | None
    state: State
    since: Moment | None
    at: Moment
    incidents: tuple[str, ...]


def line_of(health: ModelHealth) -> ModelLine:
    """The heading of a model whose health is known."""
    return ModelLine(**{name: getattr(health, name) for name in ModelLine.model_fields})
