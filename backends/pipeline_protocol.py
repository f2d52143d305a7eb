"""What is asked of pipelines: holds of their jobs, and requests for a run; and who answers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, runtime_checkable

HoldState = Literal["free", "held"]

EVERY_PIPELINE: Final = "*"
"""Where a hold names no pipeline: no job of the model runs."""

NOTHING_ASKED: Final = "none"
"""The value of a model's request while no run was ever asked for."""


@dataclass(frozen=True, slots=True)
class HoldSetting:
    """What `pipelines.json` says of the jobs of one model: of one pipeline's, or of every one's."""

    environment: str
    model: str
    pipeline: str
    """Its name, or `*`."""
    state: HoldState
    set_at: datetime
    set_by: str
    key: str
    reason: str
    until: datetime | None = None
    owner: str | None = None
    """Who is asked when `until` has passed; None: whoever set it."""
    since: datetime | None = None
    """Since when it is held, however often that was renewed; None: since `set_at`."""

    @property
    def held(self) -> bool:
        return self.state == "held"

    @property
    def asked(self) -> str:
        """Who decides whether it goes on."""
        return self.owner or self.set_by

    @property
    def begun_at(self) -> datetime:
        """When it was first held."""
        return self.since or self.set_at

    @property
    def value(self) -> str:
        """What is compared before it is replaced, and read back after: the pipeline is part of it."""
        return hold_value(self.state, self.pipeline)

    def overdue(self, at: datetime) -> bool:
        """Whether its owner is to be asked again: the time has passed, and it stays held until somebody decides."""
        return self.held and self.until is not None and self.until <= at


def hold_value(state: HoldState, pipeline: str) -> str:
    """`held`, or `held nightly-scores` where it is about one pipeline."""
    return state if pipeline == EVERY_PIPELINE else f"{state} {pipeline}"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that was asked for: one training of a model by one pipeline."""

    environment: str
    model: str
    pipeline: str
    asked_at: datetime
    asked_by: str
    key: str
    """What the run that answers names as its `request`. A pipeline starts one run for each key, however often it reads of it."""
    reason: str
    first: datetime | None = None
    """The rows that were proposed begin here; None: nothing was proposed."""
    last: datetime | None = None
    withdrawn: bool = False

    @property
    def value(self) -> str:
        """What is compared before it is replaced, and read back after."""
        return f"{self.pipeline} #{self.key[:8]}{' withdrawn' if self.withdrawn else ''}"


@dataclass(frozen=True, slots=True)
class AnsweringRun:
    """A run on record that names a request."""

    name: str
    pipeline: str | None
    status: str
    started_at: datetime


@runtime_checkable
class ReadsHolds(Protocol):
    """Reads which jobs are held."""

    def hold(self, environment: str, model: str, pipeline: str) -> HoldSetting | None:
        """The setting in force for exactly this pipeline, or for `*`; None: never held."""
        ...


@runtime_checkable
class SetsHold(Protocol):
    """Publishes holds, atomically."""

    def set_hold(self, setting: HoldSetting, *, expected: HoldState) -> HoldSetting:
        """Publish `setting` if the state in force is `expected`; the same key again returns the same setting."""
        ...


@runtime_checkable
class ReadsRequests(Protocol):
    """Reads which runs are asked for."""

    def request(self, environment: str, model: str) -> RunRequest | None:
        """The newest request of a model; None: there never was one."""
        ...


@runtime_checkable
class AsksForRuns(Protocol):
    """Publishes requests, atomically."""

    def ask(self, request: RunRequest, *, expected: str) -> RunRequest:
        """Publish `request` if the value in force is `expected`; the same key again returns the same request."""
        ...

    def withdraw(self, key: str) -> None:
        """Make sure that nobody who reads from now on starts a run for `key`."""
        ...


class ReadsRuns(Protocol):
    """Finds the run that answers a request, among the facts."""

    def run_of(self, environment: str, model: str, key: str) -> AnsweringRun | None:
        """The run on record that names `key`; None: none does. Raises BackendError when nobody can look."""
        ...
