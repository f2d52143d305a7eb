"""From the entries of the journal to the state of control.

`fold` is pure: the same entries give the same state, in whatever portions they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from backends.journal.entries import Entry
from console.control import events
from console.control.entry_effects import (
    acknowledged,
    action_ended,
    action_in_doubt,
    action_intended,
    action_rechecked,
    action_retried,
    action_sent,
    action_watched,
    alert_closed,
    alert_opened,
    approval_asked,
    approval_ended,
    approval_executing,
    approval_released,
    approval_voted,
    breaker_moved,
    chain_broken,
    elevation_begun,
    elevation_ended,
    gap_closed,
    happened_at,
    incident_changed,
    incident_joined,
    incident_opened,
    logged_over,
    noted,
    reviewed,
    rule_responded,
    run_event,
    time_passed,
)
from console.control.state import ControlState

_STEPS: dict[str, Callable[[ControlState, Entry], None]] = {
    events.INTENDED: action_intended,
    events.SENT: action_sent,
    events.EFFECTIVE: action_ended,
    events.FAILED: action_ended,
    events.REFUSED: action_ended,
    events.IN_DOUBT: action_in_doubt,
    events.WATCHED: action_watched,
    events.RECHECKED: action_rechecked,
    events.RETRIED: action_retried,
    events.APPROVED: approval_voted,
    events.VETOED: approval_ended,
    events.VOIDED: approval_ended,
    events.EXECUTED: approval_ended,
    events.EXECUTING: approval_executing,
    events.RELEASED: approval_released,
    events.REVIEWED: reviewed,
    events.ALERT_OPENED: alert_opened,
    events.ALERT_CLOSED: alert_closed,
    events.RESPONDED: rule_responded,
    events.LOGGED_OVER: logged_over,
    events.INCIDENT_OPENED: incident_opened,
    events.INCIDENT_JOINED: incident_joined,
    events.TAKEN: incident_changed,
    events.HANDED_OVER: incident_changed,
    events.MITIGATED: incident_changed,
    events.CLOSED: incident_changed,
    events.ACKNOWLEDGED: acknowledged,
    events.NOTED: noted,
    events.BREAKER_HELD: breaker_moved,
    events.BREAKER_LET_GO: breaker_moved,
    events.ELEVATED: elevation_begun,
    events.LOWERED: elevation_ended,
    events.GAP: gap_closed,
    events.BREAK: chain_broken,
}


def fold(entries: Iterable[Entry], onto: ControlState | None = None, until: datetime | None = None) -> ControlState:
    """Apply `entries` in order; kinds that this program does not know are counted and otherwise passed over.

    `until`: what happened later is left out. Raises ValueError naming the entry when one has a body that its kind cannot have.
    """
    state = ControlState() if onto is None else onto.copied()
    before = state.last_seq, state.last_hash
    for entry in entries:
        follows = before
        if entry.seq:
            before = entry.seq, entry.hash
        if until is not None and happened_at(entry) > until:
            continue
        try:
            if entry.kind == events.ASKED:
                approval_asked(state, entry, follows)
            elif entry.kind.startswith(events.RUN):
                run_event(state, entry)
            else:
                step = _STEPS.get(entry.kind)
                if step is not None:
                    step(state, entry)
            if entry.seq:
                # What is only noted in the spool yet carries the time that its writer says.
                time_passed(state, entry)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"entry #{entry.seq} ({entry.kind}) cannot be read: {error}") from error
        if entry.seq:
            state.last_seq, state.last_hash = entry.seq, entry.hash
    return state
