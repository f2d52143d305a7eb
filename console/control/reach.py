"""What actions can reach: the capabilities of one environment, behind the protocols of the backends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from backends.local.acting import LocalAliasSetter, LocalPipelineSetter, LocalSwitchSetter, LocalTrafficSetter
from backends.pipeline_protocol import AsksForRuns, ReadsHolds, ReadsRequests, ReadsRuns, SetsHold
from backends.protocol import (
    BackendError,
    ForbidsKeys,
    ReachesBack,
    ReadsAliases,
    ReadsSwitches,
    ReadsTraffic,
    RemembersKeys,
    SetsAlias,
    SetsSwitch,
    SetsTraffic,
)
from backends.store.acting import DeletesRows, StoreRows
from backends.store.answered import RecordedRuns
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


@runtime_checkable
class TellsPipelines(ReadsHolds, SetsHold, ReadsRequests, AsksForRuns, Protocol):
    """A place where pipelines are told what to do, and that is read back."""


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
    awaits: str = ""
    """What has to happen elsewhere before the call is in effect, although it arrived and stands; empty: nothing."""
    forgotten: bool = False
    """Whether the backend keeps keys, but not as far back as this call: `ours` is False because nobody knows."""


class Movement(Protocol):
    """One change outside the journal, as the executor drives it: sent once, read back, settled."""

    @property
    def topic(self) -> Literal["alias", "switch", "traffic", "pipeline", "retention"]: ...

    @property
    def to(self) -> str: ...

    def call(self) -> str: ...

    def read_call(self) -> str: ...

    def send(self, now: datetime) -> None: ...

    def read(self) -> Seen: ...

    def forbid(self) -> bool | None: ...

    def published(self) -> int | None:
        """Which version of the published file is in force, None where there is no such number. Never raises."""
        ...

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
    pipelines: TellsPipelines | None = None
    """None: nothing here tells pipelines what to do."""
    pipelines_name: str = "pipelines.json"
    runs: ReadsRuns | None = None
    """Where it is seen that a run answers a request; None: nowhere."""
    rows: DeletesRows | None = None
    """None: nothing here deletes rows."""

    @classmethod
    def local(cls, paths: WorkspacePaths) -> Reach:
        """The files of the workspace itself: no network, no database."""
        return cls(
            LocalAliasSetter(paths.registry),
            LocalSwitchSetter(paths.switches),
            traffic=LocalTrafficSetter(paths.traffic),
            pipelines=LocalPipelineSetter(paths.pipelines),
            runs=RecordedRuns(paths),
            rows=StoreRows(paths),
        )


def seen_by_key(backend: RemembersKeys, key: str, *, value: str | None, moved: Moved | None, since: int | None) -> Seen:
    """What a backend that keeps keys says of a call whose value is not the one in force. Raises BackendError."""
    ours = backend.applied(key)
    known = ours or _reaches_back(backend, since)
    return Seen(value, ours=ours, in_force=False, moved=moved, certain=known, forgotten=not known)


def forbid(backend: object, key: str, since: int | None) -> bool | None:
    """Settle a lost call: whether it had taken effect, and that it never will from now on; None when the backend cannot say.

    `since` is the version of the published file that the call was made upon.
    """
    if not isinstance(backend, ForbidsKeys):
        return None
    # Asked afterwards: what is still known by then was known when the key was given up.
    return backend.forbid(key) or (False if _reaches_back(backend, since) else None)


def published_version(backend: object) -> int | None:
    """Which version of its file a backend shows, None where it has none or cannot say."""
    try:
        return backend.published_version() if isinstance(backend, ReachesBack) else None
    except BackendError:
        return None


def _reaches_back(backend: object, since: int | None) -> bool:
    return not isinstance(backend, ReachesBack) or backend.reaches_back_to(since)
