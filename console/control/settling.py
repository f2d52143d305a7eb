"""Finds out how an action ended when nobody was there to see it: by looking, never by running it again."""

from __future__ import annotations

import contextlib
from typing import Literal

from backends.journal.entries import JournalConflict
from backends.protocol import BackendError
from console.control import events, incidents
from console.control.actions import ENDED, ActionOutcome, ActionState, Call
from console.control.errors import Refused
from console.control.execution import outcome_body, outcome_drafts, outcome_of
from console.control.holders import holder_alive, with_doubts
from console.control.movements import movement_for
from console.control.post import Post
from console.control.records import ActionRecord


class Settling(Post):
    """Rechecks and settles actions in doubt, and records whether an action helped."""

    def recheck(self, action_id: str) -> ActionOutcome:
        """Find out how an action in doubt ended, by reading back; never runs it again.

        Where the backend can, a call that had no effect is forbidden first, so that it cannot arrive later. Raises NotFound,
        Refused or JournalUnavailable.
        """
        action = self._unsettled(action_id)
        if action.state in ENDED:
            return outcome_of(action)
        if holder_alive(action):
            return outcome_of(action.model_copy(update={"message": "still under way: wait for it", "in_flight": True}))
        movement = movement_for(self._reach, action, key=action.key, who=action.actor.who, reason=action.reason)
        started = self.clock.monotonic()
        try:
            seen = movement.read()
            calls = [_call(movement.read_call(), str(seen.value), started, self.clock.monotonic())]
            if seen.ours:
                message = "found in effect" if seen.in_force else f"it took effect and was replaced since: {seen.value} now"
                return self._settle(action, ActionState.EFFECTIVE, message, after=seen.value, calls=calls)
            applied = movement.forbid()
            if applied:
                seen = movement.read()
                return self._settle(action, ActionState.EFFECTIVE, "found in effect", after=seen.value, calls=calls)
        except BackendError as error:
            return outcome_of(action.model_copy(update={"message": f"still in doubt: {error}"}))
        if applied is None and seen.value != action.from_:
            return outcome_of(action.model_copy(update={"message": f"still in doubt: {seen.value} is in force, and nobody can say why"}))
        message = f"it had not taken effect: {seen.value} is in force" + ("" if applied is None else ", and that call can no longer arrive")
        return self._settle(action, ActionState.FAILED, message, after=seen.value, calls=calls)

    def resolve(self, action_id: str, *, effective: bool, reason: str) -> ActionOutcome:
        """Settle an action in doubt by a person's word, where nothing can be read back. Raises as `recheck`."""
        if not reason.strip():
            raise Refused("say how you know: a reason is needed")
        action = self._unsettled(action_id)
        if action.state in ENDED:
            return outcome_of(action)
        if holder_alive(action):
            raise Refused(f"{action.id} is still under way: wait for it")
        state = ActionState.EFFECTIVE if effective else ActionState.FAILED
        return self._settle(action, state, f"settled by {self.actor.who}: {reason}", after=None, calls=[])

    def record_effect(
        self, action_id: str, verdict: Literal["watching", "helped", "no effect", "worse", "unknown"], message: str, *, key: str
    ) -> ActionRecord:
        """Record whether an action helped, as the evaluator sees it. When it helped, its incident is mitigated. Raises NotFound."""
        self._require_standing()
        action = self._found(self._ledger.state(), action_id)
        body = {"verdict": verdict, "message": message}
        self._ledger.record(self._ledger.draft(f"action/{action.key}/watched/{key}", events.WATCHED, action.id, body))
        state = self._ledger.state()
        incident = state.incidents.get(action.incident or "")
        if verdict == "helped" and incident is not None and incident.state == "open":
            incidents.change(self._ledger, incident.id, "mitigated", key, {"text": message})
        return self._ledger.state().actions[action.id]

    def _unsettled(self, action_id: str) -> ActionRecord:
        self._require_standing()
        self._ledger.absorb()
        return self._found(with_doubts(self._ledger.state), action_id)

    def _settle(self, action: ActionRecord, state: ActionState, message: str, *, after: str | None, calls: list[Call]) -> ActionOutcome:
        body = outcome_body(message, after=after, calls=calls, settled_by=self.actor.who)
        drafts = outcome_drafts(self._ledger, action.key, action.id, approval=action.approval, state=state, body=body)
        # A conflict means that somebody else ended it first: then their word stands.
        with contextlib.suppress(JournalConflict):
            self._ledger.record(*drafts)
        outcome = outcome_of(self._ledger.state().actions[action.id], repeated=False)
        self._landing.land(outcome, self.clock.now())
        return outcome


def _call(call: str, result: str, started: float, ended: float) -> Call:
    return Call(call=call, result=result, ms=round((ended - started) * 1000, 3))
