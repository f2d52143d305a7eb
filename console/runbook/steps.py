"""The steps of a run as a screen or verb shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from backends.records import State
from backends.text import Untrusted
from console.control.actions import ActionKind
from console.control.state import ControlState
from console.views.incidents.incident import AnswerView, ChoiceView, DecisionView, OperationView, PlaybookHead, StepView, WaitView
from console.views.sight import Sight
from console.views.versions.serving import aliases_at
from playbooks.binding import bind
from playbooks.format import ActionCall, Argument, CheckStep, DecisionStep, EscalateStep, Playbook, WaitStep
from playbooks.host import CheckResult
from playbooks.run import Intent, Run, StepState, StepStatus

_MARKS: Final = {
    StepStatus.DONE: State.OK,
    StepStatus.FAILED: State.CRITICAL,
    StepStatus.SKIPPED: State.STALE,
    StepStatus.IN_DOUBT: State.CRITICAL,
    StepStatus.WAITING: State.UNKNOWN,
    StepStatus.RUNNING: State.UNKNOWN,
}

NOW: Final = "now"
"""The name of the row of what serves now, beside the choices."""

NEEDS: Final = {"fallback": "1 operator", "degrade": "1 operator", "kill": "1 operator", "rollback": "1 operator"}


def head_of(book: Playbook, now: datetime) -> PlaybookHead:
    """Line 3: which playbook, its digest, who verified it and until when."""
    return PlaybookHead(
        id=book.id,
        version=book.version,
        digest=book.digest,
        title=book.title,
        owner=book.owner,
        verified_at=book.verified_at.isoformat(),
        verified_by=book.verified_by,
        expires_at=book.expires_at.isoformat(),
        expired=book.expires_at < now.date(),
    )


def planned(book: Playbook, params: Mapping[str, Argument], library: Mapping[str, Playbook]) -> tuple[StepView, ...]:
    """The steps of a playbook that nobody has begun."""
    bound = bind(book, params, library)
    return tuple(_step(number, StepState(each), None, None) for number, each in enumerate(bound, 1))


def steps_of(run: Run, sight: Sight) -> tuple[StepView, ...]:
    """The steps of a run, in order."""
    found = (_step(number, state, run, sight.control, sight.at) for number, state in enumerate(run.steps.values(), 1))
    return tuple(_beside_what_is_asked(step, run.steps[step.id], sight) if step.kind == "approval" else step for step in found)


def _beside_what_is_asked(view: StepView, state: StepState, sight: Sight) -> StepView:
    """An approval step whose request is open already, by whomever it was filed."""
    call = getattr(state.step, "action", None)
    if call is None or state.approval is not None or state.status not in {StepStatus.PENDING, StepStatus.WAITING}:
        return view
    model, to = str(call.args["model"]), str(call.args.get("to"))
    environment = str(call.args.get("environment", sight.environment))
    version = aliases_at(sight.alias_history(model), sight.at).get(to, to)
    standing = sight.control.approval_for(ActionKind(call.kind), environment, model, version, sight.at)
    if standing is None:
        return view
    return view.model_copy(update={"asked_already": standing.id, "word": view.word or standing.id})


def answer_view(step: str, check: str, result: CheckResult) -> AnswerView:
    """An answer as it was kept."""
    return AnswerView(
        step=step,
        check=check,
        at=result.at,
        state=result.state,
        sentence=result.sentence,
        value=result.value,
        limit=result.limit,
        n=result.n,
        command=result.command,
    )


def kept_evidence(run: Run) -> tuple[AnswerView, ...]:
    """Every answer that the run keeps, in the order in which it was given."""
    found = []
    for event in run.events:
        if event.kind in {"answered", "evidence"} and event.body.get("result"):
            state = run.steps[event.step or ""]
            name = event.body.get("name") or getattr(state.step, "check", state.step.kind)
            found.append(answer_view(state.id, str(name), CheckResult.model_validate(event.body["result"])))
    return tuple(found)


def _step(number: int, state: StepState, run: Run | None, control: ControlState | None, now: datetime | None = None) -> StepView:
    step = state.step
    current = run is not None and run.outcome is None and run.cursor == state.id
    text = step.text or ""
    if isinstance(step, EscalateStep):
        text = f"{step.contact}: {step.message}" + (f" {text}" if text else "")
    return StepView(
        number=number,
        id=state.id,
        phase=state.phase.value,
        kind=step.kind,
        title=step.title,
        text=text,
        status=state.status.value,
        word=_word(state, run),
        state=_mark(state),
        current=current,
        blocked=state.blocked,
        reason=Untrusted(state.reason),
        chosen=state.chosen,
        ended_at=state.over_at,
        ended_by=state.ended_by,
        answer=answer_view(state.id, _check_of(state), state.answer) if state.answer else None,
        decision=_decision(state, control, now) if isinstance(step, DecisionStep) else None,
        wait=_wait(state) if isinstance(step, WaitStep) else None,
        operations=tuple(_operation(intent) for intent in state.intents),
        approval=state.approval.sentence.raw if state.approval else None,
        undoable=state.undoable is not None,
    )


def _check_of(state: StepState) -> str:
    until = getattr(state.step, "until", None)
    return str(getattr(state.step, "check", None) or (until.check if until else state.step.kind))


def _mark(state: StepState) -> State | Literal[""]:
    if isinstance(state.step, CheckStep) and state.answer is not None and state.status is StepStatus.DONE:
        return state.answer.state
    return _MARKS.get(state.status, "") if state.status is not StepStatus.PENDING else ""


def _word(state: StepState, run: Run | None) -> str:
    """One short word beside the title."""
    status = state.status
    if isinstance(state.step, CheckStep) and state.answer is not None and status is StepStatus.DONE:
        return state.step.words.get(state.answer.state, state.answer.state.value)
    if status is StepStatus.DONE and state.chosen:
        return state.chosen
    if status is StepStatus.DONE and state.intents:
        return "approved" if state.intents[-1].approval else "effective"
    if status is StepStatus.WAITING:
        return "blocked" if state.blocked else "open"
    if status is StepStatus.RUNNING:
        return "waits"
    if status is StepStatus.PENDING:
        return ""
    if status is StepStatus.SKIPPED:
        return "passed over" if state.automatic else "skipped"
    del run
    return {StepStatus.IN_DOUBT: "IN DOUBT", StepStatus.FAILED: "FAILED"}.get(status, "done")


def _decision(state: StepState, control: ControlState | None, now: datetime | None) -> DecisionView:
    step, suggestion = state.step, state.suggestion
    assert isinstance(step, DecisionStep)
    result = suggestion.result if suggestion else None
    options = {option.choice: option for option in result.options} if result else {}
    serving = options.get(NOW)
    choices = []
    if serving is not None:
        choices.append(
            ChoiceView(id=NOW, title="what serves now", version=serving.version, figures=_known(serving.figures), note=serving.note)
        )
    for choice in step.choices:
        option = options.get(choice.id)
        choices.append(
            ChoiceView(
                id=choice.id,
                title=choice.title,
                text=choice.text or "",
                version=option.version if option else None,
                figures=_known(option.figures) if option else {},
                last_served=option.last_served if option else None,
                needs=_needs(choice.action, control, now, option.version if option else None),
                suggested=suggestion is not None and suggestion.choice == choice.id,
                chosen=state.chosen == choice.id,
                not_now=suggestion.not_now.get(choice.id) if suggestion else None,
                better=option.better if option else None,
                note=option.note if option else Untrusted(""),
            )
        )
    return DecisionView(
        question=step.title,
        about=result.sentence if result else Untrusted(""),
        at=suggestion.at if suggestion else None,
        rows=result.n if result else None,
        suggested=suggestion.choice if suggestion else None,
        choices=tuple(choices),
    )


def _known(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if value is not None}


def _needs(call: ActionCall | None, control: ControlState | None, now: datetime | None, version: str | None) -> str:
    if call is None:
        return ""
    if call.kind in NEEDS:
        return NEEDS[call.kind]
    if control is not None and now is not None:
        for approval in control.open_approvals(now, None, str(call.args.get("model"))):
            if approval.payload.action.value == call.kind and version in {None, approval.payload.to}:
                return f"{approval.id}, {approval.granted} of {approval.payload.needed}"
    return "an approval"


def _wait(state: StepState) -> WaitView:
    step = state.step
    assert isinstance(step, WaitStep)
    if step.until is None:
        hours = step.duration.total_seconds() / 3600 if step.duration else 0.0
        until = state.arrived_at + step.duration if state.arrived_at and step.duration else None
        return WaitView(what=f"{hours:g} h to pass", until=until, hold_hours=0.0, held_since=None, answer=None)
    args = [str(value) for name, value in step.until.args.items() if name not in {"model", "environment", "since"}]
    since = ", on rows since the mitigation" if step.until.args.get("since") == "mitigation" else ""
    wanted = " or ".join(each.value for each in step.until.states)
    return WaitView(
        what=f"{' '.join([step.until.check, *args])} to be {wanted}{since}",
        until=state.deadline,
        hold_hours=step.hold.total_seconds() / 3600,
        held_since=state.held_since,
        answer=answer_view(state.id, step.until.check, state.answer) if state.answer else None,
    )


def _operation(intent: Intent) -> OperationView:
    outcome = intent.outcome
    args = intent.call.args
    target = " ".join(str(value) for name, value in args.items() if name in {"model", "to"})
    return OperationView(
        key=intent.key,
        kind=("ask for " if intent.approval else "") + intent.call.kind,
        target=target,
        at=intent.done_at,
        actor=intent.actor,
        state=outcome.state if outcome else "in doubt",
        sentence=outcome.sentence if outcome else Untrusted("it was announced, and nobody knows whether it was done"),
        seconds=outcome.seconds if outcome else None,
        calls=outcome.calls if outcome else (),
        undoes=intent.undoes is not None,
        undone=intent.undone,
        receipt=outcome.receipt if outcome else None,
    )
