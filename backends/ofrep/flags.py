"""Flags made of kill switches: one string flag a model, `quarterdeck.<environment>.<model>.state`, in the shapes of OFREP 0.3."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from backends.ofrep.published import Look
from backends.protocol import SwitchSetting
from backends.records import SwitchState

PREFIX: Final = "quarterdeck"
FOUND_STALE: Final = "STALE"
FOUND_OK: Final = "OK"

Flag = dict[str, Any]
"""An evaluation, successful or not, as it is sent."""


def flag_key(environment: str, model: str) -> str:
    """The key of the flag that says how a model's switch stands."""
    return f"{PREFIX}.{environment}.{model}.state"


def flags_of(look: Look, now: datetime, environment: str | None = None) -> dict[str, Flag]:
    """Every flag by its key, in the order of keys; only those of one environment when it is given.

    A model that the registry names and whose switch was never set is `normal`; a name that nobody knows has no flag, so that a
    mistyped key is an error at its caller rather than a switch that never works.
    """
    found: dict[str, Flag] = {}
    for place, model in sorted(look.models):
        if environment not in {None, place}:
            continue
        key = flag_key(place, model)
        # An environment `a.b` with a model `c` and one `a` with `b.c` have the same key: neither is guessed at.
        found[key] = _ambiguous(key) if key in found else _flag(key, place, model, look, now)
    return dict(sorted(found.items()))


def flag_set_metadata(look: Look) -> dict[str, str | int]:
    """What is said of all flags together: the version of the file, and whether it can be read now."""
    version = look.published.version if look.published is not None else 0
    return {"version": version, "switches": FOUND_STALE if look.stale else FOUND_OK}


def _flag(key: str, environment: str, model: str, look: Look, now: datetime) -> Flag:
    assert look.published is not None
    setting = look.published.settings.get((environment, model))
    state = SwitchState.NORMAL if setting is None else setting.state
    return {
        "key": key,
        "value": state.value,
        "variant": state.value,
        # STALE is no reason that this protocol has, and a strict client would fall back to its default over it: the metadata says it.
        "reason": "UNKNOWN" if look.stale else "STATIC",
        "metadata": {"environment": environment, "model": model, **flag_set_metadata(look), **_override(setting, now)},
    }


def _override(setting: SwitchSetting | None, now: datetime) -> dict[str, str | bool]:
    if setting is None:
        return {}
    said: dict[str, str | bool] = {"setAt": _written(setting.set_at), "setBy": setting.set_by}
    if setting.state is SwitchState.NORMAL:
        return said
    said |= {"since": _written(setting.begun_at), "owner": setting.asked}
    if setting.until is not None:
        said |= {"until": _written(setting.until), "overdue": setting.until <= now}
    return said


def _ambiguous(key: str) -> Flag:
    return {"key": key, "errorCode": "GENERAL", "errorDetails": "two models have this key: read switches.json for them"}


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
