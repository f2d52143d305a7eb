"""One practice or badge as the records bear it out: there, in part, absent where the workspace is who would know, or unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from backends.records import State
from backends.text import Untrusted
from console.views.health.model import View

Level = Literal["there", "partly", "absent", "unknown"]

STATES: Final[dict[Level, State]] = {
    "there": State.OK,
    "partly": State.WARNING,
    "absent": State.WARNING,
    "unknown": State.UNKNOWN,
}


class Evidence(View):
    """Something that was recorded, and the verb that shows it."""

    text: Untrusted
    verb: str
    """Without the program's name: `versions arrival-delay@2`."""


class Judged(View):
    """One practice or badge."""

    id: str
    title: str
    level: Level
    state: State
    evidence: tuple[Evidence, ...]
    lacks: Untrusted
    """What speaks against it, or why it cannot be known; empty where it is there."""
    to_do: Untrusted
    """What would change that; empty where it is there."""


def judged(name: str, title: str, level: Level, evidence: Iterable[Evidence], lacks: str = "", to_do: str = "") -> Judged:
    """A practice at a level; what is there lacks nothing."""
    there = level == "there"
    return Judged(
        id=name,
        title=title,
        level=level,
        state=STATES[level],
        evidence=tuple(evidence),
        lacks=Untrusted("" if there else lacks),
        to_do=Untrusted("" if there else to_do),
    )


def evidence(text: str, verb: str) -> Evidence:
    return Evidence(text=Untrusted(text), verb=verb)
