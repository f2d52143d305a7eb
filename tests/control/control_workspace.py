"""A workspace with a model that has served two versions, and the people around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from backends.local.reading import LocalAliases, LocalSwitches
from backends.store.paths import WorkspacePaths
from console.clock import SimulatedClock, SystemClock
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, Confirmation, PlanFacts
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.ledger import read_state
from console.control.roles import Grant, Policy, Role

MODEL = "arrival-delay"
NOW = datetime(2013, 4, 26, 22, 0, tzinfo=UTC)

TEAM = Policy(
    grants=(
        Grant(person="mara", roles=(Role.OPERATOR,)),
        Grant(person="ines", roles=(Role.RELEASER,)),
        Grant(person="ilse", roles=(Role.APPROVER,)),
        Grant(person="otto", roles=(Role.APPROVER, Role.OPERATOR)),
        Grant(person="ada", roles=(Role.ADMIN,)),
    )
)


class MovableClock(SystemClock):
    """A simulated clock that a test moves by hand."""

    kind = "sim"

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


class Workspace:
    """A workspace folder and what a test does in it."""

    def __init__(self, root: Path, clock: MovableClock | SimulatedClock) -> None:
        self.paths = WorkspacePaths(root)
        self.clock = clock
        self._desks: list[Desk] = []

    def desk(self, name: str = "mara", *, policy: Policy = TEAM, **options: object) -> Desk:
        desk = Desk(self.paths, self.clock, Actor.named(name, host="bastion"), policy=policy, **options)  # type: ignore[arg-type]
        self._desks.append(desk)
        return desk

    def close(self) -> None:
        for desk in self._desks:
            desk.close()

    @property
    def version(self) -> str | None:
        move = LocalAliases(self.paths.registry).alias("production", MODEL, "production")
        return None if move is None else move.version

    @property
    def moves(self) -> list[str | None]:
        return [move.version for move in LocalAliases(self.paths.registry).alias_history("production", MODEL)]

    @property
    def switch(self) -> str:
        setting = LocalSwitches(self.paths.switches).switch("production", MODEL)
        return "normal" if setting is None else setting.state.value

    @property
    def state(self):  # type: ignore[no-untyped-def]
        return read_state(self.paths)

    def promote(self, version: str, facts: PlanFacts | None = None) -> ActionOutcome:
        """Ask, approve and execute, as three people do."""
        ines = self.desk("ines", elevated=True)
        asked = ines.execute(ines.plan(promotion(version), facts), confirmed())
        assert asked.state is ActionState.WAITING, asked.message
        approval = self.state.approvals[asked.approval]
        self.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
        outcome = ines.execute(ines.plan(promotion(version), facts), confirmed())
        assert outcome.state is ActionState.EFFECTIVE, outcome.message
        return outcome


def promotion(version: str) -> ActionRequest:
    return ActionRequest(kind=ActionKind.PROMOTE, model=MODEL, to=version)


def rollback(**more: object) -> ActionRequest:
    return ActionRequest(kind=ActionKind.ROLLBACK, model=MODEL, **more)  # type: ignore[arg-type]


def switch_to(kind: ActionKind, **more: object) -> ActionRequest:
    return ActionRequest(kind=kind, model=MODEL, **more)  # type: ignore[arg-type]


def confirmed(reason: str = "INC-1 late gap +.338", **more: object) -> Confirmation:
    return Confirmation(typed_name=MODEL, reason=reason, **more)  # type: ignore[arg-type]
