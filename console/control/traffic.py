"""Shifting traffic: rollouts begin, go on step by step, are paused and given up; a move of the serving alias ends them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Literal

from backends.local.routing import in_force
from backends.protocol import NO_ROLLOUT, AliasMove, BackendError, ReadsAliases, RemembersKeys, TrafficSetting
from console.control.actions import SERVING_ALIAS, ActionKind, ActionPlan, Change, Danger, Moved, version_label
from console.control.aliases import rollback_targets
from console.control.drawing import approval_for, covered_by, covering, lapsed, sealed, title_of, voided_by
from console.control.passing import standing_in_the_way
from console.control.reach import MovesTraffic, Seen, forbid, published_version, seen_by_key
from console.control.rollout import (
    BEGINNINGS,
    DEFAULT_HOURS,
    DEFAULT_STEPS,
    RolloutMove,
    RolloutTerms,
    RolloutWish,
    ended_terms,
    terms_of,
    value_of,
)
from console.control.situation import Situation


@dataclass(frozen=True, slots=True)
class _World:
    """What is published and in force, read once for one plan."""

    setting: TrafficSetting | None
    move: AliasMove | None
    targets: list[str]
    """Versions that served before: sending traffic back to them is no release."""

    @property
    def running(self) -> TrafficSetting | None:
        """The rollout that divides the traffic now."""
        return self.setting if in_force(self.setting, self.move) else None

    @property
    def serving(self) -> str | None:
        return None if self.move is None else self.move.version


def traffic_plan(situation: Situation) -> ActionPlan:
    """The plan of a shift of traffic, or of giving a rollout up. Raises BackendError when something published cannot be read."""
    request, reach = situation.request, situation.reach
    if reach.traffic is None:
        raise BackendError("nothing here divides traffic: only whole versions can be rolled back or promoted")
    history = reach.aliases.alias_history(request.environment, request.model)
    move = reach.aliases.alias(request.environment, request.model, SERVING_ALIAS)
    setting = reach.traffic.traffic(request.environment, request.model)
    world = _World(setting, move, rollback_targets(history))
    terms, refusals = _given_up(world, situation) if request.kind is ActionKind.ABORT else _wished(world, situation)
    if terms is None:
        title = title_of(request, None, None)
        return sealed(situation, danger="safer", title=title, from_=value_of(setting), to=request.to, refusals=refusals)
    return _drawn(situation, world, terms, refusals)


def _given_up(world: _World, situation: Situation) -> tuple[RolloutTerms | None, list[str]]:
    if world.running is None:
        return None, [f"no rollout of {situation.request.model} is under way"]
    return ended_terms(world.running), []


def _wished(world: _World, situation: Situation) -> tuple[RolloutTerms | None, list[str]]:
    wish = situation.request.wish
    if wish is None:
        return None, ["say how the traffic is to be shifted"]
    if wish.move in BEGINNINGS:
        return _begun(world, situation, wish)
    if world.running is None:
        return None, [f"no rollout of {situation.request.model} is under way: begin one first"]
    return _moved_on(world.running, situation, wish)


def _begun(world: _World, situation: Situation, wish: RolloutWish) -> tuple[RolloutTerms | None, list[str]]:
    request, running, stable, candidate = situation.request, world.running, world.serving, situation.request.to
    if stable is None or world.move is None:
        return None, [f"no version of {request.model} serves yet: promote one first"]
    if candidate is None:
        return None, ["name the version to release"]
    if candidate == stable:
        return None, [f"{request.model} is at {version_label(candidate)} already"]
    if running is not None:
        what = f"a rollout of {version_label(running.candidate)} is under way ({running.value})"
        return None, [f"{what}: take it on, or end it first"]
    strategy = BEGINNINGS[wish.move]
    steps = (wish.steps or DEFAULT_STEPS) if strategy == "canary" else ()
    if any(low >= high for low, high in pairwise(steps)) or any(not 0 < share < 1 for share in steps):
        return None, ["steps are rising shares above 0 % and below 100 %: the last one is the promotion"]
    share = steps[0] if steps else (0.5 if wish.share is None else wish.share) if strategy == "ab" else 0.0
    if strategy == "ab" and not 0 < share < 1:
        return None, ["an experiment needs a share above 0 % and below 100 %"]
    terms = RolloutTerms(
        state="running",
        strategy=strategy,
        stable=stable,
        stable_key=world.move.key,
        candidate=candidate,
        weights=_weights(stable, candidate, share),
        shadow=(candidate,) if share == 0 else (),
        steps=steps,
        step=1 if steps else 0,
        hours=wish.hours or (DEFAULT_HOURS if strategy == "ab" else None),
    )
    return terms, []


def _moved_on(running: TrafficSetting, situation: Situation, wish: RolloutWish) -> tuple[RolloutTerms | None, list[str]]:
    if wish.move in {RolloutMove.PAUSE, RolloutMove.RESUME}:
        paused = wish.move is RolloutMove.PAUSE
        if running.paused == paused:
            return None, [f"the rollout is {'paused' if paused else 'not paused'} already"]
        return terms_of(running, paused=paused), []
    if situation.request.to not in {None, running.candidate}:
        return None, [f"a rollout of {version_label(running.candidate)} is under way, not of {version_label(situation.request.to)}"]
    if running.strategy != "canary":
        return None, [_NO_STEPS[running.strategy]]
    if wish.move is RolloutMove.STEP:
        if running.step >= len(running.steps):
            to = version_label(running.candidate)
            return None, [f"step {running.step} of {len(running.steps)} was the last one: promote {to}, or give a share"]
        share = running.steps[running.step]
    elif wish.share is None:
        return None, ["name the share"]
    else:
        share = wish.share
    if not 0 <= share < 1:
        return None, ["a share from 0 % to below 100 %: all of it is a promotion"]
    if share == running.share:
        return None, [f"{version_label(running.candidate)} gets {_percent(share)} already"]
    step = sum(each <= share for each in running.steps)
    return terms_of(running, weights=_weights(running.stable, running.candidate, share), step=step, step_at=None), []


_NO_STEPS = {
    "shadow": "a shadow answers nobody: end it and begin a canary",
    "blue-green": "blue-green knows no shares: swap, by a promotion of the other colour",
    "ab": "another share in the middle of an experiment would mix its groups: end it and begin another",
}


def _drawn(situation: Situation, world: _World, terms: RolloutTerms, refusals: list[str]) -> ActionPlan:
    request, policy, setting = situation.request, situation.policy, world.setting
    found, to = value_of(setting), _value(terms, situation)
    forward = _forward(world, terms)
    danger: Danger = "dangerous" if forward else "safer"
    needs: str | None = None
    cautions: tuple[str, ...] = ()
    answers = forward and terms.weights.get(terms.candidate, 0.0) > 0
    approved_as = ActionKind.PROMOTE if answers else None if forward else ActionKind.ABORT
    if answers and policy.approvals_needed(ActionKind.PROMOTE, request.environment, request.model):
        covered, changed = covering(situation, world.running, terms.stable)
        if covered is not None and not changed:
            needs, approved_as = covered_by(covered), None
        else:
            cautions = lapsed(covered, changed)
    approval, step = (None, "act") if approved_as is None else approval_for(situation, approved_as, terms.candidate)
    refusals = refusals + (voided_by(approval, situation, terms.stable) if step == "act" else [])
    if not forward:
        # What keeps a version out does not keep it in.
        situation = replace(situation, facts=situation.facts.model_copy(update={"refusal": None}))
    elif answers:
        gate = standing_in_the_way(situation.facts.gates)
        refusals = refusals + ([gate] if gate is not None else [])
    wish = request.wish
    if forward and world.running is not None and wish is not None and wish.move is not RolloutMove.RESUME:
        refusals = refusals + _unfit(situation, world.running, wish)
    return sealed(
        situation,
        danger=danger,
        judged_as=ActionKind.SHIFT if forward else ActionKind.ABORT,
        approved_as=approved_as,
        # Where nothing may be promoted, nothing is let in by steps either.
        amounts_to=(ActionKind.PROMOTE,) if answers else (),
        title=f"{title_of(request, None, None)}  {_movement(world, terms)}",
        from_=found,
        to=to,
        changes=_changes(situation, world, terms, found, to),
        unchanged=_unchanged(situation, world, terms),
        undo=_undo(world, terms, forward),
        calls=(
            f"set_traffic {request.model} {to!r} if {found!r}",
            f"get_traffic {request.model} until {to!r}, at most {policy.read_back_seconds:g} s, else in doubt",
        ),
        approval=approval.id if approval else None,
        step=step,
        needs=needs,
        terms=terms,
        cautions=cautions,
        refusals=refusals,
    )


def _forward(world: _World, terms: RolloutTerms) -> bool:
    """Whether more of a version that never served is let in. Less of it, none of it, or a version that served before is safer."""
    running = world.running
    if terms.state == "ended" or (running is not None and terms.paused and not running.paused):
        return False
    if terms.candidate in world.targets and not terms.shadow:
        return False
    before = running.share if running is not None else 0.0
    resumed = running is not None and running.paused and not terms.paused
    beginning = running is None
    return beginning or resumed or terms.weights.get(terms.candidate, 0.0) > before


def _unfit(situation: Situation, running: TrafficSetting, wish: RolloutWish) -> list[str]:
    """Why the step in force does not let the next one follow."""
    if running.paused:
        return [f"the rollout is paused by {running.set_by}: resume it first"]
    judged = situation.facts.judged
    if judged is not None and judged.state.value == "critical":
        return [f"step {running.step} fails: {judged.sentence.raw}; end the rollout"]
    if (judged is None or judged.state.value != "ok") and not wish.unjudged:
        why = judged.sentence.raw if judged is not None else "it was not looked at"
        return [f"step {running.step} cannot be judged: {why}; wait, or go on unjudged and say why"]
    return []


def _changes(situation: Situation, world: _World, terms: RolloutTerms, found: str, to: str) -> tuple[Change, ...]:
    reach, facts = situation.reach, situation.facts
    published = published_version(reach.traffic)
    note = "replaced in one step" if published is None else f"version {published} -> {published + 1}, replaced in one step"
    changes = [Change(what=reach.traffic_name, movement=f"{found} -> {to}", note=note)]
    before = dict(world.running.weights) if world.running is not None else {terms.stable: 1.0}
    for name in (terms.candidate, terms.stable):
        was, will = before.get(name, 0.0), terms.weights.get(name, 0.0)
        if was == will:
            continue
        daily = (
            "" if facts.scores_per_day is None else f"about {facts.scores_per_day * will:,.0f} of {facts.scores_per_day:,.0f} scores a day"
        )
        changes.append(Change(what=f"traffic to {version_label(name)}", movement=f"{_percent(was)} -> {_percent(will)}", note=daily))
    silent = set(world.running.shadow if world.running is not None else ()) ^ set(terms.shadow)
    for name in sorted(silent):
        on = name in terms.shadow
        changes.append(
            Change(
                what=f"shadow of {version_label(name)}",
                movement="off -> on" if on else "on -> off",
                note="scores every request, answers none" if on else "",
            )
        )
    return tuple(changes)


def _unchanged(situation: Situation, world: _World, terms: RolloutTerms) -> tuple[str, ...]:
    request = situation.request
    lines = [f"alias {SERVING_ALIAS} {version_label(world.serving)}"]
    try:
        switch = situation.reach.switches.switch(request.environment, request.model)
        lines.append(f"kill switch ({'normal' if switch is None else switch.state.value})")
    except BackendError:
        lines.append("kill switch (cannot be read)")
    return (*lines, *_kept(world.running, terms), "stored predictions")


def _kept(running: TrafficSetting | None, terms: RolloutTerms) -> tuple[str, ...]:
    """Whom the shift leaves with the version that they have; nothing where it takes it away from everybody who got the candidate."""
    share = terms.weights.get(terms.candidate, 0.0)
    before = 0.0 if running is None else running.share
    if share == before:
        return ("who gets which version",)
    if terms.strategy == "ab" and running is None:
        return ("who gets which version, from the beginning to the end",)
    candidate = version_label(terms.candidate)
    if share > before:
        return (f"{candidate} for whoever gets it, while the share grows",)
    return (f"{version_label(terms.stable)} for whoever gets it",)


def _undo(world: _World, terms: RolloutTerms, forward: bool) -> str:
    running = world.running
    if running is None:
        return "end the rollout, 1 operator"
    if forward and not terms.paused and terms.weights != dict(running.weights):
        return f"back to {_percent(running.share)}, or end the rollout, 1 operator"
    if terms.state == "ended":
        return "begin again, which needs what a beginning needs"
    return "resume it, by somebody who is elevated" if terms.paused else f"forward to {_percent(running.share)} again, judged anew"


def _movement(world: _World, terms: RolloutTerms) -> str:
    """What the plan does, short enough for a heading: `v3 5 % -> 25 %`, `pause canary of v3`."""
    running, candidate = world.running, version_label(terms.candidate)
    if running is not None and running.paused != terms.paused and terms.state == "running":
        return f"{'pause' if terms.paused else 'resume'} {running.strategy} of {candidate}"
    before, after = running.share if running is not None else 0.0, terms.weights.get(terms.candidate, 0.0)
    if before == after:
        return f"{terms.strategy} of {candidate} {'ends' if terms.state == 'ended' else 'begins'}"
    return f"{candidate} {_percent(before)} -> {_percent(after)}"


def _weights(stable: str, candidate: str, share: float) -> dict[str, float]:
    # Written so that both shares read as they were meant: 1 - .05 is .95, whatever binary fractions say.
    return {stable: 1.0} if share == 0 else {stable: round(1 - share, 12), candidate: share}


def _value(terms: RolloutTerms, situation: Situation) -> str:
    request = situation.request
    return terms.setting(request.environment, request.model, now=situation.now, who="", key=terms.salt or "new", reason="").value


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"


@dataclass(frozen=True, slots=True)
class TrafficMovement:
    """One change of a rollout, as the executor drives it. `terms` is None for an action that is only looked at again."""

    backend: MovesTraffic | None
    aliases: ReadsAliases
    environment: str
    model: str
    expected: str
    to: str
    terms: RolloutTerms | None
    key: str
    who: str
    reason: str
    since: int | None = None
    """Which version of the published file the call was made upon, where that is on record."""

    @property
    def topic(self) -> Literal["traffic"]:
        return "traffic"

    def call(self) -> str:
        return f"set_traffic {self.model} {self.to!r} if {self.expected!r}"

    def read_call(self) -> str:
        return f"get_traffic {self.model}"

    def send(self, now: datetime) -> None:
        """Publish the rollout. Raises BackendConflict, BackendUnavailable or BackendError."""
        if self.terms is None or self.backend is None:
            raise BackendError("what was to be published is not known any more: draw the plan again")
        setting = self.terms.setting(self.environment, self.model, now=now, who=self.who, key=self.key, reason=self.reason)
        self.backend.set_traffic(setting, expected=self.expected)

    def read(self) -> Seen:
        """What is published, whether this call made it so, and whether the alias still lets it count. Raises BackendError."""
        if self.backend is None:
            raise BackendError("nothing here divides traffic")
        setting = self.backend.traffic(self.environment, self.model)
        value = NO_ROLLOUT if setting is None else setting.value
        moved = None if setting is None else Moved.by(setting.set_by, setting.set_at, setting.key)
        if setting is not None and setting.key == self.key:
            move = self.aliases.alias(self.environment, self.model, SERVING_ALIAS)
            counts = not setting.running or in_force(setting, move)
            return Seen(value if counts else NO_ROLLOUT, ours=True, in_force=counts, moved=moved, certain=True)
        if isinstance(self.backend, RemembersKeys):
            return seen_by_key(self.backend, self.key, value=value, moved=moved, since=self.since)
        return Seen(value, ours=value == self.to, in_force=value == self.to, moved=moved)

    def forbid(self) -> bool | None:
        return None if self.backend is None else forbid(self.backend, self.key, self.since)

    def published(self) -> int | None:
        return published_version(self.backend)

    def tidy(self, now: datetime) -> tuple[str, str] | None:
        del now
        return None
