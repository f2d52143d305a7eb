"""How the columns of a model are counted: edges, tails and kinds fixed once by the rows of a reference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from backends.profile.profile import (
    BINNED,
    NAMED,
    QUANTILES,
    TAILS,
    ColumnKind,
    ColumnSpec,
    edges_around,
    inner_edges,
    tail_edges,
    with_top,
)
from backends.profile.sketch import sampled_below
from backends.profile.sql import MissingColumn, Run, as_number, column_types, kind_of, quoted, require, value_of

EXACT_EDGES_UP_TO: Final = 1_000_000
"""Rows up to which the quantiles of a reference are exact; beyond, a sample of that many rows gives the edges. Counts stay exact."""

LISTS: Final = "lists or structures, such as embeddings, have no order and no categories"
FREE_TEXT: Final = "free text has no order and no categories"

FREE_FROM: Final = 200
"""Values from which a column of texts that hardly ever come twice is called free text."""

NAMED_UP_TO: Final = 1_000
"""Categories in a reference up to which they are known by name alone; beyond, some window may have more than are kept by name."""


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
    own; tails begin at the quantiles .01 and .99. A column of texts that are lists or structures, or that nobody declared and whose
    values hardly ever come twice, is `text`, and `edges_from` says why. Raises `MissingColumn`.
    """
    types = column_types(run, relation)
    chosen = list(columns) if columns is not None else [name for name, engine_type in types.items() if kind_of(engine_type)]
    require(types, chosen)
    resolved: dict[str, ColumnKind] = {}
    for name in chosen:
        kind = (kinds or {}).get(name) or kind_of(types[name])
        if kind is None:
            raise MissingColumn(f"column {name!r} has type {types[name]}, which cannot be profiled; leave it out or flatten it first")
        resolved[name] = kind
    free = _free_texts(run, relation, [name for name in chosen if types[name].upper() == "VARCHAR"], kinds or {})
    resolved |= dict.fromkeys(free, "text")
    binned = {name: as_number(name, types[name], finite=True) for name, kind in resolved.items() if kind in BINNED}
    specs = {spec.column: spec for spec in _binned_specs(run, relation, binned, resolved, exact_up_to)}
    found = [specs.get(name) or ColumnSpec(column=name, kind=kind, edges_from=free.get(name, "")) for name, kind in resolved.items()]
    return _sampled(run, relation, found, types)


def _sampled(run: Run, relation: str, specs: Sequence[ColumnSpec], types: Mapping[str, str]) -> tuple[ColumnSpec, ...]:
    """The same specs, each with the share of its values that set bits: the smaller, the more different ones the reference has."""
    if not specs:
        return ()
    counted = ", ".join(f"approx_count_distinct({value_of(spec, types[spec.column])})" for spec in specs)
    found = run(f"SELECT {counted} FROM {relation}", [])[0]
    return tuple(
        replace(spec, sampled=0 if spec.kind in NAMED and int(distinct) <= NAMED_UP_TO else sampled_below(int(distinct)))
        for spec, distinct in zip(specs, found, strict=True)
    )


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
    found = run(f"SELECT {quantiles} FROM {rows_of}", [[*QUANTILES, *TAILS]] * len(numbers))[0]
    specs = []
    for (name, number), values in zip(numbers.items(), found, strict=True):
        steady, spike = _steadied((values or ())[: len(QUANTILES)]), None
        edges, note = with_top(inner_edges(steady), steady)
        if values and not edges:
            ranked = f"SELECT {number} AS v, count(*) FROM {rows_of} WHERE {number} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
            spike = float(run(ranked, [])[0][0]) + 0.0
            edges, note = edges_around(spike), f", which collapse: {spike:g} is split off"
        tails = tail_edges(edges, *values[len(QUANTILES) :]) if values else (None, None)
        specs.append(ColumnSpec(column=name, kind=kinds[name], edges=edges, spike=spike, edges_from=origin + note, tails=tails))
    return specs


def _steadied(quantiles: Sequence[float]) -> list[float]:
    """Quantiles with the last digits that interpolating between equal values leaves behind taken away: engine versions differ in them."""
    steady: list[float] = []
    for value in quantiles:
        same = bool(steady) and math.isclose(value, steady[-1], rel_tol=1e-15, abs_tol=0.0)
        steady.append(steady[-1] if same else value)
    return steady
