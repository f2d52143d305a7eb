"""Rollback triggers: which are armed, which would fire now, what they would ask for, and why one is not armed. They send nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from backends.records import Layer, State, SwitchState
from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import version_label
from console.control.aliases import rollback_targets
from console.policies.rules import RollbackTrigger
from console.policies.signals import OF_HARM
from console.render import figures
from console.views.health.model import ModelHealth, Signal
from console.views.release.rollout import RolloutMeasured, TrafficView, TriggerView
from console.views.sight import Sight

if TYPE_CHECKING:
    from backends.protocol import AliasMove
    from console.policies.load import Policies

_AS_BAD = {"warning": (State.WARNING, State.CRITICAL), "critical": (State.CRITICAL,)}
_ORDER = ("would fire", "armed", "not armed")


@dataclass(frozen=True)
class Situation:
    """What the triggers of one model are judged by."""

    model: str
    environment: str
    at: datetime
    switch: SwitchState
    aliases: Sequence[AliasMove]
    """Moves up to `at`."""
    health: ModelHealth | None
    unknown_health: str
    """Why health is None."""
    candidate: str | None
    """Of the rollout under way."""
    let_in_at: datetime | None
    """When it was let in."""
    measured: RolloutMeasured | None
    unmeasured: str


@dataclass(frozen=True)
class _Seen:
    """What one trigger goes by, as it stands; `fires` None: it cannot be told."""

    fires: bool | None
    why: str | Untrusted
    since: datetime | None = None


def with_triggers(sight: Sight, view: TrafficView, health: ModelHealth | str) -> TrafficView:
    """The traffic of a model with its triggers; `health` as text says why there is none."""
    known = health if isinstance(health, ModelHealth) else None
    situation = Situation(
        model=view.model,
        environment=view.environment,
        at=sight.at,
        switch=sight.switch(view.model),
        aliases=[move for move in sight.alias_history(view.model) if move.moved_at <= sight.at],
        health=known,
        unknown_health="" if known is not None else str(health).splitlines()[0],
        candidate=next((arm.version for arm in view.arms if arm.role == "candidate"), None),
        let_in_at=view.started_at,
        measured=view.measured,
        unmeasured=view.unmeasured.raw if view.unmeasured is not None else "",
    )
    found = triggers_of(sight.policies, known.task if known is not None else None, situation)
    return view.model_copy(update={"triggers": found})


def triggers_of(policies: Policies, task: str | None, situation: Situation) -> tuple[TriggerView, ...]:
    """Every trigger of the model: those that would fire first, then those that are armed."""
    found = [
        _trigger(each, policies, situation).model_copy(update={"place": policies.place("triggers", each.id)})
        for each in policies.triggers_for(situation.model, situation.environment, task)
    ]
    for rule in policies.rules_for(situation.model, situation.environment, task):
        # A rule that answers with a roll back is a trigger by that alone, unless one of the same model goes by it already.
        if rule.response == "roll back" and all(each.rule != rule.id for each in found):
            bad: Literal["warning", "critical"] = "critical" if rule.critical is not None else "warning"
            implied = RollbackTrigger(id=rule.id, title=rule.title, rule=rule.id, state=bad)
            found.append(_trigger(implied, policies, situation).model_copy(update={"place": policies.place("rules", rule.id)}))
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.state)))


def _trigger(trigger: RollbackTrigger, policies: Policies, situation: Situation) -> TriggerView:
    seen = _of_rollout(trigger, situation) if trigger.rollout is not None else _of_rule(trigger, policies, situation)
    verb, missing = _asks_for(trigger, policies, situation)
    if not trigger.enabled:
        seen = _Seen(None, "switched off")
    elif seen.fires is not None and missing is not None:
        seen = _Seen(None, missing, seen.since)
    state: Literal["would fire", "armed", "not armed"] = "not armed" if seen.fires is None else "would fire" if seen.fires else "armed"
    return TriggerView(
        id=trigger.id,
        title=trigger.title,
        state=state,
        lamp={"not armed": State.UNKNOWN, "armed": State.OK, "would fire": State.CRITICAL}[state],
        why=seen.why if isinstance(seen.why, Untrusted) else Untrusted(seen.why),
        rule=trigger.rule,
        since=seen.since,
        verb=verb,
    )


def _of_rollout(trigger: RollbackTrigger, situation: Situation) -> _Seen:
    if situation.candidate is None:
        return _Seen(None, "no rollout is under way")
    found = situation.measured
    if found is None:
        return _Seen(None, situation.unmeasured or "the rollout was not measured")
    if trigger.rollout == "undivided":
        if found.ratio_p is None:
            return _Seen(None, "too few answers, or only one version gives them")
        from console.analysis.experiment import MISMATCH  # only what was measured loads the arithmetic

        p = "p < .001" if found.ratio_p < MISMATCH else f"p {figures.share(found.ratio_p)}"
        return _Seen(found.ratio_p < MISMATCH, f"{version_label(situation.candidate)} against its share: {p}")
    fires = found.low is not None and found.low > 0 and (found.difference or 0.0) >= trigger.margin * (found.base or 0.0)
    if found.low is None or (found.state is State.UNKNOWN and not fires):
        return _Seen(None, found.sentence)
    return _Seen(fires, f"difference {figures.signed(found.difference)}, 95 % from {figures.signed(found.low)}, n {found.n:,}")


def _of_rule(trigger: RollbackTrigger, policies: Policies, situation: Situation) -> _Seen:
    health = situation.health
    if health is None:
        return _Seen(None, situation.unknown_health)
    rule = policies.rule(trigger.rule or "")
    if rule is None or not rule.enabled or not rule.where.takes(situation.model, situation.environment, health.task):
        return _Seen(None, f"the alert rule {trigger.rule} does not watch this model")
    signal = next((each for layer in health.layers for each in layer.signals if each.id == trigger.rule), None)
    if signal is None and rule.signal in OF_HARM:
        return _Seen(None, OF_HARM[rule.signal])
    if signal is None:
        return _Seen(None, f"{trigger.rule} was never measured here")
    if signal.state in {State.UNKNOWN, State.STALE}:
        return _Seen(None, signal.why, signal.since)
    if trigger.within is not None:
        # Whatever was let in last is what late answers and errors may come from.
        let_in = situation.let_in_at if situation.candidate is not None and rule.layer is Layer.SYSTEM else None
        since = let_in or health.version_since
        if since is None:
            return _Seen(None, "nobody knows since when the version serves")
        if situation.at - since > trigger.within:
            took = f"{version_label(situation.candidate if let_in else health.version)} took over {figures.ago(situation.at - since)}"
            return _Seen(None, f"{took}, it watches {figures.age(trigger.within)} after that", signal.since)
    return _Seen(_lasts(trigger, signal, situation.at), signal.why, signal.since)


def _lasts(trigger: RollbackTrigger, signal: Signal, at: datetime) -> bool:
    if signal.state not in _AS_BAD[trigger.state]:
        return False
    return not trigger.hold or (signal.since is not None and at - signal.since >= trigger.hold)


def _asks_for(trigger: RollbackTrigger, policies: Policies, situation: Situation) -> tuple[str | None, str | None]:
    """The verb, or None and why nothing could be done.

    While a version is let in, answers that fail or come late are first taken from it; what the serving version itself does badly is not
    mended by that.
    """
    rule = policies.rule(trigger.rule) if trigger.rule is not None else None
    if situation.candidate is not None and (rule is None or rule.layer is Layer.SYSTEM):
        return command_line("traffic", situation.model, "abort"), None
    if trigger.rollout is not None:
        return None, None
    if situation.switch in {SwitchState.FALLBACK, SwitchState.KILLED}:
        return None, f"the switch stands at {situation.switch.value}: no version answers"
    if not rollback_targets(situation.aliases):
        if rule is not None and rule.signal in OF_HARM:
            # People are hurt by what answers now: where no version can take over, the fallback can.
            return command_line("kill", situation.model, options={"--state": SwitchState.FALLBACK.value}), None
        return None, "no version served before this one"
    return command_line("rollback", situation.model), None
