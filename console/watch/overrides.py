"""Asking the owners of overrides: a switch past its time is one alert until somebody renews or restores it; nothing turns it back.

A breaker belongs to no model, so it has no alert: who holds it past its time is asked at every round.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from backends.protocol import BackendError, SwitchSetting
from backends.records import Alert, Layer, State
from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.switches import overdue
from console.views.own.breakers import breakers_view
from console.views.sight import Sight
from console.watch.alerting import Transition

RULE: Final = "switch.overdue"
"""What its alerts are called; no policy file has it, since every override has an end."""


def override_transitions(sight: Sight) -> list[Transition]:
    """Alerts of overrides whose time has passed, and the end of those that somebody has seen to. Raises BackendError."""
    published = sight.published
    if isinstance(published, BackendError):
        raise published
    mine = [setting for (environment, _), setting in published.settings.items() if environment == sight.environment]
    due = {_identifier(setting): setting for setting in overdue(mine, sight.at)}
    firing = [alert for alert in sight.control.firing_alerts(sight.environment) if alert.rule == RULE]
    ended = [_transition(alert, sight.at, opens=False) for alert in firing if alert.id not in due]
    opened = [_transition(_alert(identifier, setting), sight.at, opens=True) for identifier, setting in due.items()]
    return ended + opened


def overdue_breakers(sight: Sight) -> list[str]:
    """One line for each breaker that is held open past its time. Never raises."""
    return [f"breaker {row.name}: {row.why.raw}" for row in breakers_view(sight).rows if row.overdue]


def _identifier(setting: SwitchSetting) -> str:
    """Given by the call that set it: a renewal is another override, evaluating again is not."""
    text = "\n".join((RULE, setting.environment, setting.model, setting.key))
    return f"ALR-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _alert(identifier: str, setting: SwitchSetting) -> Alert:
    assert setting.until is not None
    since = setting.until.strftime("%Y-%m-%dT%H:%MZ")
    renewal = command_line("kill", setting.model, options={"--state": setting.state.value, "--until": "4h"})
    message = (
        f"{setting.state.value} of {setting.model} was to be looked at by {since}: {setting.asked} decides, and it goes on meanwhile. "
        f"Renew: quarterdeck {renewal}; end: quarterdeck {command_line('restore', setting.model)}"
    )
    return Alert(
        id=identifier,
        rule=RULE,
        model=setting.model,
        environment=setting.environment,
        layer=Layer.SYSTEM,
        state=State.WARNING,
        opened_at=setting.until,
        message=Untrusted(message),
    )


def _transition(alert: Alert, at: datetime, *, opens: bool) -> Transition:
    return Transition(at, alert, opens, alert.message, incident=False)
