"""Breakers that all processes of a workspace share, in one small file.

The file must never stand in the way of what it guards: where it cannot be read or written, calls are made as if nothing had been
remembered, and `problem` says why. Only holding a breaker by hand insists on being written down.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backends.breaker import MOST_ATTEMPTS, Attempt, Breaker, BreakerRule, BreakerState, Forced, Permit
from backends.durable import locked, private_mode, replace_file
from backends.protocol import BackendError, BackendUnavailable
from backends.records import Moment, Name

LARGEST: Final = 1 << 20
TRIES: Final = 100
"""Looks at a lock that somebody holds: a second in all, which is little beside what it saves."""

Answer = TypeVar("Answer")


class BreakerOpen(BackendUnavailable):
    """The call was not made: too many before it failed, or a person holds the breaker open."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Attempt(_Part):
    at: Moment
    ok: bool


class _Forced(_Part):
    open: bool
    owner: Name
    reason: str = Field(max_length=2000)
    set_at: Moment
    until: Moment


class _Kept(_Part):
    attempts: tuple[_Attempt, ...] = Field(default=(), max_length=MOST_ATTEMPTS)
    opened_at: Moment | None = None
    probing_since: Moment | None = None
    forced: _Forced | None = None
    last_error: str = ""


class _Document(_Part):
    format: Literal["quarterdeck/breakers/1"] = "quarterdeck/breakers/1"
    breakers: dict[Name, _Kept] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """One breaker as it stands."""

    breaker: Breaker
    state: BreakerState
    calls: int
    failures: int
    next_try_at: datetime | None
    overdue: bool


class BreakerFile:
    """The breakers in `path`, by the wall clock `now`: what they guard does not live in simulated time."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.path, self._now = path, now
        self.problem: str | None = None
        """Why the file could not be used at the last call; None when it could."""

    def call(
        self, name: str, rule: BreakerRule, work: Callable[[], Answer], failing: tuple[type[BaseException], ...] = (BackendUnavailable,)
    ) -> Answer:
        """Do `work` if the breaker `name` lets it, and remember whether it failed in one of the ways of `failing`.

        Raises BreakerOpen without doing it, or whatever `work` raises.
        """
        permit = self._step(name, lambda breaker: breaker.asked(rule, self._now())) or Permit(True)
        if not permit.allowed:
            raise BreakerOpen(self.said(name, rule))
        try:
            answer = work()
        except failing as failure:
            self._answered(name, rule, permit, str(failure).partition("\n")[0] or type(failure).__name__)
            raise
        except Exception:
            # It answered, even if not with what was wanted: that is no reason to stop asking.
            self._answered(name, rule, permit, None)
            raise
        self._answered(name, rule, permit, None)
        return answer

    def told(self, name: str, rule: BreakerRule) -> Told:
        """How the breaker `name` stands. Never raises; `problem` says when the file could not be read."""
        try:
            breaker, self.problem = _breaker(self._read().breakers.get(name)), None
        except BackendError as error:
            breaker, self.problem = Breaker(), str(error)
        now = self._now()
        calls, failures = breaker.counted(rule, now)
        return Told(breaker, breaker.state(rule, now), calls, failures, breaker.next_try_at(rule, now), breaker.overdue(now))

    def said(self, name: str, rule: BreakerRule) -> str:
        """One line on why no call is made now."""
        found = self.told(name, rule)
        forced = found.breaker.forced
        if found.state is BreakerState.FORCED_OPEN and forced is not None:
            return f"{name}: no call is made, {forced.owner} holds its breaker open: {forced.reason}"
        last = f", the last one with: {found.breaker.last_error}" if found.breaker.last_error else ""
        return f"{name}: no call is made, its breaker is {found.state.value} after too many failed{last}"

    def hold(self, name: str, forced: Forced) -> None:
        """Hold a breaker open or closed. Raises BackendError; then nothing was changed."""
        self._change(name, lambda breaker: (breaker.held(forced), None))

    def held(self) -> Mapping[str, Forced]:
        """Every breaker that somebody holds. Raises BackendError."""
        found = {name: _breaker(kept).forced for name, kept in self._read().breakers.items()}
        return {name: forced for name, forced in found.items() if forced is not None}

    def let_go(self, name: str) -> None:
        """Make a breaker automatic again. Raises BackendError; then nothing was changed."""
        self._change(name, lambda breaker: (breaker.let_go(), None))

    def _answered(self, name: str, rule: BreakerRule, permit: Permit, error: str | None) -> None:
        self._step(name, lambda breaker: (breaker.answered(rule, self._now(), permit, error), None))

    def _step(self, name: str, step: Callable[[Breaker], tuple[Breaker, Answer]]) -> Answer | None:
        try:
            answer, self.problem = self._change(name, step), None
            return answer
        except BackendError as error:
            self.problem = str(error)
            with contextlib.suppress(BackendError):
                # What cannot be written can often be read: a breaker that is held open stays so on a full disk.
                return step(_breaker(self._read().breakers.get(name)))[1]
            return None

    def _change(self, name: str, step: Callable[[Breaker], tuple[Breaker, Answer]]) -> Answer:
        with self._alone():
            document = self._read()
            before = _breaker(document.breakers.get(name))
            after, answer = step(before)
            if after != before:
                changed = document.model_copy(update={"breakers": {**document.breakers, name: _kept(after)}})
                replace_file(self.path, (changed.model_dump_json(indent=1) + "\n").encode(), private_mode(self.path.parent))
            return answer

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with locked(self.path, private_mode(self.path.parent), TRIES):
                yield
        except OSError as error:
            raise BackendError(f"{self.path} cannot be written: {error.strerror or error}") from error

    def _read(self) -> _Document:
        try:
            with os.fdopen(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise BackendError(f"{self.path} is no regular file: move it away")
                raw = file.read(LARGEST + 1)
        except FileNotFoundError:
            return _Document()
        except OSError as error:
            raise BackendError(f"{self.path} cannot be read: {error.strerror}") from error
        if len(raw) > LARGEST:
            raise BackendError(f"{self.path} is larger than {LARGEST} bytes: delete it, it is made again")
        try:
            return _Document.model_validate_json(raw, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise BackendError(f"{self.path} is broken ({where}: {first['msg']}): delete it, it is made again") from error


def _breaker(kept: _Kept | None) -> Breaker:
    if kept is None:
        return Breaker()
    forced = None if kept.forced is None else Forced(**kept.forced.model_dump())
    attempts = tuple(Attempt(each.at, each.ok) for each in kept.attempts)
    return Breaker(attempts, kept.opened_at, kept.probing_since, forced, kept.last_error)


def _kept(breaker: Breaker) -> _Kept:
    forced = breaker.forced
    return _Kept(
        attempts=tuple(_Attempt(at=each.at, ok=each.ok) for each in breaker.attempts),
        opened_at=breaker.opened_at,
        probing_since=breaker.probing_since,
        forced=None
        if forced is None
        else _Forced(open=forced.open, owner=forced.owner, reason=forced.reason, set_at=forced.set_at, until=forced.until),
        last_error=breaker.last_error,
    )
