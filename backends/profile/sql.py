"""Column profiles by one aggregate statement: fixed edges, exact counts, no rows leave the engine.

The SQL is DuckDB's (1.5 and 2.0). `run(sql, params)` executes one statement and returns all of its rows: any connection will do.
A `relation` is trusted SQL: the name of a table or view, or a `SELECT` in parentheses. Column names may be anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from backends.profile.profile import (
    BINNED,
    NAMED,
    QUANTILES,
    ColumnKind,
    ColumnSpec,
    Profile,
    edges_around,
    finite_or_none,
    inner_edges,
    with_top,
)

Run = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
"""Executes one statement with its parameters and returns every row."""

WindowKey = tuple[Any, ...]
"""The values of the `by` expressions that name one window, such as `(version, day)`."""

EXACT_EDGES_UP_TO: Final = 1_000_000
"""Rows up to which the quantiles of a reference are exact; beyond, a sample of that many rows gives the edges. Counts stay exact."""

LISTS: Final = "lists or structures, such as embeddings, have no order and no categories"
FREE_TEXT: Final = "free text has no order and no categories"

FREE_FROM: Final = 200
"""Values from which a column of texts that hardly ever come twice is called free text."""

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


def reference_specs(
    run: Run,
    relation: str,
    columns: Sequence[str] | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
    exact_up_to: int = EXACT_EDGES_UP_TO,
) -> tuple[ColumnSpec, ...]:
    """How to count every column of a model, fixed by the rows of its reference.

    `columns` defaults to all that can be profiled; `kinds` overrides the kind by column (an integer code that is a category).
    Numeric columns get the unique linear quantiles 0, .1, ..., 1 of the reference as edges, outer ones open; a column that collapses
    into one bin has its most frequent value split off (`ColumnSpec.spike`), and a largest value that is a decile too has a bin of its
    own. A column of texts that are lists or structures, or that
    nobody declared and whose values hardly ever come twice, is `text`, and `edges_from` says why. Raises `MissingColumn`.
    """
    types = column_types(run, relation)
    chosen = list(columns) if columns is not None else [name for name, engine_type in types.items() if kind_of(engine_type)]
    _require(types, chosen)
    resolved: dict[str, ColumnKind] = {}
    for name in chosen:
        kind = (kinds or {}).get(name) or kind_of(types[name])
        if kind is None:
            raise MissingColumn(f"column {name!r} has type {types[name]}, which cannot be profiled; leave it out or flatten it first")
        resolved[name] = kind
    free = _free_texts(run, relation, [name for name in chosen if types[name].upper() == "VARCHAR"], kinds or {})
    resolved |= dict.fromkeys(free, "text")
    binned = {name: _as_number(name, types[name], finite=True) for name, kind in resolved.items() if kind in BINNED}
    specs = {spec.column: spec for spec in _binned_specs(run, relation, binned, resolved, exact_up_to)}
    return tuple(specs.get(name) or ColumnSpec(column=name, kind=kind, edges_from=free.get(name, "")) for name, kind in resolved.items())


def _free_texts(run: Run, relation: str, columns: Sequence[str], kinds: Mapping[str, ColumnKind]) -> dict[str, str]:
    """Why columns of texts have no categories, by name: nothing is said of those that have some."""
    if not columns:
        return {}
    asked = []
    for name in columns:
        value = quoted(name)
        nested = f"bool_and(({value} LIKE '[%]') OR ({value} LIKE '{{%}}'))"
        asked.append(f"count({value}), approx_count_distinct({value}), {nested}")
    found = iter(run(f"SELECT {', '.join(asked)} FROM {relation}", [])[0])
    free = {}
    for name in columns:
        n, distinct, lists = int(next(found)), int(next(found)), next(found)
        if lists and n:
            free[name] = LISTS
        elif kinds.get(name) == "text":
            free[name] = FREE_TEXT
        elif name not in kinds and n >= FREE_FROM and distinct > n / 2:
            free[name] = f"{FREE_TEXT}: nearly every value is another ({n} values in the reference)"
    return free


def _binned_specs(
    run: Run, relation: str, numbers: Mapping[str, str], kinds: Mapping[str, ColumnKind], exact_up_to: int
) -> list[ColumnSpec]:
    if not numbers:
        return []
    rows = int(run(f"SELECT count(*) FROM {relation}", [])[0][0])
    sampled = rows > exact_up_to
    rows_of = f"(SELECT * FROM {relation} USING SAMPLE reservoir({exact_up_to} ROWS) REPEATABLE (1))" if sampled else relation
    origin = f"deciles of a sample of {exact_up_to} of {rows} rows" if sampled else f"deciles of {rows} rows"
    quantiles = ", ".join(f"quantile_cont({number}, ?::DOUBLE[])" for number in numbers.values())
    found = run(f"SELECT {quantiles} FROM {rows_of}", [list(QUANTILES)] * len(numbers))[0]
    specs = []
    for (name, number), values in zip(numbers.items(), found, strict=True):
        steady, spike = _steadied(values or ()), None
        edges, note = with_top(inner_edges(steady), steady)
        if values and not edges:
            ranked = f"SELECT {number} AS v, count(*) FROM {rows_of} WHERE {number} IS NOT NULL GROUP BY v ORDER BY 2 DESC, 1 LIMIT 1"
            spike = float(run(ranked, [])[0][0]) + 0.0
            edges, note = edges_around(spike), f", which collapse: {spike:g} is split off"
        specs.append(ColumnSpec(column=name, kind=kinds[name], edges=edges, spike=spike, edges_from=origin + note))
    return specs


def _steadied(quantiles: Sequence[float]) -> list[float]:
    """Quantiles with the last digits that interpolating between equal values leaves behind taken away: engine versions differ in them."""
    steady: list[float] = []
    for value in quantiles:
        same = bool(steady) and math.isclose(value, steady[-1], rel_tol=1e-15, abs_tol=0.0)
        steady.append(steady[-1] if same else value)
    return steady


def profile_columns(run: Run, relation: str, specs: Sequence[ColumnSpec], by: Sequence[str] = ()) -> dict[WindowKey, tuple[Profile, ...]]:
    """Profiles of all columns in one pass, one tuple (in the order of `specs`) per window.

    `by` holds trusted SQL expressions that name the window of a row, such as `version` or `date_trunc('day', event_at)`; without any
    there is one window, `()`. A window without rows does not appear, except `()`. Raises `MissingColumn`.
    """
    sql, params = profile_sql(specs, column_types(run, relation), relation, by)
    windows: dict[WindowKey, tuple[Profile, ...]] = {}
    for row in run(sql, params):
        fields = iter(row[len(by) + 1 :])
        rows = int(row[len(by)])
        windows[tuple(row[: len(by)])] = tuple(_profile(spec, rows, fields) for spec in specs)
    return windows


def profile_sql(specs: Sequence[ColumnSpec], types: Mapping[str, str], relation: str, by: Sequence[str] = ()) -> tuple[str, list[Any]]:
    """The statement behind `profile_columns` and its parameters: `by`, `count(*)`, then the aggregates of each column."""
    _require(types, [spec.column for spec in specs])
    inner = [f"{expression} AS w{index}" for index, expression in enumerate(by)]
    outer = [f"w{index}" for index in range(len(by))] + ["count(*)"]
    params: list[Any] = []
    for index, spec in enumerate(specs):
        value = f"v{index}"
        outer.append(f"count({value})")
        if spec.kind in BINNED:
            inner.append(f"{_as_number(spec.column, types[spec.column])} AS {value}")
            finite = f"CASE WHEN isfinite({value}) THEN {value} END" if _has_infinities(types[spec.column]) else value
            outer += [f"count({finite})", f"sum({finite})", f"min({finite})", f"max({finite})"]
            if spec.edges:
                # The engine's bins are closed above; bins of the negated value are therefore closed below, as ours must be.
                outer.append(f"histogram(-{value}, ?::DOUBLE[])")
                params.append([-edge for edge in reversed(spec.edges)])
        elif spec.kind in NAMED:
            inner.append(f"CAST({quoted(spec.column)} AS VARCHAR) AS {value}")
            counted = f"list_transform(map_entries(histogram({value})), lambda e: {{'c': -e.value::BIGINT, 'k': e.key}})"
            outer.append(f"list_sort({counted})[:{int(spec.max_categories)}]")
        else:
            inner.append(f"{quoted(spec.column)} AS {value}")
    grouping = f" GROUP BY {', '.join(outer[: len(by)])} ORDER BY {', '.join(outer[: len(by)])}" if by else ""
    source = f"SELECT {', '.join(inner)} FROM {relation}" if inner else f"SELECT 1 FROM {relation}"
    return f"SELECT {', '.join(outer)} FROM ({source}){grouping}", params


def _profile(spec: ColumnSpec, rows: int, fields: Iterator[Any]) -> Profile:
    n = int(next(fields))
    counted = Profile(column=spec.column, kind=spec.kind, n=n, nulls=rows - n, edges_from=spec.edges_from)
    if spec.kind in BINNED:
        finite, total, low, high = int(next(fields)), next(fields), next(fields), next(fields)
        histogram = next(fields) if spec.edges else None
        return replace(
            counted,
            edges=spec.edges,
            counts=_counts(spec.edges, histogram, n),
            sum=finite_or_none(float(total)) if total is not None else 0.0,
            min=None if low is None else float(low),
            max=None if high is None else float(high),
            infinite=n - finite,
            spike=spec.spike,
        )
    if spec.kind in NAMED:
        kept = sorted((str(entry["k"]), -int(entry["c"])) for entry in (next(fields) or ()))
        return replace(counted, categories=tuple(kept), other=n - sum(count for _, count in kept))
    return counted


def _counts(edges: tuple[float, ...], counted: Mapping[float, int] | None, n: int) -> tuple[int, ...]:
    if not counted:
        return (n,) if not edges else (0,) * (len(edges) + 1)
    from_above = [int(counted.get(-edge, 0)) for edge in reversed(edges)]
    return (int(counted.get(math.inf, 0)), *reversed(from_above))


def _require(types: Mapping[str, str], columns: Sequence[str]) -> None:
    absent = [name for name in columns if name not in types]
    if absent:
        raise MissingColumn(f"no column {', '.join(map(repr, absent))} here; there are {', '.join(map(repr, types)) or 'none'}")


def _as_number(column: str, engine_type: str, finite: bool = False) -> str:
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
