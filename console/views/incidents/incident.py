"""One incident: the alerts behind it, its playbook step by step, evidence, choices, timeline, and what it reaches."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from backends.records import Layer, Moment, State
from backends.text import Untrusted
from console.views.health.model import Quality, View
from console.views.incidents.changes import Change


class PlaybookHead(View):
    """Which playbook, and whether it can be trusted."""

    id: str
    version: int
    digest: str
    title: str
    owner: str
    verified_at: str
    verified_by: str
    expires_at: str
    expired: bool


class ChoiceView(View):
    """One way to go on, with what it would have done on the same rows as every other."""

    id: str
    """`now` for what serves."""
    title: str
    text: str = ""
    version: str | None = None
    figures: dict[str, float] = Field(default_factory=dict)
    last_served: Moment | None = None
    needs: str = ""
    suggested: bool = False
    chosen: bool = False
    not_now: str | None = None
    """Why it does not apply now; taking it then needs a reason."""
    better: bool | None = None
    note: Untrusted = Untrusted("")


class DecisionView(View):
    """What a decision rests on, as it was when it was suggested."""

    question: str
    about: Untrusted
    """On which rows, and what came out."""
    at: Moment | None
    rows: int | None
    suggested: str | None
    choices: tuple[ChoiceView, ...]


class AnswerView(View):
    """One answer, kept with its time."""

    step: str
    check: str
    at: Moment
    state: State
    sentence: Untrusted
    value: float | None
    limit: float | None
    n: int | None
    command: str | None


class WaitView(View):
    """What a step waits for."""

    what: str
    until: Moment | None
    """When the wait ends without success."""
    hold_hours: float
    held_since: Moment | None
    answer: AnswerView | None


class OperationView(View):
    """One operation of a step: what was announced, and what became of it."""

    key: str
    kind: str
    target: str
    at: Moment
    actor: str
    state: Literal["effective", "failed", "in doubt"]
    sentence: Untrusted
    seconds: float | None
    calls: tuple[Untrusted, ...]
    undoes: bool
    undone: bool
    receipt: str | None


class StepView(View):
    """One step of the run."""

    number: int
    id: str
    phase: str
    kind: str
    title: str
    text: str
    status: str
    word: str
    """The short word beside its title: `none`, `open`, `effective`."""
    state: State | Literal[""]
    """Verdict of its mark; empty for a step that nobody has come to."""
    current: bool
    blocked: str = ""
    reason: Untrusted = Untrusted("")
    chosen: str | None = None
    ended_at: Moment | None = None
    ended_by: str | None = None
    answer: AnswerView | None = None
    decision: DecisionView | None = None
    wait: WaitView | None = None
    operations: tuple[OperationView, ...] = ()
    approval: str | None = None
    asked_already: str | None = None
    """The open request for what this step would ask for: asking joins it."""
    undoable: bool = False


class AlertLine(View):
    """An alert of the incident."""

    id: str
    rule: str
    state: State
    opened_at: Moment
    closed_at: Moment | None
    message: Untrusted


class TimelineLine(View):
    """Something that happened."""

    at: Moment
    who: str
    text: Untrusted


class IncidentView(View):
    """An incident at one moment."""

    id: str
    environment: str
    model: str
    zone: str
    at: Moment
    title: Untrusted
    state: Literal["open", "mitigated", "closed"]
    severity: State
    opened_at: Moment
    opened_by: str
    closed_at: Moment | None
    driver: str | None
    driver_since: Moment | None
    alerts: tuple[AlertLine, ...]
    playbook: PlaybookHead | None
    run: str | None
    run_started_at: Moment | None
    run_outcome: str | None
    run_driver: str | None
    why_no_run: str | None
    """Why there are no steps, or none that were begun."""
    steps: tuple[StepView, ...]
    in_doubt: str | None
    """The step whose operation may or may not have happened."""
    evidence: tuple[AnswerView, ...]
    timeline: tuple[TimelineLine, ...]
    quality: Quality | None
    """Since the onset."""
    changes: tuple[Change, ...] | None
    onset_at: Moment | None = None
    """When the trouble began, as the incident recorded it when it was opened."""
    now_seen: Layer | None = None
    """The layer that would be named now, where it or its time is another than what was recorded."""
    now_seen_since: Moment | None = None
    readers: tuple[str, ...]
    scores_per_day: int | None
    if_nothing: tuple[str, ...]
    problem: str | None = None
    """Why part of this is missing, when it is."""
    oldest_source_at: Moment | None = None

    @property
    def since(self) -> timedelta:
        """How long it has been open."""
        return max((self.closed_at or self.at) - self.opened_at, timedelta())

    @property
    def current(self) -> StepView | None:
        """The step at which a person is needed, or that waits."""
        return next((step for step in self.steps if step.current), None)

    def step(self, identifier: str | None) -> StepView | None:
        """A step by its id."""
        return next((step for step in self.steps if step.id == identifier), None)
