"""What a rule proposes for an alert that fires: a retrain, or a roll back. It is recorded and shown; a person carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from backends.records import Alert, State
from console.control.desk import Desk
from console.policies.rules import AlertRule
from console.views.health.model import ModelHealth
from console.views.incidents.proposals import retrain_proposed, rollback_proposed
from console.views.sight import Sight

if TYPE_CHECKING:
    from console.control.records import RuleResponse


def propose(sight: Sight, health: Mapping[str, ModelHealth], desk_at: Callable[[datetime], Desk]) -> int:
    """Record what rules propose for firing alerts that have no proposal yet; returns how many.

    It goes by what fires and not by what is new, so that nothing is lost when the round before it was cut off. Raises StoreError, and
    Refused or JournalUnavailable from control.
    """
    waiting = [(alert, rule) for alert in sight.control.firing_alerts(sight.environment) if (rule := _asks(sight, alert)) is not None]
    made = 0
    for alert, rule in waiting:
        if alert.model not in health:
            continue
        desk_at(sight.at).respond(_proposed(sight, alert, rule, health[alert.model]))
        made += 1
    return made


def _asks(sight: Sight, alert: Alert) -> AlertRule | None:
    """The rule, when it asks for more than its alert: for a critical one, or any where it has no critical limit."""
    rule = sight.policies.rule(alert.rule)
    if rule is None or rule.response not in {"retrain", "roll back"} or alert.id in sight.control.responses:
        return None
    return rule if alert.state is State.CRITICAL or rule.critical is None else None


def _proposed(sight: Sight, alert: Alert, rule: AlertRule, health: ModelHealth) -> RuleResponse:
    if rule.response == "roll back":
        return rollback_proposed(sight, health, alert)
    with sight.reader() as reader:
        return retrain_proposed(sight, reader, health, alert)
