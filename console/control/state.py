"""The state of control: what a fold over the journal gives, and nothing that the journal does not say."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from backends.journal.entries import GENESIS
from backends.journal.snapshot import Snapshot
from backends.records import Alert, Incident
from console.control.actions import ActionKind, ActionState
from console.control.approval import Approval, ApprovalState
from console.control.layers import Layered, LayeredSet
from console.control.records import ActionRecord, Gap, Note, Review, RuleResponse, RunEvent

_CONTAINERS: Final = (Layered, LayeredSet, dict, set, list)


@dataclass
class ControlState:
    """Everything that control knows, by id. Treat it as read-only: `fold` makes new ones."""

    last_seq: int = 0
    last_hash: str = GENESIS
    actions: Layered[ActionRecord] = field(default_factory=Layered)
    action_by_key: Layered[str] = field(default_factory=Layered)
    unfinished: set[str] = field(default_factory=set)
    """Ids of the actions of which nobody knows yet how they ended."""
    approvals: Layered[Approval] = field(default_factory=Layered)
    asked_by_key: Layered[str] = field(default_factory=Layered)
    unended: dict[str, None] = field(default_factory=dict)
    """Ids of the requests that are not used up, vetoed, void or passed by the journal, oldest first; some of them may have expired."""
    incidents: Layered[Incident] = field(default_factory=Layered)
    incident_by_alert: Layered[str] = field(default_factory=Layered)
    unclosed: dict[str, None] = field(default_factory=dict)
    """Ids of the incidents that are not closed, oldest first."""
    alerts: Layered[Alert] = field(default_factory=Layered)
    firing: dict[str, None] = field(default_factory=dict)
    """Ids of the alerts that are not closed, oldest first."""
    responses: Layered[RuleResponse] = field(default_factory=Layered)
    """What rules answered beside alerts, by id of the alert."""
    acknowledged: Layered[Note] = field(default_factory=Layered)
    """The latest acknowledgement by subject."""
    notes: Layered[Note] = field(default_factory=Layered)
    """By the key of their entry."""
    recorded: LayeredSet = field(default_factory=LayeredSet)
    """Keys of the entries that are notes, acknowledgements and steps of incidents."""
    runs: Layered[tuple[RunEvent, ...]] = field(default_factory=Layered)
    breakers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was said last of each breaker that a person held or let go, with the key of its entry."""
    elevations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Begin, end and reason of each elevation that was not ended nor passed by a later entry, by whom, where and on which terminal."""
    reviews: Layered[Review] = field(default_factory=Layered)
    """What was done by breaking the glass, and whether somebody looked at it since."""
    unreviewed: dict[str, None] = field(default_factory=dict)
    """Ids of the reviews that wait for somebody else, oldest first."""
    late: LayeredSet = field(default_factory=LayeredSet)
    """Keys of entries that were noted outside the journal first and taken over later."""
    breaks: list[int] = field(default_factory=list)
    """Numbers of entries that record a broken chain."""
    gap: Gap | None = None
    """What is noted outside the journal; set by `read_state`."""
    refused_notes: tuple[str, ...] = ()
    """What lies in the spool in the name of somebody who did not write it; set by `read_state`, and no part of anything above."""
    problem: str | None = None
    """Why the journal could not be read; then the rest is what the spool says. Set by `read_state`."""
    snapshot: Snapshot | None = field(default=None, compare=False)
    """What the state was built upon, None when it was folded from the first entry."""

    def open_actions(self) -> list[ActionRecord]:
        """Actions of which nobody knows yet how they ended, oldest first."""
        return [self.actions[identifier] for identifier in sorted(self.unfinished, key=lambda each: self.actions[each].entries)]

    def open_incidents(self, environment: str | None = None, model: str | None = None) -> list[Incident]:
        """Incidents that are not closed, oldest first."""
        return [
            incident
            for incident in map(self.incidents.__getitem__, self.unclosed)
            if environment in {None, incident.environment} and model in {None, incident.model}
        ]

    def firing_alerts(self, environment: str | None = None, model: str | None = None) -> list[Alert]:
        """Alerts that are not closed, oldest first."""
        return [
            alert
            for alert in map(self.alerts.__getitem__, self.firing)
            if environment in {None, alert.environment} and model in {None, alert.model}
        ]

    def open_approvals(self, now: datetime, environment: str | None = None, model: str | None = None) -> list[Approval]:
        """Requests that wait for a person or for execution at `now`, oldest first."""
        return [
            approval
            for approval in map(self.approvals.__getitem__, self.unended)
            if approval.state_at(now) in {ApprovalState.PENDING, ApprovalState.APPROVED}
            and environment in {None, approval.payload.environment}
            and model in {None, approval.payload.model}
        ]

    def open_reviews(self, environment: str | None = None, model: str | None = None) -> list[Review]:
        """Broken glass that nobody else has looked at, oldest first."""
        return [
            review
            for review in map(self.reviews.__getitem__, self.unreviewed)
            if environment in {None, review.environment} and model in {None, review.model}
        ]

    def approval_for(self, kind: ActionKind, environment: str, model: str, to: str, now: datetime) -> Approval | None:
        """The open request for exactly this, the newest."""
        wanted = (kind, environment, model, to)
        return next(
            (
                approval
                for approval in reversed(self.open_approvals(now, environment, model))
                if (approval.payload.action, approval.payload.environment, approval.payload.model, approval.payload.to) == wanted
            ),
            None,
        )

    def action(self, wanted: str) -> ActionRecord | None:
        """An action by id, key, or the unambiguous beginning of its id."""
        exact = self.actions.get(wanted) or self.actions.get(self.action_by_key.get(wanted, ""))
        if exact is not None:
            return exact
        if len(wanted) <= 2:
            return None
        found = [identifier for identifier in self.actions if identifier.startswith(wanted)]
        return self.actions[found[0]] if len(found) == 1 else None

    def notes_about(self, subject: str) -> list[Note]:
        """Notes on one incident, model or action, oldest first."""
        return [note for note in self.notes.values() if note.subject == subject]

    def with_live_holders(self, alive: Callable[[ActionRecord], bool]) -> ControlState:
        """The same state with every unfinished action marked: in flight while `alive` says so, else in doubt."""
        if not self.unfinished:
            return self
        changed = self.copied()
        for action in self.open_actions():
            if action.awaits:
                # It arrived and stands: what it waits for is no doubt of its own.
                continue
            flying = action.state in {ActionState.INTENDED, ActionState.SENT} and alive(action)
            state = action.state if flying else ActionState.IN_DOUBT
            changed.actions[action.id] = action.model_copy(update={"in_flight": flying, "state": state})
        return changed

    def copied(self) -> ControlState:
        """A state with its own containers and the same records."""
        other = copy(self)
        for name, value in vars(other).items():
            if isinstance(value, _CONTAINERS):
                setattr(other, name, value.copy())
        return other
