"""Searches of a model's rows that were kept: for leakage, and for differences of offline and online."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np

from backends.store import queries
from backends.store.reader import Reader
from console.views.data.kept_search import LOOK_BACK, METRICS, RecordedSearch, read_search
from console.views.health.windows import moment_of


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
            if run is None or labels.get("run") == run:
                newest = read_search(search, moment_of(when), value, rows, labels) or newest
        if newest is not None:
            found.append(newest)
    return tuple(found)
