"""From the action of a step to the errand that its plan's screen carries out."""

from __future__ import annotations

from console.control.actions import SWITCH_STATES, ActionKind
from console.control.ledger import read_state
from console.errands import SWITCH_CHOICES, Errand
from console.runbook.host import DeskHost
from console.runbook.records import run_of
from console.session import Session
from playbooks.format import ActionCall
from playbooks.host import HostError
from playbooks.run import Run


def errand_of(session: Session, run_id: str | None, *, undo: bool = False) -> Errand:
    """The errand of the action at the run's cursor, under the key by which the run finds it again; with `undo` of taking the last
    action back. Raises LookupError saying why there is none."""
    run = run_of(read_state(session.paths), run_id)
    if run is None:
        raise LookupError("no run was started")
    call, key = _undoing(run) if undo else _acting(run)
    incident = run.context.get("incident")
    kind = ActionKind(call.kind)
    kinds = SWITCH_CHOICES if kind in SWITCH_STATES else (kind,)
    errand = Errand(session, str(call.args["model"]), kinds, incident=str(incident) if incident else None, run=run.id)
    decision = next((step for step in run.steps.values() if step.suggestion is not None), None)
    suggested = decision.suggestion.choice if decision is not None and decision.suggestion is not None else None
    # A switch's plan opens on the state that is suggested; here that is what was chosen, or the way back.
    errand.suggested = SWITCH_STATES[kind].value if kind in SWITCH_STATES else suggested
    errand.keys[kind] = key
    with errand.desk() as desk:
        host = DeskHost(errand.workspace, errand.environment, desk, run=run.id, incident=errand.incident)
        try:
            errand.to = host.request(call).to
        except HostError as error:
            raise LookupError(str(error)) from None
    return errand


def _acting(run: Run) -> tuple[ActionCall, str]:
    state = run.current
    call = run.call_of(state) if state is not None else None
    if state is None or call is None:
        raise LookupError("there is no action at this step: take the decision first")
    return call, f"{run.id}:{state.id}:{state.attempt}"


def _undoing(run: Run) -> tuple[ActionCall, str]:
    for state in reversed(run.steps.values()):
        intent = state.undoable
        if intent is not None and intent.undo_call is not None:
            tries = sum(1 for item in state.intents if item.undoes == intent.key)
            return intent.undo_call, f"{intent.key}:undo{tries + 1}"
    raise LookupError("nothing was done here that says how it is taken back")
