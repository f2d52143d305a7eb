"""State of every kill switch: what the published file says, since when, who set it and until when; an overdue one asks."""

from __future__ import annotations

from backends.local.reading import LocalSwitches
from backends.protocol import BackendError, SwitchSetting
from backends.records import Moment, State, SwitchState
from backends.store import queries
from backends.store.errors import StoreError
from backends.text import Untrusted
from console.control.actions import SWITCH_STATES, ActionState
from console.control.records import ActionRecord
from console.views.health import View
from console.views.sight import Sight


class SwitchRow(View):
    """The switch of one model."""

    model: str
    state: State
    """`ok` when normal, `warning` when not, `critical` when it is overdue, `unknown` when it cannot be read."""
    switch: SwitchState
    since: Moment | None
    """None: it was never set."""
    who: str | None
    reason: Untrusted
    until: Moment | None
    overdue: bool
    """True when its owner should have been asked again by now; it never turns itself back on."""
    action: str | None
    """The action that set it; None when it was set outside this console, or never."""
    why: Untrusted


class SwitchChange(View):
    """One change of a switch that control made or tried."""

    at: Moment
    model: str
    from_: str | None
    to: str | None
    who: str
    outcome: str
    reason: Untrusted
    action: str


class SwitchesView(View):
    """Every kill switch of an environment."""

    environment: str
    at: Moment
    zone: str
    past: bool
    path: str
    version: int | None
    """How often the file was changed; None when it cannot be read."""
    problem: Untrusted | None
    rows: tuple[SwitchRow, ...]
    changes: tuple[SwitchChange, ...]
    """The newest first."""
    models_unknown: Untrusted | None
    """Why models without a setting could not be listed: the store was not needed for the others."""


def switches_view(sight: Sight) -> SwitchesView:
    """Every switch. Needs the store only to name the models whose switch was never set; never raises."""
    switches = LocalSwitches(sight.workspace.paths.switches)
    found: dict[str, SwitchSetting] = {}
    version: int | None = None
    problem: Untrusted | None = None
    try:
        version = switches.published_version()
        found = {each.model: each for each in switches.switches() if each.environment == sight.environment}
    except BackendError as error:
        problem = Untrusted(str(error))
    models, unknown = _models(sight)
    acted = {each.model for each in _switch_actions(sight)}
    rows = [_row(sight, model, found.get(model), problem) for model in sorted({*models, *found, *acted})]
    order = [State.CRITICAL, State.WARNING, State.STALE, State.UNKNOWN, State.OK]
    return SwitchesView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        path=sight.workspace.paths.switches.name,
        version=version,
        problem=problem,
        rows=tuple(sorted(rows, key=lambda row: (order.index(row.state), row.model))),
        changes=tuple(_changes(sight)),
        models_unknown=unknown,
    )


def _models(sight: Sight) -> tuple[list[str], Untrusted | None]:
    try:
        with sight.reader() as reader:
            return queries.models(reader, sight.environment), None
    except StoreError as error:
        return [], Untrusted(str(error))


def _switch_actions(sight: Sight) -> list[ActionRecord]:
    return [each for each in sight.control.actions.values() if each.kind in SWITCH_STATES and each.environment == sight.environment]


def _row(sight: Sight, model: str, setting: SwitchSetting | None, problem: Untrusted | None) -> SwitchRow:
    if sight.past and setting is not None and setting.set_at > sight.at:
        return _then(sight, model)
    if problem is not None:
        return _unset(model, State.UNKNOWN, SwitchState.UNKNOWN, problem.raw)
    if setting is None:
        return _unset(model, State.OK, SwitchState.NORMAL, "never set, which means normal")
    return _set(
        sight,
        model,
        setting.state,
        setting.set_at,
        setting.set_by,
        setting.reason,
        setting.until,
        sight.control.action_by_key.get(setting.key),
    )


def _set(
    sight: Sight, model: str, switch: SwitchState, at: Moment, who: str, reason: str, until: Moment | None, action: str | None
) -> SwitchRow:
    normal = switch is SwitchState.NORMAL
    overdue = not normal and until is not None and until < sight.at
    state = State.CRITICAL if overdue else State.OK if normal else State.WARNING
    if overdue:
        why = f"{switch.value} is past its time: {who} is asked whether it stays; it never turns itself back on"
    elif normal:
        why = f"set back to normal: {reason}" if reason else "set back to normal"
    else:
        why = f"{switch.value}: {reason or 'no reason was given'}" + (
            "" if until is not None else "; nobody is asked again, it has no time"
        )
    return SwitchRow(
        model=model, state=state, switch=switch, since=at, who=who, reason=Untrusted(reason), until=until, overdue=overdue, action=action,
        why=Untrusted(why),
    )  # fmt: skip


def _then(sight: Sight, model: str) -> SwitchRow:
    """The state at a past moment, which the file no longer has: by the last action that took effect until then."""
    done = [each for each in _switch_actions(sight) if each.model == model and each.state is ActionState.EFFECTIVE and each.to is not None]
    if done:
        last = max(done, key=lambda each: each.finished_at or each.intended_at)
        at = last.finished_at or last.intended_at
        return _set(sight, model, SwitchState(last.to or "unknown"), at, last.actor.who, last.reason, last.until, last.id)
    why = "the file was changed after this moment, and control has no earlier change of this switch on record"
    return _unset(model, State.UNKNOWN, SwitchState.UNKNOWN, why)


def _unset(model: str, state: State, switch: SwitchState, why: str) -> SwitchRow:
    return SwitchRow(
        model=model, state=state, switch=switch, since=None, who=None, reason=Untrusted(""), until=None, overdue=False, action=None,
        why=Untrusted(why),
    )  # fmt: skip


def _changes(sight: Sight) -> list[SwitchChange]:
    found = [
        SwitchChange(
            at=each.finished_at or each.intended_at,
            model=each.model,
            from_=each.from_,
            to=each.to,
            who=each.actor.who,
            outcome=each.state.value,
            reason=Untrusted(each.reason),
            action=each.id,
        )
        for each in _switch_actions(sight)
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)
