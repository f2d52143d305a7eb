"""A run is the fold of its events: the same events always give the same state, on any machine, after any crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from backends.records import digest_of
from playbooks.binding import BoundStep, bind
from playbooks.format import (
    END,
    ActionCall,
    ActionStep,
    ApprovalStep,
    CheckStep,
    Choice,
    DecisionStep,
    OnFail,
    Phase,
    Playbook,
    Step,
    WaitStep,
)
from playbooks.host import ActionOutcome, ApprovalStatus, CheckResult, PlanSummary, RunEvent

Outcome = Literal["succeeded", "recovered", "partial", "failed", "abandoned"]
"""How a run ended. `recovered`: a step failed, or an action was undone, and the rest was done; `partial`: a person skipped steps."""


class StepStatus(StrEnum):
    """Where one step stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting for a person"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    IN_DOUBT = "in doubt"


class RunError(ValueError):
    """The events are not a run: missing start, changed playbook, unknown event."""


@dataclass(slots=True)
class Intent:
    """Something that was announced before it was done. Without an outcome it is in doubt."""

    key: str
    call: ActionCall
    at: datetime
    actor: str
    plan: PlanSummary | None = None
    approval: bool = False
    undo_call: ActionCall | None = None
    """How it is taken back, as declared when it was announced."""
    undoes: str | None = None
    """The key of the intent that this one takes back."""
    undone: bool = False
    outcome: ActionOutcome | None = None
    resolved_by: str | None = None
    reason: str = ""

    @property
    def in_doubt(self) -> bool:
        return self.outcome is None or self.outcome.state == "in doubt"


@dataclass(slots=True)
class Suggestion:
    """What the console would choose, and what each choice would have done."""

    choice: str | None
    result: CheckResult | None
    not_now: dict[str, str]
    """Choices whose `when` does not hold, with the sentence that says why."""
    at: datetime


@dataclass(slots=True)
class StepState:
    """One step of a run."""

    bound: BoundStep
    status: StepStatus = StepStatus.PENDING
    attempt: int = 1
    arrived_at: datetime | None = None
    deadline: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    answer: CheckResult | None = None
    evidence: dict[str, CheckResult] = field(default_factory=dict)
    suggestion: Suggestion | None = None
    chosen: str | None = None
    reason: str = ""
    blocked: str = ""
    retry_at: datetime | None = None
    held_since: datetime | None = None
    intents: list[Intent] = field(default_factory=list)
    approval: ApprovalStatus | None = None
    automatic: bool = False
    """Passed over by the playbook itself, not by a person."""

    @property
    def id(self) -> str:
        return self.bound.id

    @property
    def step(self) -> Step:
        return self.bound.step

    @property
    def phase(self) -> Phase:
        return self.bound.phase

    @property
    def doubtful(self) -> Intent | None:
        """The intent whose outcome nobody knows."""
        return next((intent for intent in self.intents if intent.in_doubt), None)

    @property
    def undoable(self) -> Intent | None:
        """The last operation of this step that is over, was not taken back, and says how it is."""
        done = [intent for intent in self.intents if intent.undoes is None and not intent.in_doubt]
        return done[-1] if done and done[-1].undo_call and not done[-1].undone else None


@dataclass(slots=True)
class Run:
    """The state of one run."""

    id: str
    playbook: Playbook
    digest: str
    params: dict[str, Any]
    context: dict[str, Any]
    """What the run belongs to: incident, alert, environment. Given at the start, never interpreted here."""
    started_at: datetime
    started_by: str
    driver: str | None
    steps: dict[str, StepState]
    cursor: str
    events: tuple[RunEvent, ...] = ()
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    failed_once: bool = False

    @property
    def current(self) -> StepState | None:
        """The step at which the run stands; None when it is past its last one or over."""
        return None if self.outcome or self.cursor == END else self.steps[self.cursor]

    @property
    def in_doubt(self) -> StepState | None:
        """The step with an intent whose outcome nobody knows; nothing else moves before it is resolved."""
        return next((step for step in self.steps.values() if step.doubtful), None)

    @property
    def final_outcome(self) -> Outcome:
        """What the run ends as when it is past its last step."""
        if self.failed_once or any(intent.undone for step in self.steps.values() for intent in step.intents):
            return "recovered"
        if any(step.status is StepStatus.SKIPPED and not step.automatic for step in self.steps.values()):
            return "partial"
        return "succeeded"

    def choice_for(self, step: Step) -> Choice | None:
        """What was chosen in the decision that an action step carries out."""
        decision = self.steps.get(getattr(step, "from_decision", None) or "")
        if decision is None or not isinstance(decision.step, DecisionStep):
            return None
        return next((choice for choice in decision.step.choices if choice.id == decision.chosen), None)

    def call_of(self, state: StepState) -> ActionCall | None:
        """The operation of an action or approval step; None when the choice was to do nothing, or none was made."""
        step = state.step
        if isinstance(step, ActionStep | ApprovalStep) and step.action is not None:
            return step.action
        choice = self.choice_for(step)
        return choice.action if choice else None

    def undo_of(self, state: StepState) -> ActionCall | None:
        """How the operation of an action step is taken back."""
        choice = self.choice_for(state.step)
        return state.step.undo or (choice.undo if choice else None)


def fold(events: Sequence[RunEvent]) -> Run:
    """The state after `events`. Raises RunError when they are not the events of one run."""
    if not events or events[0].kind != "started":
        raise RunError("a run begins with the event `started`")
    run = _started(events[0])
    for number, event in enumerate(events):
        if event.run != run.id or event.seq != number:
            raise RunError(f"event {number} of run {run.id} is missing or belongs to another run")
        if number:
            transition = _TRANSITIONS.get(event.kind)
            if transition is None:
                raise RunError(f"unknown event {event.kind!r} in run {run.id}; a newer version of the program wrote it")
            transition(run, event)
    run.events = tuple(events)
    return run


def _started(event: RunEvent) -> Run:
    body = event.body
    if digest_of(body["playbook"]) != body["digest"]:
        raise RunError(f"run {event.run} is pinned to {body['digest']}, but its playbook has another content")
    playbook = Playbook.model_validate(body["playbook"])
    library = {name: Playbook.model_validate(called) for name, called in body["called"].items()}
    steps = {bound.id: StepState(bound) for bound in bind(playbook, body["params"], library)}
    return Run(
        id=event.run,
        playbook=playbook,
        digest=body["digest"],
        params=body["params"],
        context=body["context"],
        started_at=event.at,
        started_by=event.actor,
        driver=body["driver"],
        steps=steps,
        cursor=next(iter(steps)),
    )


def _end(run: Run, event: RunEvent, status: StepStatus) -> StepState:
    state = run.steps[event.step or ""]
    state.status, state.ended_at, state.ended_by = status, event.at, event.actor
    state.blocked, state.retry_at, state.deadline = "", None, None
    return state


def _go_on(run: Run, state: StepState, target: str | None = None) -> None:
    if run.cursor == state.id:
        run.cursor = target or state.step.next or state.bound.follows


def _done(run: Run, event: RunEvent) -> None:
    state = _end(run, event, StepStatus.DONE)
    state.reason = event.body.get("text", "")
    _go_on(run, state)


def _fail(run: Run, event: RunEvent, rule: OnFail) -> None:
    state = _end(run, event, StepStatus.FAILED)
    state.reason = event.body.get("why", state.reason)
    run.failed_once = True
    if rule.then == "recovered":
        _go_on(run, state)
    elif rule.then == "goto":
        _go_on(run, state, rule.step)


def _failed(run: Run, event: RunEvent) -> None:
    step = run.steps[event.step or ""].step
    timed_out = event.body.get("timed_out") and isinstance(step, WaitStep)
    _fail(run, event, step.on_timeout if timed_out and isinstance(step, WaitStep) else step.on_fail)


def _taken(run: Run, event: RunEvent) -> None:
    run.driver = event.actor


def _arrived(run: Run, event: RunEvent) -> None:
    state = run.steps[event.step or ""]
    state.arrived_at = event.at
    deadline = event.body.get("deadline")
    state.deadline = datetime.fromisoformat(deadline) if deadline else None
    state.status = StepStatus.RUNNING if isinstance(state.step, CheckStep | WaitStep) else StepStatus.WAITING


def _blocked(run: Run, event: RunEvent) -> None:
    state = run.steps[event.step or ""]
    state.blocked, state.status = event.body["sentence"], StepStatus.WAITING


def _answered(run: Run, event: RunEvent) -> None:
    """The answer of a check step: done, tried again, or failed, by the step's own words."""
    state = run.steps[event.step or ""]
    state.answer = CheckResult.model_validate(event.body["result"])
    step = state.step
    if not isinstance(step, CheckStep) or step.passes is None or state.answer.state in step.passes:
        _end(run, event, StepStatus.DONE)
        _go_on(run, state)
    elif state.attempt <= step.retries.count:
        pause = step.retries.delay.total_seconds() * step.retries.backoff ** (state.attempt - 1)
        state.attempt += 1
        state.retry_at, state.status, state.blocked = event.at + timedelta(seconds=pause), StepStatus.RUNNING, ""
    else:
        _fail(run, event, step.on_fail)
        state.reason = state.answer.sentence.raw


def _suggested(run: Run, event: RunEvent) -> None:
    result = event.body["result"]
    run.steps[event.step or ""].suggestion = Suggestion(
        choice=event.body["choice"],
        result=CheckResult.model_validate(result) if result else None,
        not_now=event.body["not_now"],
        at=event.at,
    )


def _decided(run: Run, event: RunEvent) -> None:
    state = _end(run, event, StepStatus.DONE)
    state.chosen, state.reason = event.body["chosen"], event.body["reason"]
    choice = next(item for item in getattr(state.step, "choices", ()) if item.id == state.chosen)
    _go_on(run, state, choice.next)


def _intended(run: Run, event: RunEvent) -> None:
    state = run.steps[event.step or ""]
    body = event.body
    again = next((intent for intent in state.intents if intent.key == body["key"]), None)
    if again is not None:
        again.outcome = None
    else:
        state.intents.append(
            Intent(
                key=body["key"],
                call=ActionCall.model_validate(body["call"]),
                at=event.at,
                actor=event.actor,
                plan=PlanSummary.model_validate(body["plan"]) if body.get("plan") else None,
                approval=body.get("approval", False),
                undo_call=ActionCall.model_validate(body["undo_call"]) if body.get("undo_call") else None,
                undoes=body.get("undoes"),
            )
        )
    if not body.get("undoes"):
        state.status, state.blocked = StepStatus.IN_DOUBT, ""


def _outcome(run: Run, event: RunEvent) -> None:
    """What became of an intent. Only the first definite outcome counts; a later one stays in the record."""
    state = run.steps[event.step or ""]
    intent = next((item for item in state.intents if item.key == event.body["key"]), None)
    if intent is None or not intent.in_doubt:
        return
    intent.outcome = ActionOutcome.model_validate(event.body["result"])
    intent.resolved_by, intent.reason = event.body.get("resolved_by"), event.body.get("reason", "")
    if intent.undoes:
        for undone in state.intents:
            undone.undone = undone.undone or (undone.key == intent.undoes and intent.outcome.state == "effective")
    elif intent.outcome.state == "effective" and intent.approval:
        status = event.body.get("status")
        state.approval = ApprovalStatus.model_validate(status) if status else None
        state.status = StepStatus.RUNNING
    elif intent.outcome.state == "effective":
        _end(run, event, StepStatus.DONE)
        _go_on(run, state)
    elif intent.outcome.state == "failed":
        state.attempt += 1
        if state.attempt <= state.step.retries.count + 1:
            state.status, state.blocked = StepStatus.WAITING, f"tried, and failed: {intent.outcome.sentence.raw}"
        else:
            _fail(run, event, state.step.on_fail)
            state.reason = intent.outcome.sentence.raw


def _polled(run: Run, event: RunEvent) -> None:
    state = run.steps[event.step or ""]
    if "status" in event.body:
        state.approval = ApprovalStatus.model_validate(event.body["status"])
        return
    state.answer = CheckResult.model_validate(event.body["result"])
    until = getattr(state.step, "until", None)
    holds = until is not None and state.answer.state in until.states
    state.held_since = (state.held_since or event.at) if holds else None


def _evidence(run: Run, event: RunEvent) -> None:
    run.steps[event.step or ""].evidence[event.body["name"]] = CheckResult.model_validate(event.body["result"])


def _skipped(run: Run, event: RunEvent) -> None:
    state = _end(run, event, StepStatus.SKIPPED)
    state.reason, state.automatic = event.body["reason"], event.body.get("automatic", False)
    _go_on(run, state)


def _reset(state: StepState) -> None:
    """Back to pending with its history of intents: the next attempt gets a key of its own."""
    fresh = StepState(state.bound, attempt=state.attempt + 1, intents=state.intents)
    for name in ("status", "attempt", "arrived_at", "deadline", "ended_at", "ended_by", "answer", "suggestion", "chosen"):
        setattr(state, name, getattr(fresh, name))
    state.evidence, state.reason, state.blocked, state.automatic = {}, "", "", False
    state.retry_at = state.held_since = state.approval = None


def _retried(run: Run, event: RunEvent) -> None:
    _reset(run.steps[event.step or ""])
    run.cursor = event.step or ""


def _reopened(run: Run, event: RunEvent) -> None:
    """A decision taken again: it and everything after it is open once more."""
    order = list(run.steps)
    for step_id in order[order.index(event.step or "") :]:
        if run.steps[step_id].status is not StepStatus.PENDING:
            _reset(run.steps[step_id])
    run.cursor = event.step or ""


def _noted(_run: Run, _event: RunEvent) -> None:
    """A note changes nothing; it is in the record."""


def _ended(run: Run, event: RunEvent) -> None:
    run.outcome, run.ended_at = event.body["outcome"], event.at


_TRANSITIONS: dict[str, Callable[[Run, RunEvent], None]] = {
    "taken": _taken,
    "arrived": _arrived,
    "blocked": _blocked,
    "answered": _answered,
    "suggested": _suggested,
    "decided": _decided,
    "intended": _intended,
    "outcome": _outcome,
    "polled": _polled,
    "evidence": _evidence,
    "done": _done,
    "failed": _failed,
    "skipped": _skipped,
    "retried": _retried,
    "reopened": _reopened,
    "noted": _noted,
    "ended": _ended,
}
