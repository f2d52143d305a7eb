"""What actions can reach: the capabilities of one environment, behind the protocols of the backends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from backends.local.acting import LocalAliasSetter, LocalSwitchSetter, LocalTrafficSetter
from backends.protocol import ForbidsKeys, ReadsAliases, ReadsSwitches, ReadsTraffic, SetsAlias, SetsSwitch, SetsTraffic
from backends.store.paths import WorkspacePaths
from console.control.actions import Moved


@runtime_checkable
class MovesAliases(ReadsAliases, SetsAlias, Protocol):
    """A registry whose aliases can be read and moved."""


@runtime_checkable
class MovesSwitches(ReadsSwitches, SetsSwitch, Protocol):
    """A place where kill switches are published and read back."""


@runtime_checkable
class MovesTraffic(ReadsTraffic, SetsTraffic, Protocol):
    """A place where rollouts are published and read back."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read back: the value in force, whether the call in question took effect, and whether it still stands."""

    value: str | None
    ours: bool
    in_force: bool
    moved: Moved | None = None
    """Who put the value there, None where nobody did or the backend does not say."""
    certain: bool = False
    """Whether the backend keeps the keys of calls, so that `ours` is its answer and no guess from the value."""


class Movement(Protocol):
    """One change outside the journal, as the executor drives it: sent once, read back, settled."""

    @property
    def topic(self) -> Literal["alias", "switch", "traffic"]: ...

    @property
    def to(self) -> str: ...

    def call(self) -> str: ...

    def read_call(self) -> str: ...

    def send(self, now: datetime) -> None: ...

    def read(self) -> Seen: ...

    def forbid(self) -> bool | None: ...

    def tidy(self, now: datetime) -> tuple[str, str] | None:
        """What goes with the effect once it was seen, as `(call, result)`; None: nothing does. Never raises: it changes no outcome."""
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """Which backend serves which capability, and what it is called on screen."""

    aliases: MovesAliases
    switches: MovesSwitches
    registry_name: str = "local"
    switches_name: str = "switches.json"
    traffic: MovesTraffic | None = None
    """None: nothing here divides traffic."""
    traffic_name: str = "traffic.json"

    @classmethod
    def local(cls, paths: WorkspacePaths) -> Reach:
        """The files of the workspace itself: no network, no database."""
        return cls(LocalAliasSetter(paths.registry), LocalSwitchSetter(paths.switches), traffic=LocalTrafficSetter(paths.traffic))


def forbid(backend: object, key: str) -> bool | None:
    """Settle a lost call: whether it had taken effect, and that it never will from now on; None when the backend cannot say."""
    return backend.forbid(key) if isinstance(backend, ForbidsKeys) else None
