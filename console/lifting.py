"""Elevation in the words that a screen or a verb is given: `15m WHY`, or `off`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from backends.durations import parse_duration
from console.acting import open_desk
from console.config import open_workspace
from console.control.actions import new_key
from console.control.desk import Desk
from console.control.elevation import Elevation
from console.control.errors import Refused
from console.session import Session

HOW: Final = "write how long and why: elevate 15m REASON; or: elevate off"
OFF: Final = "off"


@contextmanager
def _desk(session: Session) -> Iterator[tuple[Desk, str]]:
    workspace = open_workspace(session.located.root)
    environment = session.environment or workspace.environment
    with open_desk(workspace, environment, as_of=session.as_of, read_only=session.read_only) as desk:
        yield desk, environment


def length_of(words: str) -> timedelta:
    """`15m`, `90s`, `1h`; a bare number is minutes, as for sudo. Raises ValueError with what to write."""
    try:
        return timedelta(minutes=int(words)) if words.isascii() and words.isdigit() else parse_duration(words)
    except OverflowError:
        raise ValueError(f"{words[:40]!r} is longer than any elevation can be; write it like 15m or 1h") from None


def lift(session: Session, words: str) -> Elevation | None:
    """Begin an elevation on this terminal as `words` say, or end it. Raises Refused or JournalUnavailable."""
    first, _, reason = words.strip().partition(" ")
    with _desk(session) as (desk, environment):
        if first == OFF:
            desk.drop_elevation(environment=environment, key=new_key())
            return None
        if not reason.strip():
            raise Refused(HOW)
        try:
            length = length_of(first)
        except ValueError:
            raise Refused(HOW) from None
        return desk.elevate(length, reason=reason.strip(), environment=environment, key=new_key())


def lifted(session: Session) -> Elevation | None:
    """The elevation that stands on this terminal."""
    with _desk(session) as (desk, environment):
        return desk.elevation(environment)
