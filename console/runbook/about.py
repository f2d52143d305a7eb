"""Which incident is meant, and what its playbook wants to know of it."""

from __future__ import annotations

from collections.abc import Mapping

from backends.records import Incident
from console.config import Workspace
from console.control.errors import NotFound
from console.control.ledger import read_state
from console.control.state import ControlState
from playbooks.format import Argument, Playbook


def found_incident(state: ControlState, wanted: str) -> Incident:
    """An incident by its id, in capitals or not. Raises NotFound with the nearest."""
    found = state.incidents.get(wanted) or state.incidents.get(wanted.upper())
    if found is None:
        known = ", ".join(list(state.incidents)[-5:]) or "none was ever opened"
        raise NotFound(f"there is no incident {wanted}; there are: {known}")
    return found


def params_of(workspace: Workspace, book: Playbook, incident: Incident) -> Mapping[str, Argument]:
    """What the playbook wants to know of an incident: model, environment, and the signal of its first alert's rule."""
    known: dict[str, Argument] = {"model": incident.model, "environment": incident.environment}
    if "signal" in book.params:
        known |= _signal(workspace, incident)
    return {name: value for name, value in known.items() if name in book.params}


def _signal(workspace: Workspace, incident: Incident) -> dict[str, Argument]:
    from console.policies.load import load_policies  # few playbooks ask which signal it was

    alerts = read_state(workspace.paths).alerts
    rules = {rule.id: rule.signal for rule in load_policies(workspace.paths.policies).rules}
    return next(({"signal": rules[alerts[each].rule]} for each in incident.alerts if each in alerts and alerts[each].rule in rules), {})
