"""Searches of a model's rows that were kept: for leakage, and for differences of offline and online."""

from __future__ import annotations

from datetime import datetime

from backends.store.reader import Reader
from console.views.data.kept_search import METRICS, RecordedSearch, newest_search


def recorded_searches(reader: Reader, environment: str, model: str, at: datetime, *, run: str | None = None) -> tuple[RecordedSearch, ...]:
    """The newest of each kind up to `at`, of `run` where one is given; what is no record of one is passed over."""
    found = (newest_search(reader, environment, model, search, at, run) for search in METRICS)
    return tuple(each for each in found if each is not None)
