"""A workspace on made-up rows in which the right mitigation is known: `arrivals` is best helped by its fallback, `delays` by rolling back.

`arrivals`: version 2 serves for weeks; three days ago the world changed, half of all outcomes are 1 and both versions say .15; the
fallback says .5. `delays`: version 2 was promoted three days ago and says the opposite of what version 1 says, which is right.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from backends.local.acting import LocalAliasSetter
from backends.records import Alert, Event, Layer, Model, ModelVersion, Reader, State
from backends.store.landing import land, land_records
from backends.text import Untrusted
from console.clock import SimulatedClock, SystemClock
from console.config import ClockSettings, Workspace, init_workspace
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.ledger import read_state
from console.control.roles import Policy
from console.simulation import write_clock

NOW = datetime(2013, 4, 26, 22, 0, tzinfo=UTC)
BROKE = NOW - timedelta(days=3)
HOUR = timedelta(hours=1)
PER_HOUR = 20


def build(root: Path) -> Workspace:
    """The workspace at `NOW`, with incident INC-1 of `arrivals` and INC-2 of `delays`."""
    workspace = init_workspace(root, name="hand-made", clock=ClockSettings(start=NOW))
    stand_at(workspace, NOW)
    for model, promoted in (("arrivals", NOW - timedelta(days=12)), ("delays", BROKE)):
        registry = LocalAliasSetter(workspace.paths.registry)
        first = NOW - timedelta(days=40)
        registry.set_alias("production", model, "production", "1", expected=None, key=f"{model}-1", actor="ines", now=first)
        registry.set_alias("production", model, "production", "2", expected="1", key=f"{model}-2", actor="ines", now=promoted)
    land_records(workspace.paths, _records(), now=NOW)
    score(workspace, "arrivals", NOW - timedelta(days=14), BROKE, positive=0.15, live={"2": 0.15}, shadow={"1": 0.15, "fallback": 0.15})
    score(workspace, "arrivals", BROKE, NOW, positive=0.5, live={"2": 0.15}, shadow={"1": 0.16, "fallback": 0.5})
    score(workspace, "delays", NOW - timedelta(days=14), BROKE, positive=0.2, live={"1": 0.2}, shadow={"2": 0.7, "fallback": 0.45})
    score(workspace, "delays", BROKE, NOW, positive=0.2, live={"2": 0.7}, shadow={"1": 0.2, "fallback": 0.45})
    for model, message in (("arrivals", "+.350 over .275"), ("delays", "-.500 over .275")):
        open_incident(workspace, model, message)
    return workspace


def stand_at(workspace: Workspace, moment: datetime) -> None:
    """Set the workspace's simulated clock."""
    write_clock(workspace.paths, SimulatedClock(start=moment, anchored_at=SystemClock().real_now(), speed=0.0))


def score(
    workspace: Workspace,
    model: str,
    start: datetime,
    end: datetime,
    *,
    positive: float,
    live: dict[str, float],
    shadow: dict[str, float],
    served_by: str = "model",
    per_hour: int = PER_HOUR,
) -> None:
    """Land rows from `start` to `end`: every version gives its own level, `positive` of them turn out 1; labels come an hour later."""
    chance = np.random.default_rng(len(model) + int(start.timestamp()) % 1000)
    hours = int((end - start) / HOUR)
    times = [start + HOUR * hour + timedelta(minutes=each) for hour in range(hours) for each in range(per_hour)]
    keys = [f"{model}-{moment.isoformat()}" for moment in times]
    outcome = (chance.random(len(keys)) < positive).astype(float)
    for role, versions in (("live", live), ("shadow", shadow)):
        for version, level in versions.items():
            noise = chance.normal(0, 0.02, len(keys))
            columns: dict[str, Any] = {
                "event_at": times, "model": [model] * len(keys), "version": [version] * len(keys), "key": keys,
                "score": np.clip(level + noise, 0, 1), "role": [role] * len(keys), "latency_ms": [4.0] * len(keys),
                "served_by": [served_by if role == "live" else "model"] * len(keys), "distance": chance.normal(1000, 200, len(keys)),
            }  # fmt: skip
            land(workspace.paths, "predictions", columns, now=NOW)
    known = [moment + HOUR for moment in times]
    land(
        workspace.paths,
        "labels",
        {"event_at": times, "known_at": known, "model": [model] * len(keys), "key": keys, "label": outcome},
        now=NOW,
    )


def open_incident(workspace: Workspace, model: str, message: str, rule: str = "model.late_gap") -> None:
    """What the evaluator does when a rule fires: an alert and its incident."""
    alert = Alert(
        id=f"ALR-{model}", rule=rule, model=model, environment="production", layer=Layer.MODEL, state=State.CRITICAL,
        opened_at=BROKE + timedelta(hours=12), value=0.35, limit=0.275, n=240, message=Untrusted(f"gap {message}"),
        playbook="quality-collapse",
    )  # fmt: skip
    with Desk(workspace.paths, workspace.clock(), Actor.of_program("rule"), policy=Policy()) as desk:
        desk.open_alert(alert)
        desk.open_incident(alert, Untrusted(f"Reality and the scores disagree: gap {message}"))


def control(workspace: Workspace) -> Any:
    """Everything that control knows now."""
    return read_state(workspace.paths)


def _records() -> list[Any]:
    common: dict[str, Any] = {"event_at": NOW - timedelta(days=50), "known_at": NOW - timedelta(days=50)}
    found: list[Any] = []
    for model in ("arrivals", "delays"):
        found.append(
            Model(
                name=model,
                owner="delays",
                task="binary",
                target=Untrusted("late"),
                fallback=Untrusted("the share of the last day"),
                readers=(Reader(name="gate board", how=Untrusted("shows the score")),),
                label_delay_hours=1,
                **common,
            )
        )
        found += [ModelVersion(model=model, version=version, **common) for version in ("1", "2")]
    found.append(
        Event(
            name="promoted",
            model="delays",
            topic="deploy",
            message=Untrusted("v2 promoted by ines"),
            actor="ines",
            event_at=BROKE,
            known_at=BROKE,
        )
    )
    return found
