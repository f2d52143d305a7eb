"""What stands at this moment whatever was evaluated when: incidents, switches, what waits for a person."""

from __future__ import annotations

from datetime import datetime

from backends.local.reading import LocalSwitches
from backends.protocol import BackendError
from backends.records import State, SwitchState
from backends.text import Untrusted
from console.control.actions import SWITCH_STATES
from console.render import figures
from console.views.fleet import FleetView, Waiting
from console.views.health import ModelHealth
from console.views.sight import Sight


def with_control(view: FleetView, sight: Sight) -> FleetView:
    """The fleet with incidents, switches and what waits as control has them now."""
    rows = []
    for row in view.rows:
        incidents = sight.control.open_incidents(sight.environment, row.model)
        rows.append(
            row.model_copy(
                update={
                    "switch": sight.switch(row.model),
                    "incidents": tuple(incident.id for incident in reversed(incidents)),
                    "driver": incidents[-1].driver if incidents else None,
                    "waiting": waiting_for(sight, row.model),
                }
            )
        )
    return view.model_copy(update={"rows": tuple(rows), "at": sight.at, "switches_version": switches_version(sight)})


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
    """What waits for a person on one model: incidents nobody took, approvals."""
    found = [
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
    ]
    for approval in sight.control.open_approvals(sight.at, sight.environment, model):
        payload = approval.payload
        asked = figures.clock_time(payload.requested_at, sight.zone)
        moved = f"{payload.action.value} {payload.from_} -> {payload.to}"
        what = f"{moved}, asked by {payload.requester} {asked}, {approval.granted} of {payload.needed}"
        found.append(
            Waiting(
                state=State.UNKNOWN, id=approval.id, model=model, what=Untrusted(what), detail=Untrusted(""), since=payload.requested_at
            )
        )
    return tuple(found)


def switches_version(sight: Sight) -> int:
    """How often `switches.json` was changed; -1 when it cannot be read."""
    try:
        return LocalSwitches(sight.workspace.paths.switches).published_version()
    except BackendError:
        return -1
