"""Reading a file of scores: scores, outcomes, and the keys by which its rows are told apart. What is wrong with it is one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np

from backends.data_files.problem import DataFileProblem
from backends.data_files.sliceable import Sliceable, sliceable
from backends.data_files.table import Table
from backends.store.sql import moment, quoted, text
from console.analysis.intervals import Bools, Floats, Ints
from console.analysis.slicing import number_slices
from console.analysis.worst_slices import MOST_VALUES, CodedColumn, coded

MINIMUM_SLICE: Final = 200
"""Labelled rows below which no slice is named as one of the worst."""

PERIOD: Final = "\0period"
"""The key of the periods, a name that no column has."""

SEARCHED_CELLS: Final = 50_000_000
MOST_SEARCHED: Final = 30
"""Values, and columns, that are searched for the worst slices without being named."""

MOST_KEYS: Final = 1_000
"""Distinct values beyond which a column is refused as a slice, a period or a group."""

MISSING: Final = "(missing)"

PERIODS: Final = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
"""How a period is named: ISO weeks."""

_COUNT: Final = {True: "does not count", False: "do not count"}

_NUMBERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE")
_PLAIN_TEXT: Final = ("VARCHAR", "BOOLEAN", "DATE", "UUID", "NULL")
_ZONED: Final = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True, slots=True)
class FileAsked:
    """What is asked of a file. `zone` is that of times without one.

    `as_of` with `label_time`: only outcomes known by then count; with `time`: only rows that were scored by then.
    """

    label: str
    score: str
    threshold: float | None = None
    time: str | None = None
    by: Literal["day", "week", "month"] = "week"
    slices: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    label_time: str | None = None
    as_of: datetime | None = None
    zone: str | None = None
    minimum: int = MINIMUM_SLICE


@dataclass(frozen=True, slots=True)
class FileRows:
    """Scores (NaN: none), outcomes (NaN: not known), keys by column, and the columns in which bad slices are searched."""

    score: Floats
    label: Floats
    keys: dict[str, CodedColumn] = field(default_factory=dict)
    searched: tuple[CodedColumn, ...] = ()


def read_rows(table: Table, asked: FileAsked) -> tuple[FileRows, list[str]]:
    """The rows of a table, and what to say of how they were read. Raises DataFileProblem, also for what no outcome or score may be."""
    notes: list[str] = []
    columns = dict.fromkeys((*asked.slices, *asked.groups))
    expressions = [_number(table, asked.score, "a score", "write probabilities from 0 to 1")]
    expressions.append(_number(table, asked.label, "an outcome", "write 1 where it came true, 0 where not, nothing where nobody knows yet"))
    expressions += [_by(table, asked, asked.label_time, missing=False), _by(table, asked, asked.time, missing=True)]
    expressions += [_key(table, column) for column in columns]
    if asked.time is not None:
        expressions.append(_period(table, asked, notes))
    others = _others(table, asked, notes)
    expressions += [each.expression for each in others]
    score, label, known, scored, *keys = table.fetch(expressions)
    scores, labels = _floats(score), _floats(label)
    _check_labels(table, asked.label, labels)
    _check_scores(table, asked.score, scores)
    there = np.asarray(scored, dtype=bool)
    if not there.all():
        later_rows = int((~there).sum())
        notes.append(f"{later_rows:,} {'row was' if later_rows == 1 else 'rows were'} not scored yet and {_COUNT[later_rows == 1]}")
        scores, labels, known, keys = scores[there], labels[there], known[there], [each[there] for each in keys]
    later = ~np.asarray(known, dtype=bool)
    unknown_yet = int((later & ~np.isnan(labels)).sum())
    if unknown_yet:
        notes.append(
            f"{unknown_yet:,} {'outcome was' if unknown_yet == 1 else 'outcomes were'} not known yet and {_COUNT[unknown_yet == 1]}"
        )
    labels[later] = np.nan
    if asked.as_of is not None and asked.time is None:
        notes.append("when a row was scored is not known: rows scored later count too, unless --time COLUMN says when")
    names = [*columns, *([PERIOD] if asked.time is not None else [])]
    by_name = {name: _coded(table, name, values) for name, values in zip(names, keys, strict=False)}
    unnamed = [_of_other(each, values) for each, values in zip(others, keys[len(names) :], strict=True)]
    return FileRows(scores, labels, by_name, (*(by_name[name] for name in columns), *unnamed)), notes


def _others(table: Table, asked: FileAsked, notes: list[str]) -> list[Sliceable]:
    """Columns that nobody named and that are searched all the same."""
    taken = {asked.label, asked.score, asked.time, asked.label_time, *asked.slices, *asked.groups} - {None}
    found = sliceable(table, {str(name) for name in taken}, MOST_VALUES)
    most = min(MOST_SEARCHED, SEARCHED_CELLS // max(1, table.rows))
    if len(found) > most:
        notes.append(f"worst slices were searched in the first {most} of {len(found)} columns that were not named; --slice names one")
    return found[:most]


def _of_other(column: Sliceable, values: Any) -> CodedColumn:
    absent, plain = np.ma.getmaskarray(values), np.ma.getdata(values)
    if column.values is None:
        names, codes = number_slices(np.where(absent, np.nan, plain.astype(np.float64)))
        absent = codes < 0
    else:
        names, codes = list(column.values), np.where(absent, 0, plain).astype(np.int64) - 1
    return _with_missing(column.name, names, codes, absent)


def _column(table: Table, name: str) -> tuple[str, str]:
    """A column in SQL, and the engine's name of its type."""
    return quoted(name), table.column(name).type


def _time(table: Table, name: str) -> tuple[str, str]:
    column = table.column(name)
    if column.kind == "empty":
        raise DataFileProblem(f"{table.given}: column {name!r} holds no value at all, so no time")
    if column.kind == "timestamp" and column.why_not:
        raise DataFileProblem(f"{table.given}: column {name!r}: {column.why_not}")
    return _column(table, name)


def _number(table: Table, name: str, what: str, how: str) -> str:
    column, kind = _column(table, name)
    if kind in {"VARCHAR", "JSON", "NULL"} and table.is_empty(name):
        # Without a single value a file need not show what its column holds.
        return "CAST(NULL AS DOUBLE)"
    if kind != "BOOLEAN" and kind not in _NUMBERS and not kind.startswith("DECIMAL"):
        raise DataFileProblem(f"{table.given}: column {name!r} is {kind}, but {what} must be a number: {how}")
    return f"CAST({column} AS DOUBLE)"


def _by(table: Table, asked: FileAsked, name: str | None, *, missing: bool) -> str:
    """Whether the time of a row in a column was past at the moment asked for; `missing` says so of a row that has none there."""
    if name is None or asked.as_of is None:
        return "true"
    column, kind = _time(table, name)
    if kind == _ZONED:
        arrived = f"({column} AT TIME ZONE 'UTC')"
    elif kind in {"DATE"} or kind.startswith("TIMESTAMP"):
        if asked.zone is None:
            raise DataFileProblem(f"{table.given}: times in {name!r} carry no zone: say which one with --tz")
        arrived = f"((CAST({column} AS TIMESTAMP) AT TIME ZONE {text(asked.zone)}) AT TIME ZONE 'UTC')"
    else:
        raise DataFileProblem(f"{table.given}: column {name!r} is {kind}, not a time")
    return f"coalesce({arrived} <= {moment(asked.as_of)}, {str(missing).lower()})"


def _key(table: Table, name: str) -> str:
    column, kind = _column(table, name)
    if kind in _NUMBERS or kind.startswith("DECIMAL"):
        return f"CAST({column} AS DOUBLE)"
    if kind in _PLAIN_TEXT or kind.startswith(("TIMESTAMP", "ENUM")):
        return f"CAST({column} AS VARCHAR)"
    raise DataFileProblem(f"{table.given}: column {name!r} is {kind}; rows can be sliced by text, numbers, booleans and dates")


def _period(table: Table, asked: FileAsked, notes: list[str]) -> str:
    name = str(asked.time)
    column, kind = _time(table, name)
    if kind == _ZONED:
        local = f"({column} AT TIME ZONE {text(asked.zone or 'UTC')})"
        notes.append(f"{asked.by}s are those of {asked.zone or 'UTC'}")
    elif kind == "DATE" or kind.startswith("TIMESTAMP"):
        local = f"CAST({column} AS TIMESTAMP)"
        if kind != "DATE" and asked.zone is None:
            notes.append(f"times in {name!r} carry no zone: {asked.by}s are counted as they are written")
    else:
        raise DataFileProblem(f"{table.given}: column {name!r} is {kind}, not a time")
    return f"strftime({local}, {text(PERIODS[asked.by])})"


def _floats(values: Any) -> Floats:
    return np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)


def _check_labels(table: Table, name: str, labels: Floats) -> None:
    odd = np.flatnonzero(~np.isnan(labels) & ~np.isin(labels, (0.0, 1.0)))
    if odd.size:
        example = f"row {int(odd[0]) + 1} holds {labels[odd[0]]:g}"
        said = "1 row of {} holds" if odd.size == 1 else f"{odd.size:,} rows of {{}} hold"
        raise DataFileProblem(f"{table.given}: an outcome must be 0, 1 or missing, but {said.format(repr(name))} another value ({example})")


def _check_scores(table: Table, name: str, scores: Floats) -> None:
    odd = np.flatnonzero((scores < 0) | (scores > 1))
    if odd.size:
        example = f"row {int(odd[0]) + 1} holds {scores[odd[0]]:g}"
        said = "1 score of {} lies" if odd.size == 1 else f"{odd.size:,} scores of {{}} lie"
        raise DataFileProblem(f"{table.given}: {said.format(repr(name))} outside 0 to 1 ({example}); give probabilities")


def _coded(table: Table, name: str, values: Any) -> CodedColumn:
    shown = "the time column" if name == PERIOD else repr(name)
    held = np.ma.asarray(values)
    absent = np.ma.getmaskarray(held).copy()
    plain = held.filled() if held.dtype.kind != "O" else np.asarray(held.data, dtype=object)
    if plain.dtype.kind == "f":
        names, codes = number_slices(np.where(absent, np.nan, plain))
        absent = codes < 0
    else:
        found, present = np.unique(np.asarray([str(value) for value in plain[~absent]], dtype=object), return_inverse=True)
        names, codes = [str(value) for value in found], np.full(plain.size, -1, dtype=np.int64)
        codes[~absent] = present
    if len(names) > MOST_KEYS:
        raise DataFileProblem(f"{table.given}: {shown} has {len(names):,} distinct values; at most {MOST_KEYS:,} can be told apart here")
    return _with_missing(name, names, codes, absent)


def _with_missing(name: str, names: list[str], codes: Ints, absent: Bools) -> CodedColumn:
    if absent.any():
        missing = MISSING
        while missing in names:
            missing = f"({missing})"
        codes = np.where(absent, len(names), codes)
        names = [*names, missing]
    return coded(name, codes, names)
