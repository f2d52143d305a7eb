"""The one executor: every screen, verb and playbook step acts through a `Desk`, and nothing else does.

Read-only, clock, roles, guardrails and approvals are checked here, at the moment of execution; screens only mirror them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

from backends.journal.entries import JournalConflict, JournalUnavailable
from backends.protocol import BackendError
from backends.records import Alert, Incident, State, SwitchState
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.clock import Clock
from console.control import approvals, events, incidents
from console.control.actions import (
    ALIAS_KINDS,
    ENDED,
    MOVING_KINDS,
    ActionKind,
    ActionOutcome,
    ActionPlan,
    ActionRequest,
    ActionState,
    Call,
    Confirmation,
    PlanFacts,
    action_id_of,
    new_key,
)
from console.control.aliases import AliasMovement
from console.control.approval import Approval, ApprovalState, difference
from console.control.approvals import NotFound, Refused
from console.control.drawing import Situation, world_of
from console.control.execution import Execution, NotIntended, carried_here, outcome_body, outcome_drafts, outcome_of
from console.control.fact_landing import land_outcome
from console.control.identity import Actor
from console.control.ledger import Ledger, holder_alive
from console.control.planning import draw
from console.control.reach import Movement, Reach
from console.control.records import ActionRecord
from console.control.roles import Policy
from console.control.state import ControlState, fold
from console.control.switches import SwitchMovement

_NO_FACTS = PlanFacts()
_DONE_WORDS = {
    ActionKind.TAKE: "taken by {who}",
    ActionKind.ACKNOWLEDGE: "acknowledged by {who}",
    ActionKind.NOTE: "noted by {who}",
    ActionKind.HAND_OVER: "handed over to {to} by {who}",
    ActionKind.CLOSE: "closed by {who}",
}


class Desk:
    """Plans and executes for one actor in one workspace. Use as a context manager, or `close()` it.

    `read_only` refuses everything; `elevated` lets this person do what a read-only environment keeps back. Safe to use from
    several threads.
    """

    def __init__(
        self,
        paths: WorkspacePaths,
        clock: Clock,
        actor: Actor,
        *,
        policy: Policy,
        read_only: bool = False,
        elevated: bool = False,
        reach: Reach | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.paths = paths
        self.clock = clock
        self.actor = actor
        self.policy = policy
        self.read_only = read_only
        self.elevated = elevated
        self._reach = reach or Reach.local(paths)
        self._pause = pause
        self._ledger = Ledger(paths, clock, actor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the journal. The desk opens it again when it is used again."""
        self._ledger.close()

    # -- planning ------------------------------------------------------------------------------------------------------

    def plan(self, request: ActionRequest, facts: PlanFacts | None = None) -> ActionPlan:
        """What `request` would do, whether it may be done, and if not why. Changes nothing and never raises for the world."""
        return draw(self._situation(request, facts or _NO_FACTS))

    def refusal(self, kind: ActionKind, environment: str, model: str) -> str | None:
        """Why this person may not do `kind` there now, before any plan: for keys that are shown dim."""
        return self._standing() or self.policy.refusal(self.actor.name, kind, environment, model)

    # -- executing -----------------------------------------------------------------------------------------------------

    def execute(self, plan: ActionPlan, confirmation: Confirmation, *, current_world: PlanFacts | None = None) -> ActionOutcome:
        """Carry out a plan that somebody has seen and confirmed. Never raises for what the world is like.

        Everything is checked again: the value in force must still be the one the plan names, and an approval must still hold
        in `current_world` (default: the facts of the plan). The same key again returns what happened the first time.
        """
        key = confirmation.key or plan.key
        plan = self._keyed(plan, key)
        if plan.digest != plan.content_digest():
            return self._refused(plan, key, "the plan was changed after it was drawn: draw it again", record=False)
        standing = self._standing()
        if standing is not None:
            return self._refused(plan, key, standing, record=False)
        state, problem = self._state()
        known = self._known(state, plan, key)
        if known is not None:
            return known
        reason = confirmation.reason or plan.reason
        fresh = draw(self._situation(_request_of(plan, key, reason), current_world or _facts_of(plan), state, problem))
        refused = self._changed(plan, fresh, key, state, current_world or _facts_of(plan))
        if refused is not None:
            return refused
        if plan.typed_name is not None and confirmation.typed_name != plan.typed_name:
            return self._refused(plan, key, f"type {plan.typed_name} to confirm: nothing was sent", record=False)
        if plan.kind not in MOVING_KINDS:
            return self._record(plan, key, reason)
        if plan.step == "ask":
            return self._ask(plan, key, reason, current_world or _facts_of(plan))
        return self._carry_out(plan, fresh, key, reason)

    def act(self, request: ActionRequest, *, confirmation: Confirmation | None = None, facts: PlanFacts | None = None) -> ActionOutcome:
        """Plan and execute in one step, for rules of playbooks and for scripts that confirm beforehand."""
        return self.execute(self.plan(request, facts), confirmation or Confirmation(reason=request.reason, key=request.key))

    # -- settling ------------------------------------------------------------------------------------------------------

    def recheck(self, action_id: str) -> ActionOutcome:
        """Find out how an action in doubt ended, by reading back; never runs it again.

        Where the backend can, a call that had no effect is forbidden first, so that it cannot arrive later. Raises NotFound,
        Refused or JournalUnavailable.
        """
        action = self._unsettled(action_id)
        if action.state in ENDED:
            return outcome_of(action)
        if self._alive(action):
            return outcome_of(action.model_copy(update={"message": "still under way: wait for it", "in_flight": True}))
        movement = self._movement(action)
        started = self.clock.monotonic()
        try:
            seen = movement.read()
            calls = [_call(movement.read_call(), str(seen.value), started, self.clock.monotonic())]
            if seen.ours:
                message = "found in effect" if seen.in_force else f"it took effect and was replaced since: {seen.value} now"
                return self._settle(action, ActionState.EFFECTIVE, message, after=seen.value, calls=calls)
            applied = movement.forbid()
            if applied:
                seen = movement.read()
                return self._settle(action, ActionState.EFFECTIVE, "found in effect", after=seen.value, calls=calls)
        except BackendError as error:
            return outcome_of(action.model_copy(update={"message": f"still in doubt: {error}"}))
        if applied is None and seen.value != action.from_:
            return outcome_of(action.model_copy(update={"message": f"still in doubt: {seen.value} is in force, and nobody can say why"}))
        message = f"it had not taken effect: {seen.value} is in force" + ("" if applied is None else ", and that call can no longer arrive")
        return self._settle(action, ActionState.FAILED, message, after=seen.value, calls=calls)

    def resolve(self, action_id: str, *, effective: bool, reason: str) -> ActionOutcome:
        """Settle an action in doubt by a person's word, where nothing can be read back. Raises as `recheck`."""
        if not reason.strip():
            raise Refused("say how you know: a reason is needed")
        action = self._unsettled(action_id)
        if action.state in ENDED:
            return outcome_of(action)
        if self._alive(action):
            raise Refused(f"{action.id} is still under way: wait for it")
        state = ActionState.EFFECTIVE if effective else ActionState.FAILED
        return self._settle(action, state, f"settled by {self.actor.who}: {reason}", after=None, calls=[])

    def record_effect(
        self, action_id: str, verdict: Literal["watching", "helped", "no effect", "worse", "unknown"], message: str, *, key: str
    ) -> ActionRecord:
        """Record whether an action helped, as the evaluator sees it. When it helped, its incident is mitigated. Raises NotFound."""
        self._require_standing()
        action = self._found(self._ledger.state(), action_id)
        body = {"verdict": verdict, "message": message}
        self._ledger.record(self._ledger.draft(f"action/{action.key}/watched/{key}", events.WATCHED, action.id, body))
        state = self._ledger.state()
        incident = state.incidents.get(action.incident or "")
        if verdict == "helped" and incident is not None and incident.state == "open":
            incidents.change(self._ledger, incident.id, "mitigated", key, {"text": message})
        return self._ledger.state().actions[action.id]

    # -- approvals -----------------------------------------------------------------------------------------------------

    def request_approval(self, plan: ActionPlan, confirmation: Confirmation, *, current_world: PlanFacts | None = None) -> ActionOutcome:
        """File the request that `plan` needs: `execute` of a plan whose step is `ask`."""
        if plan.step != "ask":
            return self._refused(plan, confirmation.key or plan.key, "this plan needs no further approval: execute it", record=False)
        return self.execute(plan, confirmation, current_world=current_world)

    def approve(
        self,
        approval_id: str,
        *,
        seen_digest: str,
        typed_name: str | None = None,
        reason: str = "",
        current_world: PlanFacts | None = None,
        signature: str | None = None,
    ) -> Approval:
        """Approve exactly the payload with digest `seen_digest`. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        payload = approvals.found(self._ledger.state(), approval_id).payload
        if payload.environment in self.policy.production and typed_name != payload.model:
            raise Refused(f"type {payload.model} to approve: nothing was signed")
        world = None if current_world is None else world_of(current_world, self._value_in_force(payload), self.policy)
        return approvals.approve(self._ledger, self.policy, approval_id, seen=seen_digest, world=world, reason=reason, signature=signature)

    def reject(self, approval_id: str, *, reason: str) -> Approval:
        """Veto a request, or withdraw one's own. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        if not reason.strip():
            raise Refused("a rejection needs a reason")
        return approvals.reject(self._ledger, self.policy, approval_id, reason=reason)

    # -- alerts, incidents, notes, runs --------------------------------------------------------------------------------

    def open_alert(self, alert: Alert) -> Alert:
        """Record a firing alert, once for each id. For the evaluator. Raises Refused or JournalUnavailable."""
        self._require_standing()
        return incidents.open_alert(self._ledger, alert)

    def close_alert(self, alert_id: str, closed_at: datetime) -> Alert:
        """Record that an alert stopped firing. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        return incidents.close_alert(self._ledger, alert_id, closed_at)

    def open_incident(self, alert: Alert, title: Untrusted) -> Incident:
        """The incident of an alert: its own, else the open one of its model, else a new one. Raises Refused or JournalUnavailable."""
        self._require_standing()
        return incidents.open_incident(self._ledger, alert, title)

    def declare_incident(
        self, environment: str, model: str, title: Untrusted, *, severity: State = State.CRITICAL, playbook: str | None = None, key: str
    ) -> Incident:
        """Open an incident by hand. Raises Refused or JournalUnavailable."""
        self._require_standing()
        self._require_role(ActionKind.NOTE, environment, model)
        return incidents.declare(self._ledger, environment, model, title=title, severity=severity, playbook=playbook, key=key)

    def open_run(self, playbook: str, body: dict[str, Any], *, environment: str, model: str, incident: str | None, key: str) -> str:
        """Start the record of a playbook run; its id, the same for the same key. Raises Refused or JournalUnavailable."""
        self._require_standing()
        self._require_role(ActionKind.NOTE, environment, model)
        event = {"playbook": playbook, "environment": environment, "model": model, "incident": incident, **body}

        def decision(state: ControlState) -> tuple[list[Any], str]:
            for run, found in state.runs.items():
                if found[0].key == f"run/opened/{key}":
                    return [], run
            run = f"RUN-{max((int(known.rpartition('-')[2]) for known in state.runs), default=0) + 1}"
            content = {"event": event, "incident": incident}
            return [self._ledger.draft(f"run/opened/{key}", f"{events.RUN}opened", run, content)], run

        return self._ledger.decide(decision)

    def append_run_event(self, run_id: str, name: str, body: dict[str, Any], *, key: str) -> None:
        """Append one event to a run; the same key with the same content is one event. `body` is the runner's own JSON.

        Raises NotFound, Refused, JournalConflict (the key was used for something else) or JournalUnavailable.
        """
        self._require_standing()
        if run_id not in self._ledger.state().runs:
            raise NotFound(f"there is no run {run_id}")
        self._ledger.record(self._ledger.draft(f"run/{run_id}/{key}", f"{events.RUN}{name}", run_id, {"event": body}))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _situation(
        self, request: ActionRequest, facts: PlanFacts, state: ControlState | None = None, problem: str | None = None
    ) -> Situation:
        if state is None:
            state, problem = self._state()
        return Situation(
            request=request,
            facts=facts,
            state=state,
            journal_problem=problem,
            policy=self.policy,
            person=self.actor.name,
            now=self.clock.now(),
            standing=self._standing(),
            elevated=self.elevated,
            reach=self._reach,
        )

    def _state(self) -> tuple[ControlState, str | None]:
        """The state with its spool, and why the journal cannot be used when it cannot."""
        problem: str | None = None
        try:
            state = self._ledger.state()
        except JournalUnavailable as error:
            state, problem = ControlState(), str(error)
        spooled = self._ledger.spooled_entries()
        if spooled:
            try:
                state = fold(spooled, state)
            except ValueError as error:
                problem = problem or f"the spool cannot be read: {error}"
        return state.with_live_holders(self._alive), problem

    def _standing(self) -> str | None:
        if self.clock.kind == "past":
            return "you look at the past, where nothing acts: go back to now first"
        if self.read_only:
            return "this session is read-only (--read-only): nothing acts"
        if self.actor.played and self.clock.kind != "sim":
            return f"{self.actor.name} is a played person: only a workspace with a simulated clock accepts one"
        return None

    def _require_standing(self) -> None:
        standing = self._standing()
        if standing is not None:
            raise Refused(standing)

    def _require_role(self, kind: ActionKind, environment: str, model: str) -> None:
        refusal = self.policy.refusal(self.actor.name, kind, environment, model)
        if refusal is not None and not self.actor.program:
            raise Refused(refusal)

    def _keyed(self, plan: ActionPlan, key: str) -> ActionPlan:
        if key == plan.key or plan.digest != plan.content_digest():
            return plan
        keyed = plan.model_copy(update={"key": key, "action_id": action_id_of(key)})
        return keyed.model_copy(update={"digest": keyed.content_digest()})

    def _known(self, state: ControlState, plan: ActionPlan, key: str) -> ActionOutcome | None:
        identifier = state.action_by_key.get(key)
        if identifier is None:
            approval_id = state.asked_by_key.get(key)
            return None if approval_id is None else self._waiting(plan, key, state.approvals[approval_id], repeated=True)
        action = state.actions[identifier]
        if (action.kind, action.environment, action.model, action.to) != (plan.kind, plan.environment, plan.model, plan.to):
            return self._refused(plan, key, f"key {key} was used for {action.kind.value} of {action.model}: use a new key", record=False)
        return outcome_of(action)

    def _changed(self, plan: ActionPlan, fresh: ActionPlan, key: str, state: ControlState, facts: PlanFacts) -> ActionOutcome | None:
        """A refusal when the world is not the one that was shown or approved, or when something forbids it now."""
        approval = state.approvals.get(plan.approval or "")
        if approval is not None and plan.step == "act" and plan.kind in MOVING_KINDS:
            changed = difference(approval.payload.world, world_of(facts, fresh.from_, self.policy))
            if changed and approval.state_at(self.clock.now()) is ApprovalState.APPROVED:
                self._void(approval.id, changed)
                return self._refused(plan, key, f"{approval.id} is void: {changed[0]}", changed=changed)
        if plan.kind in MOVING_KINDS and fresh.from_ != plan.from_:
            changed = (f"in force: was {plan.from_} when the plan was drawn, is {fresh.from_}",)
            return self._refused(plan, key, f"it changed since the plan was drawn: {plan.from_} then, {fresh.from_} now", changed=changed)
        if not fresh.allowed:
            return self._refused(plan, key, fresh.refusal or "refused", record=fresh.kind in MOVING_KINDS)
        if not plan.allowed:
            return self._refused(plan, key, f"the plan was refused when it was drawn ({plan.refusal}): draw it again", record=False)
        if fresh.step != plan.step or fresh.approval != plan.approval:
            return self._refused(plan, key, f"its approval changed since the plan was drawn: {fresh.needs}; draw it again")
        return None

    def _carry_out(self, plan: ActionPlan, fresh: ActionPlan, key: str, reason: str) -> ActionOutcome:
        execution = Execution(
            ledger=self._ledger,
            plan=plan,
            movement=self._movement_of(plan, key, reason),
            key=key,
            reason=reason,
            read_back_seconds=self.policy.read_back_seconds,
            elevated=self.elevated,
            safer=fresh.safer,
            pause=self._pause,
        )
        try:
            outcome = execution.run()
        except NotIntended as error:
            return self._refused(plan, key, str(error))
        except JournalConflict:
            state, _ = self._state()
            return self._known(state, plan, key) or self._refused(plan, key, f"key {key} is in use: use a new key", record=False)
        except JournalUnavailable as error:
            return self._refused(plan, key, f"it could not be recorded, so nothing was sent: {error}", record=False)
        land_outcome(self.paths, self.actor, outcome, self.clock.now())
        return outcome

    def _movement_of(self, plan: ActionPlan, key: str, reason: str) -> Movement:
        if plan.kind in ALIAS_KINDS:
            return AliasMovement(self._reach.aliases, plan.environment, plan.model, plan.from_, plan.to or "", key, self.actor.who)
        return SwitchMovement(
            self._reach.switches,
            plan.environment,
            plan.model,
            SwitchState(plan.from_ or SwitchState.NORMAL),
            plan.to or "",
            key,
            self.actor.who,
            reason,
            plan.until,
        )

    def _movement(self, action: ActionRecord) -> Movement:
        if action.kind in ALIAS_KINDS:
            return AliasMovement(
                self._reach.aliases, action.environment, action.model, action.from_, action.to or "", action.key, action.actor.who
            )
        return SwitchMovement(
            self._reach.switches,
            action.environment,
            action.model,
            SwitchState(action.from_ or SwitchState.NORMAL),
            action.to or "",
            action.key,
            action.actor.who,
            action.reason,
            action.until,
        )

    def _ask(self, plan: ActionPlan, key: str, reason: str, facts: PlanFacts) -> ActionOutcome:
        world = world_of(facts, plan.from_, self.policy)
        try:
            approval, repeated = approvals.ask(self._ledger, self.policy, plan, world, key=key, reason=reason)
        except JournalUnavailable as error:
            return self._refused(plan, key, f"it could not be recorded: {error}", record=False)
        return self._waiting(plan, key, approval, repeated=repeated)

    def _waiting(self, plan: ActionPlan, key: str, approval: Approval, *, repeated: bool) -> ActionOutcome:
        needed = approval.payload.needed
        message = f"{approval.id} waits: {approval.granted} of {needed} approvals; nothing was sent"
        return _outcome(plan, key, ActionState.WAITING, message, approval=approval.id, repeated=repeated)

    def _record(self, plan: ActionPlan, key: str, reason: str) -> ActionOutcome:
        """Kinds that move nothing: the entry is the whole effect."""
        subject = plan.subject or plan.model
        try:
            if plan.kind is ActionKind.TAKE:
                incidents.change(self._ledger, subject, "taken", key, {"text": reason})
            elif plan.kind is ActionKind.HAND_OVER:
                incidents.change(self._ledger, subject, "handed_over", key, {"to": plan.to, "text": reason})
            elif plan.kind is ActionKind.CLOSE:
                incidents.change(self._ledger, subject, "closed", key, {"text": reason})
            else:
                kind = events.NOTED if plan.kind is ActionKind.NOTE else events.ACKNOWLEDGED
                body = {"text": reason, "environment": plan.environment, "model": plan.model}
                self._ledger.record(self._ledger.draft(f"{kind}/{key}", kind, subject, body))
        except (Refused, NotFound, JournalConflict) as error:
            return self._refused(plan, key, str(error), record=False)
        except JournalUnavailable as error:
            return self._refused(plan, key, f"it could not be recorded: {error}", record=False)
        message = f"{subject} {_DONE_WORDS[plan.kind].format(who=self.actor.who, to=plan.to)}"
        outcome = _outcome(plan, key, ActionState.DONE, message)
        if plan.kind in {ActionKind.TAKE, ActionKind.HAND_OVER, ActionKind.CLOSE}:
            land_outcome(self.paths, self.actor, outcome, self.clock.now())
        return outcome

    def _refused(self, plan: ActionPlan, key: str, message: str, *, changed: tuple[str, ...] = (), record: bool = True) -> ActionOutcome:
        if record:
            body = {"plan": plan.model_dump(mode="json"), "message": message, "difference": list(changed), "reason": plan.reason}
            attempt = f"{plan.action_id}-{new_key()[:6]}"
            # Nothing was changed, so the refusal stands whether or not it is on record.
            with contextlib.suppress(JournalUnavailable, JournalConflict):
                self._ledger.record(self._ledger.draft(f"action/refused/{attempt}", events.REFUSED, attempt, body))
        return _outcome(plan, key, ActionState.REFUSED, message, changed=changed)

    def _void(self, approval_id: str, changed: tuple[str, ...]) -> None:
        try:
            approvals.void(self._ledger, approval_id, changed)
        except JournalUnavailable:
            # It is checked again at the next execution; not being able to write that down does not make it hold.
            return

    def _unsettled(self, action_id: str) -> ActionRecord:
        self._require_standing()
        self._ledger.absorb()
        return self._found(self._ledger.state().with_live_holders(self._alive), action_id)

    def _found(self, state: ControlState, action_id: str) -> ActionRecord:
        action = state.action(action_id)
        if action is None:
            raise NotFound(f"there is no action {action_id}: see `actions`")
        return action

    def _alive(self, action: ActionRecord) -> bool:
        own = action.holder is not None and action.holder == self._ledger.holder
        return carried_here(action.key) if own else holder_alive(action)

    def _settle(self, action: ActionRecord, state: ActionState, message: str, *, after: str | None, calls: list[Call]) -> ActionOutcome:
        body = outcome_body(message, after=after, calls=calls, settled_by=self.actor.who)
        drafts = outcome_drafts(self._ledger, action.key, action.id, approval=action.approval, state=state, body=body)
        # A conflict means that somebody else ended it first: then their word stands.
        with contextlib.suppress(JournalConflict):
            self._ledger.record(*drafts)
        outcome = outcome_of(self._ledger.state().actions[action.id], repeated=False)
        land_outcome(self.paths, self.actor, outcome, self.clock.now())
        return outcome

    def _value_in_force(self, payload: Any) -> str | None:
        try:
            if payload.action in ALIAS_KINDS:
                move = self._reach.aliases.alias(payload.environment, payload.model, payload.alias)
                return None if move is None else move.version
            setting = self._reach.switches.switch(payload.environment, payload.model)
            return SwitchState.NORMAL.value if setting is None else setting.state.value
        except BackendError as error:
            raise Refused(f"what is in force cannot be read, so nothing can be approved: {error}") from error


def _request_of(plan: ActionPlan, key: str, reason: str) -> ActionRequest:
    return ActionRequest(
        kind=plan.kind,
        environment=plan.environment,
        model=plan.model,
        to=plan.to if plan.kind in ALIAS_KINDS or plan.kind is ActionKind.HAND_OVER else None,
        subject=plan.subject,
        reason=reason,
        until=plan.until,
        key=key,
        incident=plan.incident,
        run=plan.run,
        suggested=plan.suggested,
    )


def _facts_of(plan: ActionPlan) -> PlanFacts:
    return PlanFacts(
        artifact_digest=plan.artifact_digest,
        evaluation_digest=plan.evaluation_digest,
        gates=plan.gates,
        policy_digest=plan.policy_digest,
    )


def _outcome(
    plan: ActionPlan,
    key: str,
    state: ActionState,
    message: str,
    *,
    approval: str | None = None,
    changed: tuple[str, ...] = (),
    repeated: bool = False,
) -> ActionOutcome:
    return ActionOutcome(
        action_id=plan.action_id,
        key=key,
        kind=plan.kind,
        environment=plan.environment,
        model=plan.model,
        state=state,
        message=message,
        from_=plan.from_,
        to=plan.to,
        approval=approval or plan.approval,
        difference=changed,
        repeated=repeated,
    )


def _call(call: str, result: str, started: float, ended: float) -> Call:
    return Call(call=call, result=result, ms=round((ended - started) * 1000, 3))
