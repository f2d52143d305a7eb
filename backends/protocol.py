"""What a remote or local system can do, as small capabilities.

An adapter implements the ones it has; a screen offers a key only where the capability exists. Reading adapters live in
`reading.py`, acting ones in `acting.py`; only `console.control` may import the latter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, runtime_checkable

from backends.records import SwitchState


class BackendError(Exception):
    """A backend said no or did not answer. `str()` is one line for a person: what happened, to what, and what to do next."""


class BackendUnavailable(BackendError):
    """No answer: nothing is known about the effect of a call that was under way."""


class BackendConflict(BackendError):
    """Somebody else moved it meanwhile: the expected value was not there. Nothing was changed."""

    def __init__(self, message: str, found: str | None) -> None:
        super().__init__(message)
        self.found = found


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One entry of an alias's history."""

    environment: str
    model: str
    alias: str
    version: str | None
    moved_at: datetime
    moved_by: str
    key: str


@dataclass(frozen=True, slots=True)
class SwitchSetting:
    """What `switches.json` says of one model in one environment."""

    environment: str
    model: str
    state: SwitchState
    set_at: datetime
    set_by: str
    key: str
    reason: str
    until: datetime | None = None
    owner: str | None = None
    """Who is asked when `until` has passed; None: whoever set it."""
    since: datetime | None = None
    """Since when it is in this state, however often that was renewed; None: since `set_at`."""

    @property
    def asked(self) -> str:
        """Who decides whether it goes on."""
        return self.owner or self.set_by

    @property
    def begun_at(self) -> datetime:
        """When the state began that is in force."""
        return self.since or self.set_at


NO_ROLLOUT: Final = "none"
"""The value of a model's traffic while no rollout is under way: the serving alias answers everything."""

Strategy = Literal["canary", "shadow", "blue-green", "ab"]


@dataclass(frozen=True, slots=True)
class TrafficSetting:
    """What `traffic.json` says of one model in one environment: a rollout, under way or ended.

    It counts only while it is running and the move `stable_key` of the serving alias is in force; else the alias answers everything.
    So a single move of the alias ends any rollout, for good.
    """

    environment: str
    model: str
    state: Literal["running", "ended"]
    strategy: Strategy
    stable: str
    """The version that the serving alias named when these weights were set."""
    stable_key: str
    """Key of the move of the alias that had put it in force."""
    candidate: str
    """The version that is being released; under blue-green the colour that does not answer."""
    weights: Mapping[str, float]
    """Share of the answers by version, 0 to 1, together 1."""
    salt: str
    """What requests are divided by, the same from the first step to the last: whoever got the candidate keeps it."""
    started_at: datetime
    step_at: datetime
    """Since when these weights hold."""
    set_at: datetime
    set_by: str
    key: str
    reason: str
    shadow: tuple[str, ...] = ()
    """Versions that score every request without answering."""
    steps: tuple[float, ...] = ()
    """The candidate's share in each step of a canary."""
    step: int = 0
    """Which of `steps` is in force, counted from 1; 0: none of them."""
    paused: bool = False
    hours: float | None = None
    """A/B: how long it runs at least; blue-green: how long the other colour is kept after a swap."""
    until: datetime | None = None
    """What `hours` makes of the moment at which they began to count."""

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def share(self) -> float:
        """The candidate's share of the answers."""
        return self.weights.get(self.candidate, 0.0)

    @property
    def value(self) -> str:
        """One line that names strategy, versions, step and share: what is compared before it is replaced, and read back after."""
        if not self.running:
            return NO_ROLLOUT
        step = f" step {self.step}/{len(self.steps)}" if self.steps and self.step else ""
        paused = " paused" if self.paused else ""
        return f"{self.strategy} {_short(self.stable)} > {_short(self.candidate)} at {self.share * 100:.6g} %{step}{paused}"


def _short(version: str) -> str:
    return version if len(version) <= 60 else f"{version[:59]}~"


@runtime_checkable
class ReadsAliases(Protocol):
    """Reads where aliases point."""

    def alias(self, environment: str, model: str, alias: str) -> AliasMove | None:
        """The move in force, or None when the alias was never set."""
        ...

    def alias_history(self, environment: str, model: str) -> list[AliasMove]:
        """Every move, oldest first."""
        ...


@runtime_checkable
class SetsAlias(Protocol):
    """Moves an alias, compare-and-set."""

    def set_alias(
        self, environment: str, model: str, alias: str, version: str, *, expected: str | None, key: str, actor: str, now: datetime
    ) -> AliasMove:
        """Point `alias` at `version` if it points at `expected` now; the same `key` again returns the same move.

        Raises BackendConflict (nothing changed) or BackendUnavailable (in doubt).
        """
        ...


@runtime_checkable
class ReadsSwitches(Protocol):
    """Reads the published state of the kill switches."""

    def switch(self, environment: str, model: str) -> SwitchSetting | None:
        """The setting in force; None: never set, which means normal."""
        ...


@runtime_checkable
class SetsSwitch(Protocol):
    """Publishes the state of a kill switch, atomically."""

    def set_switch(self, setting: SwitchSetting, *, expected: SwitchState) -> SwitchSetting:
        """Publish `setting` if the state in force is `expected`; the same key again returns the same setting."""
        ...


@runtime_checkable
class ReadsTraffic(Protocol):
    """Reads the published rollouts."""

    def traffic(self, environment: str, model: str) -> TrafficSetting | None:
        """The rollout under way or the last one that ended; None: there never was one."""
        ...


@runtime_checkable
class SetsTraffic(Protocol):
    """Publishes rollouts, atomically."""

    def set_traffic(self, setting: TrafficSetting, *, expected: str) -> TrafficSetting:
        """Publish `setting` if the value in force is `expected`; the same key again returns the same setting."""
        ...


@runtime_checkable
class RemembersKeys(Protocol):
    """Knows which calls took effect, also after their value was replaced."""

    def applied(self, key: str) -> bool:
        """Whether a call with `key` took effect."""
        ...


@runtime_checkable
class ReachesBack(Protocol):
    """Keeps the keys of calls in a file whose version grows by one at each change, and says how far back they are all there."""

    def published_version(self) -> int:
        """How often the file was changed; 0 when there is none."""
        ...

    def reaches_back_to(self, version: int | None) -> bool:
        """Whether no call that took effect after `version` is forgotten; None: since the beginning."""
        ...


@runtime_checkable
class ForbidsKeys(Protocol):
    """Settles a lost call: after `forbid`, a call with that key can no longer take effect."""

    def forbid(self, key: str) -> bool:
        """True when a call with `key` had taken effect before."""
        ...
