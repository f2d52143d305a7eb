"""The one executor: every screen, verb and playbook step acts through a `Desk`, and nothing else does.

Read-only, clock, roles, guardrails and approvals are checked here, at the moment of execution; screens only mirror them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from backends.credentials import without_credentials
from backends.journal.entries import JournalConflict, JournalUnavailable
from backends.protocol import BackendError
from console.control import approvals, events, incidents
from console.control.actions import (
    ALIAS_KINDS,
    MOVING_KINDS,
    ActionKind,
    ActionOutcome,
    ActionPlan,
    ActionRequest,
    ActionState,
    Confirmation,
    Moved,
    PlanFacts,
    action_id_of,
    new_key,
)
from console.control.approval import Approval, ApprovalState, difference
from console.control.breaking import Breaking
from console.control.drawing import over_bulk, unbound, world_of
from console.control.elevating import Elevating
from console.control.errors import NotFound, Refused
from console.control.execution import Execution, NotIntended, outcome_of
from console.control.judging import Judging
from console.control.movements import movement_for
from console.control.planning import draw
from console.control.recording import RecordKeeping
from console.control.retaining import changed_terms
from console.control.retrying import Retry, plan_again, request_again
from console.control.settling import Settling
from console.control.signatures import TrustUnavailable, broken_votes
from console.control.situation import Situation
from console.control.state import ControlState

LOOK_AGAIN: Final = 0.02
"""Seconds between two looks at an action that another process carries out with the same key."""

_NO_FACTS = PlanFacts()
_DONE_WORDS = {
    ActionKind.TAKE: "taken by {who}",
    ActionKind.ACKNOWLEDGE: "acknowledged by {who}",
    ActionKind.NOTE: "noted by {who}",
    ActionKind.HAND_OVER: "handed over to {to} by {who}",
    ActionKind.CLOSE: "closed by {who}",
}


@dataclass(frozen=True, slots=True)
class _Objection:
    """Why an action does not go on."""

    message: str
    changed: tuple[str, ...] = ()
    record: bool = True
    voids: str | None = None
    moved: Moved | None = None


class Desk(Judging, RecordKeeping, Settling, Breaking, Elevating):
    """Plans and executes for one actor in one workspace. Use as a context manager, or `close()` it.

    `read_only` refuses everything; `elevated` lets this person do what a read-only environment keeps back. Safe to use from
    several threads.
    """

    # -- planning ------------------------------------------------------------------------------------------------------

    def plan(self, request: ActionRequest, facts: PlanFacts | None = None) -> ActionPlan:
        """What `request` would do, whether it may be done, and if not why. Changes nothing and never raises for the world."""
        # What is recorded once is kept for ever, and exported: no credential in it could be taken out again.
        kept = request.model_copy(update={"reason": without_credentials(request.reason)})
        return draw(self._situation(kept, facts or _NO_FACTS))

    # -- executing -----------------------------------------------------------------------------------------------------

    def execute(self, plan: ActionPlan, confirmation: Confirmation, *, current_world: PlanFacts | None = None) -> ActionOutcome:
        """Carry out a plan that somebody has seen and confirmed. Never raises for what the world is like.

        Everything is checked again: the value in force must still be the one the plan names, and an approval must still hold
        in `current_world` (default: the facts of the plan, but for a deletion, which is not done upon what was read for its plan).
        The same key again returns what happened the first time.
        """
        key = confirmation.key or plan.key
        plan = self._keyed(plan, key)
        if plan.digest != plan.content_digest():
            return self._refused(plan, key, "the plan was changed after it was drawn: draw it again")
        standing = self._standing()
        if standing is not None:
            return self._refused(plan, key, standing)
        known = self._known(plan, key)
        if known is not None:
            return known
        state, problem = self._state()
        reason, facts = without_credentials(confirmation.reason or plan.reason), current_world or _facts_of(plan)
        fresh = draw(self._situation(_request_of(plan, key, reason), facts, state, problem))
        objection = self._objection(plan, fresh, state, facts)
        if objection is not None:
            # What changed may be this very action, done with the same key by somebody else meanwhile.
            return self._known(plan, key) or self._refused(plan, key, objection.message, objection)
        if plan.typed_name is not None and confirmation.typed_name != plan.typed_name:
            return self._refused(plan, key, f"type {plan.typed_name} to confirm: nothing was sent")
        if plan.break_glass and not confirmation.reason.strip():
            return self._refused(plan, key, "say why the glass is broken: who reviews it reads the reason; nothing was sent")
        if plan.kind is ActionKind.RETAIN and plan.step == "act" and current_world is None:
            return self._refused(plan, key, f"what is due of {plan.model} was not read again: draw the plan again; nothing was deleted")
        if plan.kind not in MOVING_KINDS:
            return self._record(plan, key, reason)
        if plan.step == "ask":
            return self._ask(plan, key, reason, facts)
        return self._carry_out(plan, fresh, key, reason)

    def act(self, request: ActionRequest, *, confirmation: Confirmation | None = None, facts: PlanFacts | None = None) -> ActionOutcome:
        """Plan and execute in one step, for rules of playbooks and for scripts that confirm beforehand."""
        return self.execute(
            self.plan(request, facts), confirmation or Confirmation(reason=request.reason, key=request.key), current_world=facts
        )

    # -- once more -----------------------------------------------------------------------------------------------------

    def plan_again(self, action_id: str, facts: PlanFacts | None = None) -> ActionPlan:
        """What making the call of an action in doubt once more would do. Raises NotFound, Refused or JournalUnavailable."""
        action = self._unsettled(action_id)
        return plan_again(action, self.plan(request_again(action, self.clock.now()), facts))

    def retry(self, plan: ActionPlan, confirmation: Confirmation, *, current_world: PlanFacts | None = None) -> ActionOutcome:
        """Make the call of an action in doubt once more; `plan` is what `plan_again` drew. Raises as `plan_again`."""
        if plan.digest != plan.content_digest():
            return self._refused(plan, plan.key, "the plan was changed after it was drawn: draw it again")
        fresh = self.plan_again(plan.action_id, current_world or _facts_of(plan))
        if not fresh.allowed or fresh.from_ != plan.from_:
            message = fresh.refusal or f"it changed since the plan was drawn: {plan.from_} then, {fresh.from_} now"
            return self._refused(plan, plan.key, message, _Objection(message))
        changed = changed_terms(plan, fresh)
        if changed:
            message = f"it changed since the plan was drawn: {changed[0]}"
            return self._refused(plan, plan.key, message, _Objection(message, changed))
        if {plan.typed_name, fresh.typed_name} - {None, confirmation.typed_name}:
            return self._refused(plan, plan.key, f"type {fresh.typed_name or plan.typed_name} to confirm: nothing was sent")
        approval = self._ledger.state().approvals.get(fresh.approval or "")
        unsigned = None if approval is None else self._unsigned(approval)
        if unsigned is not None:
            return self._refused(plan, plan.key, unsigned.message, unsigned)
        attempt = self._unsettled(plan.action_id).retries + 1
        return self._carry_out(plan, fresh, plan.key, without_credentials(confirmation.reason or plan.reason), attempt=attempt)

    # -- approvals -----------------------------------------------------------------------------------------------------

    def request_approval(self, plan: ActionPlan, confirmation: Confirmation, *, current_world: PlanFacts | None = None) -> ActionOutcome:
        """File the request that `plan` needs: `execute` of a plan whose step is `ask`."""
        if plan.step != "ask":
            return self._refused(plan, confirmation.key or plan.key, "this plan needs no further approval: execute it")
        return self.execute(plan, confirmation, current_world=current_world)

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
            elevated=self._elevated(request.environment, state),
            reach=self._reach,
        )

    def _keyed(self, plan: ActionPlan, key: str) -> ActionPlan:
        if key == plan.key or plan.digest != plan.content_digest():
            return plan
        keyed = plan.model_copy(update={"key": key, "action_id": action_id_of(key)})
        return keyed.model_copy(update={"digest": keyed.content_digest()})

    def _known(self, plan: ActionPlan, key: str) -> ActionOutcome | None:
        """What became of `key` the first time it was used, once that is known; None when it is new."""
        deadline = self.clock.monotonic() + self.policy.read_back_seconds
        while True:
            state, _ = self._state()
            action = state.actions.get(state.action_by_key.get(key, ""))
            if action is None:
                return self._known_otherwise(state, plan, key)
            if (action.kind, action.environment, action.model, action.to) != (plan.kind, plan.environment, plan.model, plan.to):
                return self._refused(plan, key, f"key {key} was used for {action.kind.value} of {action.model}: use a new key")
            if not action.in_flight or self.clock.monotonic() >= deadline:
                return outcome_of(action)
            self._pause(LOOK_AGAIN)

    def _known_otherwise(self, state: ControlState, plan: ActionPlan, key: str) -> ActionOutcome | None:
        approval = state.approvals.get(state.asked_by_key.get(key, ""))
        if approval is not None:
            return self._waiting(plan, key, approval, repeated=True)
        if plan.kind not in MOVING_KINDS and _entry_key(plan, key) in state.recorded:
            return _outcome(plan, key, ActionState.DONE, self._done(plan), repeated=True)
        return None

    def _objection(self, plan: ActionPlan, fresh: ActionPlan, state: ControlState, facts: PlanFacts) -> _Objection | None:
        """Why it cannot go on: the world is not the one that was shown or approved, or something forbids it now."""
        approval = state.approvals.get(plan.approval or "")
        if approval is not None and plan.step == "act" and plan.kind in MOVING_KINDS:
            if approval.executing is not None:
                return _Objection(approvals.in_use(approval, approval.executing))
            if unbound(approval.payload.action, facts):
                return _Objection(f"what {approval.id} is bound to could not be read: {facts.unread}")
            changed = difference(approval.payload.world, world_of(facts, fresh.found, self.policy, approval.payload.action))
            if changed and approval.state_at(self.clock.now()) is ApprovalState.APPROVED:
                return _Objection(f"{approval.id} is void: {changed[0]}", changed, voids=approval.id)
            unsigned = self._unsigned(approval)
            if unsigned is not None:
                return unsigned
        otherwise = self._otherwise(plan, fresh) if plan.kind in MOVING_KINDS and fresh.from_ != plan.from_ else None
        if otherwise is not None:
            return otherwise
        if plan.terms is not None and fresh.terms is not None and fresh.terms.stable_key != plan.terms.stable_key:
            changed = (f"version in force: was {plan.found} when the plan was drawn, is {fresh.found}",)
            return _Objection(f"it changed since the plan was drawn: {plan.found} served then, {fresh.found} now", changed)
        changed = changed_terms(plan, fresh)
        if changed:
            return _Objection(f"it changed since the plan was drawn: {changed[0]}", changed)
        if not fresh.allowed:
            return _Objection(fresh.refusal or "refused", record=fresh.kind in MOVING_KINDS)
        if not plan.allowed:
            return _Objection(f"the plan was refused when it was drawn ({plan.refusal}): draw it again", record=False)
        if fresh.step != plan.step or fresh.approval != plan.approval or fresh.break_glass != plan.break_glass:
            return _Objection(f"its approval changed since the plan was drawn: {fresh.needs}; draw it again")
        if fresh.typed_name not in {None, plan.typed_name}:
            return _Objection(f"what is typed to confirm it is {fresh.typed_name} by now: draw it again", record=False)
        return None

    def _otherwise(self, plan: ActionPlan, fresh: ActionPlan) -> _Objection:
        """What is in force is not what the plan names; what cannot be read has not changed for all that anybody knows."""
        if fresh.from_ is None and not fresh.calls:
            return _Objection(fresh.refusal or "what is in force cannot be read")
        changed = (f"in force: was {plan.from_} when the plan was drawn, is {fresh.from_}",)
        moved = self._moved(plan)
        by = f", {moved.told()}" if moved is not None else ""
        return _Objection(f"it changed since the plan was drawn: {plan.from_} then, {fresh.from_} now{by}", changed, moved=moved)

    def _moved(self, plan: ActionPlan) -> Moved | None:
        """Who put there what is in force now."""
        try:
            return movement_for(self._reach, plan, key=plan.key, who=self.actor.who, reason="").read().moved
        except BackendError:
            return None

    def _unsigned(self, approval: Approval) -> _Objection | None:
        """Signatures are verified again at this moment: a key may have been revoked, and a vote may have been put there by hand."""
        asked = approvals.signing_asked(approval, self.policy)
        try:
            broken = broken_votes(approval, asked, self.policy.signers, self.paths.policies, self.clock.real_now())
        except TrustUnavailable as error:
            return _Objection(f"the signatures of {approval.id} cannot be verified: {error}")
        if not broken:
            return None
        if approval.executing is not None:
            return _Objection(f"{approval.id}, which it uses up, holds no longer: {broken[0]}", broken)
        standing = approval.state_at(self.clock.now()) is ApprovalState.APPROVED
        return _Objection(f"{approval.id} is void: {broken[0]}", broken, voids=approval.id if standing else None)

    def _carry_out(self, plan: ActionPlan, fresh: ActionPlan, key: str, reason: str, *, attempt: int = 0) -> ActionOutcome:
        under_way = Execution if attempt == 0 else partial(Retry, attempt=attempt)
        execution = under_way(
            ledger=self._ledger,
            plan=plan,
            movement=movement_for(self._reach, plan, key=key, who=self.actor.who, reason=reason),
            key=key,
            reason=reason,
            read_back_seconds=self.policy.read_back_seconds,
            elevated=self._elevated(plan.environment, self._state()[0]),
            safer=fresh.safer,
            pause=self._pause,
            forbids=self._counting(fresh),
        )
        try:
            outcome = execution.run()
        except NotIntended as error:
            return self._refused(plan, key, str(error), _Objection(str(error)))
        except JournalConflict:
            return self._known(plan, key) or self._refused(plan, key, f"key {key} is in use: use a new key")
        except JournalUnavailable as error:
            return self._refused(plan, key, f"it could not be recorded, so nothing was sent: {error}")
        self._landing.land(outcome, self.clock.now())
        return outcome

    def _counting(self, fresh: ActionPlan) -> Callable[[ControlState], str | None] | None:
        """A rule that counts what somebody moved just before counts also what they do at the same moment in another terminal."""
        limits = self.policy.limits(fresh.amounts_to, fresh.environment, fresh.model)
        return (lambda state: over_bulk(limits, fresh, self.actor.name, self.clock.now(), state)) if limits.counts else None

    def _ask(self, plan: ActionPlan, key: str, reason: str, facts: PlanFacts) -> ActionOutcome:
        world = world_of(facts, plan.found, self.policy, plan.approved_as)
        try:
            approval, repeated = approvals.ask(self._ledger, self.policy, plan, world, key=key, reason=reason)
        except Refused as error:
            return self._refused(plan, key, str(error))
        except JournalUnavailable as error:
            return self._refused(plan, key, f"it could not be recorded: {error}")
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
                self._ledger.record(self._ledger.draft(_entry_key(plan, key), kind, subject, body))
        except (Refused, NotFound, JournalConflict) as error:
            return self._refused(plan, key, str(error))
        except JournalUnavailable as error:
            return self._refused(plan, key, f"it could not be recorded: {error}")
        outcome = _outcome(plan, key, ActionState.DONE, self._done(plan))
        if plan.kind in {ActionKind.TAKE, ActionKind.HAND_OVER, ActionKind.CLOSE}:
            self._landing.land(outcome, self.clock.now())
        return outcome

    def _done(self, plan: ActionPlan) -> str:
        return f"{plan.subject or plan.model} {_DONE_WORDS[plan.kind].format(who=self.actor.who, to=plan.to)}"

    def _refused(self, plan: ActionPlan, key: str, message: str, objection: _Objection | None = None) -> ActionOutcome:
        """A refusal; on record when it is about the world or the rules, not when something was mistyped."""
        changed = objection.changed if objection is not None else ()
        moved = objection.moved if objection is not None else None
        if objection is not None and objection.voids is not None:
            self._void(objection.voids, changed)
        if objection is not None and objection.record:
            body = {"plan": plan.model_dump(mode="json"), "message": message, "difference": list(changed), "reason": plan.reason}
            body |= {} if moved is None else {"moved": moved.model_dump(mode="json")}
            attempt = f"{plan.action_id}-{new_key()[:6]}"
            # Nothing was changed, so the refusal stands whether or not it is on record.
            with contextlib.suppress(JournalUnavailable, JournalConflict):
                self._ledger.record(self._ledger.draft(f"action/refused/{attempt}", events.REFUSED, attempt, body))
        return _outcome(plan, key, ActionState.REFUSED, message, changed=changed, moved=moved)

    def _void(self, approval_id: str, changed: tuple[str, ...]) -> None:
        try:
            approvals.void(self._ledger, approval_id, changed)
        except JournalUnavailable:
            # It is checked again at the next execution; not being able to write that down does not make it hold.
            return


def _entry_key(plan: ActionPlan, key: str) -> str:
    """Under which key a kind that moves nothing is recorded."""
    subject = plan.subject or plan.model
    steps = {ActionKind.TAKE: "taken", ActionKind.HAND_OVER: "handed_over", ActionKind.CLOSE: "closed"}
    if plan.kind in steps:
        return incidents.change_key(subject, steps[plan.kind], key)
    return f"{plan.kind.value}/{key}"


def _request_of(plan: ActionPlan, key: str, reason: str) -> ActionRequest:
    return ActionRequest(
        kind=plan.kind,
        environment=plan.environment,
        model=plan.model,
        to=plan.released if plan.kind in ALIAS_KINDS or plan.kind in {ActionKind.HAND_OVER, ActionKind.SHIFT} else None,
        wish=plan.wish,
        subject=plan.subject,
        reason=reason,
        until=plan.until,
        owner=plan.owner,
        key=key,
        incident=plan.incident,
        run=plan.run,
        suggested=plan.suggested,
        bulk=plan.bulk,
        bulk_index=plan.bulk_index,
        break_glass=plan.break_glass,
    )


def _facts_of(plan: ActionPlan) -> PlanFacts:
    return PlanFacts(
        artifact_digest=plan.artifact_digest,
        evaluation_digest=plan.evaluation_digest,
        gates=plan.gates,
        trained_by=plan.trained_by,
        policy_digest=plan.policy_digest,
        judged=plan.judged,
        retraining=plan.retraining,
        retention=plan.retention,
    )


def _outcome(
    plan: ActionPlan,
    key: str,
    state: ActionState,
    message: str,
    *,
    approval: str | None = None,
    changed: tuple[str, ...] = (),
    moved: Moved | None = None,
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
        moved=moved,
        repeated=repeated,
    )
