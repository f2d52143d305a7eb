"""Asking the owners of overrides: a switch or a hold past its time is one alert until somebody renews or ends it; nothing turns it back.

A breaker belongs to no model, so it has no alert: who holds it past its time is asked at every round.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from backends.pipeline_protocol import EVERY_PIPELINE, HoldSetting
from backends.protocol import BackendError, SwitchSetting
from backends.records import Alert, Layer, State
from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.switches import overdue
from console.views.own.breakers import breakers_view
from console.views.release.holds import overdue_holds
from console.views.sight import Sight
from console.watch.alerting import Transition

RULE: Final = "switch.overdue"
"""What its alerts are called; no policy file has it, since every override has an end."""

HOLD_RULE: Final = "hold.overdue"
"""The same, of jobs that are held."""


def override_transitions(sight: Sight) -> list[Transition]:
    """Alerts of overrides whose time has passed, and the end of those that somebody has seen to. Raises BackendError."""
    published = sight.published
    if isinstance(published, BackendError):
        raise published
    mine = [setting for (environment, _), setting in published.settings.items() if environment == sight.environment]
    due = {each.id: each for each in (*map(_of_switch, overdue(mine, sight.at)), *map(_of_hold, overdue_holds(sight)))}
    firing = [alert for alert in sight.control.firing_alerts(sight.environment) if alert.rule in {RULE, HOLD_RULE}]
    ended = [_transition(alert, sight.at, opens=False) for alert in firing if alert.id not in due]
    return ended + [_transition(alert, sight.at, opens=True) for alert in due.values()]


def overdue_breakers(sight: Sight) -> list[str]:
    """One line for each breaker that is held open past its time. Never raises."""
    return [f"breaker {row.name}: {row.why.raw}" for row in breakers_view(sight).rows if row.overdue]


def _identifier(rule: str, setting: SwitchSetting | HoldSetting) -> str:
    """Given by the call that set it: a renewal is another override, evaluating again is not."""
    text = "\n".join((rule, setting.environment, setting.model, setting.key))
    return f"ALR-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _of_switch(setting: SwitchSetting) -> Alert:
    renewal = command_line("kill", setting.model, options={"--state": setting.state.value, "--until": "4h"})
    return _alert(RULE, setting, f"{setting.state.value} of", renewal, command_line("restore", setting.model))


def _of_hold(setting: HoldSetting) -> Alert:
    named = {} if setting.pipeline == EVERY_PIPELINE else {"--pipeline": setting.pipeline}
    renewal = command_line("hold", setting.model, options={**named, "--for": "4h"})
    what = "the hold of the jobs of" if not named else f"the hold of {setting.pipeline} for"
    return _alert(HOLD_RULE, setting, what, renewal, command_line("release-hold", setting.model, options=named))


def _alert(rule: str, setting: SwitchSetting | HoldSetting, what: str, renewal: str, end: str) -> Alert:
    assert setting.until is not None
    since = setting.until.strftime("%Y-%m-%dT%H:%MZ")
    message = (
        f"{what} {setting.model} was to be looked at by {since}: {setting.asked} decides, and it goes on meanwhile. "
        f"Renew: quarterdeck {renewal}; end: quarterdeck {end}"
    )
    return Alert(
        id=_identifier(rule, setting),
        rule=rule,
        model=setting.model,
        environment=setting.environment,
        layer=Layer.SYSTEM,
        state=State.WARNING,
        opened_at=setting.until,
        message=Untrusted(message),
    )


def _transition(alert: Alert, at: datetime, *, opens: bool) -> Transition:
    return Transition(at, alert, opens, alert.message, incident=False)
