"""Makes the call of an action in doubt once more, with the same key: only when a person asks, and only after a recheck.

What is in force is read first. The call goes out only if that is still what the action started from; if the effect is there already,
the action is settled and nothing is sent; if somebody moved it meanwhile, it stays in doubt and says who.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backends.journal.entries import Draft
from backends.protocol import BackendConflict, BackendError
from console.control import events
from console.control.actions import ALIAS_KINDS, ENDED, ActionKind, ActionOutcome, ActionPlan, ActionRequest, ActionState
from console.control.execution import Execution, NotIntended
from console.control.holders import this_holder, under_way
from console.control.records import ActionRecord
from console.control.retaining import differences
from console.control.retention_terms import RetentionTerms
from console.control.state import ControlState

NOTHING_TO_UNDO: Final = "the call is not made again, so there is nothing to take back"


@dataclass
class Retry(Execution):
    """The same action under way again. `attempt` counts from 1."""

    attempt: int = 1

    def _intend(self) -> None:
        self.suffix = f"/{self.attempt}"
        self.ledger.decide(self._taking_up)

    def _taking_up(self, state: ControlState) -> tuple[Sequence[Draft], None]:
        action = state.actions[self.plan.action_id]
        reason = in_the_way(action)
        if reason is None and action.retries != self.attempt - 1:
            reason = f"{action.id} was tried again by somebody else meanwhile: recheck it"
        if reason is not None:
            raise NotIntended(reason)
        body = {"attempt": self.attempt, "reason": self.reason, "holder": this_holder().model_dump(mode="json")}
        return [self.ledger.draft(f"action/{self.key}/retried/{self.attempt}", events.RETRIED, action.id, body)], None

    def _send(self) -> ActionOutcome | None:
        seen = self._read_once()
        if seen is None:
            return self._doubt("what is in force cannot be read, so the call was not made again: recheck it")
        if seen.ours:
            return self._effective(seen)
        if seen.value != self.plan.from_:
            by = f", {seen.moved.told()}" if seen.moved is not None else ""
            return self._doubt(f"{seen.value} is in force{by}, so the call was not made again: settle it by your word")
        return super()._send()

    def _not_taken(self, error: BackendError) -> ActionOutcome:
        # That is said of this call. Where the first one may have arrived all the same, or may yet, the action has not failed.
        seen = self._read_once()
        if seen is not None and seen.ours:
            return self._effective(seen)
        if seen is not None and seen.certain:
            return super()._not_taken(error)
        return self._doubt(f"the call made again changed nothing ({error}), and what became of the first one is not known: recheck it")

    def _conflict(self, error: BackendConflict) -> ActionOutcome:
        # The first call may have taken effect before whatever stands there now, so nothing is known of it.
        seen = self._read_once()
        if seen is not None and seen.ours:
            return self._effective(seen)
        by = f"; {seen.moved.told()}" if seen is not None and seen.moved is not None else ""
        return self._doubt(f"somebody was faster: {error}{by}: settle it by your word")


def in_the_way(action: ActionRecord) -> str | None:
    """Why the call of an action may not be made again, None when nothing is in the way."""
    if action.state in ENDED:
        again = "" if action.state is ActionState.EFFECTIVE else "; do it again as a new action"
        return f"{action.id} has ended, {action.state.value}: there is nothing to repeat{again}"
    if under_way(action):
        return f"{action.id} is still under way: wait for it"
    if action.awaits:
        return f"{action.id} arrived and stands: there is nothing to send again; it waits for {action.awaits}"
    if action.recheck is None:
        return f"recheck {action.id} first: its call may have taken effect"
    return None


def request_again(action: ActionRecord, now: datetime) -> ActionRequest:
    """What was asked for the first time, with the key of that time."""
    return ActionRequest(
        kind=action.kind,
        environment=action.environment,
        model=action.model,
        to=_asked_version(action),
        wish=_plan_of(action).get("wish") if action.kind is ActionKind.SHIFT else None,
        subject=action.subject,
        reason=action.reason,
        until=action.until if action.until is not None and action.until > now else None,
        key=action.key,
        incident=action.incident,
        run=action.run,
        suggested=action.suggested,
        break_glass=action.break_glass,
    )


def _asked_version(action: ActionRecord) -> str | None:
    if action.kind in ALIAS_KINDS:
        return action.to
    # What a rollout began with names its version; whatever followed goes by the rollout that is under way.
    return (_plan_of(action).get("terms") or {}).get("candidate") if action.kind is ActionKind.SHIFT else None


def _other_rows(action: ActionRecord, drawn: ActionPlan) -> str | None:
    """Of a deletion: why the same call would not delete what the intent on record names."""
    if action.kind is not ActionKind.RETAIN or drawn.retention is None:
        return None
    then = _plan_of(action).get("retention")
    changed = ("what was due then is not on record",) if then is None else differences(RetentionTerms.model_validate(then), drawn.retention)
    return f"other rows are due by now ({changed[0]}): recheck {action.id}, and draw a new plan" if changed else None


def _plan_of(action: ActionRecord) -> dict[str, Any]:
    return action.plan or {}


def plan_again(action: ActionRecord, drawn: ActionPlan) -> ActionPlan:
    """The plan of a repetition, from the plan that the same request has now: refused where the action stands in its own way."""
    refusal = in_the_way(action)
    if refusal is None and drawn.from_ == action.to:
        refusal = f"{action.to} is in force already: recheck {action.id}"
    elif refusal is None and drawn.from_ != action.from_:
        refusal = f"{drawn.from_} is in force, not {action.from_} from which it started: settle it by your word"
    refusal = refusal or drawn.refusal or _other_rows(action, drawn)
    if refusal is None and (drawn.step != "act" or drawn.approval != action.approval):
        refusal = f"the approval it was begun with does not hold any more: {drawn.needs}"
    warnings = [warning for warning in drawn.warnings if action.id not in warning]
    if action.recheck is not None:
        warnings.insert(0, f"the same call again, with the same key; rechecked by {action.recheck.who}: {action.recheck.message}")
    changed = drawn.model_copy(
        update={
            "title": f"AGAIN: {drawn.title}",
            "allowed": refusal is None,
            "refusal": refusal,
            "warnings": tuple(warnings),
            # Of what is not sent there is nothing to take back; the way back from what is in force now would read like one.
            "undo": drawn.undo if refusal is None else NOTHING_TO_UNDO,
            "verb": f"action retry {action.id}",
        }
    )
    return changed.model_copy(update={"digest": changed.content_digest()})
