"""What is kept of a search of a model's rows, and the one that belongs to a run. It loads no arithmetic: a card of a version shows it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import Field

from backends.records import Moment, State
from backends.store import queries
from backends.store.queries import MetricValue
from backends.store.reader import Reader
from backends.text import Untrusted
from console.views.health.model import View

Search = Literal["leakage", "parity"]

METRICS: Final[dict[Search, str]] = {"leakage": "leakage_check", "parity": "parity_check"}
"""The metric by which each is kept: its value is how many checks are not ok, the rest stands in its labels."""

LOOK_BACK: Final = timedelta(days=400)
MOST_COLUMNS: Final = 60
"""Columns whose share is kept."""

SAID: Final = 400
"""Characters that are kept of the worst that was found."""


class RecordedSearch(View):
    """The newest search of its kind that was kept in the workspace."""

    search: Search
    at: Moment
    state: State
    found: int
    """Checks or columns that are not ok, those without a verdict among them."""
    rows: int
    """Rows that were searched; of parity, requests on both sides."""
    file: Untrusted
    worst: Untrusted | None
    run: Untrusted | None = None
    by: Untrusted | None = None
    """Who searched, as the operating system says: a fact among facts, not proof."""
    shares: dict[str, float] = Field(default_factory=dict)
    """Of parity: the share of the requests that differ, by column; of very many columns the greatest ones."""


def newest_search(
    reader: Reader, environment: str, model: str, search: Search, at: datetime, run: str | None = None
) -> RecordedSearch | None:
    """The newest search of one kind that was kept up to `at`, of `run` where one is given; None where there is none."""
    return search_among(kept_searches(reader, environment, model, search, at), search, at, run)


def kept_searches(reader: Reader, environment: str, model: str, search: Search, at: datetime) -> list[MetricValue]:
    """Everything that was kept of searches of one kind, as facts."""
    return queries.latest_metrics(reader, environment, model=model, layer="data", name=METRICS[search], since=at - LOOK_BACK)


def search_among(kept: Sequence[MetricValue], search: Search, at: datetime, run: str | None) -> RecordedSearch | None:
    """The newest among what was kept."""
    mine = (
        read_search(search, each.event_at, each.value, each.n, each.labels)
        for each in kept
        if run in {None, each.labels.get("run")} and each.event_at <= at
    )
    return max((each for each in mine if each is not None), key=lambda each: each.at, default=None)


def read_search(search: Search, at: datetime, found: float | None, rows: float | None, labels: Mapping[str, str]) -> RecordedSearch | None:
    """A fact as what was kept; None where it is no record of a search."""
    if found is None or math.isnan(found) or rows is None or math.isnan(rows) or labels.get("state") not in set(State):
        return None
    return RecordedSearch(
        search=search,
        at=at,
        state=State(labels["state"]),
        found=round(found),
        rows=round(rows),
        file=Untrusted(str(labels.get("file", ""))),
        worst=Untrusted(str(labels["worst"])) if labels.get("worst") else None,
        run=Untrusted(str(labels["run"])) if "run" in labels else None,
        by=Untrusted(str(labels["by"])) if labels.get("by") else None,
        shares=_shares(labels.get("shares")),
    )


def _shares(written: str | None) -> dict[str, float]:
    """What `keep_parity` wrote; nothing where somebody else wrote something else."""
    try:
        found = json.loads(written) if written else {}
    except ValueError:
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {name: float(share) for name, share in items if isinstance(share, int | float) and 0 <= share <= 1}
