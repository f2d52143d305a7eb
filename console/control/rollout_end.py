"""What a move of the serving alias makes of the rollout that was under way: the colours swapped, or it ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from backends.local.routing import in_force
from backends.protocol import AliasMove, BackendError, TrafficSetting
from console.control.actions import SERVING_ALIAS, action_id_of
from console.control.reach import MovesAliases, MovesTraffic
from console.control.rollout import terms_of

AFTER_A_MOVE: Final = "after-"
"""Before the id of an action that moved the alias: the key under which the rollout was written off."""


def running_beside(backend: MovesTraffic | None, environment: str, model: str, alias: AliasMove | None) -> TrafficSetting | None:
    """The rollout that divides the traffic while `alias` is in force; None also when that cannot be read."""
    try:
        setting = None if backend is None else backend.traffic(environment, model)
    except BackendError:
        return None
    return setting if in_force(setting, alias) else None


def after_the_move(setting: TrafficSetting, to: str) -> str:
    """What becomes of a rollout when the alias moves to `to`, in words."""
    if to == setting.candidate and setting.strategy == "blue-green":
        return "colours swapped"
    return "done" if to == setting.candidate else "ended"


def settle_rollout(
    backend: MovesTraffic | None, aliases: MovesAliases, environment: str, model: str, *, key: str, who: str, now: datetime
) -> tuple[str, str] | None:
    """Write down what the move `key` of the serving alias made of the rollout. Returns `(call, result)`; never raises.

    Nothing depends on it: once another move of the alias is in force than the one a rollout began beside, the rollout counts no more.
    """
    if backend is None:
        return None
    try:
        setting = backend.traffic(environment, model)
        if setting is None or not setting.running:
            return None
        moves = [move for move in aliases.alias_history(environment, model) if move.alias == SERVING_ALIAS]
    except BackendError as error:
        return f"get_traffic {model}", str(error)
    place = next((number for number, move in enumerate(moves) if move.key == key), None)
    if place is None or setting.stable_key == moves[-1].key:
        return None
    was, now_in_force = (moves[place - 1] if place else None), moves[place]
    to = now_in_force.version or ""
    counted = in_force(setting, was) and place == len(moves) - 1
    if counted and setting.strategy == "blue-green" and to == setting.candidate:
        kept = None if setting.hours is None else now + timedelta(hours=setting.hours)
        swapped = {"stable": to, "stable_key": key, "candidate": setting.stable, "weights": {to: 1.0}, "shadow": (setting.stable,)}
        terms = terms_of(setting, **swapped, step_at=None, until=kept)
    else:
        left = setting.candidate if counted and to == setting.candidate else setting.stable
        terms = terms_of(setting, state="ended", weights={left: 1.0}, shadow=(), paused=False, step_at=None)
    after = terms.setting(
        environment, model, now=now, who=who, key=f"{AFTER_A_MOVE}{action_id_of(key)}", reason=f"the alias moved to {to}"[:200]
    )
    call = f"set_traffic {model} {after.value!r} if {setting.value!r}"
    try:
        backend.set_traffic(after, expected=setting.value)
    except BackendError as error:
        return call, str(error)
    return call, "ok"
