"""From columns as they arrive to facts as they are kept: names matched, types fixed, defaults filled, each fact identified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backends.store.errors import LandingError
from backends.store.schema import (
    BIGINT,
    BOOLEAN,
    DEFAULT_ENVIRONMENT,
    DEFAULT_SOURCE,
    DIGEST,
    DOUBLE,
    TIMESTAMP,
    VARCHAR,
    Table,
    feature_type,
    reserved_columns,
)
from backends.store.sql import quoted, text

EARLIEST_YEAR: Final = 1970
LATEST_YEAR: Final = 2261
"""A time outside is a unit mistaken, not an event; the upper end is what nanosecond clocks can hold."""

_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT"}
_TEXTLIKE = {"VARCHAR", "UUID", "JSON", '"NULL"', *_WHOLE}

Columns = Sequence[tuple[str, str]]
"""Name and DuckDB type of each column of an arriving relation."""


def feature_columns(table: Table, columns: Columns) -> dict[str, str]:
    """The inputs of a model among `columns`, with the type in which each is kept."""
    if not table.open:
        return {}
    known = reserved_columns(table)
    return {name: feature_type(kind) for name, kind in columns if name.lower() not in known}


def facts_select(table: Table, columns: Columns, relation: str, *, landed: str, carried: Sequence[str] = ()) -> str:
    """SQL that turns the rows of `relation` into facts of `table`.

    `landed` is a SQL expression for rows that do not say when they landed; `carried` columns go through unchanged. Besides the
    columns of the table it yields the features, DIGEST, and `__given`: whether the producer named the fact (an id that is not the
    digest of its content). Raises LandingError when a column is missing or cannot be what it must be, naming the column.
    """
    arriving = {name.lower(): (name, kind.upper()) for name, kind in columns}
    missing = [name for name in table.required if name not in arriving]
    if missing:
        raise LandingError(f"no column {', '.join(missing)}; there are: {', '.join(name for name, _ in columns)}")
    expressions: dict[str, str] = {}
    for name, kind in table.all_columns.items():
        expressions[name] = _declared(name, kind, arriving[name]) if name in arriving else f"CAST(NULL AS {kind})"
    expressions["environment"] = _or_default(expressions["environment"], DEFAULT_ENVIRONMENT)
    expressions["source"] = _or_default(expressions["source"], DEFAULT_SOURCE)
    expressions["known_at"] = f"coalesce({expressions['known_at']}, {expressions['event_at']})"
    expressions["landed_at"] = f"coalesce({expressions['landed_at']}, {landed})"
    for name, default in table.defaults.items():
        kind = table.columns[name]
        expressions[name] = f"coalesce({expressions[name]}, CAST({text(default)} AS {kind}))"
    if table.name == "metrics":
        expressions["labels"] = canonical_labels(expressions["labels"])
    features = feature_columns(table, columns)
    for name, kind in features.items():
        expressions[name] = _feature(quoted(name), dict(columns)[name].upper(), kind)
    expressions |= {name: name for name in carried}
    selected = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in expressions.items())
    kept = ", ".join(quoted(name) for name in expressions if name != "fact_id")
    return (
        f"SELECT {kept}, coalesce(nullif(fact_id, ''), md5(__content)) AS fact_id, md5_number_lower(__content) AS {DIGEST}, "
        f"coalesce(nullif(fact_id, '') <> md5(__content), false) AS __given "
        f"FROM (SELECT *, {_content(table, features)} AS __content FROM (SELECT {selected} FROM {relation}))"
    )


def canonical_labels(expression: str) -> str:
    """SQL: one text for one set of labels, whatever the order and blanks in which a JSON object writes them."""
    entries = f"list_sort(map_entries(CAST(json({expression}) AS MAP(VARCHAR, VARCHAR))))"
    return (
        f"CASE WHEN json_valid({expression}) AND json_type({expression}) = 'OBJECT' "
        f"THEN CAST(to_json(map_from_entries({entries})) AS VARCHAR) ELSE {expression} END"
    )


def violations(table: Table) -> dict[str, str]:
    """Conditions that no fact may meet: what is wrong, in words, and the SQL condition over the facts."""
    wrong = {f"{name} is missing": f"{quoted(name)} IS NULL" for name in table.required}
    for name in table.required:
        if table.all_columns[name] == VARCHAR:
            wrong[f"{name} is empty"] = f"{quoted(name)} = ''"
    for name in ("event_at", "known_at"):
        wrong[f"{name} is outside the years {EARLIEST_YEAR} to {LATEST_YEAR}"] = (
            f"{name} IS NOT NULL AND (NOT isfinite({name}) OR year({name}) NOT BETWEEN {EARLIEST_YEAR} AND {LATEST_YEAR})"
        )
    for name in table.finite:
        wrong[f"{name} is missing or not a finite number"] = f"{name} IS NULL OR NOT isfinite({name})"
    if table.name == "metrics":
        wrong["layer is not system, data, model or business"] = "layer NOT IN ('system', 'data', 'model', 'business')"
        wrong["value is not a finite number"] = "value IS NOT NULL AND NOT isfinite(value)"
        wrong["labels is not a JSON object"] = _not_object("labels")
    if table.name == "predictions":
        wrong["latency_ms is not a finite number"] = "latency_ms IS NOT NULL AND NOT isfinite(latency_ms)"
        wrong["role is neither live nor shadow"] = "role NOT IN ('live', 'shadow')"
        wrong["served_by is not model, degraded, fallback or killed"] = "served_by NOT IN ('model', 'degraded', 'fallback', 'killed')"
    if table.name in {"records", "events"}:
        wrong["body is not a JSON object"] = _not_object("body")
    return wrong


def _not_object(column: str) -> str:
    return f"{column} IS NOT NULL AND CASE WHEN json_valid({column}) THEN json_type({column}) <> 'OBJECT' ELSE true END"


def _declared(name: str, kind: str, arriving: tuple[str, str]) -> str:
    """The expression of a declared column, or LandingError when its type cannot become `kind`."""
    column, found = quoted(arriving[0]), arriving[1]
    numeric = found in _WHOLE or found in {"FLOAT", "DOUBLE", "BOOLEAN", '"NULL"'} or found.startswith("DECIMAL")
    if kind == TIMESTAMP and found == "TIMESTAMP WITH TIME ZONE":
        return f"({column} AT TIME ZONE 'UTC')"
    if kind == TIMESTAMP and (found.startswith("TIMESTAMP") or found == '"NULL"'):
        return f"CAST({column} AS TIMESTAMP)"
    if kind == VARCHAR and (found in _TEXTLIKE or found.startswith("ENUM")):
        return f"CAST({column} AS VARCHAR)"
    if kind == VARCHAR and name == "labels" and found.startswith(("MAP", "STRUCT")):
        return f"CAST(to_json({column}) AS VARCHAR)"
    if kind == DOUBLE and numeric:
        return _missing_when_nan(column, found, DOUBLE)
    if kind == BIGINT and numeric:
        return _missing_when_nan(column, found, BIGINT)
    if kind == BOOLEAN and (found == "BOOLEAN" or found in _WHOLE or found == '"NULL"'):
        return f"CAST({column} AS BOOLEAN)"
    if name not in {"event_at"} and found == "INTEGER":
        # A Parquet column of nothing but nulls may come without a type, which DuckDB reads as INTEGER.
        return f"CAST(CAST({column} AS VARCHAR) AS {kind})"
    wanted = {TIMESTAMP: "a TIMESTAMP", VARCHAR: "text", DOUBLE: "a number", BIGINT: "a whole number", BOOLEAN: "true or false"}[kind]
    raise LandingError(f"column {name} is {found}; it must be {wanted}")


def _missing_when_nan(column: str, found: str, kind: str) -> str:
    if found not in {"FLOAT", "DOUBLE"}:
        return f"CAST({column} AS {kind})"
    return f"CASE WHEN isnan({column}) THEN NULL ELSE CAST({column} AS {kind}) END"


def _feature(column: str, found: str, kind: str) -> str:
    if kind == DOUBLE:
        return _missing_when_nan(column, found, DOUBLE)
    if kind == TIMESTAMP and found == "TIMESTAMP WITH TIME ZONE":
        return f"({column} AT TIME ZONE 'UTC')"
    return f"CAST({column} AS {kind})"


def _or_default(expression: str, default: str) -> str:
    return f"coalesce(nullif({expression}, ''), {text(default)})"


def _content(table: Table, features: dict[str, str]) -> str:
    """The content of a fact as one text: every value that is present, by name, so that an absent column equals a null one.

    Lengths stand before names and values, so that no two contents run together into the same text. When a fact landed is no
    part of what it says.
    """
    kinds = {**table.all_columns, **features}
    parts: list[str] = []
    for name in sorted(kinds, key=str.lower):
        if name in {"landed_at", "fact_id"}:
            continue
        value = _as_text(quoted(name), kinds[name])
        label = text(f"{len(name)}:{name.lower()}=")
        parts.append(f"CASE WHEN {quoted(name)} IS NULL THEN '' ELSE concat({label}, length({value}), ':', {value}, ';') END")
    return f"concat({', '.join(parts)})"


def _as_text(column: str, kind: str) -> str:
    if kind == TIMESTAMP:
        # Infinite times have no microseconds; they are refused later, by name.
        return f"CASE WHEN isfinite({column}) THEN CAST(epoch_us({column}) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    if kind == BIGINT:
        # 3 and 3.0 are one value: the same file as CSV and as Parquet must give the same fact.
        return (
            f"CASE WHEN {column} BETWEEN -9007199254740992 AND 9007199254740992 THEN CAST(CAST({column} AS DOUBLE) AS VARCHAR) "
            f"ELSE CAST({column} AS VARCHAR) END"
        )
    return column if kind == VARCHAR else f"CAST({column} AS VARCHAR)"
