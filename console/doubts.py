"""The ways out of doubt, as the screens take them: look again, settle by one's word, make the same call once more. Knows no terminal."""

from __future__ import annotations

from dataclasses import dataclass

from console.acting import open_desk
from console.config import open_workspace
from console.control.actions import ActionKind, ActionOutcome, ActionPlan, Confirmation
from console.control.errors import NotFound, Refused
from console.control.ledger import read_state
from console.control.records import ActionRecord
from console.errands import Errand
from console.session import Session


def action_of(session: Session, wanted: str) -> ActionRecord:
    """An action by its id. Raises NotFound."""
    found = read_state(session.paths).action(wanted)
    if found is None:
        raise NotFound(f"there is no action {wanted}")
    return found


def recheck(session: Session, wanted: str) -> ActionOutcome:
    """Find out by looking how an action ended. Raises NotFound, Refused or JournalUnavailable."""
    action = action_of(session, wanted)
    workspace = open_workspace(session.located.root)
    with open_desk(workspace, action.environment, as_of=session.as_of, read_only=session.read_only) as desk:
        return desk.recheck(action.id)


def resolve(session: Session, wanted: str, words: str) -> ActionOutcome:
    """Settle an action by somebody's word: `done HOW` or `failed HOW`. Raises as `recheck`."""
    how, _, reason = words.partition(" ")
    if how not in {"done", "failed"} or not reason.strip():
        raise Refused("write how it ended and how you know: done seen on the serving host; or: failed ...")
    action = action_of(session, wanted)
    workspace = open_workspace(session.located.root)
    with open_desk(workspace, action.environment, as_of=session.as_of, read_only=session.read_only) as desk:
        return desk.resolve(action.id, effective=how == "done", reason=reason.strip())


@dataclass
class RetryErrand(Errand):
    """Making the call of one action in doubt once more, with its own key."""

    action: ActionRecord | None = None

    @classmethod
    def of(cls, session: Session, action: ActionRecord) -> RetryErrand:
        """The errand of an action that the journal holds."""
        return cls(session, action.model, (action.kind,), action.to, action=action)

    @property
    def environment(self) -> str:
        assert self.action is not None
        return self.action.environment

    def reason(self) -> str:
        """What was said the first time."""
        return self.action.reason if self.action is not None else ""

    def plans(self) -> dict[ActionKind, ActionPlan]:
        """The plan of the repetition. Raises NotFound, Refused or JournalUnavailable."""
        assert self.action is not None
        with self.desk() as desk:
            return {kind: desk.plan_again(self.action.id, self._facts(kind)) for kind in self.kinds}

    def execute(self, plan: ActionPlan, *, reason: str, typed: str) -> ActionOutcome:
        """Send it again, as it was shown and confirmed."""
        if plan.kind is ActionKind.RETAIN:
            # What was read for the plan may be an hour old, and nothing takes a deletion back.
            self.facts = {}
            self.read_facts()
        with self.desk_that_acts() as desk:
            return desk.retry(plan, Confirmation(typed_name=typed or None, reason=reason), current_world=self._facts(plan.kind))
