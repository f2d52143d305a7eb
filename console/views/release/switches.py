"""State of every kill switch: what the published file says, since when, who set it and until when; an overdue one asks."""

from __future__ import annotations

from backends.protocol import BackendError
from backends.records import Moment, State, SwitchState
from backends.store import queries
from backends.store.errors import StoreError
from backends.text import Untrusted
from console.control.actions import SWITCH_STATES
from console.control.records import ActionRecord
from console.views.health.model import View
from console.views.release.switch_standing import Standing
from console.views.sight import Sight


class SwitchRow(View):
    """The switch of one model."""

    model: str
    state: State
    """`ok` when normal, `warning` when not, `critical` when it is overdue, `unknown` when it cannot be read or is not confirmed."""
    switch: SwitchState
    published: SwitchState
    """What serving processes read: the same as `switch`, unless nobody has confirmed it."""
    since: Moment | None
    """Since when it is in this state; None: it was never set."""
    renewed_at: Moment | None
    """When it was set to go on for longer; None: never."""
    who: str | None
    """Who set or renewed it."""
    owner: str | None
    """Who is asked when its time has passed; None: nobody has to be."""
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
    published = sight.published
    problem = Untrusted(str(published)) if isinstance(published, BackendError) else None
    set_ = set() if isinstance(published, BackendError) else {model for place, model in published.settings if place == sight.environment}
    models, unknown = _models(sight)
    acted = {each.model for each in _switch_actions(sight)}
    rows = [_row(sight, model) for model in sorted({*models, *set_, *acted})]
    order = [State.CRITICAL, State.WARNING, State.STALE, State.UNKNOWN, State.OK]
    return SwitchesView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        path=sight.workspace.paths.switches.name,
        version=None if isinstance(published, BackendError) else published.version,
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


def _row(sight: Sight, model: str) -> SwitchRow:
    standing = sight.switch_standing(model)
    setting = standing.published
    overdue = standing.overdue(sight.at)
    told = setting is not None and setting.state is not SwitchState.NORMAL
    return SwitchRow(
        model=model,
        state=_state(standing, overdue),
        switch=standing.switch,
        published=sight.published_switch(model),
        since=setting.begun_at if setting is not None else None,
        renewed_at=setting.set_at if setting is not None and setting.begun_at != setting.set_at else None,
        who=setting.set_by if setting is not None else None,
        owner=setting.asked if setting is not None and told else None,
        reason=Untrusted(setting.reason if setting is not None else ""),
        until=setting.until if setting is not None else None,
        overdue=overdue,
        action=sight.control.action_by_key.get(setting.key) if setting is not None else None,
        why=Untrusted(_why(standing, overdue)),
    )


def _state(standing: Standing, overdue: bool) -> State:
    if overdue:
        return State.CRITICAL
    if standing.switch is SwitchState.UNKNOWN:
        return State.UNKNOWN
    return State.OK if standing.switch is SwitchState.NORMAL else State.WARNING


def _why(standing: Standing, overdue: bool) -> str:
    setting = standing.published
    if standing.why:
        return standing.why
    if setting is None:
        return "never set, which means normal"
    if overdue:
        return f"{setting.state.value} is past its time: {setting.asked} is asked whether it stays; it never turns itself back on"
    if setting.state is SwitchState.NORMAL:
        return f"set back to normal: {setting.reason}" if setting.reason else "set back to normal"
    nobody = "" if setting.until is not None else "; nobody is asked again, it has no time"
    return f"{setting.state.value}: {setting.reason or 'no reason was given'}{nobody}"


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
        # Of one moment, as where a simulated clock stands, the last one first.
        for each in reversed(_switch_actions(sight))
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)
