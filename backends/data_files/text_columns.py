"""What the columns of a CSV file hold: found from all of their values, so that no late row is a surprise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from backends.data_files.columns import NOT_COMPARED, TableColumn, column_of
from backends.store.ingest_columns import MISSING
from backends.store.ingest_times import with_offset, zoned_text
from backends.store.sql import quoted, run, text

if TYPE_CHECKING:
    import duckdb

_MISSING: Final = "(" + ", ".join(text(word) for word in MISSING) + ")"
_WHOLE: Final = "'[+-]?[0-9]+'"
_DATE: Final = "'[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}'"

LOOKED_AT: Final = 4096
"""Rows that are read as everything; of all others a column is read only as what these rows allow."""

_KINDS: Final = {
    "number": ("numbers",),
    "whole": ("long", "longer"),
    "date": ("dates",),
    "time": ("times", "zoned"),
    "truth": ("truths",),
}
"""What is counted to know whether every value is one."""


def text_columns(connection: duckdb.DuckDBPyConnection, relation: str, names: Sequence[str]) -> list[tuple[TableColumn, str]]:
    """The columns of a relation that is all text, each with the SQL that reads it as what it is.

    A number, time or truth value must be readable in every row that has a value. In such columns `NA`, `nan`, `null` and `none` mean
    that there is no value, however they are written; in a column of text they are text.
    """
    wanted = {name: frozenset(_KINDS) for name in names}
    first = _counts(connection, f"(SELECT * FROM {relation} LIMIT {LOOKED_AT})", wanted)
    possible = {name: _possible(first[name]) for name in names}
    counts = _counts(connection, relation, possible)
    return [_column(name, counts[name]) for name in names]


def _counts(connection: duckdb.DuckDBPyConnection, relation: str, kinds: Mapping[str, frozenset[str]]) -> dict[str, dict[str, int]]:
    """For each column how many values it has, and how many can be read as each of some kinds."""
    asked = [(name, what, sql) for name in kinds for what, sql in _expressions(quoted(name)).items() if what in _needed(kinds[name])]
    found: dict[str, dict[str, int]] = {name: {} for name in kinds}
    if asked:
        [row] = run(connection, f"SELECT {', '.join(sql for _, _, sql in asked)} FROM {relation}")
        for (name, what, _), value in zip(asked, row, strict=True):
            found[name][what] = int(value)
    return found


def _needed(kinds: frozenset[str]) -> set[str]:
    return {"filled", "missing", *(what for kind in kinds for what in _KINDS[kind])} if kinds else set()


def _expressions(column: str) -> dict[str, str]:
    stripped = f"trim({column})"
    named = f"lower({stripped})"
    return {
        "filled": f"count({column})",
        "missing": f"count(*) FILTER ({named} IN {_MISSING})",
        "numbers": f"count(TRY_CAST({stripped} AS DOUBLE)) FILTER ({named} NOT IN {_MISSING})",
        "long": f"count(TRY_CAST({stripped} AS BIGINT)) FILTER (regexp_full_match({stripped}, {_WHOLE}))",
        "longer": f"count(TRY_CAST({stripped} AS HUGEINT)) FILTER (regexp_full_match({stripped}, {_WHOLE}))",
        "times": f"count({_moment(column)}) FILTER (regexp_matches({stripped}, '^[0-9]+-'))",
        "dates": f"count(TRY_CAST({stripped} AS DATE)) FILTER (regexp_full_match({stripped}, {_DATE}))",
        "zoned": f"count(*) FILTER ({zoned_text(column)})",
        "truths": f"count(*) FILTER ({named} IN ('true', 'false'))",
    }


def _possible(counts: Mapping[str, int]) -> frozenset[str]:
    present = counts["filled"] - counts["missing"]
    sure = {"number": "numbers", "whole": "longer", "date": "dates", "time": "times", "truth": "truths"}
    return frozenset(kind for kind, what in sure.items() if counts[what] == present)


def _column(name: str, counts: Mapping[str, int]) -> tuple[TableColumn, str]:
    """What a column is, from counts of all of its values; a kind that was ruled out has none."""
    own = quoted(name)
    present = counts["filled"] - counts["missing"] if counts else -1
    if not present:
        return TableColumn(name, "VARCHAR", "empty", "NULL"), own
    every = {what for what, count in counts.items() if count == present}
    if "numbers" in every:
        kept = "BIGINT" if "long" in every else "HUGEINT" if "longer" in every else "DOUBLE"
        return column_of(name, kept), f"TRY_CAST(trim({own}) AS {kept})"
    if "dates" in every:
        return column_of(name, "DATE"), f"TRY_CAST(trim({own}) AS DATE)"
    if "times" in every:
        zoned = counts["zoned"]
        column = column_of(name, "TIMESTAMP WITH TIME ZONE" if zoned else "TIMESTAMP")
        read = _moment(own) if zoned else f"CAST({_moment(own)} AS TIMESTAMP)"
        return replace(column, why_not=NOT_COMPARED["zones"] if 0 < zoned < present else ""), read
    if "truths" in every:
        return column_of(name, "BOOLEAN"), f"TRY_CAST(trim({own}) AS BOOLEAN)"
    return column_of(name, "VARCHAR"), own


def _moment(column: str) -> str:
    """A time in UTC; one without a zone is read as if it were UTC, which `zoned_text` tells apart."""
    return f"TRY_CAST({with_offset(column)} AS TIMESTAMPTZ)"
