"""One action on several models: the plan of each, and what became of each."""

from __future__ import annotations

from console.control.actions import ActionOutcome, ActionPlan
from console.views.health.model import View


class PlansView(View):
    """A plan for each model, in the order in which they were named."""

    plans: tuple[ActionPlan, ...]


class OutcomesView(View):
    """What became of each, in the same order. The exit code is the highest among them."""

    outcomes: tuple[ActionOutcome, ...]
