"""The world of playbook runs in a workspace: checks from its views, actions and records through its desk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from backends.store.errors import StoreError
from backends.text import Untrusted
from console.config import Workspace
from console.control.actions import CHALLENGER_ALIAS, ActionKind, ActionPlan, ActionRequest, ActionState, Confirmation
from console.control.actions import ActionOutcome as DeskOutcome
from console.control.approval import Approval, ApprovalState
from console.control.desk import Desk
from console.control.errors import JournalConflict, JournalUnavailable
from console.control.execution import outcome_of
from console.control.holders import with_doubts
from console.control.ledger import read_state
from console.control.records import ActionRecord
from console.control.state import ControlState
from console.facts_in_time import facts_at_execution, read_facts, within
from console.runbook.checks import Checks
from console.runbook.records import run_events
from console.views.sight import Sight
from console.views.versions.serving import aliases_at
from playbooks.format import ActionCall, CheckCall
from playbooks.host import ActionOutcome, ApprovalStatus, CheckResult, HostError, PlanSummary, RunEvent, RunMovedError

SEEN_FOR: Final = timedelta(minutes=1)
"""Checks that are this old by the workspace's clock are answered from a new look."""

FACTS_PATIENCE: Final = 10.0
"""Seconds that a plan inside a run waits for the store; the action works without its facts."""

_STATES: Final = {
    ApprovalState.PENDING: "pending",
    ApprovalState.APPROVED: "approved",
    ApprovalState.VETOED: "rejected",
    ApprovalState.VOID: "rejected",
    ApprovalState.EXPIRED: "expired",
    ApprovalState.EXECUTED: "executed",
}


class DeskHost:
    """What one run may see and do, for the person of `desk`. `run` and `incident` are written into every action."""

    def __init__(self, workspace: Workspace, environment: str, desk: Desk, *, run: str, incident: str | None = None) -> None:
        self.workspace = workspace
        self.environment = environment
        self.desk = desk
        self.run = run
        self.incident = incident
        self.typed_name: str | None = None
        """What was typed to confirm a request for approval, where the environment asks for it."""
        self.reason: str | None = None
        """Why, as the person says it; the incident's own words otherwise."""
        self.break_glass = False
        """Go on without the approval that an action needs; `reason` is then what whoever reviews it reads."""
        self._checks: Checks | None = None
        self._drawn: dict[str, ActionPlan] = {}

    # -- looking

    def now(self) -> datetime:
        return self.desk.clock.now()

    def evaluate(self, call: CheckCall, timeout: timedelta | None) -> CheckResult:
        """Answer a check from the store as it is now. Raises HostError when the store does not answer, or not in time."""
        checks = self._looked()
        try:
            if timeout is None:
                return checks.answer(call)
            found, failed = within(timeout.total_seconds(), lambda: checks.answer(call))
        except StoreError as error:
            raise HostError(str(error)) from error
        if failed is not None:
            if isinstance(failed, StoreError):
                raise HostError(str(failed)) from failed
            raise failed
        if found is None:
            raise HostError(f"no answer within {timeout.total_seconds():g} s")
        return found

    def events(self, run: str) -> list[RunEvent]:
        return run_events(self._state(), run)

    # -- acting

    def request(self, call: ActionCall, key: str | None = None) -> ActionRequest:
        """What a call of the playbook asks the desk for. Raises HostError when it names a challenger that there is not."""
        model, environment = str(call.args["model"]), str(call.args.get("environment", self.environment))
        to = str(call.args["to"]) if "to" in call.args else None
        if to == CHALLENGER_ALIAS:
            sight = Sight(self.workspace, environment, self.desk.clock)
            to = aliases_at(sight.alias_history(model), self.now()).get(CHALLENGER_ALIAS)
            if to is None:
                raise HostError(f"{model} has no challenger to promote")
        return ActionRequest(
            kind=ActionKind(call.kind),
            environment=environment,
            model=model,
            to=to,
            reason=self.reason or self._reason(),
            key=key,
            incident=self.incident,
            run=self.run,
            suggested=self._suggested(),
            break_glass=self.break_glass,
        )

    def drawn(self, summary: PlanSummary) -> ActionPlan | None:
        """The whole plan behind a summary made by this host."""
        return self._drawn.get(summary.token)

    def plan(self, call: ActionCall) -> PlanSummary:
        try:
            plan = self._draw(self.request(call))
        except HostError as error:
            return PlanSummary(sentence=Untrusted(f"{call.kind}"), refusal=Untrusted(str(error)))
        return self.summary(plan)

    def summary(self, plan: ActionPlan) -> PlanSummary:
        """A plan in the words of a run."""
        token = f"{plan.from_}->{plan.to} {plan.digest}"
        self._drawn[token] = plan
        refusal = plan.refusal
        if refusal is None and plan.step == "ask":
            at_once = "; B in its plan, or --break-glass, does it at once" if plan.at_once else ""
            refusal = f"it needs {plan.needs}: ask with {plan.verb}, and come back when it is there{at_once}"
        helps = {"ok": True, "warning": False}.get(plan.would_help.state.value) if plan.would_help else None
        return PlanSummary(
            sentence=Untrusted(plan.title),
            changes=tuple(Untrusted(f"{change.what} {change.movement}") for change in plan.will_change),
            unchanged=tuple(Untrusted(each if isinstance(each, str) else each.raw) for each in plan.will_not_change),
            helps=helps,
            would_help=plan.would_help.verdict if plan.would_help else Untrusted(""),
            refusal=None if refusal is None else Untrusted(refusal),
            token=token,
            command=plan.verb,
        )

    def done_elsewhere(self, action: ActionRecord) -> tuple[PlanSummary, ActionOutcome]:
        """The plan that was confirmed for an action, and what became of it."""
        plan = ActionPlan.model_validate(action.plan) if action.plan else None
        summary = self.summary(plan) if plan else PlanSummary(sentence=Untrusted(f"{action.kind.value} {action.model}"))
        outcome = self._told(outcome_of(action))
        said = f"{outcome.sentence.raw}, by {action.actor.who}"
        at = action.finished_at or action.intended_at
        return summary.model_copy(update={"refusal": None}), outcome.model_copy(update={"sentence": Untrusted(said), "at": at})

    def submit(self, call: ActionCall, *, key: str, actor: str, token: str, confirmation: str | None) -> ActionOutcome:
        """Do it once for `key`. The desk checks everything again; what it was used for before is returned as it ended."""
        del actor
        known = self._state().action(key) if key in self._state().action_by_key else None
        if known is not None:
            return self._told(outcome_of(known))
        request = self.request(call, key)
        seen = self._drawn.get(token)
        plan = seen if seen is not None else self._draw(request)
        movement = f"{plan.from_}->{plan.to}"
        if token and not token.startswith(f"{movement} "):
            return self._failed(f"it changed since the plan was drawn: {token.split(' ', maxsplit=1)[0]} then, {movement} now")
        if plan.step == "ask":
            return self._failed(f"it needs {plan.needs}; nothing was sent")
        # The plan may have stood there for as long as it took to read it and to type a name.
        where = (self.workspace, request.environment)
        world = facts_at_execution(*where, request, plan, patience=FACTS_PATIENCE) if seen is not None else None
        outcome = self.desk.execute(plan, Confirmation(typed_name=confirmation, reason=request.reason, key=key), current_world=world)
        self._checks = None
        return self._told(outcome)

    def recheck(self, call: ActionCall, key: str) -> ActionOutcome:
        del call
        state = self._state()
        action = state.actions.get(state.action_by_key.get(key, ""))
        if action is None:
            return self._failed("nothing was sent: the desk has no record of it")
        self._checks = None
        return self._told(self.desk.recheck(action.id))

    # -- approvals

    def request_approval(self, call: ActionCall, *, key: str, actor: str, reason: str, deadline: timedelta | None) -> ApprovalStatus:
        """File the request that `call` needs. Raises HostError when the desk refuses it: nothing was filed then."""
        del actor, deadline
        self.reason = reason
        plan = self._draw(self.request(call, key))
        if plan.step != "ask":
            standing = self._state().approvals.get(plan.approval or "")
            if standing is not None:
                return self._status(standing)
            raise HostError(plan.refusal or "it needs no approval")
        outcome = self.desk.request_approval(plan, Confirmation(typed_name=self.typed_name, reason=reason, key=key))
        found = self._state().approvals.get(outcome.approval or "")
        if outcome.state is not ActionState.WAITING or found is None:
            raise HostError(outcome.message)
        return self._status(found)

    def approval(self, key: str) -> ApprovalStatus | None:
        state = self._state()
        found = state.approvals.get(state.asked_by_key.get(key, ""))
        if found is None:
            # An open request for the same thing is not filed twice: the run then remembers whose it waits for.
            filed = [
                event.body.get("status") for event in self.events(self.run) if event.kind == "outcome" and event.body.get("key") == key
            ]
            found = next((state.approvals[each["request"]] for each in filed if each and each["request"] in state.approvals), None)
        return None if found is None else self._status(found)

    # -- the record

    def append(self, event: RunEvent) -> None:
        """Write an event of this run. Raises RunMovedError, HostError when the journal cannot be written, Refused by the desk."""
        try:
            self.desk.append_run_event(event.run, event.kind, event.model_dump(mode="json"), key=f"{event.seq:06}")
        except JournalConflict as error:
            raise RunMovedError(f"{event.run} was moved on by somebody else") from error
        except JournalUnavailable as error:
            raise HostError(str(error)) from error

    # -- inside

    def _state(self) -> ControlState:
        return with_doubts(lambda: read_state(self.workspace.paths))

    def _looked(self) -> Checks:
        now = self.now()
        if self._checks is None or now - self._checks.sight.at >= SEEN_FOR:
            self._checks = Checks(Sight(self.workspace, self.environment, self.desk.clock))
        return self._checks

    def _draw(self, request: ActionRequest) -> ActionPlan:
        facts = read_facts(self.workspace, request.environment, request, patience=FACTS_PATIENCE).facts
        return self.desk.plan(request, facts)

    def _reason(self) -> str:
        incident = self._state().incidents.get(self.incident or "")
        about = f"{incident.id}: {incident.title.raw}" if incident is not None else self.run
        return about[:400]

    def _suggested(self) -> str | None:
        decided = [event for event in self.events(self.run) if event.kind == "decided"]
        return decided[-1].body["suggested"] if decided else None

    def _told(self, outcome: DeskOutcome) -> ActionOutcome:
        states = {ActionState.EFFECTIVE: "effective", ActionState.DONE: "effective"}
        states |= {ActionState.INTENDED: "in doubt", ActionState.SENT: "in doubt", ActionState.IN_DOUBT: "in doubt"}
        word = states.get(outcome.state, "failed")
        said = f"{outcome.after or outcome.to} in force, read back" if word == "effective" and outcome.after else outcome.message
        return ActionOutcome(
            state=word,
            sentence=Untrusted(said),
            at=self.now(),
            calls=tuple(Untrusted(f"{call.call}: {call.result}, {call.ms:.0f} ms") for call in outcome.calls),
            receipt=outcome.action_id,
            seconds=outcome.seconds,
        )

    def _failed(self, why: str) -> ActionOutcome:
        return ActionOutcome(state="failed", sentence=Untrusted(why), at=self.now())

    def _status(self, approval: Approval) -> ApprovalStatus:
        payload = approval.payload
        state = approval.state_at(self.now())
        said = f"{payload.action.value} {payload.model} to {payload.to}: {state.value}, {approval.granted} of {payload.needed}"
        return ApprovalStatus(
            request=approval.id,
            state=_STATES[state],
            sentence=Untrusted(said),
            at=self.now(),
            who=tuple(vote.person for vote in approval.votes),
        )
