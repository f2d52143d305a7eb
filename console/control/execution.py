"""Carries a confirmed plan out: intent on disk, the call, read back until it is seen, the outcome on disk.

A crash between any two of these leaves the action in doubt, never half claimed; nothing here ever runs a call a second time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from backends.journal.entries import Draft, JournalConflict, JournalUnavailable
from backends.protocol import BackendConflict, BackendError, BackendUnavailable
from console.control import events
from console.control.actions import ActionOutcome, ActionPlan, ActionState, Call, Moved, said_duration
from console.control.approval import ApprovalState
from console.control.approvals import in_use
from console.control.holders import AlreadyCarried, carrying, this_holder
from console.control.ledger import Ledger
from console.control.reach import Movement, Seen
from console.control.records import ActionRecord
from console.control.state import ControlState

FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 1.0
"""Seconds between two read-backs, doubling from the first to the longest."""

_EVENT_OF: Final = {ActionState.EFFECTIVE: events.EFFECTIVE, ActionState.FAILED: events.FAILED, ActionState.REFUSED: events.REFUSED}


class NotIntended(Exception):
    """The intent could not be written for a reason that is an answer: `str()` says which."""


@dataclass
class Execution:
    """One action under way."""

    ledger: Ledger
    plan: ActionPlan
    movement: Movement
    key: str
    reason: str
    read_back_seconds: float
    elevated: bool
    safer: bool
    pause: Callable[[float], None] = time.sleep
    forbids: Callable[[ControlState], str | None] | None = None
    """What is asked once more of the very state that the intent is recorded onto; None: nothing is."""
    calls: list[Call] = field(default_factory=list)
    gap: str | None = None
    began: float = 0.0
    suffix: str = ""
    """What sets the entries of a repetition apart from those of the first time."""

    def run(self) -> ActionOutcome:
        """Do it once. Raises NotIntended, JournalConflict (the key is in use) or JournalUnavailable: then nothing was sent."""
        try:
            with carrying(self.key):
                return self._run()
        except AlreadyCarried:
            raise JournalConflict(f"key {self.key} is being carried out by this process") from None

    def _run(self) -> ActionOutcome:
        self._intend()
        self.began = self.ledger.clock.monotonic()
        try:
            sent = self._send()
            return sent if sent is not None else self._read_back()
        except BaseException as error:
            # An interrupt or a fault of our own: what is known is that nobody knows.
            self._doubt(f"interrupted by {type(error).__name__}: recheck it")
            raise

    def _intend(self) -> None:
        plan, approval = self.plan, self.plan.approval
        body = {
            "key": self.key,
            "plan": plan.model_dump(mode="json"),
            "reason": self.reason,
            "approval": approval,
            "elevated": self.elevated,
            "holder": this_holder().model_dump(mode="json"),
            "published": self.movement.published(),
        }
        intent = self.ledger.draft(events.intent_key(self.key), events.INTENDED, plan.action_id, body)
        try:
            if approval is None and self.forbids is None:
                # The intent is on disk. Its head is told together with the outcome's: no place outside, which may be slow or far
                # away, stands between the key that is pressed and a step towards safety.
                self.ledger.record(intent, more_follows=self.safer)
            else:
                self.ledger.decide(lambda state: self._decided(state, intent), more_follows=self.safer)
        except JournalUnavailable as error:
            if not self.safer:
                raise
            self._note(intent, str(error))

    def _decided(self, state: ControlState, intent: Draft) -> tuple[list[Draft], None]:
        forbidden = None if self.forbids is None or self.key in state.action_by_key else self.forbids(state)
        if forbidden is not None:
            raise NotIntended(forbidden)
        approval = self.plan.approval
        return ([intent] if approval is None else self._using_up(state, approval, intent)), None

    def _using_up(self, state: ControlState, approval_id: str, intent: Draft) -> list[Draft]:
        approval = state.approvals[approval_id]
        now = self.ledger.clock.now()
        if approval.state_at(now) is not ApprovalState.APPROVED:
            raise NotIntended(f"{approval_id} is {approval.state_at(now).value}: ask again")
        if approval.executing is not None and approval.executing != self.plan.action_id:
            raise NotIntended(in_use(approval, approval.executing))
        using = self.ledger.draft(
            f"approval/{approval_id}/executing/{self.key}", events.EXECUTING, approval_id, {"action": self.plan.action_id}
        )
        return [intent, using]

    def _note(self, draft: Draft, reason: str) -> None:
        self.gap = f"not in the journal yet, noted in {self.ledger.paths.spool.name}/: {reason}"
        try:
            self.ledger.spool([draft], reason)
        except OSError as error:
            # The switch itself carries who, when, why and the key; a step towards safety is not given up for its record.
            self.gap = f"neither the journal ({reason}) nor the spool ({error.strerror or error}) could be written"

    def _send(self) -> ActionOutcome | None:
        """None when it is to be read back; an outcome when the backend said that nothing was changed."""
        started = self.ledger.clock.monotonic()
        try:
            self.movement.send(self.ledger.clock.now())
        except BackendConflict as error:
            self._called(self.movement.call(), "refused", started)
            return self._conflict(error)
        except BackendUnavailable as error:
            self._called(self.movement.call(), "no answer", started)
            return self._after_no_answer(error)
        except BackendError as error:
            self._called(self.movement.call(), "failed", started)
            return self._not_taken(error)
        self._called(self.movement.call(), "ok", started)
        return None

    def _not_taken(self, error: BackendError) -> ActionOutcome:
        """The backend answered that it changed nothing."""
        return self._end(ActionState.FAILED, str(error))

    def _conflict(self, error: BackendConflict) -> ActionOutcome:
        """The expected value was not there, so nothing was changed; who put the other one there is looked up."""
        seen = self._read_once()
        moved = None if seen is None else seen.moved
        by = f"; {moved.told()}" if moved is not None else ""
        return self._end(ActionState.REFUSED, f"somebody was faster: {error}{by}", after=error.found, moved=moved)

    def _after_no_answer(self, error: BackendUnavailable) -> ActionOutcome:
        seen = self._read_once()
        if seen is not None and seen.ours:
            return self._effective(seen)
        if seen is not None and seen.awaits:
            return self._sent(seen)
        return self._doubt(f"no answer ({error}): recheck it")

    def _read_back(self) -> ActionOutcome:
        deadline = self.began + self.read_back_seconds
        wait, told = FIRST_PAUSE, False
        while True:
            seen = self._read_once()
            if seen is not None and seen.ours:
                return self._effective(seen)
            if seen is not None and seen.awaits:
                return self._sent(seen)
            if self.ledger.clock.monotonic() >= deadline:
                return self._doubt(f"sent, but not seen in effect within {self.read_back_seconds:g} s{_instead(seen)}: recheck it")
            if not told:
                told = True
                self._say_sent()
            self.pause(wait)
            wait = min(wait * 2, LONGEST_PAUSE)

    def _read_once(self) -> Seen | None:
        started = self.ledger.clock.monotonic()
        try:
            seen = self.movement.read()
        except BackendError as error:
            self._called(self.movement.read_call(), str(error), started)
            return None
        self._called(self.movement.read_call(), f"{seen.value}", started)
        return seen

    def _sent(self, seen: Seen) -> ActionOutcome:
        """It stands as it was sent; what makes it effective happens elsewhere, and is looked for again later."""
        try:
            self.ledger.record(sent_draft(self.ledger, self.key, self.plan.action_id, seen, self.suffix))
        except JournalUnavailable as error:
            self.gap = self.gap or f"that it was read back is not in the journal: {error}"
        return self._outcome(ActionState.SENT, sent_words(seen), after=seen.value, awaits=seen.awaits)

    def _say_sent(self) -> None:
        sent = self.ledger.draft(f"action/{self.key}/sent{self.suffix}", events.SENT, self.plan.action_id, {})
        try:
            self.ledger.record(sent)
        except JournalUnavailable:
            return

    def _effective(self, seen: Seen) -> ActionOutcome:
        seconds = self.ledger.clock.monotonic() - self.began
        tidied = self.movement.tidy(self.ledger.clock.now())
        if tidied is not None:
            self._called(*tidied, self.ledger.clock.monotonic())
        message = f"effective after {said_duration(seconds)}: {seen.value}, read back"
        if seen.in_force:
            return self._end(ActionState.EFFECTIVE, message, after=seen.value, seconds=seconds)
        return self._end(ActionState.EFFECTIVE, replaced(seen), after=seen.value, seconds=seconds, moved=seen.moved)

    def _end(
        self, state: ActionState, message: str, *, after: str | None = None, seconds: float | None = None, moved: Moved | None = None
    ) -> ActionOutcome:
        body = outcome_body(message, after=after, seconds=seconds, calls=self.calls, moved=moved)
        drafts = outcome_drafts(self.ledger, self.key, self.plan.action_id, approval=self.plan.approval, state=state, body=body)
        try:
            self.ledger.record(*drafts)
        except JournalConflict:
            settled = self.ledger.state().actions.get(self.plan.action_id)
            if settled is not None:
                return outcome_of(settled)
        except JournalUnavailable as error:
            self._note_outcome(drafts, str(error))
        return self._outcome(state, message, after=after, seconds=seconds, moved=moved)

    def _note_outcome(self, drafts: list[Draft], reason: str) -> None:
        try:
            self.ledger.spool(drafts, reason)
            self.gap = self.gap or f"its outcome is not in the journal yet, noted in {self.ledger.paths.spool.name}/: {reason}"
        except OSError:
            self.gap = self.gap or f"its outcome could not be recorded ({reason}): recheck {self.plan.action_id} to settle the record"

    def _doubt(self, message: str) -> ActionOutcome:
        doubt = self.ledger.draft(f"action/{self.key}/doubt{self.suffix}", events.IN_DOUBT, self.plan.action_id, {"message": message})
        try:
            self.ledger.record(doubt)
        except (JournalUnavailable, JournalConflict) as error:
            # Without this entry the intent alone says the same: somebody has to find out.
            self.gap = self.gap or str(error)
        return self._outcome(ActionState.IN_DOUBT, message)

    def _outcome(
        self,
        state: ActionState,
        message: str,
        *,
        after: str | None = None,
        seconds: float | None = None,
        moved: Moved | None = None,
        awaits: str = "",
    ) -> ActionOutcome:
        plan = self.plan
        return ActionOutcome(
            action_id=plan.action_id,
            key=self.key,
            kind=plan.kind,
            environment=plan.environment,
            model=plan.model,
            state=state,
            message=message,
            from_=plan.from_,
            to=plan.to,
            after=after,
            calls=tuple(self.calls),
            seconds=seconds,
            approval=plan.approval,
            moved=moved,
            awaits=awaits,
            gap=self.gap,
        )

    def _called(self, call: str, result: str, started: float) -> None:
        self.calls.append(Call(call=call, result=result, ms=round((self.ledger.clock.monotonic() - started) * 1000, 3)))


def sent_words(seen: Seen) -> str:
    """Said of what stands as it was sent, and waits for somebody else."""
    return f"sent: {seen.value}, read back; waits for {seen.awaits}"


def sent_draft(ledger: Ledger, key: str, action_id: str, seen: Seen, suffix: str = "") -> Draft:
    """The entry that says what an action waits for."""
    body = {"awaits": seen.awaits, "message": sent_words(seen), "after": seen.value}
    return ledger.draft(f"action/{key}/sent{suffix}", events.SENT, action_id, body)


def replaced(seen: Seen) -> str:
    """Said of a call that took effect and whose value is not in force any more."""
    return f"effective, and replaced since: {seen.value} now" + (f", {seen.moved.told()}" if seen.moved is not None else "")


def _instead(seen: Seen | None) -> str:
    """What was seen where the effect was expected."""
    if seen is None:
        return ""
    return f", {seen.value} is in force" + (f", {seen.moved.told()}" if seen.moved is not None else "")


def outcome_body(
    message: str,
    *,
    after: str | None = None,
    seconds: float | None = None,
    calls: list[Call] | None = None,
    settled_by: str | None = None,
    moved: Moved | None = None,
) -> dict[str, Any]:
    """What the entry that ends an action says."""
    return {
        "message": message,
        "after": after,
        "seconds": seconds,
        "calls": [call.model_dump(mode="json") for call in calls or []],
        "settled_by": settled_by,
        **({} if moved is None else {"moved": moved.model_dump(mode="json")}),
    }


def outcome_drafts(
    ledger: Ledger, key: str, action_id: str, *, approval: str | None, state: ActionState, body: dict[str, Any]
) -> list[Draft]:
    """The entry that ends an action, and with it the use of its approval: used up, or free again when nothing was changed."""
    drafts = [ledger.draft(events.outcome_key(key), _EVENT_OF[state], action_id, body)]
    if approval is not None:
        kind = events.EXECUTED if state is ActionState.EFFECTIVE else events.RELEASED
        drafts.append(ledger.draft(f"approval/{approval}/{kind}/{key}", kind, approval, {"action": action_id}))
    return drafts


def outcome_of(action: ActionRecord, *, repeated: bool = True) -> ActionOutcome:
    """The outcome as the journal has it."""
    message = action.message or ("under way" if action.in_flight else "nobody knows how it ended: recheck it")
    return ActionOutcome(
        action_id=action.id,
        key=action.key,
        kind=action.kind,
        environment=action.environment,
        model=action.model,
        state=action.state,
        message=message,
        from_=action.from_,
        to=action.to,
        after=action.after,
        calls=action.calls,
        seconds=action.seconds,
        approval=action.approval,
        difference=action.difference,
        moved=action.moved,
        awaits=action.awaits if action.state is ActionState.SENT else "",
        gap="noted outside the journal, not taken over yet" if action.spooled and 0 in action.entries else None,
        repeated=repeated,
    )
