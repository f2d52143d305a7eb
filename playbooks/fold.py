"""A run is the fold of its events: the same events always give the same state, on any machine, after any crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from backends.records import digest_of
from playbooks.binding import bind
from playbooks.format import (
    ActionCall,
    CheckStep,
    OnFail,
    Playbook,
    WaitStep,
)
from playbooks.host import ActionOutcome, ApprovalStatus, CheckResult, PlanSummary, RunEvent
from playbooks.run import Intent, Run, RunError, StepState, StepStatus, Suggestion


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
