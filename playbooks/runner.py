"""Takes a run forward: every transition is written before what it announces and after what it reports.

Nothing here waits, sleeps or remembers: each call reads the run's events anew, so any process may take the next step, after a crash of
the last one too. An intent without an outcome is in doubt, and then only `recheck`, `resolve` and `send_again` move the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backends.text import Untrusted
from playbooks.binding import bind, bound_params, used_playbooks
from playbooks.fold import fold
from playbooks.format import (
    ActionCall,
    ActionStep,
    ApprovalStep,
    Argument,
    DecisionStep,
    EscalateStep,
    ManualStep,
    NoteStep,
    Playbook,
)
from playbooks.host import ActionOutcome, ApprovalStatus, Host, HostError, PlanSummary, RunEvent
from playbooks.run import Intent, Run, StepState, StepStatus
from playbooks.unattended import Unattended, as_json

MAX_TEXT = 8_000


class RunRefusedError(Exception):
    """A step may not be taken now. `str()` says why and what to do instead; nothing was written or done."""


def start_run(
    host: Host,
    run: str,
    playbook: Playbook,
    *,
    actor: str,
    params: Mapping[str, Argument],
    library: Mapping[str, Playbook],
    context: Mapping[str, Any] | None = None,
    driver: str | None = None,
) -> Run:
    """Begin `run`, pinned to the digest and the whole content of `playbook` and of every playbook that it calls.

    `driver` is the person who takes it at once; None leaves it to whoever takes it. Raises BindingError on bad parameters,
    RunMovedError when a run of this name exists.
    """
    values = bound_params(playbook, params)
    bind(playbook, values, library)
    event = RunEvent(
        run=run,
        seq=0,
        kind="started",
        at=host.now(),
        actor=actor,
        body={
            "playbook": playbook.body,
            "digest": playbook.digest,
            "called": {name: called.body for name, called in used_playbooks(playbook, library).items()},
            "params": dict(values),
            "context": dict(context or {}),
            "driver": driver,
        },
    )
    host.append(event)
    return fold([event])


class Runner(Unattended):
    """One person at one run. Any process may take the next step, after a crash of the last one too."""

    # -- what a person does

    def take(self) -> Run:
        """Become the driver; from now on this person's steps count."""
        self.reload()
        self._refuse_if_over()
        if self.run.driver != self._actor:
            self._write("taken", None, previous=self.run.driver)
        return self.run

    def decide(self, choice: str, reason: str = "") -> Run:
        """Choose. A choice that does not apply now needs a reason."""
        state, step = self._mine(DecisionStep)
        if choice not in {item.id for item in step.choices}:
            raise RunRefusedError(f"{choice} is not a choice of step {state.id}")
        if state.suggestion is None:
            self._suggest(state, step)
            state = self.run.steps[state.id]
        assert state.suggestion is not None
        if choice in state.suggestion.not_now and not reason.strip():
            raise RunRefusedError(f"{choice} does not apply now ({state.suggestion.not_now[choice]}); give a reason to take it")
        self._require(state)
        self._write("decided", state.id, chosen=choice, suggested=state.suggestion.choice, reason=_bounded(reason))
        return self._settled()

    def complete(self, text: str = "") -> Run:
        """Say that a manual, escalate or note step is done; `text` is kept as evidence."""
        state, step = self._mine(ManualStep | EscalateStep | NoteStep)
        needs = isinstance(step, NoteStep | EscalateStep) or (isinstance(step, ManualStep) and step.ask is not None)
        if needs and not text.strip():
            raise RunRefusedError(f"step {state.id} asks for a text: {getattr(step, 'ask', None) or step.title}")
        self._require(state)
        self._write("done", state.id, text=_bounded(text))
        return self._settled()

    def fail(self, why: str) -> Run:
        """Say that a manual or escalate step could not be done; what follows is the step's `on_fail`."""
        state, _ = self._mine(ManualStep | EscalateStep)
        self._write("failed", state.id, why=_needed(why, "why it failed"))
        return self._settled()

    def skip(self, reason: str) -> Run:
        """Leave out the step at the cursor."""
        state = self._current()
        self._write("skipped", state.id, reason=_needed(reason, "a reason to skip"))
        return self._settled()

    def retry(self, reason: str = "") -> Run:
        """Try a failed or blocked step again."""
        state = self._current()
        if state.status is not StepStatus.FAILED and not state.blocked:
            raise RunRefusedError(f"step {state.id} is {state.status.value}; there is nothing to try again")
        self._write("retried", state.id, reason=_bounded(reason))
        return self._settled()

    def reopen(self, step: str, reason: str) -> Run:
        """Take a decision again: it and every step after it open once more. What was done stays done until it is undone."""
        self._driving()
        state = self.run.steps.get(step)
        if state is None or not isinstance(state.step, DecisionStep) or state.chosen is None:
            raise RunRefusedError(f"{step} is not a decision that was taken")
        self._write("reopened", step, reason=_needed(reason, "why the decision is taken again"))
        return self._settled()

    def plan(self) -> PlanSummary:
        """What the action or approval at the cursor would do. Changes nothing; anybody may look."""
        self.reload()
        state = self.run.current
        call = self.run.call_of(state) if state else None
        if call is None:
            raise RunRefusedError("there is no action at this step")
        return self._host.plan(call)

    def act(self, plan: PlanSummary, confirmation: str | None = None) -> Run:
        """Do the action at the cursor as it was shown in `plan`: intent first, then the effect, then the outcome."""
        state, _ = self._mine(ActionStep)
        call = self.run.call_of(state)
        if call is None:
            raise RunRefusedError(f"step {state.id} carries out a decision that was not taken; skip it or reopen the decision")
        if plan.refusal is not None:
            raise RunRefusedError(f"refused: {plan.refusal.raw}")
        self._require(state)
        undo = self.run.undo_of(state)
        key = f"{self._id}:{state.id}:{state.attempt}"
        self._announce(state, key, call, plan=plan, undo_call=undo)
        self._submit(state.id, key, call, plan.token, confirmation)
        return self._settled()

    def plan_undo(self, step: str) -> PlanSummary:
        """What taking back the last action of `step` would do."""
        self.reload()
        return self._host.plan(self._undoable(step)[1])

    def undo(self, step: str, plan: PlanSummary, confirmation: str | None = None) -> Run:
        """Take back the last action of `step`."""
        self._driving()
        intent, call = self._undoable(step)
        if plan.refusal is not None:
            raise RunRefusedError(f"refused: {plan.refusal.raw}")
        state = self.run.steps[step]
        tries = sum(1 for item in state.intents if item.undoes == intent.key)
        key = f"{intent.key}:undo{tries + 1}"
        self._announce(state, key, call, plan=plan, undoes=intent.key)
        self._submit(step, key, call, plan.token, confirmation)
        return self._settled()

    def ask_approval(self, reason: str) -> Run:
        """File the request of the approval step at the cursor. `poll` sees the answer."""
        state, step = self._mine(ApprovalStep)
        if state.approval is not None:
            raise RunRefusedError(f"{state.approval.request} is filed already; it is {state.approval.state}")
        why = _needed(reason, "a reason for the approvers")
        self._require(state)
        key = f"{self._id}:{state.id}:{state.attempt}"
        self._announce(state, key, step.action, approval=True, reason=why)
        self._file(state.id, key, step, why)
        return self._settled()

    def note(self, text: str, step: str | None = None, *, follow_up: bool = False) -> Run:
        """Write something down, at any time, by anybody, also when the run is over."""
        self.reload()
        if step is not None and step not in self.run.steps:
            raise RunRefusedError(f"there is no step {step}")
        self._write("noted", step, text=_needed(text, "a text"), follow_up=follow_up)
        return self.run

    def close(self, reason: str) -> Run:
        """End the run before its last step: `failed` when it stands at a failed step, else `abandoned`."""
        self._driving()
        state = self.run.current
        outcome = "failed" if state and state.status is StepStatus.FAILED else "abandoned"
        self._write("ended", None, outcome=outcome, reason=_needed(reason, "why it ends here"))
        return self.run

    def record_done(self, plan: PlanSummary, key: str, outcome: ActionOutcome, *, choice: str | None = None, reason: str = "") -> Run:
        """Write down an operation that was carried out outside the run, under the `key` that it was done with.

        At a decision `choice` names what was thereby chosen. Anybody may record it: what is done is done. Raises RunRefusedError
        when the step at the cursor is not the one that such an operation carries out.
        """
        self.reload()
        self._refuse_if_over()
        state = self.run.current
        if state is None or self.run.in_doubt or any(intent.key == key for step in self.run.steps.values() for intent in step.intents):
            raise RunRefusedError(f"nothing of run {self._id} waits for what was done with key {key}")
        if isinstance(state.step, DecisionStep) and choice in {item.id for item in state.step.choices}:
            suggested = state.suggestion.choice if state.suggestion else None
            self._write("decided", state.id, chosen=choice, suggested=suggested, reason=_bounded(reason))
            self._advance(look=False)
            state = self.run.current
        call = self.run.call_of(state) if state else None
        if state is None or call is None or not isinstance(state.step, ActionStep):
            raise RunRefusedError(f"run {self._id} does not stand at an action")
        self._announce(state, key, call, plan=plan, undo_call=self.run.undo_of(state))
        self._report(state.id, key, outcome)
        return self._settled()

    def record_undone(self, step: str, plan: PlanSummary, key: str, outcome: ActionOutcome) -> Run:
        """Write down that the last action of `step` was taken back outside the run, under the `key` that it was done with."""
        self.reload()
        self._refuse_if_over()
        intent, call = self._undoable(step)
        self._announce(self.run.steps[step], key, call, plan=plan, undoes=intent.key)
        self._report(step, key, outcome)
        return self._settled()

    # -- in doubt

    def recheck(self) -> Run:
        """Look whether the intent in doubt took effect. Reading only; the first thing to do."""
        state, intent = self._doubt()
        if intent.approval:
            status = self._host.approval(intent.key)
            result = _filed_as(status) if status else _not_filed(self._host)
            self._report(state.id, intent.key, result, status=as_json(status) if status else None)
        else:
            self._report(state.id, intent.key, self._host.recheck(intent.call, intent.key))
        return self._settled()

    def resolve(self, effective: bool, reason: str) -> Run:
        """Say what became of the intent in doubt, on a person's word, which is kept with the reason."""
        state, intent = self._doubt()
        why = _needed(reason, "how you know")
        word = "took effect" if effective else "did not take effect"
        result = ActionOutcome(
            state="effective" if effective else "failed",
            sentence=Untrusted(f"{word}, says {self._actor}: {why}"),
            at=self._host.now(),
        )
        status = self._host.approval(intent.key) if intent.approval and effective else None
        if intent.approval and effective and status is None:
            raise RunRefusedError("no request was filed with this key; say that it was not, or send it again")
        self._report(state.id, intent.key, result, resolved_by=self._actor, reason=why, status=as_json(status) if status else None)
        return self._settled()

    def send_again(self, confirmation: str | None = None) -> Run:
        """Send the intent in doubt again with the same key: what already happened does not happen twice."""
        state, intent = self._doubt()
        if intent.approval:
            assert isinstance(state.step, ApprovalStep)
            reason = next((event.body.get("reason", "") for event in self.run.events if event.body.get("key") == intent.key), "")
            self._announce(state, intent.key, intent.call, approval=True, reason=reason)
            self._file(state.id, intent.key, state.step, reason)
        else:
            self._announce(state, intent.key, intent.call, plan=intent.plan, undoes=intent.undoes)
            self._submit(state.id, intent.key, intent.call, intent.plan.token if intent.plan else "", confirmation)
        return self._settled()

    # -- doing
    def _announce(
        self,
        state: StepState,
        key: str,
        call: ActionCall,
        *,
        plan: PlanSummary | None = None,
        undo_call: ActionCall | None = None,
        undoes: str | None = None,
        approval: bool = False,
        reason: str = "",
    ) -> None:
        self._write(
            "intended",
            state.id,
            key=key,
            call=as_json(call),
            plan=as_json(plan) if plan else None,
            undo_call=as_json(undo_call) if undo_call else None,
            undoes=undoes,
            approval=approval,
            reason=reason,
        )

    def _submit(self, step: str, key: str, call: ActionCall, token: str, confirmation: str | None) -> None:
        try:
            result = self._host.submit(call, key=key, actor=self._actor, token=token, confirmation=confirmation)
        except HostError as error:
            result = ActionOutcome(state="in doubt", sentence=Untrusted(str(error)), at=self._host.now())
        self._report(step, key, result)

    def _file(self, step: str, key: str, approval: ApprovalStep, reason: str) -> None:
        try:
            status = self._host.request_approval(approval.action, key=key, actor=self._actor, reason=reason, deadline=approval.deadline)
        except HostError as error:
            self._report(step, key, ActionOutcome(state="in doubt", sentence=Untrusted(str(error)), at=self._host.now()))
            return
        self._report(step, key, _filed_as(status), status=as_json(status))

    def _settled(self) -> Run:
        """After a person's step: go on with what needs nobody."""
        return self._advance(look=False)

    # -- refusing
    def _require(self, state: StepState) -> None:
        if self._blocked(state):
            raise RunRefusedError(f"step {state.id} may not run now: {self.run.steps[state.id].blocked}")

    def _refuse_if_over(self) -> None:
        if self.run.outcome:
            raise RunRefusedError(f"run {self._id} is over: {self.run.outcome}")

    def _driving(self) -> None:
        self.reload()
        self._refuse_if_over()
        if self.run.driver != self._actor:
            who = f"{self.run.driver} drives" if self.run.driver else "nobody drives"
            raise RunRefusedError(f"{who} run {self._id}; take it first")
        doubtful = self.run.in_doubt
        if doubtful:
            raise RunRefusedError(f"step {doubtful.id} is in doubt: check its effect again, say what became of it, or send it again")

    def _current(self) -> StepState:
        self._driving()
        self._advance(look=False)
        self._driving()
        if self.run.current is None:
            raise RunRefusedError(f"run {self._id} is past its last step")
        return self.run.current

    def _mine(self, kind: Any) -> tuple[StepState, Any]:
        state = self._current()
        if not isinstance(state.step, kind):
            raise RunRefusedError(f"step {state.id} is a step of kind {state.step.kind}")
        if state.status is StepStatus.FAILED:
            raise RunRefusedError(f"step {state.id} failed: try it again, skip it or close the run")
        return state, state.step

    def _undoable(self, step: str) -> tuple[Intent, ActionCall]:
        state = self.run.steps.get(step)
        intent = state.undoable if state else None
        if intent is None or intent.undo_call is None:
            raise RunRefusedError(f"there is nothing to take back at step {step}")
        return intent, intent.undo_call

    def _doubt(self) -> tuple[StepState, Intent]:
        self.reload()
        self._refuse_if_over()
        if self.run.driver != self._actor:
            raise RunRefusedError(f"{self.run.driver or 'nobody'} drives run {self._id}; take it first")
        state = self.run.in_doubt
        if state is None or state.doubtful is None:
            raise RunRefusedError("nothing is in doubt")
        return state, state.doubtful


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise RunRefusedError(f"a text of {len(text)} characters; {MAX_TEXT} are kept. Put the rest in a file and name it")
    return text


def _needed(text: str, what: str) -> str:
    if not text.strip():
        raise RunRefusedError(f"this needs {what}")
    return _bounded(text)


def _filed_as(status: ApprovalStatus) -> ActionOutcome:
    return ActionOutcome(state="effective", sentence=status.sentence, at=status.at, receipt=status.request)


def _not_filed(host: Host) -> ActionOutcome:
    return ActionOutcome(state="failed", sentence=Untrusted("no request was filed"), at=host.now())
