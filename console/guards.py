"""What this program calls outside its workspace, and the circuit breaker that guards each of these calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backends.breaker import BreakerRule
from backends.breaker_file import BreakerFile

if TYPE_CHECKING:
    from console.config import Workspace

NOTIFY: Final = "notify"
FILE: Final = "duckdb:"
"""Before the name of a database file of the user's own."""

NOTIFY_RULE: Final = BreakerRule(minimum_calls=3, failure_share=0.5, window=timedelta(minutes=15), cool_down=timedelta(minutes=1))
"""Alerts are rare: three calls that failed within a quarter of an hour are enough to leave it alone for a minute."""

FILE_RULE: Final = BreakerRule(minimum_calls=3, failure_share=0.5, window=timedelta(minutes=5), cool_down=timedelta(seconds=30))
"""Every look at the sources opens the file; a program that keeps it locked is not asked again at each of them."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One thing outside, and when calls to it stop for a while."""

    name: str
    what: str
    rule: BreakerRule


def guards_of(workspace: Workspace) -> list[Guard]:
    """Everything outside that this workspace calls, by its settings."""
    settings = workspace.settings
    found = [Guard(FILE + name, f"database file {source.path}", FILE_RULE) for name, source in sorted(settings.duckdb.items())]
    if settings.watch.notify:
        found.append(Guard(NOTIFY, f"command {settings.watch.notify[0]}, which tells of alerts", NOTIFY_RULE))
    return found


def breakers_of(workspace: Workspace, real_now: Callable[[], datetime]) -> BreakerFile:
    """The breakers of a workspace, by the clock on the wall."""
    return BreakerFile(workspace.paths.breakers, real_now)


def file_of(workspace: Workspace, name: str) -> Path:
    """Where the database file `name` of the settings lies: relative to the workspace, unless it is absolute."""
    return workspace.paths.root / workspace.settings.duckdb[name].path
