"""Asking for shifts of traffic in tests, and looking at what came of them."""

from __future__ import annotations

from control_workspace import MODEL, Workspace, confirmed

from backends.local.reading import LocalAliases, LocalTraffic
from backends.local.routing import answered_by, in_force
from backends.protocol import TrafficSetting
from backends.records import State
from backends.text import Untrusted
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, Judgement, PlanFacts
from console.control.rollout import RolloutMove, RolloutWish

WELL = PlanFacts(judged=Judgement(state=State.OK, sentence=Untrusted("nothing is worse")))
WORSE = PlanFacts(judged=Judgement(state=State.CRITICAL, sentence=Untrusted("Brier is worse")))
TOO_EARLY = PlanFacts(judged=Judgement(state=State.UNKNOWN, sentence=Untrusted("only 3 labelled rows")))


def shift(move: RolloutMove, to: str | None = None, *, key: str | None = None, **wish: object) -> ActionRequest:
    return ActionRequest(
        kind=ActionKind.SHIFT, model=MODEL, to=to, key=key, reason="April", wish=RolloutWish(move=move, **wish)  # type: ignore[arg-type]
    )  # fmt: skip


def abort(key: str | None = None) -> ActionRequest:
    return ActionRequest(kind=ActionKind.ABORT, model=MODEL, key=key, reason="worse")


def published(workspace: Workspace) -> TrafficSetting | None:
    return LocalTraffic(workspace.paths.traffic).traffic("production", MODEL)


def counts(workspace: Workspace) -> TrafficSetting | None:
    """The rollout that divides the traffic now."""
    setting = published(workspace)
    return setting if in_force(setting, LocalAliases(workspace.paths.registry).alias("production", MODEL, "production")) else None


def shares(workspace: Workspace, requests: int = 4000) -> dict[str, float]:
    """What a serving process would answer with, by version, counted over requests."""
    alias = LocalAliases(workspace.paths.registry).alias("production", MODEL, "production")
    setting = published(workspace)
    found: dict[str, int] = {}
    for number in range(requests):
        version = answered_by(setting, alias, f"request {number}") or "none"
        found[version] = found.get(version, 0) + 1
    return {version: count / requests for version, count in found.items()}


def done(workspace: Workspace, request: ActionRequest, facts: PlanFacts = WELL, who: str = "ines") -> ActionOutcome:
    """Plan and execute, elevated."""
    desk = workspace.desk(who, elevated=True)
    return desk.execute(desk.plan(request, facts), confirmed(), current_world=facts)


def begun(workspace: Workspace, request: ActionRequest, facts: PlanFacts = WELL) -> ActionOutcome:
    """Ask, have it approved, and begin."""
    asked = done(workspace, request, facts)
    assert asked.state is ActionState.WAITING, asked.message
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    outcome = done(workspace, request, facts)
    assert outcome.state is ActionState.EFFECTIVE, outcome.message
    return outcome
