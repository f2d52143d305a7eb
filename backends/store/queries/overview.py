"""What the store holds, from whom, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backends.store.reader import Reader
from backends.store.schema import TABLES
from backends.store.sql import text, texts


@dataclass(frozen=True)
class SourceState:
    """What one source has told about one table of one environment."""

    environment: str
    source: str
    table: str
    rows: int
    last_event_at: datetime
    last_known_at: datetime


def counts(reader: Reader, known: list[SourceState] | None = None) -> dict[str, int]:
    """Facts in force by table: each once, only the version in force of each. `known`: what `sources` has answered already."""
    found = dict.fromkeys(TABLES, 0)
    for state in sources(reader) if known is None else known:
        found[state.table] += state.rows
    return found


def described(reader: Reader) -> None:
    """Ask every segment what it holds, which the catalogue answers for it otherwise. Raises StoreError that names one that is damaged."""
    for name in TABLES:
        if files := [segment.file for segment in reader.segments(name)]:
            reader.fetch(f"SELECT sum(num_rows) FROM parquet_file_metadata({texts(files)})")


def sources(reader: Reader) -> list[SourceState]:
    """Every source by environment, name and table, with its newest fact as of the reader's moment."""
    return sorted(
        (state for name in TABLES for state in _sources(reader, name)), key=lambda state: (state.environment, state.source, state.table)
    )


def _sources(reader: Reader, table: str) -> list[SourceState]:
    told = reader.told_whole(table)
    found = [(*segment.sources[0], segment.rows, _stored(segment.event_max), _stored(segment.known_max)) for segment in told]
    if len(told) < len(reader.segments(table)) or reader.tail(table).relation is not None:
        rows = reader.rows(table, without=frozenset(segment.file for segment in told))
        found += reader.fetch(f"SELECT environment, source, count(*), max(event_at), max(known_at) FROM {rows} GROUP BY 1, 2")
    states: dict[tuple[str, str], SourceState] = {}
    for environment, source, count, event_at, known_at in found:
        new = SourceState(environment, source, table, count, event_at.replace(tzinfo=UTC), known_at.replace(tzinfo=UTC))
        old = states.get((environment, source))
        states[environment, source] = new if old is None else _together(old, new)
    return list(states.values())


def _together(one: SourceState, other: SourceState) -> SourceState:
    return replace(
        one,
        rows=one.rows + other.rows,
        last_event_at=max(one.last_event_at, other.last_event_at),
        last_known_at=max(one.last_known_at, other.last_known_at),
    )


def _stored(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


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
