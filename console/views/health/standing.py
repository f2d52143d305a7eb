"""What stands at this moment whatever was evaluated when: incidents, switches, what waits for a person."""

from __future__ import annotations

from datetime import datetime

from backends.protocol import BackendError
from backends.records import State, SwitchState
from backends.text import Untrusted
from console.control.actions import SWITCH_STATES, version_label
from console.render import figures
from console.views.health.fleet import FleetRow, FleetView, Waiting
from console.views.health.model import ModelHealth
from console.views.sight import Sight
from console.views.versions.serving import serving_at


def with_control(view: FleetView, sight: Sight) -> FleetView:
    """The fleet with versions, incidents, switches and what waits as registry and control have them now."""
    rows = []
    for row in view.rows:
        switch = sight.switch_standing(row.model)
        incidents = sight.control.open_incidents(sight.environment, row.model)
        rows.append(
            row.model_copy(
                update={
                    "version": version_in_force(sight, row.model, row.version),
                    "next_step": _next_step(row, sight),
                    "switch": switch.switch,
                    "switch_overdue": switch.overdue(sight.at),
                    "incidents": tuple(incident.id for incident in reversed(incidents)),
                    "driver": incidents[-1].driver if incidents else None,
                    "waiting": waiting_for(sight, row.model),
                }
            )
        )
    stands = {"at": sight.at, "switches_version": switches_version(sight), "control_problem": control_problem(sight)}
    return view.model_copy(update={"rows": tuple(rows), **stands})


def control_problem(sight: Sight) -> Untrusted | None:
    """Why the journal cannot be read, None when it can."""
    return Untrusted(sight.control.problem) if sight.control.problem else None


def version_in_force(sight: Sight, model: str, evaluated: str | None) -> str | None:
    """The version that the registry's alias names now; what was `evaluated` where the registry names none."""
    return serving_at(sight.alias_history(model), sight.at).version or evaluated


def _next_step(row: FleetRow, sight: Sight) -> str:
    """What was advised when the row was evaluated, unless somebody has acted since: then only what stands."""
    incidents = sight.control.open_incidents(sight.environment, row.model)
    switch = sight.switch(row.model)
    known = (row.version, row.switch, row.incidents[:1])
    if known == (version_in_force(sight, row.model, row.version), switch, tuple(each.id for each in incidents[-1:])):
        return row.next_step
    step = f"i incident {incidents[-1].id}" if incidents else ""
    stands = f"the switch stands at {switch.value}" if switch is not SwitchState.NORMAL else ""
    return "; ".join(filter(None, (step, stands)))


def health_with_control(health: ModelHealth, sight: Sight) -> ModelHealth:
    """A model's health with incidents and switch as control has them now."""
    incidents = sight.control.open_incidents(sight.environment, health.model)
    update = {"switch": sight.switch(health.model), "incidents": tuple(incident.id for incident in reversed(incidents))}
    return health.model_copy(update=update)


def overrides(sight: Sight, model: str) -> list[tuple[datetime, datetime]]:
    """Stretches in which a person had set the model's switch to something else than normal, up to now."""
    found: list[tuple[datetime, datetime]] = []
    begun: datetime | None = None
    for action in sight.control.actions.values():
        moved = action.finished_at or action.sent_at
        mine = (action.environment, action.model) == (sight.environment, model)
        if not mine or moved is None or action.state.value != "effective" or action.kind not in SWITCH_STATES:
            continue
        normal = SWITCH_STATES[action.kind] is SwitchState.NORMAL
        if normal and begun is not None:
            found.append((begun, moved))
            begun = None
        elif not normal and begun is None:
            begun = moved
    return [*found, (begun, sight.at)] if begun is not None else found


def waiting_for(sight: Sight, model: str) -> tuple[Waiting, ...]:
    """What waits for a person on one model: a switch past its time or of unknown state, incidents nobody took, approvals."""
    found = [
        *_switch_waiting(sight, model),
        *(
            Waiting(
                state=incident.severity,
                id=incident.id,
                model=model,
                what=incident.title,
                detail=Untrusted(f"driver {incident.driver or 'nobody'}"),
                since=incident.opened_at,
            )
            for incident in sight.control.open_incidents(sight.environment, model)
            if incident.driver is None
        ),
    ]
    for approval in sight.control.open_approvals(sight.at, sight.environment, model):
        payload = approval.payload
        same_day = figures.day(payload.requested_at, sight.zone) == figures.day(sight.at, sight.zone)
        asked = (figures.clock_time if same_day else figures.moment)(payload.requested_at, sight.zone)
        moved = f"{payload.action.value} {version_label(payload.from_)} -> {version_label(payload.to)}"
        what = f"{moved}, asked by {payload.requester} {asked}, {approval.granted} of {payload.needed}"
        found.append(
            Waiting(
                state=State.UNKNOWN, id=approval.id, model=model, what=Untrusted(what), detail=Untrusted(""), since=payload.requested_at
            )
        )
    return tuple(found)


def switches_version(sight: Sight) -> int:
    """How often `switches.json` was changed; -1 when it cannot be read."""
    found = sight.published
    return -1 if isinstance(found, BackendError) else found.version


def _switch_waiting(sight: Sight, model: str) -> list[Waiting]:
    if sight.past:
        return []
    standing = sight.switch_standing(model)
    setting = standing.published
    if standing.switch is SwitchState.UNKNOWN:
        since = setting.set_at if setting is not None else sight.at
        return [_waiting(State.UNKNOWN, model, f"state unknown: {standing.why}", since)]
    if setting is None or setting.until is None or not standing.overdue(sight.at):
        return []
    late = figures.age(sight.at - setting.until)
    what = f"{setting.state.value} overdue {late}: {setting.asked} decides, K renews or restores"
    return [_waiting(State.WARNING, model, what, setting.until)]


def _waiting(state: State, model: str, what: str, since: datetime) -> Waiting:
    return Waiting(state=state, id="switch", model=model, what=Untrusted(what), detail=Untrusted(""), since=since)
