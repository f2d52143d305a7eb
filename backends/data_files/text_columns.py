"""What the columns of a CSV file hold: found from all of their values, so that no late row is a surprise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from backends.data_files.columns import NOT_COMPARED, TableColumn, column_of
from backends.store.ingest_columns import MISSING, with_offset, zoned_text
from backends.store.sql import quoted, run, text

if TYPE_CHECKING:
    import duckdb

_MISSING: Final = "(" + ", ".join(text(word) for word in MISSING) + ")"
_COUNTS: Final = 9
_WHOLE: Final = "'[+-]?[0-9]+'"
_DATE: Final = "'[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}'"


def text_columns(connection: duckdb.DuckDBPyConnection, relation: str, names: Sequence[str]) -> list[tuple[TableColumn, str]]:
    """The columns of a relation that is all text, each with the SQL that reads it as what it is.

    A number, time or truth value must be readable in every row that has a value. In such columns `NA`, `nan`, `null` and `none` mean
    that there is no value, however they are written; in a column of text they are text.
    """
    if not names:
        return []
    counted = ", ".join(part for name in names for part in _counted(quoted(name)))
    [row] = run(connection, f"SELECT {counted} FROM {relation}")
    return [_column(name, row[at * _COUNTS : (at + 1) * _COUNTS]) for at, name in enumerate(names)]


def _counted(column: str) -> tuple[str, ...]:
    stripped = f"trim({column})"
    named = f"lower({stripped})"
    return (
        f"count({column})",
        f"count(*) FILTER ({named} IN {_MISSING})",
        f"count(TRY_CAST({stripped} AS DOUBLE)) FILTER ({named} NOT IN {_MISSING})",
        f"count(TRY_CAST({stripped} AS BIGINT)) FILTER (regexp_full_match({stripped}, {_WHOLE}))",
        f"count(TRY_CAST({stripped} AS HUGEINT)) FILTER (regexp_full_match({stripped}, {_WHOLE}))",
        f"count({_moment(column)}) FILTER (regexp_matches({stripped}, '^[0-9]+-'))",
        f"count(TRY_CAST({stripped} AS DATE)) FILTER (regexp_full_match({stripped}, {_DATE}))",
        f"count(*) FILTER ({zoned_text(column)})",
        f"count(*) FILTER ({named} IN ('true', 'false'))",
    )


def _column(name: str, counts: Sequence[Any]) -> tuple[TableColumn, str]:
    filled, missing, numbers, long, longer, times, dates, zoned, truths = map(int, counts)
    own, present = quoted(name), filled - missing
    if not present:
        return TableColumn(name, "VARCHAR", "empty", "NULL"), own
    if present == numbers:
        kept = "BIGINT" if present == long else "HUGEINT" if present == longer else "DOUBLE"
        return column_of(name, kept), f"TRY_CAST(trim({own}) AS {kept})"
    if present == dates:
        return column_of(name, "DATE"), f"TRY_CAST(trim({own}) AS DATE)"
    if present == times:
        column = column_of(name, "TIMESTAMP WITH TIME ZONE" if zoned else "TIMESTAMP")
        read = _moment(own) if zoned else f"CAST({_moment(own)} AS TIMESTAMP)"
        return replace(column, why_not=NOT_COMPARED["zones"] if 0 < zoned < present else ""), read
    if present == truths:
        return column_of(name, "BOOLEAN"), f"TRY_CAST(trim({own}) AS BOOLEAN)"
    return column_of(name, "VARCHAR"), own


def _moment(column: str) -> str:
    """A time in UTC; one without a zone is read as if it were UTC, which `zoned_text` tells apart."""
    return f"TRY_CAST({with_offset(column)} AS TIMESTAMPTZ)"
