"""The playbook format: what a file may say. Structure across steps is checked in `playbooks.validator`.

A playbook is identified by the digest of its content, so that a run can be pinned to exactly what was read when it started.
Texts may name a parameter in braces, `{model}`; an argument that is nothing but `{name}` keeps the parameter's type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from backends.durations import Duration
from backends.records import Layer, Name, State, digest_of

Title = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
PlaybookId = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z0-9][a-z0-9-]{0,63}$"))]
StepId = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}(\.[a-z0-9][a-z0-9_-]{0,63})*$"))]
"""Dots are written by the program only: step `a` of the playbook called by step `sub` is `sub.a`."""
Argument = str | bool | int | float
Arguments = dict[Name, Argument]

END: Final = "end"
"""As a target: the run is over."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Phase(StrEnum):
    """The three phases of an incident, in order."""

    INVESTIGATE = "investigate"
    MITIGATE = "mitigate"
    LEARN = "learn"


class CheckCall(_Frozen):
    """One read-only question to the world."""

    check: Name
    args: Arguments = Field(default_factory=dict)


class Condition(CheckCall):
    """A check whose answer must be one of `states`. An answer that is unknown or stale is not `ok`."""

    states: tuple[State, ...] = (State.OK,)


class ActionCall(_Frozen):
    """One operation of the console: what kind, with which arguments."""

    kind: Name
    args: Arguments = Field(default_factory=dict)


class OnFail(_Frozen):
    """What follows a failed step.

    `stop` waits for a person at that step; `goto` goes on at `step`; `undo` offers the step's undo and then stops; `recovered`
    goes on with the next step. After any of them the run can end `recovered`, never `succeeded`.
    """

    then: Literal["stop", "goto", "undo", "recovered"] = "stop"
    step: StepId | None = None

    @model_validator(mode="after")
    def _target_only_for_goto(self) -> OnFail:
        if (self.then == "goto") != (self.step is not None):
            raise ValueError("`goto` needs a step, and only `goto` has one: {goto: STEP}")
        return self


def _short_on_fail(value: Any) -> Any:
    if isinstance(value, str):
        return {"then": value}
    if isinstance(value, dict) and set(value) == {"goto"}:
        return {"then": "goto", "step": value["goto"]}
    return value


FailureRule = Annotated[OnFail, BeforeValidator(_short_on_fail)]


class Retries(_Frozen):
    """How often a step is tried again, and how long to wait before: `delay`, then times `backoff` each time."""

    count: int = Field(default=0, ge=0, le=20)
    delay: Duration = timedelta(0)
    backoff: float = Field(default=1.0, ge=1, le=10)


class _Step(_Frozen):
    id: StepId
    title: Title
    text: Text | None = None
    only_if: Condition | None = None
    """When this is measured and does not hold, the step does not apply and is passed over, with the answer kept."""
    requires: tuple[Condition, ...] = ()
    """Evaluated when the step runs, not when the run starts; one that does not hold blocks the step."""
    timeout: Duration | None = None
    """How long the step may wait for a person, or a check for its answer."""
    retries: Retries = Retries()
    on_fail: FailureRule = OnFail()
    undo: ActionCall | None = None
    evidence: tuple[CheckCall, ...] = ()
    """Checks whose answers are kept when the step is done."""
    next: StepId | None = None
    """Where to go when the step is done; default: the step that follows."""


class ManualStep(_Step):
    """A person does something and says so."""

    kind: Literal["manual"]
    text: Text
    ask: Title | None = None
    """What to write down as evidence; without it nothing needs to be written."""


class CheckStep(_Step, CheckCall):
    """A question to the data. With `passes` an answer outside fails the step; without it every answer is an answer."""

    kind: Literal["check"]
    passes: tuple[State, ...] | None = None
    words: dict[State, Title] = Field(default_factory=dict)
    """The short word of each answer, such as `none` or `yes`."""


class Choice(_Frozen):
    """One way to go on."""

    id: StepId
    title: Title
    text: Text | None = None
    action: ActionCall | None = None
    undo: ActionCall | None = None
    when: Condition | None = None
    """What makes this choice sensible; when it does not hold the choice is never suggested, and taking it needs a reason."""
    next: StepId | None = None


class DecisionStep(_Step):
    """A person chooses; what the console would have chosen is kept beside it."""

    kind: Literal["decision"]
    choices: tuple[Choice, ...] = Field(min_length=2)
    suggest: CheckCall | None = None
    """A check whose `best` names a choice. Without it the first choice whose `when` holds is suggested."""


class ActionStep(_Step):
    """One operation: `action`, or what was chosen in the step `from_decision`."""

    kind: Literal["action"]
    action: ActionCall | None = None
    from_decision: StepId | None = None

    @model_validator(mode="after")
    def _one_source(self) -> ActionStep:
        if (self.action is None) == (self.from_decision is None):
            raise ValueError("an action step has either `action` or `from_decision`")
        return self


class ApprovalStep(_Step):
    """Asks other people to approve `action`; done when they did."""

    kind: Literal["approval"]
    action: ActionCall
    deadline: Duration | None = None


class WaitStep(_Step):
    """Waits for a time, or until a check has held for `hold`; `deadline` ends the wait by `on_timeout`."""

    kind: Literal["wait"]
    until: Condition | None = None
    hold: Duration = timedelta(0)
    duration: Duration | None = None
    every: Duration | None = None
    """How often to look; the console's own pace when left out."""
    deadline: Duration | None = None
    on_timeout: FailureRule = OnFail()

    @model_validator(mode="after")
    def _one_end(self) -> WaitStep:
        if (self.until is None) == (self.duration is None):
            raise ValueError("a wait has either `until` or `duration`")
        if self.until is not None and self.deadline is None:
            raise ValueError("a wait for a check needs a `deadline`: nothing may wait for ever")
        return self


class EscalateStep(_Step):
    """Tells somebody; done when a person wrote down who took it."""

    kind: Literal["escalate"]
    contact: Title
    message: Text


class NoteStep(_Step):
    """Free text, kept in the record; `follow_up` puts it among the follow-ups of the postmortem."""

    kind: Literal["note"]
    text: Text
    follow_up: bool = False


class SubPlaybookStep(_Step):
    """The steps of another playbook, in place of this one."""

    kind: Literal["playbook"]
    playbook: PlaybookId
    params: Arguments = Field(default_factory=dict)

    @model_validator(mode="after")
    def _only_calls(self) -> SubPlaybookStep:
        foreign = self.model_fields_set - {"id", "kind", "title", "text", "next", "playbook", "params"}
        extra = sorted(name for name in foreign if getattr(self, name) != type(self).model_fields[name].get_default())
        if extra:
            raise ValueError(f"a playbook step only calls; {', '.join(extra)} belongs to the steps of the called playbook")
        return self


Step = Annotated[
    ManualStep | CheckStep | DecisionStep | ActionStep | ApprovalStep | WaitStep | EscalateStep | NoteStep | SubPlaybookStep,
    Field(discriminator="kind"),
]


class Param(_Frozen):
    """A value that a run is started with."""

    type: Literal["text", "integer", "number", "boolean"] = "text"
    description: Title | None = None
    required: bool = False
    default: Argument | None = None
    choices: tuple[Argument, ...] | None = None
    pattern: Annotated[str, StringConstraints(max_length=200)] | None = None


class AppliesTo(_Frozen):
    """Which alerts open this playbook."""

    rules: tuple[Name, ...] = Field(min_length=1)
    layer: Layer


class Phases(_Frozen):
    """The steps by phase, in the order in which they are taken."""

    investigate: tuple[Step, ...] = ()
    mitigate: tuple[Step, ...] = ()
    learn: tuple[Step, ...] = ()


class Playbook(_Frozen):
    """One playbook file."""

    format: Literal[1]
    id: PlaybookId
    version: int = Field(ge=1)
    title: Title
    summary: Text | None = None
    owner: Name
    verified_at: date
    verified_by: Name
    expires_at: date
    applies_to: AppliesTo
    severity: State
    params: dict[Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z][a-z0-9_]{0,31}$"))], Param] = Field(default_factory=dict)
    phases: Phases

    @model_validator(mode="after")
    def _has_steps(self) -> Playbook:
        if not any(True for _ in self.placed()):
            raise ValueError("a playbook without steps")
        return self

    def placed(self) -> Iterator[tuple[Phase, Step]]:
        """Every step with its phase, in order."""
        for phase in Phase:
            for step in getattr(self.phases, phase):
                yield phase, step

    @property
    def body(self) -> dict[str, Any]:
        """The playbook as JSON: what a run keeps, and what the digest is of."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """`sha256:` of the canonical JSON."""
        return digest_of(self.body)
