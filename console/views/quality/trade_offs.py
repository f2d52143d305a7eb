"""Precision and recall at other thresholds than the one in force, for models and for files alike."""

from __future__ import annotations

from pydantic import Field

from console.views.health.model import View


class TradeOff(View):
    """Selecting every row that scores at least `threshold`. Intervals are 95 % (Wilson); what is None has its reason."""

    threshold: float
    in_force: bool
    """The threshold that the model declares, or that was asked for."""
    selected: int
    """Of all rows with a usable score, outcome known or not; `share` likewise."""
    share: float | None
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    reasons: dict[str, str] = Field(default_factory=dict)


class CurvePoint(View):
    """The highest threshold that finds at least the share `at_least` of the positives, the recall that it reaches, and its precision."""

    at_least: float
    recall: float
    precision: float
    threshold: float
