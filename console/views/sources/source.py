"""One source, as the page of sources and the pages of single ones show it."""

from __future__ import annotations

from typing import Literal

from backends.records import Moment, State
from backends.text import Untrusted
from console.views.health.model import View
from console.views.own.breakers import BreakerRow

Kind = Literal["facts", "feed", "store", "registry", "switches", "journal", "evaluator", "file", "hook"]


class Source(View):
    """One source."""

    id: str
    """`facts:SOURCE:TABLE`, `feed:NAME`, `file:NAME`, or the kind alone."""
    kind: Kind
    name: Untrusted
    state: State
    """`stale` when it is older than expected, `critical` when it cannot be read."""
    why: Untrusted
    last_at: Moment | None
    """Time of its newest fact or change."""
    last_known_at: Moment | None = None
    """When its newest fact was known to it."""
    age_hours: float | None
    expected_hours: float | None
    """Older than this is stale; None: nothing says how often it should come."""
    expected_from: str
    """Where the expectation comes from."""
    rows: int | None = None
    breaker: BreakerRow | None = None
    """The breaker that guards calls to it; None for what lies in the workspace."""
