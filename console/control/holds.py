"""Holding the jobs of a model's pipelines, and letting them run again. To hold is safer and needs one operator; the way back does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from backends.pipeline_protocol import EVERY_PIPELINE, HoldSetting, HoldState, hold_value
from backends.protocol import BackendError, RemembersKeys
from console.control.actions import ActionKind, ActionPlan, Change, Moved
from console.control.drawing import approval_for, sealed, title_of, voided_by
from console.control.reach import Seen, TellsPipelines, forbid, published_version, seen_by_key
from console.control.situation import Situation
from console.control.terms import people

LONGEST_NAME: Final = 150
"""Of a pipeline: what is held and what not is compared by one line that names it."""

NO_PIPELINES: Final = "nothing here tells pipelines what to do"


def hold_plan(situation: Situation) -> ActionPlan:
    """The plan of a hold, or of its end. Raises BackendError when what is published cannot be read."""
    request, policy, backend = situation.request, situation.policy, situation.reach.pipelines
    if backend is None:
        raise BackendError(NO_PIPELINES)
    pipeline = request.subject or EVERY_PIPELINE
    holds = request.kind is ActionKind.HOLD
    setting = backend.hold(request.environment, request.model, pipeline)
    state: HoldState = "free" if setting is None else setting.state
    found, wanted = hold_value(state, pipeline), hold_value("held" if holds else "free", pipeline)
    until = request.until
    if holds and until is None:
        until = situation.now + timedelta(hours=policy.override_hours)
    refusals: list[str] = []
    if len(pipeline) > LONGEST_NAME:
        refusals.append(f"the name of a pipeline has at most {LONGEST_NAME} characters here")
    if not holds and state == "free":
        refusals.append(f"{_whose(request.model, pipeline)} are not held")
    if not holds and until is not None:
        refusals.append("what is free has no end: leave the time out")
    elif until is not None and until <= situation.now:
        refusals.append("the time to ask again has passed already: give a later one")
    approval, step = approval_for(situation, request.kind, wanted)
    refusals += voided_by(approval, situation, found) if step == "act" else []
    published = published_version(backend)
    note = "replaced in one step" if published is None else f"version {published} -> {published + 1}, replaced in one step"
    renewed = found == wanted and holds
    movement = f"{found} goes on" if renewed else f"{found} -> {wanted}"
    way_back = policy.approvals_needed(ActionKind.RELEASE_HOLD, request.environment, request.model)
    released = (
        f"release the hold, needs {people(way_back, solo=policy.solo)}" if way_back else "release the hold, by somebody who is elevated"
    )
    return sealed(
        situation,
        danger="safer" if holds else "dangerous",
        approved_as=request.kind,
        title=f"HOLD {request.model}  {found}, renewed" if renewed else title_of(request, found, wanted),
        from_=found,
        to=wanted,
        subject=None if pipeline == EVERY_PIPELINE else pipeline,
        changes=(Change(what=situation.reach.pipelines_name, movement=movement, note=note),),
        unchanged=("what answers requests", "a job that runs already", "jobs that do not ask before they run"),
        undo=released if holds else "hold them again, 1 operator",
        calls=(
            f"set_hold {request.model} {wanted} if {found}",
            f"get_hold {request.model} until {wanted}, at most {policy.read_back_seconds:g} s, else in doubt",
        ),
        until=until,
        owner=request.owner if holds else None,
        approval=approval.id if approval else None,
        step=step,
        refusals=refusals,
    )


def _whose(model: str, pipeline: str) -> str:
    return f"the jobs of {model}" if pipeline == EVERY_PIPELINE else f"the jobs of {pipeline} for {model}"


def pipeline_of(value: str) -> str:
    """Whose jobs a value is about: `held nightly-scores` is about one pipeline."""
    return value.partition(" ")[2] or EVERY_PIPELINE


def hold_in_force(backend: TellsPipelines | None, environment: str, model: str, value: str) -> str:
    """The value in force of the pipeline that `value` is about. Raises BackendError."""
    if backend is None:
        raise BackendError(NO_PIPELINES)
    pipeline = pipeline_of(value)
    setting = backend.hold(environment, model, pipeline)
    return hold_value("free", pipeline) if setting is None else setting.value


@dataclass(frozen=True, slots=True)
class HoldMovement:
    """One hold, or its end, as the executor drives it."""

    backend: TellsPipelines | None
    environment: str
    model: str
    expected: str
    to: str
    key: str
    who: str
    reason: str
    until: datetime | None
    owner: str | None = None
    since: int | None = None
    """Which version of the published file the call was made upon, where that is on record."""

    @property
    def topic(self) -> Literal["pipeline"]:
        return "pipeline"

    def call(self) -> str:
        return f"set_hold {self.model} {self.to} if {self.expected}"

    def read_call(self) -> str:
        return f"get_hold {self.model} {pipeline_of(self.to)}"

    def send(self, now: datetime) -> None:
        """Publish the setting. Raises BackendConflict, BackendUnavailable or BackendError."""
        setting = HoldSetting(
            self.environment,
            self.model,
            pipeline_of(self.to),
            _state_of(self.to),
            now,
            self.who,
            self.key,
            self.reason,
            self.until,
            self.owner,
        )
        self._backend().set_hold(setting, expected=_state_of(self.expected))

    def read(self) -> Seen:
        """What is published, and whether this call is what made it so. Raises BackendError."""
        backend, pipeline = self._backend(), pipeline_of(self.to)
        setting = backend.hold(self.environment, self.model, pipeline)
        value = hold_value("free", pipeline) if setting is None else setting.value
        moved = None if setting is None else Moved.by(setting.set_by, setting.set_at, setting.key)
        if setting is not None and setting.key == self.key:
            return Seen(value, ours=True, in_force=True, moved=moved, certain=True)
        if isinstance(backend, RemembersKeys):
            return seen_by_key(backend, self.key, value=value, moved=moved, since=self.since)
        return Seen(value, ours=value == self.to, in_force=value == self.to, moved=moved)

    def forbid(self) -> bool | None:
        return forbid(self.backend, self.key, self.since)

    def published(self) -> int | None:
        return published_version(self.backend)

    def tidy(self, now: datetime) -> tuple[str, str] | None:
        del now
        return None

    def _backend(self) -> TellsPipelines:
        if self.backend is None:
            raise BackendError(NO_PIPELINES)
        return self.backend


def _state_of(value: str) -> HoldState:
    return "held" if value.partition(" ")[0] == "held" else "free"
