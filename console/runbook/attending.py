"""Opening an incident: starts its playbook once, answers the checks that need nobody, looks at what it waits for."""

from __future__ import annotations

from typing import Any

from backends.records import Incident
from console.config import Workspace
from console.control.actions import ActionKind, ActionState
from console.control.desk import Desk
from console.control.errors import JournalUnavailable, NotFound
from console.control.ledger import read_state
from console.runbook.about import found_incident, params_of
from console.runbook.host import DeskHost
from console.runbook.records import run_of
from playbooks.format import ActionStep, DecisionStep, WaitStep
from playbooks.host import HostError, RunMovedError
from playbooks.library import load_library
from playbooks.run import Run, StepState, StepStatus
from playbooks.runner import Runner, RunRefusedError, start_run

HELPED = "helped"


def attend(workspace: Workspace, environment: str, desk: Desk, incident_id: str) -> Run | None:
    """Bring the run of an incident to where a person is needed; start it when there is none.

    Does nothing, and returns the run as it stands, for somebody who may only look: no role, the past, read-only, a program; and
    for an incident that is closed. None: there is no run. Raises NotFound; HostError when the journal cannot be written.
    """
    state = read_state(workspace.paths)
    incident = found_incident(state, incident_id)
    run = run_of(state, incident.run)
    if not may_attend(desk, incident) or incident.state == "closed":
        return run
    if run is None:
        if incident.playbook is None:
            return None
        run = open_run(workspace, desk, incident, incident.playbook)
    if run is None or run.outcome:
        return run
    runner = runner_for(workspace, environment, desk, run.id, incident.id)
    if incident.driver == desk.actor.name:
        runner.take()
    adopt(runner)
    run = runner.poll()
    tell_whether_it_helped(workspace, desk, run)
    return run


def may_attend(desk: Desk, incident: Incident) -> bool:
    """Whether opening this incident may write: a person who may act now."""
    return not desk.actor.program and desk.refusal(ActionKind.PLAYBOOK, incident.environment, incident.model) is None


def why_only_looking(workspace: Workspace, desk: Desk, incident_id: str) -> str | None:
    """Why this person moves no playbook of an open incident; None: they may. Raises NotFound."""
    incident = found_incident(read_state(workspace.paths), incident_id)
    return None if incident.state == "closed" else desk.refusal(ActionKind.PLAYBOOK, incident.environment, incident.model)


def open_run(workspace: Workspace, desk: Desk, incident: Incident, playbook: str, *, again: str = "") -> Run | None:
    """Start the playbook of an incident: once, whoever opens it first. None when the library has no such playbook.

    `again` names a further run of the same playbook. Raises BindingError on parameters that do not fit; Refused.
    """
    library = load_library(workspace.paths.playbooks)
    book = library.get(playbook)
    if book is None:
        return None
    key = "/".join(filter(None, (incident.id, playbook, again)))
    try:
        body = {"digest": book.digest}
        run = desk.open_run(playbook, body, environment=incident.environment, model=incident.model, incident=incident.id, key=key)
    except JournalUnavailable as error:
        raise HostError(str(error)) from error
    host = DeskHost(workspace, incident.environment, desk, run=run, incident=incident.id)
    context = {"incident": incident.id, "alerts": list(incident.alerts), "environment": incident.environment}
    try:
        return start_run(
            host,
            run,
            book,
            actor=desk.actor.name,
            params=params_of(workspace, book, incident),
            library=library,
            context=context,
            driver=incident.driver,
        )
    except RunMovedError:
        return run_of(read_state(workspace.paths), run)


def runner_for(workspace: Workspace, environment: str, desk: Desk, run: str, incident: str | None) -> Runner:
    """The run in the hands of the person of `desk`. Raises RunError when there is none."""
    return Runner(DeskHost(workspace, environment, desk, run=run, incident=incident), run, desk.actor.name)


def adopt(runner: Runner) -> Run:
    """Take over what was done to the model outside the run since its decision was reached, from a plan's own screen or verb.

    The desk wrote the intent before it acted, so nothing is lost when this comes late. At the decision it counts as the choice.
    """
    run = runner.reload()
    host, state = runner.host, run.current
    assert isinstance(host, DeskHost)
    run = _adopt_undo(runner, host, run)
    if run.outcome or run.in_doubt or state is None or state.arrived_at is None:
        return run
    decision = _decision_before(run, state)
    since = decision.arrived_at if decision is not None and decision.arrived_at is not None else state.arrived_at
    known = {intent.key for each in run.steps.values() for intent in each.intents}
    for action in read_state(host.workspace.paths).actions.values():
        mine = (action.environment, action.model) == (str(run.params.get("environment", host.environment)), run.params.get("model"))
        if not mine or action.key in known or action.intended_at < since or action.in_flight:
            continue
        if action.state in {ActionState.REFUSED, ActionState.FAILED}:
            continue
        choice = _choice_of(state, action.kind.value)
        call = run.call_of(state) if isinstance(state.step, ActionStep) else None
        if choice is None and (call is None or call.kind != action.kind.value):
            continue
        summary, outcome = host.done_elsewhere(action)
        try:
            return runner.record_done(summary, action.key, outcome, choice=choice, reason="done from its own plan")
        except RunRefusedError:
            return runner.reload()
    return run


def _adopt_undo(runner: Runner, host: DeskHost, run: Run) -> Run:
    """What was taken back from a plan's own screen, under the key that the run gave it."""
    for step in run.steps.values():
        intent = step.undoable
        if intent is None:
            continue
        tries = sum(1 for item in step.intents if item.undoes == intent.key)
        control = read_state(host.workspace.paths)
        action = control.actions.get(control.action_by_key.get(f"{intent.key}:undo{tries + 1}", ""))
        if action is not None and not action.in_flight and action.state is not ActionState.REFUSED:
            summary, outcome = host.done_elsewhere(action)
            return runner.record_undone(step.id, summary, action.key, outcome)
    return run


def _decision_before(run: Run, state: StepState) -> StepState | None:
    """The decision at the cursor, or the one that the action at the cursor carries out."""
    if isinstance(state.step, DecisionStep):
        return state
    return run.steps.get(getattr(state.step, "from_decision", None) or "")


def _choice_of(state: StepState, kind: str) -> str | None:
    """The choice of the decision at the cursor that an action of this kind carries out."""
    if not isinstance(state.step, DecisionStep):
        return None
    return next((choice.id for choice in state.step.choices if choice.action is not None and choice.action.kind == kind), None)


def tell_whether_it_helped(workspace: Workspace, desk: Desk, run: Run) -> None:
    """Record on the last action of a run what its wait found: it helped, and the incident is mitigated, or it did not."""
    order = list(run.steps.values())
    control = read_state(workspace.paths)
    for number, state in enumerate(order):
        if not isinstance(state.step, WaitStep) or state.step.until is None or state.step.until.args.get("since") != "mitigation":
            continue
        if state.status not in {StepStatus.DONE, StepStatus.FAILED} or state.answer is None:
            continue
        receipts = [intent.outcome.receipt for each in order[:number] for intent in each.intents if intent.outcome and not intent.undone]
        action = control.actions.get(receipts[-1] or "") if receipts else None
        verdict: Any = HELPED if state.status is StepStatus.DONE else "no effect"
        if action is None or (action.watch is not None and action.watch.verdict == verdict):
            continue
        try:
            desk.record_effect(action.id, verdict, state.answer.sentence.raw, key=f"{run.id}:{state.id}:{state.attempt}")
        except (NotFound, JournalUnavailable):
            continue
