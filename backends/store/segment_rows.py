"""What the catalogue keeps of the rows of a segment, asked of the rows themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.store.arrivals import grouping
from backends.store.catalogue import Segment
from backends.store.schema import Table
from backends.store.sql import quoted, run

if TYPE_CHECKING:
    import duckdb


def features_of(connection: duckdb.DuckDBPyConnection, table: Table, relation: str) -> dict[str, dict[str, str]]:
    """The inputs that each model of `relation` has a value for, with their types."""
    if not table.open:
        return {}
    known = {*table.all_columns}
    described = [(str(row[0]), str(row[1])) for row in run(connection, f"DESCRIBE {relation}")]
    others = [(name, kind) for name, kind in described if name not in known and not name.startswith("__")]
    if not others:
        return {}
    counts = ", ".join(f"count({quoted(name)})" for name, _ in others)
    found: dict[str, dict[str, str]] = {}
    for model, *present in run(connection, f"SELECT {grouping(table)}, {counts} FROM {relation} GROUP BY 1"):
        found[str(model)] = {name: kind for (name, kind), count in zip(others, present, strict=True) if count}
    return found


def days_of(connection: duckdb.DuckDBPyConnection, table: Table, relation: str) -> list[dict[str, Any]]:
    """What the catalogue keeps of each model and day of `relation`."""
    sql = (
        f"SELECT {grouping(table)} AS model, strftime(event_at, '%Y-%m-%d') AS day, count(*) AS rows, "
        "CAST(max(event_at) AS VARCHAR) AS event_max, CAST(max(known_at) AS VARCHAR) AS known_max, "
        f"min({table.key}) AS key_min, max({table.key}) AS key_max, min(fact_id) AS id_min, max(fact_id) AS id_max, "
        "bool_or(__given) AS given, list(DISTINCT [environment, source]) AS sources "
        f"FROM {relation} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    names = ("model", "day", "rows", "event_max", "known_max", "key_min", "key_max", "id_min", "id_max", "given", "sources")
    return [dict(zip(names, row, strict=True)) for row in run(connection, sql)]


def bounds_of(connection: duckdb.DuckDBPyConnection, table: Table, relation: str) -> dict[str, Any]:
    """How many rows a part of a segment has, and between what they lie."""
    sql = (
        "SELECT count(*), CAST(max(event_at) AS VARCHAR), CAST(max(known_at) AS VARCHAR), "
        f"min({table.key}), max({table.key}), min(fact_id), max(fact_id) FROM {relation}"
    )
    [row] = run(connection, sql)
    return dict(zip(("rows", "event_max", "known_max", "key_min", "key_max", "id_min", "id_max"), row, strict=True))


def described(
    table: Table,
    found: dict[str, Any],
    old: Segment | None,
    path: Path,
    size: int,
    columns: dict[str, str],
    *,
    corrected: bool,
    crossed: bool,
) -> Segment:
    """A segment as the catalogue describes it: what is new in it, and what it had before."""
    sources = {(str(environment), str(source)) for environment, source in found["sources"]}
    both = [found] if old is None else [found, vars(old)]
    return Segment(
        table=table.name,
        model=found["model"],
        day=found["day"],
        file=str(path),
        rows=sum(int(each["rows"]) for each in both),
        bytes=size,
        event_max=max(each["event_max"] for each in both),
        known_max=max(each["known_max"] for each in both),
        key_min=min(each["key_min"] for each in both),
        key_max=max(each["key_max"] for each in both),
        id_min=min(each["id_min"] for each in both),
        id_max=max(each["id_max"] for each in both),
        given=any(bool(each["given"]) for each in both),
        corrected=corrected or (old is not None and old.corrected),
        crossed=crossed or (old is not None and old.crossed),
        sources=tuple(sorted(sources | set(old.sources if old is not None else ()))),
        columns=columns,
    )


def crossed_over(segment: Segment) -> Segment:
    """The same, of which an identity is on another day by now."""
    return replace(segment, crossed=True)


def merged(connection: duckdb.DuckDBPyConnection, old: Any, new: dict[str, str], select: str) -> dict[str, str]:
    """The inputs of a day that is written again; where the types differ, DuckDB says what both become."""
    if all(old.get(name, kind) == kind for name, kind in new.items()):
        return {**old, **new}
    described = {str(row[0]): str(row[1]) for row in run(connection, f"DESCRIBE {select}")}
    return {name: described[name] for name in {**old, **new}}
