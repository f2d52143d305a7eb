"""Rollback and promotion: both move the alias that says which version serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backends.local.routing import earlier_versions
from backends.protocol import AliasMove, BackendError, RemembersKeys, TrafficSetting
from backends.records import State, SwitchState
from console.control.actions import SERVING_ALIAS, ActionKind, ActionPlan, Change, Moved, version_label
from console.control.drawing import approval_for, covered_by, covering, lapsed, sealed, title_of, voided_by
from console.control.reach import MovesAliases, MovesTraffic, Seen, forbid, published_version, seen_by_key
from console.control.rollout_end import after_the_move, running_beside, settle_rollout
from console.control.situation import Situation
from console.control.terms import people


def alias_plan(situation: Situation) -> ActionPlan:
    """The plan of a rollback or a promotion. Raises BackendError when the registry cannot be read."""
    request, facts, policy = situation.request, situation.facts, situation.policy
    history = situation.reach.aliases.alias_history(request.environment, request.model)
    in_force = situation.reach.aliases.alias(request.environment, request.model, SERVING_ALIAS)
    found = None if in_force is None else in_force.version
    targets = rollback_targets(history)
    back = request.kind is ActionKind.ROLLBACK
    to = request.to or (targets[0] if back and targets else None)
    refusals: list[str] = []
    if to is None:
        refusals.append(f"{request.model} has no earlier version to go back to" if back else "name the version to promote")
    elif to == found:
        refusals.append(f"{request.model} is at {version_label(to)} already")
    elif back and to not in targets:
        refusals.append(f"{version_label(to)} did not serve before {version_label(found)}: going there is a promotion")
    running = running_beside(situation.reach.traffic, request.environment, request.model, in_force)
    mine = running if running is not None and running.candidate == to else None
    began, changed = (None, ()) if back else covering(situation, mine, found)
    covered = began if not changed else None
    approval, step = (None, "act") if covered is not None else approval_for(situation, request.kind, to)
    refusals += voided_by(approval, situation, found) if step == "act" else []
    cautions = [*lapsed(began, changed), *_beside_a_rollout(situation, back, running, mine, refusals)]
    if not back and found is not None and mine is None:
        cautions += _direct(policy.direct_promotions, refusals)
    movement = f"{version_label(found)} -> {version_label(to)}"
    if to is None:
        # There is nothing to draw: a plan that moved an alias to no version would read as one that could be carried out.
        return _to_nothing(situation, found, refusals)
    changes = [
        Change(
            what=f"alias {SERVING_ALIAS}",
            movement=movement,
            note=f"registry {situation.reach.registry_name}, expected from: {version_label(found)}",
        )
    ]
    silent = _answers_instead(situation)
    if silent is not None:
        cautions.append(f"the kill switch stands at {silent}: {version_label(to)} answers nobody until it is set back to normal")
    if facts.scores_per_day is not None:
        share = mine.share if mine is not None else 0.0
        note = f"about {facts.scores_per_day:,.0f} scores a day" + (", once the switch is normal" if silent is not None else "")
        changes.append(Change(what=f"traffic to {version_label(to)}", movement=f"{share * 100:.4g} % -> 100 %", note=note))
    changes += _rollout_change(running, to)
    undo_kind = "promote" if back else "rollback"
    needed = policy.approvals_needed(ActionKind.PROMOTE, request.environment, request.model) if back else 0
    undo = f"{undo_kind} {version_label(found)}, needs {people(needed, solo=policy.solo)}" if found else "none: nothing served before"
    return sealed(
        situation,
        danger="safer" if back else "dangerous",
        approved_as=None if covered is not None else request.kind,
        # Going back by the name of a promotion is going back.
        amounts_to=(ActionKind.ROLLBACK,) if to in targets else (),
        title=title_of(request, found, to),
        from_=found,
        to=to,
        changes=tuple(changes),
        unchanged=_unchanged(situation, history),
        served_until=_served_until(history, to),
        undo=undo,
        calls=(
            f"set_alias {request.model} {SERVING_ALIAS}={to} if {found}",
            f"get_alias {request.model} {SERVING_ALIAS} until {to}, at most {policy.read_back_seconds:g} s, else in doubt",
            *((f"set_traffic {request.model}: {after_the_move(running, to)}, if {running.value!r}",) if running is not None else ()),
        ),
        needs=covered_by(covered) if covered is not None else None,
        cautions=tuple(cautions),
        rollout=running.value if running is not None else None,
        approval=approval.id if approval else None,
        step=step,
        refusals=refusals,
    )


def _to_nothing(situation: Situation, found: str | None, refusals: list[str]) -> ActionPlan:
    """The plan of a move that has no version to go to."""
    return sealed(
        situation,
        danger="safer" if situation.request.kind is ActionKind.ROLLBACK else "dangerous",
        title=title_of(situation.request, found, None),
        from_=found,
        undo="nothing would be done",
        refusals=refusals,
    )


def rollback_targets(history: Sequence[AliasMove], alias: str = SERVING_ALIAS) -> list[str]:
    """Versions that a rollback may go to, the newest first: those that served before the one in force first did.

    What a rollback left behind is not among them: going forward again is a promotion.
    """
    return earlier_versions(history, alias)


def _direct(rule: str, refusals: list[str]) -> list[str]:
    """What the policy says of a promotion that no rollout of the same version went before."""
    said = "direct: all traffic moves at once, with no canary, shadow or experiment under way"
    if rule == "refuse":
        refusals.append(f"{said}, which the policy does not allow")
    return [said] if rule == "flag" else []


def _beside_a_rollout(
    situation: Situation, back: bool, running: TrafficSetting | None, mine: TrafficSetting | None, refusals: list[str]
) -> list[str]:
    """A candidate whose step fails is not promoted; whoever rolls back beside a rollout is told that it could be ended instead."""
    judged = situation.facts.judged
    if back and running is not None and mine is None and running.share > 0:
        candidate = version_label(running.candidate)
        return [f"a rollout of {candidate} is under way: if it is the trouble, ending it is enough (traffic {running.model} abort)"]
    if back or mine is None or mine.strategy == "blue-green":
        return []
    if judged is not None and judged.state is State.CRITICAL:
        refusals.append(f"step {mine.step} of its rollout fails: {judged.sentence.raw}; end the rollout")
        return []
    if judged is None or judged.state is not State.OK:
        return [f"its rollout was not judged to the end: {judged.sentence.raw if judged is not None else 'it was not looked at'}"]
    return []


def _rollout_change(running: TrafficSetting | None, to: str | None) -> list[Change]:
    """What becomes of the rollout under way: one move of the alias ends it, whatever else is written down afterwards."""
    if running is None or to is None:
        return []
    after = after_the_move(running, to)
    note = f"{version_label(running.candidate)} no longer gets {running.share * 100:.4g} %" if after == "ended" else ""
    if after == "colours swapped":
        kept = f"for {running.hours:g} h" if running.hours is not None else "until it is ended"
        note = f"{version_label(running.stable)} is kept warm {kept}"
    return [Change(what=f"rollout ({running.strategy})", movement=f"under way -> {after}", note=note)]


def _unchanged(situation: Situation, history: Sequence[AliasMove]) -> tuple[str, ...]:
    request = situation.request
    lines = [
        f"alias {alias} {version_label(_in_force(history, alias))}"
        for alias in sorted({move.alias for move in history if move.alias != SERVING_ALIAS})
    ]
    lines += [f"request {approval.id}" for approval in situation.state.open_approvals(situation.now, request.environment, request.model)]
    try:
        setting = situation.reach.switches.switch(request.environment, request.model)
        lines.append(f"kill switch ({'normal' if setting is None else setting.state.value})")
    except BackendError:
        lines.append("kill switch (cannot be read)")
    return (*lines, "stored predictions")


def _answers_instead(situation: Situation) -> str | None:
    """The state of the kill switch in which no version answers, None while one does or nobody can tell."""
    try:
        setting = situation.reach.switches.switch(situation.request.environment, situation.request.model)
    except BackendError:
        return None
    return setting.state.value if setting is not None and setting.state in {SwitchState.FALLBACK, SwitchState.KILLED} else None


def _in_force(history: Sequence[AliasMove], alias: str) -> str | None:
    return next((move.version for move in reversed(history) if move.alias == alias), None)


def _served_until(history: Sequence[AliasMove], version: str | None) -> datetime | None:
    until: datetime | None = None
    previous: str | None = None
    for move in history:
        if move.alias != SERVING_ALIAS:
            continue
        if previous == version and move.version != version:
            until = move.moved_at
        previous = move.version
    return until if version is not None and previous != version else None


@dataclass(frozen=True, slots=True)
class AliasMovement:
    """One move of the serving alias, as the executor drives it."""

    backend: MovesAliases
    environment: str
    model: str
    expected: str | None
    to: str
    key: str
    who: str
    traffic: MovesTraffic | None = None
    since: int | None = None
    """Which version of the published file the call was made upon, where that is on record."""

    @property
    def topic(self) -> Literal["alias"]:
        return "alias"

    def call(self) -> str:
        return f"set_alias {self.model} {SERVING_ALIAS}={self.to} if {self.expected}"

    def read_call(self) -> str:
        return f"get_alias {self.model} {SERVING_ALIAS}"

    def send(self, now: datetime) -> None:
        """Make the call. Raises BackendConflict, BackendUnavailable or BackendError."""
        self.backend.set_alias(
            self.environment, self.model, SERVING_ALIAS, self.to, expected=self.expected, key=self.key, actor=self.who, now=now
        )

    def read(self) -> Seen:
        """What is in force, and whether this call is what made it so. Raises BackendError."""
        move = self.backend.alias(self.environment, self.model, SERVING_ALIAS)
        if move is None:
            value, moved = None, None
        else:
            value, moved = move.version, Moved.by(move.moved_by, move.moved_at, move.key)
        if move is not None and move.key == self.key:
            return Seen(value, ours=True, in_force=True, moved=moved, certain=True)
        if isinstance(self.backend, RemembersKeys):
            return seen_by_key(self.backend, self.key, value=value, moved=moved, since=self.since)
        # A registry that keeps no keys can only show the value: it is what was asked for, whoever set it.
        return Seen(value, ours=value == self.to, in_force=value == self.to, moved=moved)

    def forbid(self) -> bool | None:
        return forbid(self.backend, self.key, self.since)

    def published(self) -> int | None:
        return published_version(self.backend)

    def tidy(self, now: datetime) -> tuple[str, str] | None:
        """Write down that the rollout under way ended, or that the colours were swapped."""
        return settle_rollout(self.traffic, self.backend, self.environment, self.model, key=self.key, who=self.who, now=now)
