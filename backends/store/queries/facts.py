"""Metrics, records and events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backends.store.errors import StoreError
from backends.store.facts import canonical_labels
from backends.store.queries.arrays import floats, moments, texts
from backends.store.reader import Reader
from backends.store.rollups import LAST
from backends.store.sql import text

if TYPE_CHECKING:
    from backends.pipeline_protocol import AnsweringRun
    from backends.records import Event, Record
    from backends.store.queries.arrays import Floats, Moments, Texts


@dataclass(frozen=True)
class MetricSeries:
    """Values of a metric, oldest first. `value` is NaN where the metric was not computable, `n` where no sample size was given."""

    at: Moments
    value: Floats
    n: Floats
    version: Texts
    labels: Texts
    """JSON objects."""
    source: Texts
    unit: str
    simulated: bool


@dataclass(frozen=True)
class MetricValue:
    """The newest value of one metric of one version with one set of labels from one source."""

    model: str | None
    version: str | None
    layer: str
    name: str
    value: float | None
    unit: str
    labels: Mapping[str, str]
    n: int | None
    simulated: bool
    source: str
    event_at: datetime
    known_at: datetime


def metric_series(
    reader: Reader,
    environment: str,
    name: str,
    start: datetime | None,
    end: datetime | None,
    *,
    model: str | None = None,
    version: str | None = None,
    layer: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> MetricSeries:
    """The values of a metric over a window. `model` None: metrics that belong to no model; `labels`: exactly these."""
    conditions = [f"environment = {text(environment)}", f"name = {text(name)}"]
    conditions += [f"version = {text(version)}"] if version is not None else []
    conditions += [f"layer = {text(layer)}"] if layer is not None else []
    conditions += [f"labels = {canonical_labels(text(json.dumps(dict(labels))))}"] if labels is not None else []
    rows = reader.rows("metrics", model=model or "", start=start, end=end, keys=(name, name))
    found = reader.arrays(
        "SELECT event_at, value, CAST(n AS DOUBLE) AS n, version, labels, source, unit, simulated "
        f"FROM {rows} WHERE {' AND '.join(conditions)} ORDER BY event_at, source, version, labels"
    )
    units = [unit for unit in texts(found["unit"]) if unit]
    return MetricSeries(
        at=moments(found["event_at"]),
        value=floats(found["value"]),
        n=floats(found["n"]),
        version=texts(found["version"]),
        labels=texts(found["labels"]),
        source=texts(found["source"]),
        unit=str(units[-1]) if units else "",
        simulated=bool(found["simulated"].any()),
    )


def latest_metrics(
    reader: Reader,
    environment: str,
    *,
    model: str | None = None,
    layer: str | None = None,
    name: str | None = None,
    since: datetime | None = None,
) -> list[MetricValue]:
    """The newest value of every metric of a model (None: of every model and of none), by layer, name, version, labels, source.

    With `name` only the metrics that are called so, for which no file is opened that holds only others.
    """
    conditions = [f"environment = {text(environment)}"]
    conditions += [f"name = {text(name)}"] if name is not None else []
    conditions += [f"layer = {text(layer)}"] if layer is not None else []
    where = " AND ".join(conditions)
    keys = (name, name) if name is not None else None
    rolled, apart = _rolled_metrics(reader, model, since)
    columns = "version, layer, name, value, unit, labels, n, simulated, source, event_at, known_at"
    facts = reader.rows("metrics", model=model, start=since, keys=keys, without=rolled)
    found = f"SELECT nullif(model, '') AS model, {columns} FROM {facts} WHERE {where}"
    if rolled:
        of_model = "true" if model is None else f"model = {text(model)}"
        not_apart = f"(model, strftime(event_at, '%Y-%m-%d')) NOT IN (VALUES {', '.join(apart)})" if apart else "true"
        kept = f"generation.{LAST} WHERE {where} AND {of_model} AND {not_apart}"
        found = f"{found} UNION ALL SELECT nullif(model, '') AS model, {columns} FROM {kept}"
    rows = reader.fetch(
        f"SELECT model, {columns} FROM ({found}) "
        "QUALIFY row_number() OVER (PARTITION BY model, version, layer, name, labels, source ORDER BY event_at DESC) = 1 "
        "ORDER BY layer, name, model, version, labels, source"
    )
    return [
        MetricValue(m, v, at_layer, name, value, unit, json.loads(labels), n, simulated, source, _utc(event_at), _utc(known_at))
        for m, v, at_layer, name, value, unit, labels, n, simulated, source, event_at, known_at in rows
    ]


def _rolled_metrics(reader: Reader, model: str | None, since: datetime | None) -> tuple[frozenset[str], list[str]]:
    """Files of the days whose last metrics the generation tells as the facts do, and as SQL the days for which it does not."""
    rolled = reader.rolled("metrics", model, since, None) if reader.has_rollup(LAST) else []
    files = frozenset(segment.file for segment in rolled)
    apart = [
        f"({text(segment.model)}, {text(segment.day)})"
        for segment in reader.segments("metrics")
        if segment.file not in files and model in {None, segment.model}
    ]
    return files, apart


def records_of(reader: Reader, kind: str | None = None, model: str | None = None, *, environment: str | None = None) -> list[Record]:
    """The version in force of every record, of one kind or all, by kind, name and source.

    With `model` only records of that model: itself, its versions, runs, evaluations, pipelines and deployments. Contradicting
    sources stay side by side. Raises StoreError naming a record that is not what its kind must be.
    """
    from backends.store.record_rows import record_adapter

    conditions = ["true"]
    conditions += [f"environment = {text(environment)}"] if environment is not None else []
    conditions += [f"kind = {text(kind)}"] if kind is not None else []
    if model is not None:
        conditions.append(f"CASE WHEN kind = 'model' THEN name ELSE json_extract_string(body, '$.model') END = {text(model)}")
    rows = reader.fetch(
        f"SELECT kind, name, body FROM {reader.rows('records')} WHERE {' AND '.join(conditions)} ORDER BY kind, name, source, environment"
    )
    adapter = record_adapter()
    parsed: list[Record] = []
    for found, name, body in rows:
        try:
            parsed.append(adapter.validate_json(body))
        except ValueError as error:
            raise StoreError(f"the record {found} {name!r} is not valid: {_reason(error)}; land a corrected one") from None
    return parsed


def run_of_request(reader: Reader, environment: str, model: str, key: str) -> AnsweringRun | None:
    """The run that names a request: a training run of the model, else a run of a pipeline; the newest of each.

    Raises StoreError as `records_of`.
    """
    from backends.pipeline_protocol import AnsweringRun
    from backends.records import PipelineRun, Run
    from backends.store.record_rows import record_adapter

    rows = reader.fetch(
        f"SELECT body FROM {reader.rows('records')} WHERE environment = {text(environment)} AND kind IN ('run', 'pipeline_run') "
        f"AND json_extract_string(body, '$.request') = {text(key)} ORDER BY kind DESC, event_at DESC, name"
    )
    for (body,) in rows:
        try:
            found = record_adapter().validate_json(body)
        except ValueError as error:
            raise StoreError(f"the record of a run that names {key!r} is not valid: {_reason(error)}; land a corrected one") from None
        if isinstance(found, Run) and found.model == model:
            return AnsweringRun(found.name, None, found.status, found.started_at)
        if isinstance(found, PipelineRun):
            return AnsweringRun(found.name, found.pipeline, found.status, found.started_at)
    return None


def record_history(reader: Reader, *kinds: str, environment: str) -> list[Record]:
    """Every version of every record of these kinds, also those that were corrected since, the oldest known first.

    Raises StoreError as `records_of`.
    """
    from backends.store.record_rows import record_adapter

    listed = ", ".join(text(kind) for kind in kinds)
    rows = reader.fetch(
        f"SELECT DISTINCT kind, name, body, known_at FROM {reader.rows('records', every_version=True)} "
        f"WHERE environment = {text(environment)} AND kind IN ({listed}) ORDER BY known_at, kind, name, body"
    )
    adapter = record_adapter()
    parsed: list[Record] = []
    for found, name, body, _ in rows:
        try:
            parsed.append(adapter.validate_json(body))
        except ValueError as error:
            raise StoreError(f"the record {found} {name!r} is not valid: {_reason(error)}; land a corrected one") from None
    return parsed


def events_between(
    reader: Reader,
    start: datetime | None,
    end: datetime | None,
    *,
    environment: str | None = None,
    model: str | None = None,
) -> list[Event]:
    """What happened in [start, end), oldest first; with `model` only to that model. Raises StoreError as `records_of`."""
    from backends.records import Event

    conditions = ["true"]
    conditions += [f"environment = {text(environment)}"] if environment is not None else []
    conditions += [f"model = {text(model)}"] if model is not None else []
    rows = reader.fetch(
        f"SELECT name, body FROM {reader.rows('events', start=start, end=end)} "
        f"WHERE {' AND '.join(conditions)} ORDER BY event_at, name, source"
    )
    events: list[Event] = []
    for name, body in rows:
        try:
            events.append(Event.model_validate_json(body))
        except ValueError as error:
            raise StoreError(f"the event {name!r} is not valid: {_reason(error)}; land a corrected one") from None
    return events


def _reason(error: ValueError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ": ".join(lines[1:3]) or lines[0]


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
