"""One thing that the console looks at in itself, and what the looking is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backends.records import State
from backends.text import Untrusted
from console.config import Workspace
from console.locate import Located
from console.views.health.model import View

Area = Literal["program", "terminal", "workspace", "store", "control", "policies", "evaluator", "clock", "disk", "faults"]

AREAS: tuple[Area, ...] = ("workspace", "control", "store", "evaluator", "policies", "clock", "disk", "faults", "terminal", "program")
"""In the order of who is hurt first."""


class Finding(View):
    """One thing that was looked at."""

    id: str
    """Stable, for scripts: `store.segments`."""
    area: Area
    state: State
    what: Untrusted
    to_do: Untrusted | None = None
    """What to do about it; None when there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the checks are given."""

    located: Located
    workspace: Workspace
    real_now: datetime
    deep: Callable[[int, int], None] | None = None
    """Where every fact is to be read: called with what is read and what there is to read."""


Check = Callable[[Looked], Iterable[Finding]]


def finding(id: str, state: State, what: str, to_do: str | None = None) -> Finding:
    """A finding of the area that its id begins with."""
    area = id.partition(".")[0]
    return Finding.model_validate(
        {"id": id, "area": area, "state": state, "what": Untrusted(what), "to_do": None if to_do is None else Untrusted(to_do)}
    )


def many(number: int, noun: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
