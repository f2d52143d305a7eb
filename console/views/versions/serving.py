"""Which version serves, since when, and which one served before: read from an alias's history as it stood at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backends.protocol import AliasMove

SERVING_ALIAS = "production"


@dataclass(frozen=True, slots=True)
class Serving:
    """The version in force, when it took over, and the one before it."""

    version: str | None
    since: datetime | None
    before: str | None = None
    before_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """One stretch of service of one version."""

    version: str
    start: datetime
    end: datetime | None


def served(history: Sequence[AliasMove], at: datetime, alias: str = SERVING_ALIAS) -> list[Served]:
    """Every stretch of service up to `at`, oldest first; the last one has no end if it goes on."""
    moves = [move for move in history if move.alias == alias and move.moved_at <= at]
    found: list[Served] = []
    for move in moves:
        if found and found[-1].end is None:
            if found[-1].version == move.version:
                continue
            found[-1] = Served(found[-1].version, found[-1].start, move.moved_at)
        if move.version is not None:
            found.append(Served(move.version, move.moved_at, None))
    return found


def serving_at(history: Sequence[AliasMove], at: datetime) -> Serving:
    """The version in force at `at` and the different one that served before it."""
    stretches = served(history, at)
    if not stretches or stretches[-1].end is not None:
        return Serving(None, None)
    now = stretches[-1]
    before = next((each for each in reversed(stretches[:-1]) if each.version != now.version), None)
    return Serving(now.version, now.start, before.version if before else None, before.start if before else None)


def aliases_at(history: Sequence[AliasMove], at: datetime) -> dict[str, str]:
    """Where every alias pointed at `at`."""
    found: dict[str, str] = {}
    for move in history:
        if move.moved_at > at:
            continue
        if move.version is None:
            found.pop(move.alias, None)
        else:
            found[move.alias] = move.version
    return found
