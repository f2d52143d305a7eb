"""What the inputs of one model looked like, counted in blocks of time: missing values, values outside the contract, repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backends.store.sql import moment, quoted, text

if TYPE_CHECKING:
    from backends.store.reader import Reader


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """What the contract says of one column: its least and greatest value, or its allowed values."""

    column: str
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None


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


def column_blocks(
    reader: Reader, environment: str, model: str, *, start: datetime, step: timedelta, blocks: int, checks: Sequence[ColumnCheck]
) -> Blocks:
    """Count the live predictions of a model in `blocks` consecutive blocks. A column that no fact has counts as missing everywhere."""
    end = start + blocks * step
    stored = reader.features(model)
    counted = Blocks(
        start,
        step,
        [0] * blocks,
        [0] * blocks,
        {check.column: [0] * blocks for check in checks},
        {check.column: [0] * blocks for check in checks},
    )
    present = [check for check in checks if check.column in stored]
    aggregates = ["count(*)", "count(*) - count(DISTINCT (version, key))"]
    for check in present:
        aggregates.append(f"count(*) - count({value_of(check.column, stored[check.column])})")
        aggregates.append(f"count(*) FILTER ({outside(check, stored[check.column])})")
    micros = round(step.total_seconds() * 1_000_000)
    relation = reader.rows("predictions", model=model, start=start, end=end, inputs=[check.column for check in present])
    rows = reader.fetch(
        f"SELECT (epoch_us(event_at) - epoch_us({moment(start)})) // {micros} AS block, {', '.join(aggregates)} FROM {relation} "
        f"WHERE role = 'live' AND environment = {text(environment)} GROUP BY block"
    )
    for block, total, repeats, *rest in rows:
        counted.rows[block], counted.repeats[block] = total, repeats
        for number, check in enumerate(present):
            counted.missing[check.column][block] = rest[2 * number]
            counted.outside[check.column][block] = rest[2 * number + 1]
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
    if check.allowed is not None:
        return f"{name} IS NOT NULL AND CAST({name} AS VARCHAR) NOT IN ({', '.join(text(value) for value in check.allowed) or 'NULL'})"
    if kind in {"VARCHAR", "TIMESTAMP", "BOOLEAN"} or (check.minimum is None and check.maximum is None):
        return "false"
    bounds = [f"{name} < {check.minimum!r}"] if check.minimum is not None else []
    bounds += [f"{name} > {check.maximum!r}"] if check.maximum is not None else []
    return f"NOT isnan({name}) AND ({' OR '.join(bounds)})" if kind in {"DOUBLE", "FLOAT"} else f"({' OR '.join(bounds)})"
