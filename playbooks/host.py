"""The world as a playbook run sees it. `console.control` is behind it in the product, a fake in tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from backends.records import Moment, Name, State, digest_of
from backends.text import Untrusted
from playbooks.format import ActionCall, CheckCall


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OptionFigures(_Frozen):
    """What one choice would have done, on the same rows as every other."""

    choice: Name
    figures: dict[str, float | None]
    better: bool | None = None
    """Better than leaving things as they are; None when that cannot be said."""
    note: Untrusted = Untrusted("")
    version: Name | None = None
    """The version that would serve, where the choice leads to one."""
    last_served: Moment | None = None
    """When it last served; None for never, or now."""


class CheckResult(_Frozen):
    """One answer. `value` and `limit` are in the unit of the sentence; `n` is the sample that it rests on."""

    state: State
    sentence: Untrusted
    at: Moment
    value: float | None = None
    limit: float | None = None
    n: int | None = None
    best: Name | None = None
    """The choice that this answer speaks for, where the check compares choices."""
    options: tuple[OptionFigures, ...] = ()
    command: str | None = None
    """The headless command that prints the same, without the program's name."""


class PlanSummary(_Frozen):
    """What an action would do. `refusal` says why it may not be done at all."""

    sentence: Untrusted
    changes: tuple[Untrusted, ...] = ()
    unchanged: tuple[Untrusted, ...] = ()
    helps: bool | None = None
    would_help: Untrusted = Untrusted("")
    refusal: Untrusted | None = None
    token: str = ""
    """Binds the submission to this plan: what the Host wants back to know what was seen."""
    command: str | None = None


class ActionOutcome(_Frozen):
    """What became of an action. `in doubt`: nobody knows yet."""

    state: Literal["effective", "failed", "in doubt"]
    sentence: Untrusted
    at: Moment
    calls: tuple[Untrusted, ...] = ()
    """The exact calls made, with their answers."""
    receipt: Name | None = None
    seconds: float | None = None
    """From sending to the effect being read back."""


class ApprovalStatus(_Frozen):
    """Where a request for approval stands. Everything but `pending` is final."""

    request: Name
    state: Literal["pending", "approved", "rejected", "expired", "executed"]
    sentence: Untrusted
    at: Moment
    who: tuple[Name, ...] = ()


class RunEvent(_Frozen):
    """One entry of a run: written before what it announces, after what it reports. Never changed."""

    run: Name
    seq: int = Field(ge=0)
    """0, 1, 2, ... without gaps: the second writer of a number is refused."""
    kind: Name
    step: Name | None = None
    at: Moment
    actor: Name
    body: dict[str, Any] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """`sha256:` of the canonical JSON of this event."""
        return digest_of(self.model_dump(mode="json"))


class HostError(Exception):
    """The world did not answer. For an action this means: in doubt."""


class RunMovedError(HostError):
    """Somebody else wrote this number of the run first. Nothing was written; read the run again."""


class Host(Protocol):
    """Everything a run may do. No method may be called twice for one effect without the same `key`."""

    def now(self) -> datetime:
        """The moment by the workspace's clock, aware."""
        ...

    def evaluate(self, call: CheckCall, timeout: timedelta | None) -> CheckResult:
        """Answer a read-only question; `unknown` when it cannot be computed. Raises HostError when nothing answers."""
        ...

    def plan(self, call: ActionCall) -> PlanSummary:
        """Say what `call` would do. Changes nothing."""
        ...

    def submit(self, call: ActionCall, *, key: str, actor: str, token: str, confirmation: str | None) -> ActionOutcome:
        """Do it, once for each `key`: the same key again returns the first outcome. Raises HostError: in doubt."""
        ...

    def recheck(self, call: ActionCall, key: str) -> ActionOutcome:
        """Look whether what was submitted with `key` took effect. `failed`: it did not and will not any more."""
        ...

    def request_approval(self, call: ActionCall, *, key: str, actor: str, reason: str, deadline: timedelta | None) -> ApprovalStatus:
        """File a request, once for each `key`."""
        ...

    def approval(self, key: str) -> ApprovalStatus | None:
        """The request that was filed with `key`; None: none was."""
        ...

    def append(self, event: RunEvent) -> None:
        """Write an event so that it survives a crash. Raises RunMovedError when its number is taken."""
        ...

    def events(self, run: str) -> list[RunEvent]:
        """Every event of a run, in order; empty for a run that was never started."""
        ...
