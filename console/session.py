"""One run of the console: which workspace, which environment, which time. Loads nothing heavy, the first frame needs it."""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from backends.host import short_host_name
from backends.plain_file import read_plain
from backends.store.newest import NewestFacts
from backends.store.paths import WorkspacePaths
from console.clock import Clock, PastClock, SystemClock
from console.locate import Located
from console.simulation import BrokenClock, read_clock


class Stamp(NamedTuple):
    """What tells that something changed on disk, and whether somebody did it."""

    done: tuple[object, ...]
    """Of what people do, or the watch in their place: the journal, switches, aliases, rules."""
    told: tuple[object, ...]
    """Of facts, of what was judged from them, and of time that passes: this may change all the time."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the console was started with."""

    located: Located
    environment: str | None = None
    as_of: datetime | None = None
    read_only: bool = False
    newest: NewestFacts = field(default_factory=NewestFacts, compare=False, repr=False)

    @property
    def paths(self) -> WorkspacePaths:
        return WorkspacePaths(self.located.root)

    def clock(self) -> Clock:
        """Time travel, the workspace's simulated clock, or real time."""
        if self.as_of is not None:
            return PastClock(self.as_of)
        try:
            return read_clock(self.paths) or SystemClock()
        except BrokenClock:
            return SystemClock()

    @property
    def knows_the_time(self) -> bool:
        """Whether `clock` is that of the workspace: while a simulated one cannot be read, real time only stands in for it."""
        try:
            read_clock(self.paths)
        except BrokenClock:
            return self.as_of is not None
        return True

    def summary(self) -> Any:
        """The last evaluated fleet from `summary.json` as plain attributes, or None; the present needs it, the past does not."""
        if self.as_of is not None:
            return None
        try:
            raw = json.loads(read_plain(self.paths.summary), object_hook=_attributes)
            ZoneInfo(raw.zone)
            # What the banner says before anything else is read.
            if not (isinstance(raw.workspace, str) and (raw.oldest_source_at is None or raw.oldest_source_at.tzinfo is not None)):
                return None
        except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
            return None
        return raw if self.environment in {None, raw.environment} else None

    def stamp(self) -> Stamp:
        """Changes whenever anything that a screen shows may have changed: files, and the minute of a simulated clock that runs."""
        paths = self.paths
        log = paths.control.with_name(paths.control.name + "-wal")
        published = (paths.registry, paths.switches, paths.traffic, paths.pipelines, paths.breakers, paths.clock_json)
        done: list[object] = [_touched(path) for path in (*published, paths.control, paths.spool)]
        # Whoever only looks into the journal makes an empty write-ahead log and takes it away again: that is no news.
        done.append(found if (found := _touched(log)) and found[1] else None)
        done += [_written_by_hand(folder) for folder in (paths.policies, paths.contracts, paths.playbooks)]
        told = [self.newest.seen(paths), *(_touched(path) for path in (paths.summary, paths.collected, paths.rejects))]
        return Stamp(tuple(done), (*told, self.clock().now().timestamp() // 300))


def _touched(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _written_by_hand(folder: Path) -> object:
    """What tells that a YAML file of a folder changed, came or went; None while the folder cannot be looked into."""
    try:
        with os.scandir(folder) as entries:
            listed = [entry for entry in entries if entry.name.endswith((".yaml", ".yml"))]
            return tuple(sorted((each.name, each.stat().st_mtime_ns, each.stat().st_size, each.stat().st_mode) for each in listed))
    except OSError:
        return None


def _attributes(raw: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**{name: _parsed(name, value) for name, value in raw.items()})


def _parsed(name: str, value: Any) -> Any:
    if isinstance(value, str) and (name.endswith(("_at", "_from", "_to")) or name in {"at", "since", "until", "complete_to"}):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


def who_am_i(clock: Clock) -> str:
    """`mara@bastion` for the banner; what is recorded comes from control's own identity."""
    played = os.environ.get("QUARTERDECK_ACTOR")
    host = short_host_name()
    if played and clock.kind == "sim":
        return played if "@" in played else f"{played}@local"
    try:
        name = os.environ.get("SUDO_USER") if os.getuid() == 0 else None
        return f"{name or pwd.getpwuid(os.getuid()).pw_name}@{host}"
    except KeyError:
        return f"uid-{os.getuid()}@{host}"
