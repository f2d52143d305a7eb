"""Finds out how an action ended when nobody was there to see it: by looking, never by running it again."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Literal

from backends.credentials import without_credentials
from backends.journal.entries import JournalConflict
from backends.protocol import BackendError
from console.control import events, incidents
from console.control.actions import ENDED, ActionKind, ActionOutcome, ActionState, Call, Moved, new_key
from console.control.errors import Refused
from console.control.execution import outcome_body, outcome_drafts, outcome_of, replaced, sent_draft, sent_words
from console.control.holders import under_way, with_doubts
from console.control.movements import movement_for
from console.control.post import Post
from console.control.reach import Seen
from console.control.records import ActionRecord


class Settling(Post):
    """Rechecks and settles actions in doubt, and records whether an action helped."""

    def recheck(self, action_id: str) -> ActionOutcome:
        """Find out how an action in doubt ended, by reading back; never runs it again.

        Where the backend can, a call that had no effect is forbidden first, so that it cannot arrive later. Raises NotFound,
        Refused or JournalUnavailable.
        """
        action = self._unsettled(action_id)
        self._require_role(ActionKind.SETTLE, action.environment, action.model)
        if action.state in ENDED:
            return outcome_of(action)
        if under_way(action):
            return outcome_of(action.model_copy(update={"message": "still under way: wait for it", "in_flight": True}))
        movement = movement_for(self._reach, action, key=action.key, who=action.actor.who, reason=action.reason)
        started = self.clock.monotonic()
        seen: Seen | None = None
        calls: list[Call] = []
        try:
            seen = movement.read()
            calls.append(_call(movement.read_call(), str(seen.value), started, self.clock.monotonic()))
            if seen.awaits:
                return self._still_awaits(action, seen, calls)
            if not seen.ours and not seen.forgotten and (applied := movement.forbid()) is not None:
                if not applied:
                    message = f"it had not taken effect: {seen.value} is in force, and that call can no longer arrive"
                    return self._settle(action, ActionState.FAILED, message, after=seen.value, calls=calls, moved=seen.moved)
                seen = replace(movement.read(), ours=True)
        except BackendError as error:
            return self._still(action, f"still in doubt: {error}", seen, calls)
        if seen.ours:
            message = "found in effect" if seen.in_force else replaced(seen)
            return self._settle(action, ActionState.EFFECTIVE, message, after=seen.value, calls=calls)
        by = f", {seen.moved.told()}" if seen.moved is not None else ""
        if seen.forgotten:
            message = (
                f"still in doubt: {seen.value} is in force{by}; what is published does not reach back to that call (too many came since, "
                "or an older file was put in its place), so nobody can say whether it took effect: settle it by your word"
            )
        elif seen.value == action.from_:
            # A call that was handed over may sit in a queue: without a way to forbid it, "not yet" is all that can be said.
            message = (
                f"still in doubt: {seen.value} is in force as before{by}; that call may yet arrive: retry it, or settle it by your word"
            )
        else:
            message = f"still in doubt: {seen.value} is in force{by}, so nobody can say what became of that call: settle it by your word"
        return self._still(action, message, seen, calls)

    def resolve(self, action_id: str, *, effective: bool, reason: str) -> ActionOutcome:
        """Settle an action in doubt by a person's word, beside which what was read back is put on record.

        Raises as `recheck`, and Refused where the backend contradicts: a word may call neither failed what took effect, nor effective
        what never arrived.
        """
        if not reason.strip():
            raise Refused("say how you know: a reason is needed")
        action = self._unsettled(action_id)
        self._require_role(ActionKind.SETTLE, action.environment, action.model)
        if action.state in ENDED:
            return outcome_of(action)
        if under_way(action):
            raise Refused(f"{action.id} is still under way: wait for it")
        self._require_role(action.kind, action.environment, action.model)
        movement = movement_for(self._reach, action, key=action.key, who=action.actor.who, reason=action.reason)
        said = f"settled by {self.actor.who}: {without_credentials(reason)}"
        state = ActionState.EFFECTIVE if effective else ActionState.FAILED
        started = self.clock.monotonic()
        try:
            seen = movement.read()
        except BackendError as error:
            return self._settle(action, state, f"{said}; it could not be read back: {error}", after=None, calls=[])
        try:
            # What is called failed must not arrive after it was called so.
            if not effective and not (seen.ours and seen.certain) and movement.forbid():
                seen = replace(movement.read(), ours=True, certain=True)
        except BackendError as error:
            raise Refused(f"{action.id} stays in doubt: its call may yet arrive, and could not be forbidden ({error})") from error
        contradiction = _contradiction(action, effective, seen)
        if contradiction is not None:
            raise Refused(contradiction)
        calls = [_call(movement.read_call(), str(seen.value), started, self.clock.monotonic())]
        moved = None if seen.in_force else seen.moved
        return self._settle(action, state, f"{said}; read back: {_standing(seen)}", after=seen.value, calls=calls, moved=moved)

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
        """An action as the journal has it now, the notes of the spool taken over first. Raises as `recheck`."""
        self._require_standing()
        self._ledger.absorb()
        return self._found(with_doubts(self._ledger.state), action_id)

    def _still(self, action: ActionRecord, message: str, seen: Seen | None, calls: list[Call]) -> ActionOutcome:
        """On record that somebody looked: only then may the call be made again."""
        body = {"message": message, "seen": seen.value if seen else None, "calls": [call.model_dump(mode="json") for call in calls]}
        self._ledger.record(self._ledger.draft(f"action/{action.key}/rechecked/{new_key()}", events.RECHECKED, action.id, body))
        update = {"message": message, "calls": tuple(calls), "moved": seen.moved if seen else None}
        return outcome_of(action.model_copy(update=update), repeated=False)

    def _still_awaits(self, action: ActionRecord, seen: Seen, calls: list[Call]) -> ActionOutcome:
        """It stands as it was sent. On record once: looking again and again is no news."""
        if not action.awaits:
            self._ledger.record(sent_draft(self._ledger, action.key, action.id, seen, f"/{new_key()}"))
        update = {"message": sent_words(seen), "awaits": seen.awaits, "state": ActionState.SENT, "calls": tuple(calls), "after": seen.value}
        return outcome_of(action.model_copy(update={**update, "in_flight": False}), repeated=False)

    def _settle(
        self, action: ActionRecord, state: ActionState, message: str, *, after: str | None, calls: list[Call], moved: Moved | None = None
    ) -> ActionOutcome:
        body = outcome_body(message, after=after, calls=calls, settled_by=self.actor.who, moved=moved)
        drafts = outcome_drafts(self._ledger, action.key, action.id, approval=action.approval, state=state, body=body)
        # A conflict means that somebody else ended it first: then their word stands.
        with contextlib.suppress(JournalConflict):
            self._ledger.record(*drafts)
        if state is ActionState.EFFECTIVE:
            movement_for(self._reach, action, key=action.key, who=action.actor.who, reason=action.reason).tidy(self.clock.now())
        outcome = outcome_of(self._ledger.state().actions[action.id], repeated=False)
        self._landing.land(outcome, self.clock.now())
        return outcome


def _call(call: str, result: str, started: float, ended: float) -> Call:
    return Call(call=call, result=result, ms=round((ended - started) * 1000, 3))


def _standing(seen: Seen) -> str:
    return f"{seen.value} is in force" + (f", {seen.moved.told()}" if seen.moved is not None else "")


def _contradiction(action: ActionRecord, effective: bool, seen: Seen) -> str | None:
    """Why a word cannot stand beside what was read back. A registry that keeps no keys contradicts only while nothing moved at all."""
    if seen.forgotten or (effective == seen.ours and seen.certain):
        return None
    if seen.certain and seen.ours:
        since = f"{seen.value} is in force by its own call" if seen.in_force else f"it was replaced since, {_standing(seen)}"
        return f"{action.id} did take effect: {since}; recheck settles it as that"
    if seen.certain:
        return f"{action.id} has not taken effect: {_standing(seen)}, and its call never arrived; recheck it, or retry it"
    moved_since = seen.moved is not None and seen.moved.at > action.intended_at
    if effective and not seen.ours and seen.value == action.from_ and not moved_since:
        return f"{action.id} has not taken effect: {_standing(seen)} as before; recheck it, or retry it"
    return None
