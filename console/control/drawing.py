"""What every plan has in common: the situation it is drawn from, the checks that come first, and its seal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from backends.protocol import TrafficSetting
from backends.shell_words import command_line, with_options
from backends.text import Untrusted
from console.control.actions import (
    ALIAS_KINDS,
    HOLD_KINDS,
    PIPELINE_KINDS,
    SERVING_ALIAS,
    SWITCH_STATES,
    TRAFFIC_KINDS,
    ActionKind,
    ActionPlan,
    ActionRequest,
    ActionState,
    Change,
    Danger,
    PlanFacts,
    action_id_of,
    new_key,
    version_label,
)
from console.control.agreeing import afterwards as carried_out_by
from console.control.agreeing import agreement
from console.control.approval import Approval, ApprovalState, World, difference
from console.control.glass import glass_refusal, lifted
from console.control.guardrails import Limits
from console.control.records import ActionRecord
from console.control.roles import Policy
from console.control.rollout import RolloutMove, RolloutTerms
from console.control.situation import Situation
from console.control.state import ControlState
from console.control.terms import people

VERBS = {
    ActionKind.ROLLBACK: "Roll back",
    ActionKind.PROMOTE: "Promote",
    ActionKind.DEGRADE: "Degrade",
    ActionKind.FALLBACK: "Set fallback",
    ActionKind.KILL: "Kill",
    ActionKind.RESTORE: "Restore",
    ActionKind.SHIFT: "Shift traffic of",
    ActionKind.ABORT: "End rollout of",
    ActionKind.HOLD: "Hold",
    ActionKind.RELEASE_HOLD: "Release hold of",
    ActionKind.RETRAIN: "Retrain",
    ActionKind.RETAIN: "Apply retention of",
    ActionKind.TAKE: "Take",
    ActionKind.ACKNOWLEDGE: "Acknowledge",
    ActionKind.NOTE: "Note",
    ActionKind.HAND_OVER: "Hand over",
    ActionKind.CLOSE: "Close",
}


UNSURE = "only steps towards safety are done while the policy files are broken and no good copy of them is known"

BY_GLASS = "a reason, and a review by somebody else afterwards"
BY_GLASS_ALONE = "a reason, and a review afterwards, your own (solo)"
"""What breaking the glass needs."""


def world_of(facts: PlanFacts, found: str | None, policy: Policy, approved_as: ActionKind) -> World:
    """What an approval of this kind would be bound to: what is known of a version only where one is let in or gone back to."""
    world = World(
        from_=found,
        artifact_digest=facts.artifact_digest,
        evaluation_digest=facts.evaluation_digest,
        gates=facts.gates,
        policy_digest=facts.policy_digest or policy.digest,
        trained_by=facts.trained_by,
    )
    if approved_as in ALIAS_KINDS:
        return world
    return World(from_=found, artifact_digest=None, evaluation_digest=None, gates=(), policy_digest=world.policy_digest)


def sealed(
    situation: Situation,
    *,
    danger: Danger,
    judged_as: ActionKind | None = None,
    approved_as: ActionKind | None = None,
    amounts_to: tuple[ActionKind, ...] = (),
    title: str,
    refusals: list[str],
    from_: str | None = None,
    to: str | None = None,
    subject: str | None = None,
    changes: tuple[Change, ...] = (),
    unchanged: tuple[str | Untrusted, ...] = (),
    served_until: datetime | None = None,
    undo: str = "",
    calls: tuple[str, ...] = (),
    until: datetime | None = None,
    owner: str | None = None,
    approval: str | None = None,
    step: str = "act",
    needs: str | None = None,
    terms: RolloutTerms | None = None,
    rollout: str | None = None,
    cautions: tuple[str, ...] = (),
) -> ActionPlan:
    """The plan with its checks and digest.

    `judged_as` is the kind that roles go by: setting fallback from killed is a restore to them. Guardrails go by what it is called, by
    that, and by what else it `amounts_to`. `approved_as` is the kind whose terms of approval it goes by, None where nobody approves it.
    `needs` says what is needed where that does not follow from it.
    """
    request, facts, policy = situation.request, situation.facts, situation.policy
    key = request.key or new_key()
    moves = danger != "routine"
    judged = judged_as or request.kind
    kinds = tuple(dict.fromkeys((request.kind, judged, *amounts_to)))
    limits = policy.limits(kinds, request.environment, request.model)
    without = lifted(situation, danger, approved_as, approval) if request.break_glass and moves else ""
    glass = bool(without)
    guarded = danger == "dangerous" and request.environment in policy.read_only
    closed = glass_refusal(policy, danger, approved_as or judged)
    unread = [] if glass or approved_as is None or not (step == "ask" or approval) else _unread(approved_as, facts)
    unheard = [closed] if glass and closed is not None else _unheard(situation, closed) if step == "ask" else []
    refusal = _first_refusal(situation, danger, judged, kinds, [*unread, *refusals, *unheard], step, glass=glass)
    warnings = [
        f"{action.id} ({action.kind.value} by {action.actor.who}) is {_unfinished(action)}"
        for action in situation.state.open_actions()
        if moves and (action.environment, action.model) == (request.environment, request.model)
    ]
    if situation.journal_problem is not None and danger == "safer":
        warnings.append(f"the journal cannot be written: this will be noted outside it and shown as a gap ({situation.journal_problem})")
    if moves and policy.trouble:
        warnings.append(f"the policy files are broken: {policy.trouble}")
    if glass:
        reviewed = "it is reviewed" if policy.solo else "somebody else has reviewed it"
        warnings.append(f"breaking the glass, without {without}: it stands on every screen until {reviewed}")
    elif step == "ask" and closed is None:
        warnings.append("this waits for an approval; to do it at once and have it reviewed afterwards: B, or --break-glass")
    elif request.break_glass and moves:
        warnings.append("nothing stands in the way of this: no glass is broken")
    verb = _verb(request, to, subject)
    fields: dict[str, Any] = {
        "action_id": action_id_of(key),
        "key": key,
        "kind": request.kind,
        "danger": danger,
        "environment": request.environment,
        "model": request.model,
        "alias": SERVING_ALIAS if request.kind in {ActionKind.ROLLBACK, ActionKind.PROMOTE} else None,
        "subject": subject,
        "from_": from_,
        "to": to,
        "title": title,
        "will_change": changes,
        "will_not_change": (*unchanged, *facts.will_not_change),
        "target": facts.target,
        "served_until": served_until,
        "would_help": facts.would_help,
        "readers": facts.readers,
        "seen_by": facts.seen_by,
        "undo": undo,
        "calls": calls,
        "wish": request.wish,
        "terms": terms,
        "rollout": rollout,
        "judged": facts.judged,
        "retraining": facts.retraining,
        "retention": facts.retention,
        "needs": (BY_GLASS_ALONE if policy.solo else BY_GLASS)
        if glass
        else needs or _needs(situation, danger, approved_as, approval, step),
        "typed_name": _typed_name(policy, kinds, request, glass=glass) if moves else None,
        "amounts_to": kinds,
        "guardrails": limits.told() if moves else (),
        "agreement": agreement(situation, approved_as, approval) if moves else (),
        "guarded": guarded,
        "afterwards": carried_out_by(policy, situation.person, judged, request.environment, request.model, guarded=guarded)
        if step == "ask"
        else None,
        "bulk": request.bulk,
        "bulk_index": request.bulk_index,
        "until": until,
        "owner": owner,
        "step": step,
        "approval": approval,
        "allowed": refusal is None,
        "refusal": refusal,
        "warnings": (*warnings, *cautions),
        "verb": with_options(verb, "--break-glass") if glass else verb,
        "drawn_at": situation.now,
        "reason": request.reason,
        "incident": request.incident,
        "run": request.run,
        "suggested": request.suggested,
        "at_once": step == "ask" and not glass and closed is None,
        "break_glass": glass,
        "without": without,
        "artifact_digest": facts.artifact_digest,
        "evaluation_digest": facts.evaluation_digest,
        "gates": facts.gates,
        "trained_by": facts.trained_by,
        "policy_digest": facts.policy_digest or policy.digest,
        "shown": facts.shown,
    }
    plan = ActionPlan.model_validate(fields)
    return plan.model_copy(update={"digest": plan.content_digest()})


def _first_refusal(
    situation: Situation,
    danger: Danger,
    judged: ActionKind,
    kinds: tuple[ActionKind, ...],
    refusals: list[str],
    step: str,
    *,
    glass: bool,
) -> str | None:
    request, policy = situation.request, situation.policy
    if situation.standing is not None:
        return situation.standing
    kind = ActionKind.ASK if step == "ask" else judged
    forbidden = policy.refusal(situation.person, kind, request.environment, request.model)
    if forbidden is not None:
        return forbidden
    limits = policy.limits(kinds, request.environment, request.model)
    if limits.denied is not None:
        # What nobody may do is not asked for either.
        return policy.denial(limits.denied, request.kind, request.environment, request.model)
    if danger != "routine":
        many = over_bulk(limits, request, situation.person, situation.now, situation.state)
        if many is not None:
            return many
    if situation.facts.refusal is not None:
        return situation.facts.refusal
    if refusals:
        return refusals[0]
    if danger == "dangerous":
        if policy.unsure:
            return f"{UNSURE}: {policy.trouble}"
        if situation.journal_problem is not None:
            return f"it could not be recorded: {situation.journal_problem}"
        if step == "act" and request.environment in policy.read_only:
            if not situation.elevated and not glass:
                return f"{request.environment} is read-only for this: elevate first (a step towards safer needs no elevation)"
            return policy.refusal(situation.person, ActionKind.ELEVATE, request.environment, request.model)
    return None


def _unfinished(action: ActionRecord) -> str:
    if action.awaits:
        return "sent, and waits for its run"
    return "under way" if action.in_flight else "in doubt: recheck it first"


def _typed_name(policy: Policy, kinds: tuple[ActionKind, ...], request: ActionRequest, *, glass: bool) -> str | None:
    wanted = policy.typed_name(kinds, request.environment, request.model)
    if wanted is None and glass:
        # No glass is broken by a slip of the finger, wherever it is.
        wanted = request.model
    return f"{request.bulk} models" if wanted == request.model and request.bulk > 1 else wanted


def over_bulk(limits: Limits, moved: ActionRequest | ActionPlan, person: str, now: datetime, state: ControlState) -> str | None:
    """Why `person` moves too many models with this one, None where they do not."""

    def lately(length: timedelta) -> int:
        """How many other models of the environment they moved, or tried to, in the last `length`."""
        found = {
            action.model
            for action in state.actions.values()
            if action.actor.name == person
            and action.environment == moved.environment
            and action.intended_at > now - length
            and action.state is not ActionState.REFUSED
        }
        return len(found - {moved.model})

    return limits.over_bulk(moved.bulk - moved.bulk_index, lately)


def unbound(approved_as: ActionKind, facts: PlanFacts) -> bool:
    """Whether what an approval of this kind is bound to is unknown: a version has digests, the state of a switch has none."""
    return bool(facts.unread) and approved_as in ALIAS_KINDS


def _unread(approved_as: ActionKind, facts: PlanFacts) -> list[str]:
    return [f"what its approval is bound to could not be read: {facts.unread}"] if unbound(approved_as, facts) else []


def _unheard(situation: Situation, closed: str | None) -> list[str]:
    """Why nobody can be asked now; `closed` says why the glass may not be broken instead."""
    if situation.journal_problem is None:
        return []
    return [f"a request could not be recorded{'' if closed else '; without approval: --break-glass'} ({situation.journal_problem})"]


def approval_for(situation: Situation, kind: ActionKind, to: str | None) -> tuple[Approval | None, Literal["act", "ask"]]:
    """The request that this would use up and whether it can act on it or still has to ask."""
    request = situation.request
    if to is None or situation.policy.approvals_needed(kind, request.environment, request.model) == 0:
        return None, "act"
    approval = situation.state.approval_for(kind, request.environment, request.model, to, situation.now)
    approved = approval is not None and approval.state_at(situation.now) is ApprovalState.APPROVED
    if request.break_glass and not approved:
        return None, "act"
    return approval, "act" if approved else "ask"


def covering(situation: Situation, running: TrafficSetting | None, found: str | None) -> tuple[Approval | None, tuple[str, ...]]:
    """The approval under which a rollout began or went on, and what has changed since of the world that it is bound to.

    It covers what follows, up to the promotion, as long as nothing has.
    """
    approval = went_on_under(situation.state, running)
    return (
        (None, ())
        if approval is None
        else (approval, difference(approval.payload.world, world_of(situation.facts, found, situation.policy, ActionKind.PROMOTE)))
    )


def went_on_under(state: ControlState, running: TrafficSetting | None) -> Approval | None:
    """The newest approval under which a rollout began or went on."""
    if running is None:
        return None
    for action in reversed(list(state.actions.values())):
        if action.kind is not ActionKind.SHIFT or action.state is not ActionState.EFFECTIVE or action.approval is None:
            continue
        terms = (action.plan or {}).get("terms") or {}
        if running.salt not in {action.key, terms.get("salt")}:
            continue
        approval = state.approvals.get(action.approval)
        if approval is not None and approval.payload.to == running.candidate:
            return approval
    return None


def covered_by(approval: Approval) -> str:
    """What a step needs that an approval covers."""
    return f"nobody else: {approval.id} covers it, under which the rollout began"


def lapsed(approval: Approval | None, changed: tuple[str, ...]) -> tuple[str, ...]:
    """Why another approval is needed although the rollout began under one."""
    return (f"{approval.id}, under which the rollout began, covers this no longer: {changed[0]}",) if approval and changed else ()


def voided_by(approval: Approval | None, situation: Situation, found: str | None) -> list[str]:
    """Why an approval no longer holds in the world as it is; empty when it does, or when there is none."""
    if approval is None:
        return []
    changed = difference(approval.payload.world, world_of(situation.facts, found, situation.policy, approval.payload.action))
    return [f"{approval.id} no longer holds, {line}" for line in changed]


def _needs(situation: Situation, danger: Danger, kind: ActionKind | None, approval: str | None, step: str) -> str:
    """Who is needed for an action that is approved as `kind`; None: nobody approves it."""
    if danger == "routine":
        return "nothing"
    request = situation.request
    needed = 0 if kind is None else situation.policy.approvals_needed(kind, request.environment, request.model)
    if not needed:
        return "1 operator" if danger == "safer" else "1 person who is elevated"
    if approval is None:
        return people(needed, solo=situation.policy.solo)
    found = situation.state.approvals[approval]
    return f"{people(needed, solo=situation.policy.solo)}: {approval} has {found.granted} of {needed}" + (
        "" if step == "act" else ", waiting"
    )


def title_of(request: ActionRequest, found: str | None, to: str | None) -> str:
    wanted = VERBS[request.kind].upper()
    if found is None and to is None:
        return f"{wanted} {request.model}"
    if request.kind in SWITCH_STATES:
        return f"KILL SWITCH {request.model}  {found} -> {to}"
    if request.kind in HOLD_KINDS:
        return f"{wanted} {request.model}  {found} -> {to}"
    return f"{wanted} {request.model}  {version_label(found)} -> {version_label(to)}"


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _verb(request: ActionRequest, to: str | None, subject: str | None) -> str:
    if request.kind is ActionKind.PROMOTE:
        return command_line("promote", f"{request.model}@{to}")
    if request.kind is ActionKind.ROLLBACK:
        return command_line("rollback", request.model, options={"--to": to} if to else {})
    if request.kind is ActionKind.RETAIN:
        return command_line("retention", "apply", request.model)
    if request.kind is ActionKind.RESTORE:
        return command_line("restore", request.model)
    if request.kind in TRAFFIC_KINDS:
        what, options = _shift_words(request)
        return command_line("traffic", request.model, what, options=options)
    if request.kind in PIPELINE_KINDS:
        named = {"--pipeline": request.subject} if request.subject else {}
        asked = {"--for": _written(request.until)} if request.until else {}
        return command_line(request.kind.value, request.model, options={**named, **asked})
    if request.kind in SWITCH_STATES:
        until = {"--until": _written(request.until)} if request.until else {}
        owner = {"--owner": request.owner} if request.owner else {}
        # No state is known to go to while the published ones cannot be read: the plan says so.
        state = {"--state": to} if to else {}
        return command_line("kill", request.model, options={**state, **until, **owner})
    names = {ActionKind.NOTE: "note", ActionKind.ACKNOWLEDGE: "ack", ActionKind.HAND_OVER: "handover"}
    known = names.get(request.kind)
    about = subject or request.model
    return command_line(known, about) if known else command_line("incident", request.kind.value, about)


def _shift_words(request: ActionRequest) -> tuple[str, dict[str, str | None]]:
    """What `traffic MODEL` is to do, and with which options."""
    wish = request.wish
    if wish is None or request.kind is ActionKind.ABORT:
        return "abort", {}
    options: dict[str, str | None] = {}
    what = "shift"
    if wish.move is RolloutMove.SHARE:
        options["--percent"] = f"{(wish.share or 0.0) * 100:g}"
    elif wish.move in {RolloutMove.STEP, RolloutMove.PAUSE, RolloutMove.RESUME}:
        what = wish.move.value
    else:
        options |= {"--to": request.to or "V", "--strategy": wish.move.value}
        options |= {"--steps": ",".join(f"{share * 100:g}" for share in wish.steps)} if wish.steps else {}
        options |= {"--percent": f"{wish.share * 100:g}"} if wish.share is not None else {}
        options |= {"--hours": f"{wish.hours:g}"} if wish.hours is not None else {}
    return what, {**options, "--unjudged": None} if wish.unjudged else options
