"""Records as rows of their tables, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from backends.records import Event, MetricPoint, ModelVersion, Record, canonical_json


@cache
def record_adapter() -> TypeAdapter[Record]:
    """Parses the body of a record or an event."""
    return TypeAdapter(Record)


def record_name(record: Record) -> str:
    """What identifies a record within its kind: its name; for a version `model@version`."""
    return f"{record.model}@{record.version}" if isinstance(record, ModelVersion) else record.name


def rows_of_records(records: Iterable[Record | MetricPoint]) -> dict[str, list[dict[str, Any]]]:
    """One row a record, by table."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        row: dict[str, Any] = {
            "event_at": record.event_at,
            "known_at": record.known_at,
            "environment": record.environment,
            "source": record.source,
            "fact_id": record.fact_id or None,
        }
        if isinstance(record, MetricPoint):
            row |= {
                "model": record.model,
                "version": record.version,
                "layer": record.layer.value,
                "name": record.name,
                "value": record.value,
                "unit": record.unit,
                "labels": canonical_json(record.labels),
                "n": record.n,
                "simulated": record.simulated,
            }
            rows.setdefault("metrics", []).append(row)
            continue
        row |= {"kind": record.kind, "name": record_name(record), "body": canonical_json(json.loads(record.model_dump_json()))}
        if isinstance(record, Event):
            rows.setdefault("events", []).append(row | {"model": record.model})
        else:
            rows.setdefault("records", []).append(row)
    return rows
