"""What the store holds, from whom, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from backends.store.reader import Reader
from backends.store.schema import TABLES
from backends.store.sql import text
from backends.store.versions import needs_choice


@dataclass(frozen=True)
class SourceState:
    """What one source has told about one table of one environment."""

    environment: str
    source: str
    table: str
    rows: int
    last_event_at: datetime
    last_known_at: datetime


def counts(reader: Reader) -> dict[str, int]:
    """Facts in force by table: each once, only the version in force of each."""
    found: dict[str, int] = {}
    for name, table in TABLES.items():
        segments, tail = reader.segments(name), reader.tail(name)
        if reader.at is None and table.by_model and not needs_choice(segments) and not tail.revised:
            new = reader.fetch(f"SELECT count(*) FROM {tail.relation}")[0][0] if tail.relation else 0
            found[name] = sum(segment.rows for segment in segments) + int(new)
        else:
            found[name] = int(reader.fetch(f"SELECT count(*) FROM {reader.rows(name)}")[0][0])
    return found


def sources(reader: Reader) -> list[SourceState]:
    """Every source by environment, name and table, with its newest fact as of the reader's moment."""
    found: list[SourceState] = []
    for name in TABLES:
        rows = reader.fetch(
            f"SELECT environment, source, count(*), max(event_at), max(known_at) FROM {reader.rows(name)} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        found += [
            SourceState(environment, source, name, count, event_at.replace(tzinfo=UTC), known_at.replace(tzinfo=UTC))
            for environment, source, count, event_at, known_at in rows
        ]
    return sorted(found, key=lambda state: (state.environment, state.source, state.table))


def models(reader: Reader, environment: str | None = None) -> list[str]:
    """Names of the models that predictions, labels, metrics or a model record speak of, as of the reader's moment."""
    here = "true" if environment is None else f"environment = {text(environment)}"
    known = {str(row[0]) for row in reader.fetch(f"SELECT DISTINCT name FROM {reader.rows('records')} WHERE kind = 'model' AND {here}")}
    for name, table in TABLES.items():
        if not table.by_model:
            continue
        segments = reader.segments(name)
        for segment in segments:
            # A segment that was known as a whole by then needs no look inside.
            present = environment is None or environment in {where for where, _ in segment.sources}
            if present and len(segment.sources) == 1 and reader.knows_all_of(segment):
                known.add(segment.model)
        candidates = {segment.model for segment in segments} | reader.tail(name).models
        for model in sorted(candidates - known - {""}):
            if reader.fetch(f"SELECT 1 FROM {reader.rows(name, model=model)} WHERE {here} LIMIT 1"):
                known.add(model)
    known.discard("")
    return sorted(known)
