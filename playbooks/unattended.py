"""What a run does without a person: answer its checks, look at its waits, pass over what does not apply.

Nothing here waits, sleeps or remembers: each call reads the run's events anew.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backends.records import State
from backends.text import Untrusted
from playbooks.fold import fold
from playbooks.format import ActionStep, ApprovalStep, CheckCall, CheckStep, Condition, DecisionStep, WaitStep
from playbooks.host import ActionOutcome, CheckResult, Host, HostError, RunEvent, RunMovedError
from playbooks.run import Run, RunError, StepState, StepStatus

LOOK_KEPT_FOR = timedelta(hours=1)
"""How long the record of a look at a wait stands while its answer stays the same: what it says of a value must not grow old, and a page
that is read again every second must not fill the record."""


class Unattended:
    """Everything in a run that needs no person. `actor` is who looks; it is in the record of every answer."""

    def __init__(self, host: Host, run: str, actor: str) -> None:
        self._host = host
        self._id = run
        self._actor = actor
        self.run = self.reload()

    @property
    def host(self) -> Host:
        """The world of this run."""
        return self._host

    def reload(self) -> Run:
        """Read the run as it is now. Raises RunError when there is none."""
        events = self._host.events(self._id)
        if not events:
            raise RunError(f"there is no run {self._id}")
        self.run = fold(events)
        return self.run

    # -- forward

    def answer_checks(self) -> Run:
        """Run every read-only check up to the first step that needs a person or time. For anybody who opens the run."""
        return self._advance(look=False)

    def poll(self) -> Run:
        """`answer_checks`, and look at waits, approvals, retries and deadlines that are due. Call it as often as you like."""
        return self._advance(look=True)

    def _advance(self, *, look: bool) -> Run:
        self.reload()
        try:
            self._capture_evidence()
            while self._step_alone(look=look):
                self._capture_evidence()
        except RunMovedError:
            # Another console moved the run; what it wrote is as good as what we would have written.
            self.reload()
        return self.run

    def _step_alone(self, *, look: bool) -> bool:
        """One transition that needs no person; False when there is none to make."""
        run = self.run
        if run.outcome or run.in_doubt:
            return False
        state = run.current
        if state is None:
            self._write("ended", None, outcome=run.final_outcome, reason="")
            return True
        if state.status is StepStatus.FAILED:
            return False
        if state.arrived_at is None:
            return self._arrive(state)
        now = self._host.now()
        if look and state.deadline and now >= state.deadline:
            if isinstance(state.step, WaitStep) and self._held_in_time(state, state.step):
                return True
            self._write("failed", state.id, why=self._too_late(self.run.steps[state.id]), timed_out=True)
            return True
        if isinstance(state.step, CheckStep):
            return self._check(state, look=look)
        if isinstance(state.step, DecisionStep) and state.suggestion is None:
            self._suggest(state, state.step)
            return True
        if isinstance(state.step, WaitStep):
            return look and self._look_at_wait(state, state.step)
        if isinstance(state.step, ActionStep):
            return self._nothing_to_do(state)
        if isinstance(state.step, ApprovalStep):
            return look and self._look_at_approval(state)
        return False

    def _arrive(self, state: StepState) -> bool:
        if state.step.only_if is not None:
            answer = self._ask(state.step.only_if)
            if answer.state not in (*state.step.only_if.states, State.UNKNOWN, State.STALE):
                self._write("skipped", state.id, reason=f"does not apply: {answer.sentence.raw}", automatic=True)
                return True
        length = state.step.deadline if isinstance(state.step, WaitStep) else state.step.timeout
        if isinstance(state.step, CheckStep):
            length = None
        deadline = (self._host.now() + length).isoformat() if length else None
        self._write("arrived", state.id, deadline=deadline)
        return True

    def _check(self, state: StepState, *, look: bool) -> bool:
        if state.blocked and not look:
            return False
        if state.retry_at and (not look or self._host.now() < state.retry_at):
            return False
        if self._blocked(state):
            return False
        assert isinstance(state.step, CheckStep)
        self._write("answered", state.id, result=as_json(self._ask(state.step, state.step.timeout)), attempt=state.attempt)
        return True

    def _suggest(self, state: StepState, step: DecisionStep) -> None:
        not_now: dict[str, str] = {}
        sensible: list[str] = []
        for choice in step.choices:
            if choice.when is None:
                continue
            answer = self._ask(choice.when)
            if answer.state in choice.when.states:
                sensible.append(choice.id)
            else:
                not_now[choice.id] = answer.sentence.raw
        result = self._ask(step.suggest) if step.suggest else None
        best = result.best if result and result.best not in not_now else None
        known = {choice.id for choice in step.choices}
        suggested = best if best in known else (sensible[0] if step.suggest is None and sensible else None)
        self._write("suggested", state.id, choice=suggested, result=as_json(result) if result else None, not_now=not_now)

    def _look_at_wait(self, state: StepState, step: WaitStep) -> bool:
        if self._blocked(state):
            return False
        now = self._host.now()
        if step.until is None:
            assert step.duration is not None and state.arrived_at is not None
            if now < state.arrived_at + step.duration:
                return False
            self._write("done", state.id, text="")
            return True
        answer = self._ask(step.until)
        held = answer.state in step.until.states
        kept = state.answer
        if kept is None or kept.state != answer.state or now - kept.at >= LOOK_KEPT_FOR or (held and state.held_since is None):
            self._write("polled", state.id, result=as_json(answer))
        since = self.run.steps[state.id].held_since
        if held and since is not None and now - since >= step.hold:
            self._write("evidence", state.id, name=step.until.check, result=as_json(answer))
            self._write("done", state.id, text=answer.sentence.raw)
            return True
        return False

    def _held_in_time(self, state: StepState, step: WaitStep) -> bool:
        """At the deadline: done when what was waited for had held long enough by then, and still does."""
        if step.until is None or state.deadline is None:
            return False
        answer = self._ask(step.until)
        if answer.state in step.until.states and state.held_since and state.deadline - state.held_since >= step.hold:
            self._write("done", state.id, text=answer.sentence.raw)
            return True
        self._write("polled", state.id, result=as_json(answer))
        return False

    def _look_at_approval(self, state: StepState) -> bool:
        filed = next((item for item in reversed(state.intents) if item.approval and not item.in_doubt), None)
        if state.approval is None or filed is None:
            return False
        status = self._host.approval(filed.key)
        if status is None or status.state == "pending":
            return False
        self._write("polled", state.id, status=as_json(status))
        if status.state in {"approved", "executed"}:
            self._write("done", state.id, text=status.sentence.raw)
        else:
            self._write("failed", state.id, why=f"{status.state}: {status.sentence.raw}")
        return True

    def _nothing_to_do(self, state: StepState) -> bool:
        choice = self.run.choice_for(state.step)
        if choice is None or choice.action is not None:
            return False
        self._write("skipped", state.id, reason=f"chosen: {choice.title}; nothing to do", automatic=True)
        return True

    def _too_late(self, state: StepState) -> str:
        if state.status is StepStatus.WAITING:
            return "nobody took this step in time"
        seen = f": {state.answer.sentence.raw}" if state.answer else ""
        return f"not within the deadline{seen}"

    def _capture_evidence(self) -> None:
        for state in self.run.steps.values():
            if state.status is not StepStatus.DONE:
                continue
            for number, call in enumerate(state.step.evidence, 1):
                name = f"{number} {call.check}"
                if name not in state.evidence:
                    self._write("evidence", state.id, name=name, result=as_json(self._ask(call)))

    # -- writing

    def _write(self, kind: str, step: str | None, **body: Any) -> None:
        events = self.run.events
        event = RunEvent(run=self._id, seq=len(events), kind=kind, step=step, at=self._host.now(), actor=self._actor, body=body)
        self._host.append(event)
        self.run = fold([*events, event])

    def _report(self, step: str, key: str, result: ActionOutcome, **more: Any) -> None:
        """Write an outcome whatever else was written meanwhile: it must not be lost to a reader's note."""
        while True:
            try:
                self._write("outcome", step, key=key, result=as_json(result), **more)
                return
            except RunMovedError:
                before = len(self.run.events)
                if len(self.reload().events) <= before:
                    raise

    # -- asking

    def _ask(self, call: CheckCall, timeout: timedelta | None = None) -> CheckResult:
        try:
            return self._host.evaluate(CheckCall(check=call.check, args=call.args), timeout)
        except RunMovedError:
            raise
        except HostError as error:
            return CheckResult(state=State.UNKNOWN, sentence=Untrusted(f"no answer: {error}"), at=self._host.now())

    def _unmet(self, conditions: tuple[Condition, ...]) -> str:
        answers = [(condition, self._ask(condition)) for condition in conditions]
        return "; ".join(answer.sentence.raw for condition, answer in answers if answer.state not in condition.states)

    def _blocked(self, state: StepState) -> bool:
        unmet = self._unmet(state.step.requires)
        if unmet and unmet != state.blocked:
            self._write("blocked", state.id, sentence=unmet)
        return bool(unmet)


def as_json(model: Any) -> Any:
    """A pydantic model as plain JSON data."""
    return model.model_dump(mode="json")
