"""One thing on the way from the sources to the outcome."""

from __future__ import annotations

from typing import Literal

from backends.records import State
from backends.text import Untrusted
from console.views.health.model import View
from console.views.lineage.reach import Reach

Kind = Literal["source", "dataset", "features", "run", "version", "deployment", "reader", "predictions", "labels", "business"]


class Node(View):
    """A node of the tree; one that is missing is there too, and says so."""

    id: str
    kind: Kind
    name: Untrusted
    detail: Untrusted
    depth: int
    """How far it is drawn to the right: 0 for a source."""
    state: State
    """`unknown` for what is missing or never measured, `critical` for what is not what was recorded."""
    why: Untrusted
    reach: Reach
    """What depends on it."""


def node(kind: Kind, name: str, detail: str, depth: int, reach: Reach, missing: str = "", state: State = State.UNKNOWN) -> Node:
    """A node that is there, or with `missing` one in `state` that says why."""
    return Node(
        id=f"{kind}:{name}",
        kind=kind,
        name=Untrusted(name),
        detail=Untrusted(detail),
        depth=depth,
        state=state if missing else State.OK,
        why=Untrusted(missing or detail or name),
        reach=reach,
    )


def short_digest(digest: str | None) -> str:
    """`e620 6161`: the first eight digits, enough to compare by eye."""
    digits = (digest or "").removeprefix("sha256:")
    return f"{digits[:4]} {digits[4:8]}" if digits else "unknown"
