"""The state of a run: what `playbooks.fold` makes of its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from playbooks.binding import BoundStep
from playbooks.format import (
    END,
    ActionCall,
    ActionStep,
    ApprovalStep,
    Choice,
    DecisionStep,
    Phase,
    Playbook,
    Step,
)
from playbooks.host import ActionOutcome, ApprovalStatus, CheckResult, PlanSummary, RunEvent

Outcome = Literal["succeeded", "recovered", "partial", "failed", "abandoned"]
"""How a run ended. `recovered`: a step failed, or an action was undone, and the rest was done; `partial`: a person skipped steps."""


class StepStatus(StrEnum):
    """Where one step stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting for a person"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    IN_DOUBT = "in doubt"


class RunError(ValueError):
    """The events are not a run: missing start, changed playbook, unknown event."""


@dataclass(slots=True)
class Intent:
    """Something that was announced before it was done. Without an outcome it is in doubt."""

    key: str
    call: ActionCall
    at: datetime
    actor: str
    plan: PlanSummary | None = None
    approval: bool = False
    undo_call: ActionCall | None = None
    """How it is taken back, as declared when it was announced."""
    undoes: str | None = None
    """The key of the intent that this one takes back."""
    undone: bool = False
    outcome: ActionOutcome | None = None
    resolved_by: str | None = None
    reason: str = ""

    @property
    def in_doubt(self) -> bool:
        return self.outcome is None or self.outcome.state == "in doubt"

    @property
    def done_at(self) -> datetime:
        """When it was announced; what was done outside the run is written down there later, and counts from when it was done."""
        return min(self.at, self.outcome.at) if self.outcome else self.at


@dataclass(slots=True)
class Suggestion:
    """What the console would choose, and what each choice would have done."""

    choice: str | None
    result: CheckResult | None
    not_now: dict[str, str]
    """Choices whose `when` does not hold, with the sentence that says why."""
    at: datetime


@dataclass(slots=True)
class StepState:
    """One step of a run."""

    bound: BoundStep
    status: StepStatus = StepStatus.PENDING
    attempt: int = 1
    arrived_at: datetime | None = None
    deadline: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    answer: CheckResult | None = None
    evidence: dict[str, CheckResult] = field(default_factory=dict)
    suggestion: Suggestion | None = None
    chosen: str | None = None
    reason: str = ""
    blocked: str = ""
    retry_at: datetime | None = None
    held_since: datetime | None = None
    intents: list[Intent] = field(default_factory=list)
    approval: ApprovalStatus | None = None
    automatic: bool = False
    """Passed over by the playbook itself, not by a person."""

    @property
    def id(self) -> str:
        return self.bound.id

    @property
    def step(self) -> Step:
        return self.bound.step

    @property
    def phase(self) -> Phase:
        return self.bound.phase

    @property
    def over_at(self) -> datetime | None:
        """When the step ended; one whose action was done outside the run ended with that, not with its being written down."""
        last = self.intents[-1] if self.intents and self.status is StepStatus.DONE else None
        written_later = last is not None and last.undoes is None and last.outcome is not None and last.outcome.at < last.at
        return last.done_at if last is not None and written_later and self.ended_at else self.ended_at

    @property
    def doubtful(self) -> Intent | None:
        """The intent whose outcome nobody knows."""
        return next((intent for intent in self.intents if intent.in_doubt), None)

    @property
    def undoable(self) -> Intent | None:
        """The last operation of this step that is over, was not taken back, and says how it is."""
        done = [intent for intent in self.intents if intent.undoes is None and not intent.in_doubt]
        return done[-1] if done and done[-1].undo_call and not done[-1].undone else None


@dataclass(slots=True)
class Run:
    """The state of one run."""

    id: str
    playbook: Playbook
    digest: str
    params: dict[str, Any]
    context: dict[str, Any]
    """What the run belongs to: incident, alert, environment. Given at the start, never interpreted here."""
    started_at: datetime
    started_by: str
    driver: str | None
    steps: dict[str, StepState]
    cursor: str
    events: tuple[RunEvent, ...] = ()
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    failed_once: bool = False

    @property
    def current(self) -> StepState | None:
        """The step at which the run stands; None when it is past its last one or over."""
        return None if self.outcome or self.cursor == END else self.steps[self.cursor]

    @property
    def in_doubt(self) -> StepState | None:
        """The step with an intent whose outcome nobody knows; nothing else moves before it is resolved."""
        return next((step for step in self.steps.values() if step.doubtful), None)

    @property
    def final_outcome(self) -> Outcome:
        """What the run ends as when it is past its last step."""
        if self.failed_once or any(intent.undone for step in self.steps.values() for intent in step.intents):
            return "recovered"
        if any(step.status is StepStatus.SKIPPED and not step.automatic for step in self.steps.values()):
            return "partial"
        return "succeeded"

    def choice_for(self, step: Step) -> Choice | None:
        """What was chosen in the decision that an action step carries out."""
        decision = self.steps.get(getattr(step, "from_decision", None) or "")
        if decision is None or not isinstance(decision.step, DecisionStep):
            return None
        return next((choice for choice in decision.step.choices if choice.id == decision.chosen), None)

    def call_of(self, state: StepState) -> ActionCall | None:
        """The operation of an action or approval step; None when the choice was to do nothing, or none was made."""
        step = state.step
        if isinstance(step, ActionStep | ApprovalStep) and step.action is not None:
            return step.action
        choice = self.choice_for(step)
        return choice.action if choice else None

    def undo_of(self, state: StepState) -> ActionCall | None:
        """How the operation of an action step is taken back."""
        choice = self.choice_for(state.step)
        return state.step.undo or (choice.undo if choice else None)
