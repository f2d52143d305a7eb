"""Searches of a model's rows that were kept: for leakage, and for differences of offline and online."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import Final, Literal

import numpy as np

from backends.records import State
from backends.store import queries
from backends.store.reader import Reader
from backends.text import Untrusted
from console.views.health.model import View
from console.views.health.windows import moment_of

Search = Literal["leakage", "parity"]

METRICS: Final[dict[Search, str]] = {"leakage": "leakage_check", "parity": "parity_check"}
"""The metric by which each is kept: its value is how many checks are not ok, the rest stands in its labels."""

LOOK_BACK: Final = timedelta(days=400)
SAID: Final = 400
"""Characters that are kept of the worst that was found."""


class RecordedSearch(View):
    """The newest search of its kind that was kept in the workspace."""

    search: Search
    at: datetime
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


def recorded_searches(reader: Reader, environment: str, model: str, at: datetime, *, run: str | None = None) -> tuple[RecordedSearch, ...]:
    """The newest of each kind up to `at`, of `run` where one is given; what is no record of one is passed over."""
    found = []
    for search, metric in METRICS.items():
        series = queries.metric_series(
            reader, environment, metric, at - LOOK_BACK, at + timedelta(microseconds=1), model=model, layer="data"
        )
        times = series.at.astype("datetime64[us]").astype(np.int64).tolist()
        newest: RecordedSearch | None = None
        for when, value, rows, written in zip(times, series.value.tolist(), series.n.tolist(), series.labels.tolist(), strict=True):
            labels = json.loads(written)
            wanted = run is None or labels.get("run") == run
            if wanted and not math.isnan(value) and not math.isnan(rows) and labels.get("state") in set(State):
                newest = RecordedSearch(
                    search=search,
                    at=moment_of(when),
                    state=State(labels["state"]),
                    found=round(value),
                    rows=round(rows),
                    file=Untrusted(str(labels.get("file", ""))),
                    worst=Untrusted(str(labels["worst"])) if labels.get("worst") else None,
                    run=Untrusted(str(labels["run"])) if "run" in labels else None,
                    by=Untrusted(str(labels["by"])) if labels.get("by") else None,
                )
        if newest is not None:
            found.append(newest)
    return tuple(found)
