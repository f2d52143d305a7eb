"""Column profiles by one aggregate statement: fixed edges, exact counts, no rows leave the engine.

The SQL is DuckDB's (1.5 and 2.0). `run(sql, params)` executes one statement and returns all of its rows: any connection will do.
A `relation` is trusted SQL: the name of a table or view, or a `SELECT` in parentheses. Column names may be anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from backends.profile.categories import Categories, Names
from backends.profile.profile import (
    BINNED,
    NAMED,
    ColumnKind,
    ColumnSpec,
    Profile,
    finite_or_none,
)
from backends.profile.sketch import HASHES, SIZE, Sketch

Run = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
"""Executes one statement with its parameters and returns every row."""

WindowKey = tuple[Any, ...]
"""The values of the `by` expressions that name one window, such as `(version, day)`."""

_FLOATS: Final = frozenset({"FLOAT", "DOUBLE", "REAL"})
_INTEGERS: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
_NUMBERS: Final = _FLOATS | _INTEGERS | {"DECIMAL"}
_NESTED: Final = ("STRUCT", "MAP", "UNION", "BLOB", "BIT", "VARIANT")


class MissingColumn(LookupError):
    """A column that was to be profiled is not in the relation."""


def quoted(name: str) -> str:
    """A column name as an SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def column_types(run: Run, relation: str) -> dict[str, str]:
    """Engine types by column name, in the order of the relation."""
    return {str(row[0]): str(row[1]) for row in run(f"DESCRIBE SELECT * FROM {relation}", [])}


def kind_of(engine_type: str) -> ColumnKind | None:
    """How a column of this engine type is profiled; None for nested and binary types, which are not."""
    name = engine_type.upper()
    if name.endswith("]") or name.startswith(_NESTED):
        return None
    if name == "BOOLEAN":
        return "boolean"
    if name.split("(")[0] in _NUMBERS:
        return "numeric"
    if name.startswith(("TIMESTAMP", "DATE")):
        return "timestamp"
    return "categorical"


def profile_columns(run: Run, relation: str, specs: Sequence[ColumnSpec], by: Sequence[str] = ()) -> dict[WindowKey, tuple[Profile, ...]]:
    """Profiles of all columns in one pass, one tuple (in the order of `specs`) per window.

    `by` holds trusted SQL expressions that name the window of a row, such as `version` or `date_trunc('day', event_at)`; without any
    there is one window, `()`. A window without rows does not appear, except `()`. Raises `MissingColumn`.
    """
    sql, params = profile_sql(specs, column_types(run, relation), relation, by)
    engine = engine_of(run)
    windows: dict[WindowKey, tuple[Profile, ...]] = {}
    names = {spec.column: Names() for spec in specs if spec.kind in NAMED}
    for row in run(sql, params):
        fields = iter(row[len(by) + 1 :])
        rows = int(row[len(by)])
        windows[tuple(row[: len(by)])] = tuple(_profile(spec, rows, fields, engine, names.get(spec.column)) for spec in specs)
    return windows


def engine_of(run: Run) -> str:
    """The engine that counts, and its version: hashes are its own."""
    return f"duckdb {str(run('SELECT version()', [])[0][0]).removeprefix('v')}"


def profile_sql(specs: Sequence[ColumnSpec], types: Mapping[str, str], relation: str, by: Sequence[str] = ()) -> tuple[str, list[Any]]:
    """The statement behind `profile_columns` and its parameters: `by`, `count(*)`, then the aggregates of each column."""
    require(types, [spec.column for spec in specs])
    inner = [f"{expression} AS w{index}" for index, expression in enumerate(by)]
    outer = [f"w{index}" for index in range(len(by))] + ["count(*)"]
    params: list[Any] = []
    for index, spec in enumerate(specs):
        value = f"v{index}"
        inner.append(f"{value_of(spec, types[spec.column])} AS {value}")
        outer.append(f"count({value})")
        if spec.kind in BINNED:
            finite = f"CASE WHEN isfinite({value}) THEN {value} END" if _has_infinities(types[spec.column]) else value
            outer += [f"count({finite})", f"sum({finite})", f"min({finite})", f"max({finite})"]
            if spec.edges:
                # The engine's bins are closed above; bins of the negated value are therefore closed below, as ours must be.
                outer.append(f"histogram(-{value}, ?::DOUBLE[])")
                params.append([-edge for edge in reversed(_finest(spec))])
        elif spec.kind in NAMED:
            counted = f"list_transform(map_entries(histogram({value})), lambda e: {{'c': -e.value::BIGINT, 'k': e.key}})"
            outer.append(f"list_sort({counted})[:{int(spec.max_categories)}]")
        if spec.sampled:
            outer.append(_value_bits(value, spec))
    grouping = f" GROUP BY {', '.join(outer[: len(by)])} ORDER BY {', '.join(outer[: len(by)])}" if by else ""
    source = f"SELECT {', '.join(inner)} FROM {relation}" if inner else f"SELECT 1 FROM {relation}"
    return f"SELECT {', '.join(outer)} FROM ({source}){grouping}", params


def _value_bits(value: str, spec: ColumnSpec) -> str:
    """SQL of the bits that the values set whose hash is small: the upper part of a hash says whether, the lower part which."""
    hashed = f"hash({value})"
    small = "" if spec.sampled >= HASHES else f" AND ({hashed} >> 16) < {spec.sampled}::UBIGINT"
    return f"bitstring_agg(CASE WHEN {value} IS NOT NULL{small} THEN ({hashed} & {SIZE - 1})::INTEGER END, 0, {SIZE - 1})"


def _finest(spec: ColumnSpec) -> tuple[float, ...]:
    low, high = spec.tails
    return (*(() if low is None else (low,)), *spec.edges, *(() if high is None else (high,)))


def _profile(spec: ColumnSpec, rows: int, fields: Iterator[Any], engine: str, names: Names | None) -> Profile:
    n = int(next(fields))
    counted = Profile(column=spec.column, kind=spec.kind, n=n, nulls=rows - n, edges_from=spec.edges_from)
    if spec.kind in BINNED:
        finite, total, low, high = int(next(fields)), next(fields), next(fields), next(fields)
        counts = _counts(_finest(spec), next(fields) if spec.edges else None, n)
        counted = replace(
            counted,
            edges=spec.edges,
            counts=_without_tails(spec, counts),
            tails=spec.tails,
            tail_counts=(0 if spec.tails[0] is None else counts[0], 0 if spec.tails[1] is None else counts[-1]),
            sum=finite_or_none(float(total)) if total is not None else 0.0,
            min=None if low is None else float(low),
            max=None if high is None else float(high),
            infinite=n - finite,
            spike=spec.spike,
        )
    elif spec.kind in NAMED:
        kept = Categories.of(((str(entry["k"]), -int(entry["c"])) for entry in (next(fields) or ())), names)
        counted = replace(counted, named=kept, other=n - kept.total)
    bits = next(fields) if spec.sampled else None
    if not n or not spec.sampled:
        return counted
    return replace(counted, sketch=Sketch(engine, spec.sampled, int(str(bits), 2) if bits is not None else 0))


def _without_tails(spec: ColumnSpec, counts: tuple[int, ...]) -> tuple[int, ...]:
    """The counts of the bins of `edges`: those of the tails are in the outer ones."""
    if spec.tails[0] is not None:
        counts = (counts[0] + counts[1], *counts[2:])
    return counts if spec.tails[1] is None else (*counts[:-2], counts[-2] + counts[-1])


def _counts(edges: tuple[float, ...], counted: Mapping[float, int] | None, n: int) -> tuple[int, ...]:
    if not counted:
        return (n,) if not edges else (0,) * (len(edges) + 1)
    from_above = [int(counted.get(-edge, 0)) for edge in reversed(edges)]
    return (int(counted.get(math.inf, 0)), *reversed(from_above))


def require(types: Mapping[str, str], columns: Sequence[str]) -> None:
    """Raises `MissingColumn` for columns that are not there."""
    absent = [name for name in columns if name not in types]
    if absent:
        raise MissingColumn(f"no column {', '.join(map(repr, absent))} here; there are {', '.join(map(repr, types)) or 'none'}")


def value_of(spec: ColumnSpec, engine_type: str) -> str:
    """SQL of what is counted of a column."""
    if spec.kind in BINNED:
        return as_number(spec.column, engine_type)
    return f"CAST({quoted(spec.column)} AS VARCHAR)" if spec.kind in NAMED else quoted(spec.column)


def as_number(column: str, engine_type: str, finite: bool = False) -> str:
    """SQL of a column as DOUBLE, NaN as NULL; with `finite`, infinities as NULL too."""
    name, kind = quoted(column), kind_of(engine_type)
    if kind == "timestamp":
        return f"CASE WHEN isfinite({name}) THEN epoch({name}) END"
    if kind == "boolean" or engine_type.upper() in _INTEGERS:
        return f"CAST({name} AS DOUBLE)"
    number = f"CAST({name} AS DOUBLE)" if kind == "numeric" else f"TRY_CAST({name} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END" if finite else f"CASE WHEN NOT isnan({number}) THEN {number} END"


def _has_infinities(engine_type: str) -> bool:
    return kind_of(engine_type) not in {"timestamp", "boolean"} and engine_type.upper() not in _INTEGERS
