"""A small workspace with a history: three versions with runs, data and artifacts, two promotions by people, an incident."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from backends.records import (
    Alert,
    Column,
    Dataset,
    Deployment,
    Evaluation,
    Event,
    FeatureSet,
    Layer,
    Model,
    ModelVersion,
    Reader,
    Run,
    Signature,
    Stage,
    State,
    digest_of,
)
from backends.store.landing import land, land_records
from backends.text import Untrusted
from console.clock import SystemClock
from console.config import ClockSettings, Workspace, init_workspace
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, Confirmation, PlanFacts
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.roles import Grant, Policy, Role
from console.lookout import Lookout

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MODEL = "delay"
MADE = {"1": datetime(2024, 1, 1, tzinfo=UTC), "2": datetime(2024, 2, 1, tzinfo=UTC), "3": datetime(2024, 2, 20, tzinfo=UTC)}
PROMOTED = {"1": MADE["1"] + DAY, "2": MADE["2"] + DAY}
COLUMNS = (Column(name="temp", kind="numeric"), Column(name="carrier", kind="categorical"))
PEOPLE = Policy(
    grants=(
        Grant(person="mara", roles=(Role.OPERATOR,)),
        Grant(person="ines", roles=(Role.RELEASER,)),
        Grant(person="ilse", roles=(Role.APPROVER,)),
    )
)


class StandingClock(SystemClock):
    """A simulated clock that the test moves."""

    kind = "sim"

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class Place:
    """The workspace and what people do in it."""

    def __init__(self, root: Path, now: datetime = NOW) -> None:
        self.workspace: Workspace = init_workspace(root, name="small", clock=ClockSettings(start=now))
        self.paths = self.workspace.paths
        self.clock = StandingClock(now)

    def lookout(self, as_of: datetime | None = None) -> Lookout:
        return Lookout(self.workspace, "production", as_of)

    def desk(self, name: str, *, program: bool = False, **options: Any) -> Desk:
        actor = Actor.of_program(name) if program else Actor.named(name, host="bastion")
        return Desk(self.paths, self.clock, actor, policy=PEOPLE, **options)

    def land(self, *records: Any) -> None:
        land_records(self.paths, records, now=self.clock.at)

    def promote(self, version: str, at: datetime, facts: PlanFacts | None = None) -> ActionOutcome:
        """Ines asks, Ilse approves, Ines executes."""
        self.clock.at = at
        request = ActionRequest(kind=ActionKind.PROMOTE, model=MODEL, to=version)
        given = Confirmation(typed_name=MODEL, reason="monthly retrain")
        with self.desk("ines", elevated=True) as ines, self.desk("ilse") as ilse:
            asked = ines.execute(ines.plan(request, facts), given)
            assert asked.state is ActionState.WAITING, asked.message
            approval = self.lookout().sight().control.approvals[asked.approval or ""]
            ilse.approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
            outcome = ines.execute(ines.plan(request, facts), given)
        assert outcome.state is ActionState.EFFECTIVE, outcome.message
        self.clock.at = NOW
        return outcome

    def switch(self, kind: ActionKind, reason: str = "INC-1", *, until: datetime | None = None, at: datetime = NOW) -> ActionOutcome:
        self.clock.at = at
        with self.desk("mara", elevated=True) as mara:
            outcome = mara.act(
                ActionRequest(kind=kind, model=MODEL, reason=reason, until=until),
                confirmation=Confirmation(typed_name=MODEL, reason=reason),
            )
        assert outcome.state is ActionState.EFFECTIVE, outcome.message
        self.clock.at = NOW
        return outcome

    def alert(self, identifier: str, at: datetime, state: State = State.CRITICAL, **more: Any) -> Alert:
        alert = Alert(
            id=identifier, rule="model.late_gap", model=MODEL, environment="production", layer=Layer.MODEL, state=state, opened_at=at,
            value=0.338, limit=0.275, n=753, message=Untrusted(more.pop("message", "gap +.338 over .275")), playbook="quality-collapse",
            **more,
        )  # fmt: skip
        self.clock.at = at
        with self.desk("rule", program=True) as rule:
            rule.open_alert(alert)
        self.clock.at = NOW
        return alert

    def incident(self, alert: Alert, title: str = "late gap") -> str:
        self.clock.at = alert.opened_at
        with self.desk("rule", program=True) as rule:
            opened = rule.open_incident(alert, Untrusted(title))
        self.clock.at = NOW
        return opened.id


def version_records(version: str, **more: Any) -> list[Any]:
    """A version and everything that it comes from."""
    at = MADE[version]
    known = {"event_at": at, "known_at": at}
    content = f"weights of {version}"
    record: dict[str, Any] = {
        "model": MODEL, "version": version, "stage": Stage.PRODUCTION if version != "3" else Stage.STAGING, "run": f"run-{version}",
        "artifact_digest": digest(content), "artifact_path": f"artifacts/{version}.bin", "signature": Signature(inputs=COLUMNS),
        "runtime": {"python": "3.11", "scikit-learn": "1.7"}, "environment_digest": digest("lock"), "code_commit": "4e1d9c",
        "importance": {"temp": 0.02, "carrier": 0.05},
    }  # fmt: skip
    return [
        Dataset(
            **known, name=f"data-{version}", snapshot=digest(f"data {version}"), rows=1000 * int(version), columns=COLUMNS,
            covers_from=date(2023, 1, 1), covers_to=(at - DAY).date(), sources=("flights", "weather"),
        ),
        FeatureSet(**known, name="inputs", version="1", definition_digest=digest("features"), columns=("temp", "carrier")),
        Run(
            **known, name=f"run-{version}", model=MODEL, status="succeeded", trigger=Untrusted("monthly"),
            params={"trees": 100 + int(version)},
            metrics={"auc": 0.7 + int(version) / 100}, inputs=(f"data-{version}",), features="inputs", outputs=(f"{MODEL}@{version}",),
            started_at=at - timedelta(minutes=5), ended_at=at,
        ),
        ModelVersion(**{**known, **record, **more}),
        report(version),
    ]  # fmt: skip


def report(version: str) -> Evaluation:
    """The evaluation of a version."""
    at = MADE[version]
    return Evaluation(
        event_at=at, known_at=at, name=f"report-{version}", model=MODEL, version=version, covers_from=at - 7 * DAY, covers_to=at, rows=500,
        labelled=480, metrics={"auc": 0.7 + int(version) / 100},
    )  # fmt: skip


def write_artifact(place: Place, version: str, content: str | None = None) -> Path:
    path = place.paths.root / "artifacts" / f"{version}.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content or f"weights of {version}")
    return path


def history(root: Path) -> Place:
    """Version 1 served in January, 2 serves since 2 February (approved on its report), 3 waits; predictions of the last day by 2."""
    place = Place(root)
    start = MADE["1"]
    place.land(
        Model(
            name=MODEL, task="binary", owner="delays", event_at=start, known_at=start, label_delay_hours=8.0,
            readers=(Reader(name="gate board", how=Untrusted("every score")), Reader(name="crew desk", how=Untrusted("levels"))),
        ),
        Deployment(event_at=PROMOTED["2"], known_at=PROMOTED["2"], name="serving", model=MODEL, mode="real-time", traffic={"2": 1.0}),
        Event(event_at=NOW - 5 * DAY, known_at=NOW - 5 * DAY, name="ev-1", model=MODEL, topic="data",
            message=Untrusted("carrier VX first seen")),
        Event(event_at=NOW - 2 * DAY, known_at=NOW - 2 * DAY, name="ev-2", topic="upstream", message=Untrusted("weather feed moved")),
    )  # fmt: skip
    for version in MADE:
        place.land(*version_records(version))
        write_artifact(place, version)
    for version, at in PROMOTED.items():
        evaluation = digest_of(report(version).model_dump(mode="json"))
        place.promote(version, at, PlanFacts(evaluation_digest=evaluation, artifact_digest=digest(f"weights of {version}")))
    moments = [NOW - timedelta(hours=hour + 0.5) for hour in range(24)]
    land(
        place.paths, "predictions",
        {"event_at": moments, "model": [MODEL] * 24, "version": ["2"] * 24, "key": [f"k{n}" for n in range(24)], "score": [0.4] * 24},
        now=NOW,
    )  # fmt: skip
    land(
        place.paths, "labels",
        {"event_at": moments[12:], "known_at": [at + timedelta(hours=2) for at in moments[12:]], "model": [MODEL] * 12,
         "key": [f"k{n}" for n in range(12, 24)], "label": [1.0] * 12},
        now=NOW,
    )  # fmt: skip
    return place
