"""The live rows of one model, laid out for judging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np

from backends.store import queries
from backends.store.reader import Reader
from console.views.health.subject import LetIn, Subject
from console.views.health.windows import HOUR, Floats, Rows, micros


def live_rows(reader: Reader, environment: str, model: str, start: datetime, end: datetime, *, columns: Sequence[str] = ()) -> Rows:
    """The live rows of a model with the labels known now, in order of time, with some of its inputs."""
    return rows_of(queries.scored(reader, environment, model, start, end, role="live", columns=columns, keys=False))


def scores_beside(
    reader: Reader, subject: Subject, rows: Rows, start: datetime, at: datetime, *, shadow: str, answered_by: str | None = None
) -> Floats | None:
    """For each of the subject's live rows the score that the version `shadow` gave it in the shadow since `start`; NaN where it gave none.

    With `answered_by` only for the rows that this version answered. None when `shadow` gave no scores.
    """
    environment, model = subject.environment, subject.model.name
    found = queries.scored(reader, environment, model, start, at, role="shadow", versions=[shadow])
    if not len(found):
        return None
    theirs = dict(zip(found.key.tolist(), found.score.tolist(), strict=True))
    versions = None if answered_by is None else [answered_by]
    live = queries.scored(reader, environment, model, start, at, role="live", versions=versions)
    since = rows.event_at >= micros(start)
    mine = since if answered_by is None else since & (rows.version == answered_by)
    given = np.full(len(rows), np.nan)
    given[mine] = [theirs.get(key, np.nan) for key in _keys_of(rows.where(mine), without_candidates(live, subject.let_in))]
    return given


def _keys_of(rows: Rows, found: queries.Scored) -> list[str | None]:
    """The keys of rows that were read without them: they are as `found` has them, in the same order.

    Where facts came in between, or `found` reaches further back, a row is known by its time, version and score, and has no key where two
    of `found` are alike in all three.
    """
    at = found.event_at.view(np.int64)
    if len(at) == len(rows) and np.array_equal(at, rows.event_at) and np.array_equal(found.score, rows.score, equal_nan=True):
        keys: list[str | None] = found.key.tolist()
        return keys
    known: dict[tuple[int, str, float], str | None] = {}
    for place, key in zip(zip(at.tolist(), found.version.tolist(), found.score.tolist(), strict=True), found.key.tolist(), strict=True):
        known[place] = None if place in known else key
    return [known.get(place) for place in zip(rows.event_at.tolist(), rows.version.tolist(), rows.score.tolist(), strict=True)]


def as_meant(rows: Rows, overrides: Sequence[tuple[datetime, datetime]]) -> Rows:
    """Rows with those that a person's switch had answered marked `switch`: neither a fault nor a broken promise."""
    if not overrides:
        return rows
    served_by = rows.served_by.copy()
    for start, end in overrides:
        # The request that was under way when the switch moved may still be answered the other way.
        inside = (rows.event_at >= micros(start) - HOUR) & (rows.event_at <= micros(end) + HOUR)
        served_by[inside & (served_by != "model")] = "switch"
    return replace(rows, served_by=served_by)


def apart(rows: Rows, let_in: Sequence[LetIn]) -> tuple[Rows, Rows]:
    """Rows that the serving version answered, and those of candidates while they were let in beside it."""
    beside = np.zeros(len(rows), dtype=np.bool_)
    for each in let_in:
        beside |= (rows.version == each.version) & (rows.event_at >= micros(each.start)) & (rows.event_at < micros(each.end))
    return (rows.where(~beside), rows.where(beside)) if beside.any() else (rows, rows.where(beside))


def without_candidates(found: queries.Scored, let_in: Sequence[LetIn]) -> queries.Scored:
    """Scores without those that candidates answered while they were let in."""
    beside = np.zeros(len(found.key), dtype=np.bool_)
    for each in let_in:
        start, end = (np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us") for moment in (each.start, each.end))
        beside |= (found.version == each.version) & (found.event_at >= start) & (found.event_at < end)
    if not beside.any():
        return found
    arrays = {field.name: getattr(found, field.name)[~beside] for field in fields(found) if field.name != "columns"}
    return replace(found, **arrays, columns={name: values[~beside] for name, values in found.columns.items()})


def rows_of(found: queries.Scored) -> Rows:
    """Scored rows laid out for judging."""
    return Rows(
        event_at=found.event_at.view(np.int64),
        score=found.score,
        label=found.label,
        label_known_at=np.where(np.isnan(found.label), np.iinfo(np.int64).max, found.label_known_at.view(np.int64)),
        latency_ms=found.latency_ms,
        version=found.version,
        served_by=found.served_by,
        columns=dict(found.columns),
    )
