"""What the inputs of one model looked like, counted in blocks of time: missing values, values outside the contract, repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from backends.store.sql import double, moment, quoted, text

if TYPE_CHECKING:
    from backends.store.reader import Reader


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """What the contract says of one column: its least and greatest value, or its allowed values."""

    column: str
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    among: str | None = None
    """A relation whose column `v` lists, as text, every value that another table has."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Columns whose values together must stand in a row of another table: as texts, in the column `v` of a relation."""

    columns: tuple[str, ...]
    relation: str


LONGEST: Final = 2000
"""Characters of an offending value that are kept."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

OWN: Final = {"key": "VARCHAR", "version": "VARCHAR", "score": "DOUBLE", "latency_ms": "DOUBLE", "event_at": "TIMESTAMP"}
"""Columns of a prediction beside the inputs of its model of which a contract may speak, with their types."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Counts per block of `step`, the first of which starts at `start`. Every list has one entry a block."""

    start: datetime
    step: timedelta
    rows: list[int]
    repeats: list[int]
    """Rows whose key the same version had scored before within the block."""
    missing: dict[str, list[int]]
    outside: dict[str, list[int]]
    again: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    """By key: rows whose key stood in an earlier row of the block; rows that lack a part of it are left out."""
    strangers: dict[Foreign, list[int]] = field(default_factory=dict)
    """Rows that have all of the columns, whose values together the other table does not have."""
    newest: dict[str, list[int | None]] = field(default_factory=dict)
    """By column: the latest time, in microseconds since 1970; None in a block without one."""


def column_blocks(
    reader: Reader,
    environment: str,
    model: str,
    *,
    start: datetime,
    step: timedelta,
    blocks: int,
    checks: Sequence[ColumnCheck],
    keys: Sequence[tuple[str, ...]] = (),
    times: Sequence[str] = (),
    foreign: Sequence[Foreign] = (),
) -> Blocks:
    """Count the live predictions of a model in `blocks` consecutive blocks. A column that no fact has counts as missing everywhere.

    Each of `keys` and of `foreign` is counted where every column of it is there, and each of `times` where it is a time.
    """
    end = start + blocks * step
    inputs = reader.features(model)
    stored = {**inputs, **OWN}
    keys = [key for key in keys if all(name in stored for name in key)]
    foreign = [each for each in foreign if all(name in stored for name in each.columns)]
    times = [name for name in times if stored.get(name) == "TIMESTAMP"]
    counted = Blocks(
        start,
        step,
        [0] * blocks,
        [0] * blocks,
        {check.column: [0] * blocks for check in checks},
        {check.column: [0] * blocks for check in checks},
        {key: [0] * blocks for key in keys},
        {each: [0] * blocks for each in foreign},
        {name: [None] * blocks for name in times},
    )
    present = [check for check in checks if check.column in stored]
    aggregates = ["count(*)", "count(*) - count(DISTINCT (version, key))"]
    for check in present:
        aggregates.append(f"count(*) - count({value_of(check.column, stored[check.column])})")
        aggregates.append(f"count(*) FILTER ({outside(check, stored[check.column])})")
    for key in keys:
        values = [value_of(name, stored[name]) for name in key]
        whole = " AND ".join(f"{value} IS NOT NULL" for value in values)
        aggregates.append(f"count(*) FILTER ({whole}) - count(DISTINCT row({', '.join(values)})) FILTER ({whole})")
    aggregates += [f"count(*) FILTER ({stranger(each, stored)})" for each in foreign]
    aggregates += [f"epoch_us(max({quoted(name)}))" for name in times]
    asked = [*(check.column for check in present), *(name for key in keys for name in key), *times]
    asked += [name for each in foreign for name in each.columns]
    micros = round(step.total_seconds() * 1_000_000)
    relation = reader.rows(
        "predictions", model=model, start=start, end=end, inputs=[name for name in dict.fromkeys(asked) if name in inputs]
    )
    rows = reader.fetch(
        f"SELECT (epoch_us(event_at) - epoch_us({moment(start)})) // {micros} AS block, {', '.join(aggregates)} FROM {relation} "
        f"WHERE role = 'live' AND environment = {text(environment)} GROUP BY block"
    )
    for block, total, repeats, *rest in rows:
        counted.rows[block], counted.repeats[block] = total, repeats
        for number, check in enumerate(present):
            counted.missing[check.column][block] = rest[2 * number]
            counted.outside[check.column][block] = rest[2 * number + 1]
        for number, key in enumerate(keys, 2 * len(present)):
            counted.again[key][block] = rest[number]
        for number, each in enumerate(foreign, 2 * len(present) + len(keys)):
            counted.strangers[each][block] = rest[number]
        for number, name in enumerate(times, 2 * len(present) + len(keys) + len(foreign)):
            counted.newest[name][block] = rest[number]
        for check in checks:
            if check.column not in stored:
                counted.missing[check.column][block] = total
    return counted


def value_of(column: str, kind: str) -> str:
    """The column with NaN as a missing value."""
    name = quoted(column)
    return f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END" if kind in {"DOUBLE", "FLOAT"} else name


def outside(check: ColumnCheck, kind: str) -> str:
    """SQL that is true of a value outside the contract; a missing value, NaN among them, never is."""
    name = quoted(check.column)
    if check.among is not None:
        return f"{name} IS NOT NULL AND CAST({name} AS VARCHAR) NOT IN (SELECT v FROM {check.among})"
    if check.allowed is not None:
        return f"{name} IS NOT NULL AND CAST({name} AS VARCHAR) NOT IN ({', '.join(text(value) for value in check.allowed) or 'NULL'})"
    if kind in {"VARCHAR", "TIMESTAMP", "BOOLEAN"} or (check.minimum is None and check.maximum is None):
        return "false"
    floating = kind in {"DOUBLE", "FLOAT"}
    # A whole number is compared with a decimal one, exactly, however large it is.
    low, high = (None if end is None else double(end) if floating else repr(end) for end in (check.minimum, check.maximum))
    bounds = [f"{name} < {low}"] if low is not None else []
    bounds += [f"{name} > {high}"] if high is not None else []
    return f"NOT isnan({name}) AND ({' OR '.join(bounds)})" if floating else f"({' OR '.join(bounds)})"


def stranger(foreign: Foreign, kinds: Mapping[str, str]) -> str:
    """SQL that is true of a row that has all of the columns, whose values together the other table does not have."""
    there = " AND ".join(f"{value_of(name, kinds[name])} IS NOT NULL" for name in foreign.columns)
    values = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in foreign.columns)
    return f"{there} AND row({values}) NOT IN (SELECT v FROM {foreign.relation})"


@dataclass(frozen=True, slots=True)
class Breach:
    """What is wrong with a row: SQL over its columns, or with `again` that its key stood in an earlier row."""

    shown: tuple[str, ...]
    """Columns whose values are given."""
    wrong: str = "true"
    again: bool = False


def missing_of(column: str, kind: str) -> Breach:
    """Rows without a value."""
    return Breach((column,), f"{value_of(column, kind)} IS NULL")


def breaches(
    reader: Reader, environment: str, model: str, start: datetime, end: datetime, breach: Breach, most: int
) -> list[tuple[datetime, str | None]]:
    """The newest live predictions in [start, end) that a rule does not hold for: when they were made, and the value as text."""
    inputs = reader.features(model)
    stored = {**inputs, **OWN}
    named = [name for name in breach.shown if name in inputs]
    relation = reader.rows("predictions", model=model, start=start, end=end, inputs=named)
    rows = f"SELECT * FROM {relation} WHERE role = 'live' AND environment = {text(environment)}"
    wrong = breach.wrong
    if breach.again:
        values = [value_of(name, stored[name]) for name in breach.shown]
        wrong = " AND ".join(f"{value} IS NOT NULL" for value in values)
        rows = f"SELECT * FROM ({rows}) WHERE {wrong} QUALIFY row_number() OVER (PARTITION BY {', '.join(values)} ORDER BY event_at) > 1"
    shown = " || ', ' || ".join(f"left(CAST({quoted(name)} AS VARCHAR), {LONGEST})" for name in breach.shown)
    found = reader.fetch(f"SELECT epoch_us(event_at), {shown} FROM ({rows}) WHERE {wrong} ORDER BY event_at DESC, key LIMIT {most}")
    return [(EPOCH + timedelta(microseconds=int(at)), None if value is None else str(value)) for at, value in found]
