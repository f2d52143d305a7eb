"""The control flow of a version: what triggered it, what was asked and approved, which aliases and switches moved, and who did it."""

from __future__ import annotations

from typing import Literal

from backends.protocol import SwitchSetting
from backends.records import Moment, Run, State, SwitchState
from backends.text import Untrusted
from console.control.actions import ALIAS_KINDS, SWITCH_STATES, ActionState, version_label
from console.views.health.model import View
from console.views.sight import Sight

DecisionKind = Literal["requested", "run", "gates", "asked", "approved", "rejected", "alias", "switch", "action"]


class Decision(View):
    """Something that somebody decided."""

    at: Moment
    kind: DecisionKind
    who: str
    what: Untrusted
    state: State
    id: str | None = None
    """The action or approval that it belongs to."""


def decisions_of(sight: Sight, model: str, version: str | None, run: Run | None = None) -> tuple[Decision, ...]:
    """Every decision on a version, which `run` made, and on the model's switch up to the sight's moment, oldest first."""
    found = [*_made(sight, run), *_approvals(sight, model, version), *_moves(sight, model, version)]
    found += [*_actions(sight, model, version), *_switch(sight, model)]
    order = {"requested": -2, "run": -1, "asked": 0, "gates": 1, "approved": 2, "rejected": 2, "action": 3, "alias": 4, "switch": 4}
    return tuple(sorted(found, key=lambda each: (each.at, order[each.kind])))


def _made(sight: Sight, run: Run | None) -> list[Decision]:
    """Who or what set the run off that made the version: the request that it names, else the trigger on its record."""
    if run is None:
        return []
    action = sight.control.actions.get(sight.control.action_by_key.get(run.request or "", ""))
    found = []
    if action is not None:
        reason = f": {action.reason}" if action.reason else ""
        incident = f", {action.incident}" if action.incident else ""
        what = f"{action.id} {action.kind.value} asked of {action.to}{incident}{reason}"
        found.append(_decision(action.intended_at, "requested", action.actor.who, what, id=action.id))
    elif run.request is not None:
        what = f"a request with key {run.request}, of which this journal knows nothing"
        found.append(_decision(run.started_at, "requested", "nobody known", what, State.WARNING))
    trigger = f"answers {action.id}" if action is not None else f"trigger {run.trigger.raw}" if run.trigger.raw else "no trigger on record"
    state = State.WARNING if run.status in {"failed", "cancelled"} else State.OK
    found.append(_decision(run.started_at, "run", run.started_by or "pipeline", f"run {run.name} {run.status}, {trigger}", state))
    return found


def _approvals(sight: Sight, model: str, version: str | None) -> list[Decision]:
    found = []
    for approval in sight.control.approvals.values():
        payload = approval.payload
        if (payload.environment, payload.model, payload.to) != (sight.environment, model, version):
            continue
        movement = f"{payload.action.value} {version_label(payload.from_)} -> {version_label(payload.to)}"
        reason = f": {payload.reason}" if payload.reason else ""
        found.append(_decision(payload.requested_at, "asked", payload.requester, f"{approval.id} {movement}{reason}", id=approval.id))
        if payload.gates:
            passed = sum(gate.state is State.OK for gate in payload.gates)
            rest = [
                f"{gate.name} {gate.state.value}{' (waiver)' if gate.waiver else ''}"
                for gate in payload.gates
                if gate.state is not State.OK
            ]
            what = f"gates {passed} of {len(payload.gates)} pass" + (f"; {', '.join(rest)}" if rest else "")
            state = State.OK if not rest else State.WARNING
            found.append(_decision(payload.requested_at, "gates", "policy", what, state, approval.id))
        for vote in approval.votes:
            how = "signed" if vote.signature else "solo" if vote.solo else "not signed with a key"
            found.append(_decision(vote.at, "approved", vote.person, f"{approval.id}, {how}", id=approval.id))
        if approval.ended in {"vetoed", "void"} and approval.ended_at is not None:
            what = f"{approval.id} {approval.ended}: {approval.ended_reason or '; '.join(approval.difference) or 'no reason given'}"
            found.append(_decision(approval.ended_at, "rejected", approval.ended_by or "nobody", what, State.WARNING, approval.id))
    return found


def _moves(sight: Sight, model: str, version: str | None) -> list[Decision]:
    found = []
    before: dict[str, str | None] = {}
    for move in sight.alias_history(model):
        previous = before.get(move.alias)
        before[move.alias] = move.version
        if move.moved_at > sight.at or version not in {move.version, previous}:
            continue
        action = sight.control.action_by_key.get(move.key)
        elsewhere = "" if action else ", outside this console"
        what = f"alias {move.alias} {version_label(previous)} -> {version_label(move.version)}{elsewhere}"
        found.append(_decision(move.moved_at, "alias", move.moved_by, what, id=action))
    return found


def _actions(sight: Sight, model: str, version: str | None) -> list[Decision]:
    """Switch changes, and what was tried with the version and did not take effect; what did shows as a move of the alias."""
    found = []
    for action in sight.control.actions.values():
        if (action.environment, action.model) != (sight.environment, model):
            continue
        reason = f": {action.reason}" if action.reason else ""
        if action.kind in SWITCH_STATES:
            state = State.OK if action.state is ActionState.EFFECTIVE else State.WARNING
            what = f"switch {action.from_} -> {action.to}, {action.state.value}{reason}"
            found.append(_decision(action.finished_at or action.intended_at, "switch", action.actor.who, what, state, action.id))
        elif action.kind in ALIAS_KINDS and action.to == version and action.state is not ActionState.EFFECTIVE:
            what = f"{action.kind.value} {version_label(action.from_)} -> {version_label(action.to)} {action.state.value}{reason}"
            found.append(_decision(action.intended_at, "action", action.actor.who, what, State.WARNING, action.id))
    return found


def _switch(sight: Sight, model: str) -> list[Decision]:
    """The switch as the file has it, when control has no record of setting it."""
    setting = sight.switch_setting(model)
    if not isinstance(setting, SwitchSetting) or setting.key in sight.control.action_by_key or setting.state is SwitchState.NORMAL:
        return []
    what = f"switch set to {setting.state.value} outside this console: {setting.reason}"
    return [_decision(setting.set_at, "switch", setting.set_by, what, State.WARNING)]


def _decision(at: Moment, kind: DecisionKind, who: str, what: str, state: State = State.OK, id: str | None = None) -> Decision:
    return Decision(at=at, kind=kind, who=who, what=Untrusted(what), state=state, id=id)
