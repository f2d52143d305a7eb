"""Looking for the runs that were asked for: a request is in effect from the round on that finds a run on record which names it."""

from __future__ import annotations

from console.control.actions import ActionState
from console.control.desk import Desk
from console.control.ledger import read_state


def answered(desk: Desk) -> list[str]:
    """One line for each request whose run has begun. Looking writes nothing while it has not. Raises Refused or JournalUnavailable."""
    lines = []
    for action in read_state(desk.paths).open_actions():
        if not action.awaits:
            continue
        outcome = desk.recheck(action.id)
        if outcome.state is ActionState.EFFECTIVE:
            lines.append(f"{action.id} {action.kind.value} of {action.model}: {outcome.after}")
    return lines
