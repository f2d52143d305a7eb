"""The DuckDB file of a generation: records, events, and additive hourly counts of predictions.

A roll-up counts the version of each fact that was in force when everything known at publication is taken as known; `known_max`
says from which moment on that equals "as of". Hours of days that did not change are carried over from the previous generation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backends.store.catalogue import Segment
from backends.store.schema import PREDICTIONS, TABLES
from backends.store.sql import STORAGE_VERSION, run, text
from backends.store.versions import current, needs_choice, stored

if TYPE_CHECKING:
    import duckdb

HOURLY: Final = "hourly_predictions"
"""The table of the roll-up."""

PREDICTION_HOURS: Final = (
    "SELECT environment, source, model, version, role, served_by, date_trunc('hour', event_at) AS hour, count(*) AS n, "
    "sum(score) AS score_sum, sum(score * score) AS score_sumsq, count(latency_ms) AS latency_n, sum(latency_ms) AS latency_sum, "
    "max(latency_ms) AS latency_max, max(known_at) AS known_max FROM {facts} GROUP BY ALL"
)
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
        _roll_up(connection, segments, changed, carried=previous is not None)
        for name in COPIED:
            mine = [segment for segment in segments if segment.table == name]
            run(connection, f"CREATE TABLE made.{name} AS SELECT * FROM {stored(TABLES[name], mine)} ORDER BY event_at")
    finally:
        if previous is not None:
            run(connection, "DETACH before")
        run(connection, "DETACH made")


def _roll_up(
    connection: duckdb.DuckDBPyConnection, segments: Sequence[Segment], changed: set[tuple[str, str, str]], *, carried: bool
) -> None:
    mine = [segment for segment in segments if segment.table == PREDICTIONS.name]
    again = {(model, day) for table, model, day in changed if table == PREDICTIONS.name}
    if carried:
        # A fact that moved to another day changes both days, and every other day that shares identities may be concerned.
        again |= {(segment.model, segment.day) for segment in mine if segment.crossed}
        listed = ", ".join(f"({text(model)}, {text(day)})" for model, day in sorted(again))
        left_out = f"WHERE (model, strftime(hour, '%Y-%m-%d')) NOT IN (VALUES {listed})" if listed else ""
        run(connection, f"CREATE TABLE made.{HOURLY} AS SELECT * FROM before.{HOURLY} {left_out}")
    else:
        again |= {(segment.model, segment.day) for segment in mine}
        run(connection, f"CREATE TABLE made.{HOURLY} AS {PREDICTION_HOURS.format(facts=stored(PREDICTIONS, []))}")
    for model in sorted({model for model, _ in again}):
        some = [segment for segment in mine if segment.model == model and (model, segment.day) in again]
        plain = [segment for segment in some if not needs_choice([segment])]
        chosen = [segment for segment in some if needs_choice([segment])]
        if plain:
            run(connection, f"INSERT INTO made.{HOURLY} {PREDICTION_HOURS.format(facts=stored(PREDICTIONS, plain))}")
        if chosen:
            facts = current(PREDICTIONS, stored(PREDICTIONS, chosen), "true")
            run(connection, f"INSERT INTO made.{HOURLY} {PREDICTION_HOURS.format(facts=facts)}")
