"""Incidents that wait for a person: nobody has taken it, its playbook stands at a step that only a person can end, or it can be closed."""

from __future__ import annotations

from collections.abc import Iterator

from backends.records import Incident
from backends.shell_words import command_line
from console.control.approval import ApprovalState
from console.runbook.records import run_of
from console.views.sight import Sight
from console.views.waiting.row import Wait
from playbooks.format import ApprovalStep, EscalateStep
from playbooks.run import Run, RunError, StepState, StepStatus

FOR_A_PERSON = {StepStatus.WAITING, StepStatus.FAILED, StepStatus.IN_DOUBT}


def waiting_incidents(sight: Sight) -> Iterator[Wait]:
    """One wait an incident, for what it waits for first."""
    for incident in sight.control.open_incidents(sight.environment):
        found = _wait(sight, incident)
        if found is not None:
            yield found


def _wait(sight: Sight, incident: Incident) -> Wait | None:
    try:
        run = run_of(sight.control, incident.run)
    except (RunError, ValueError) as error:
        return _of(incident, f"{incident.run} cannot be read: {error}", None, command_line("incident", incident.id))
    step = run.in_doubt or run.current if run is not None and run.outcome is None else None
    if run is not None and step is not None:
        return _at_step(sight, incident, run, step)
    if run is None and incident.driver is None and incident.state == "open":
        return _of(incident, f"nobody has taken it: {incident.title.raw}", None, command_line("ack", incident.id))
    if run is None and incident.state == "open":
        return None
    ended = f"its playbook ended, {run.outcome}" if run is not None else "it is mitigated"
    return _of(incident, f"{ended}: close it, or go on", run, command_line("close", incident.id))


def _at_step(sight: Sight, incident: Incident, run: Run, step: StepState) -> Wait | None:
    if step.status not in FOR_A_PERSON and step.doubtful is None:
        return None
    if isinstance(step.step, ApprovalStep) and step.approval is not None and _is_asked(sight, step.approval.request):
        # What is waited for is the vote, and that has a row of its own.
        return None
    number = list(run.steps).index(step.id) + 1
    told = isinstance(step.step, EscalateStep)
    where = f"step {number} of {len(run.steps)}, {step.id}"
    what = f"{where} is {step.status.value}: {step.step.title}" if step.status is not StepStatus.WAITING else f"{where}: {step.step.title}"
    return Wait(
        id=incident.id,
        kind="escalate step" if told else "incident",
        model=incident.model,
        what=f"tell {step.step.contact}: {step.step.message}" if isinstance(step.step, EscalateStep) else what,
        since=step.arrived_at or incident.opened_at,
        asked=_driver(incident, run),
        verb=command_line("incident", incident.id, options={"--step": step.id}),
        deadline=step.deadline,
    )


def _is_asked(sight: Sight, approval: str) -> bool:
    found = sight.control.approvals.get(approval)
    return found is not None and found.state_at(sight.at) in {ApprovalState.PENDING, ApprovalState.APPROVED}


def _of(incident: Incident, what: str, run: Run | None, verb: str) -> Wait:
    since = run.ended_at if run is not None and run.ended_at is not None else incident.opened_at
    return Wait(incident.id, "incident", incident.model, what, since, _driver(incident, run), verb)


def _driver(incident: Incident, run: Run | None) -> str:
    return incident.driver or (run.driver if run is not None else None) or "whoever takes it"
