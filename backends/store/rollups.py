"""The DuckDB file of a generation: records, events, additive hourly counts of predictions, the last metrics of each day.

A roll-up counts the version of each fact that was in force when everything known at publication is taken as known; `known_max`
says from which moment on that equals "as of". Hours of days that did not change are carried over from the previous generation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backends.store.catalogue import Segment
from backends.store.schema import METRICS, PREDICTIONS, TABLES, Table
from backends.store.sql import STORAGE_VERSION, run, text
from backends.store.versions import current, needs_choice, stored

if TYPE_CHECKING:
    import duckdb

HOURLY: Final = "hourly_predictions"
LAST: Final = "last_metrics"
"""The tables of the roll-ups."""

PREDICTION_HOURS: Final = (
    "SELECT environment, source, model, version, role, served_by, date_trunc('hour', event_at) AS hour, count(*) AS n, "
    "sum(score) AS score_sum, sum(score * score) AS score_sumsq, count(latency_ms) AS latency_n, sum(latency_ms) AS latency_sum, "
    "max(latency_ms) AS latency_max, max(known_at) AS known_max FROM {facts} GROUP BY ALL"
)
SERIES: Final = "environment, source, model, version, layer, name, labels"
LAST_METRICS: Final = (
    "SELECT environment, source, coalesce(model, '') AS model, version, layer, name, labels, value, unit, n, simulated, event_at, known_at "
    f"FROM {{facts}} QUALIFY row_number() OVER (PARTITION BY {SERIES}, date_trunc('day', event_at) ORDER BY event_at DESC) = 1"
)
"""The newest value of every metric on each day: what holds now is found in them, without a file being opened for every day."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table of a generation that is made from the facts of one table, day by day; `time` says which day a row is of."""

    table: Table
    query: str
    time: str = "hour"


ROLLUPS: Final[Mapping[str, Rollup]] = {
    HOURLY: Rollup(PREDICTIONS, PREDICTION_HOURS),
    LAST: Rollup(METRICS, LAST_METRICS, "event_at"),
}
COPIED: Final = ("records", "events")


def write_generation(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    *,
    previous: Path | None,
    segments: Sequence[Segment],
    changed: set[tuple[str, str, str]],
) -> None:
    """Write the file of a generation that consists of `segments`; `changed` are the (table, model, day) that differ from `previous`."""
    run(connection, f"ATTACH {text(str(target))} AS made (STORAGE_VERSION {text(STORAGE_VERSION)})")
    if previous is not None:
        run(connection, f"ATTACH {text(str(previous))} AS before (READ_ONLY)")
    try:
        for name, rollup in ROLLUPS.items():
            # What an older program left has not every table.
            carried = previous is not None and holds(connection, "before", name)
            _roll_up(connection, name, rollup, segments, changed, carried=carried)
        for name in COPIED:
            mine = [segment for segment in segments if segment.table == name]
            run(connection, f"CREATE TABLE made.{name} AS SELECT * FROM {stored(TABLES[name], mine)} ORDER BY event_at")
    finally:
        if previous is not None:
            run(connection, "DETACH before")
        run(connection, "DETACH made")


def holds(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> bool:
    """Whether an attached database has a table."""
    where = f"database_name = {text(database)} AND table_name = {text(table)}"
    return bool(run(connection, f"SELECT 1 FROM duckdb_tables() WHERE {where}"))


def _roll_up(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    rollup: Rollup,
    segments: Sequence[Segment],
    changed: set[tuple[str, str, str]],
    *,
    carried: bool,
) -> None:
    table, query = rollup.table, rollup.query
    mine = [segment for segment in segments if segment.table == table.name]
    again = {(model, day) for found, model, day in changed if found == table.name}
    if carried:
        # A fact that moved to another day changes both days, and every other day that shares identities may be concerned.
        again |= {(segment.model, segment.day) for segment in mine if segment.crossed}
        listed = ", ".join(f"({text(model)}, {text(day)})" for model, day in sorted(again))
        left_out = f"WHERE (model, strftime({rollup.time}, '%Y-%m-%d')) NOT IN (VALUES {listed})" if listed else ""
        run(connection, f"CREATE TABLE made.{name} AS SELECT * FROM before.{name} {left_out}")
    else:
        again |= {(segment.model, segment.day) for segment in mine}
        run(connection, f"CREATE TABLE made.{name} AS {query.format(facts=stored(table, []))}")
    models = sorted({model for model, _ in again})
    for model in models:
        some = [segment for segment in mine if segment.model == model and (model, segment.day) in again]
        plain = [segment for segment in some if not needs_choice([segment])]
        chosen = [segment for segment in some if needs_choice([segment])]
        if plain:
            run(connection, f"INSERT INTO made.{name} {query.format(facts=stored(table, plain))}")
        if chosen:
            run(connection, f"INSERT INTO made.{name} {query.format(facts=current(table, stored(table, chosen), 'true'))}")
