"""What the columns of a CSV file hold: found from all of their values, so that no late row is a surprise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from backends.store.ingest_columns import MISSING, with_offset, zoned_text
from backends.store.sql import quoted, run, text
from backends.tables.columns import NOT_COMPARED, TableColumn

if TYPE_CHECKING:
    import duckdb

_MISSING: Final = "(" + ", ".join(text(word) for word in MISSING) + ")"
_COUNTS: Final = 7


def text_columns(connection: duckdb.DuckDBPyConnection, relation: str, names: Sequence[str]) -> list[TableColumn]:
    """The columns of a relation that is all text. A number, time or truth value must be readable in every row that has a value.

    In columns of numbers, `NA`, `nan`, `null` and `none` mean that there is no value, however they are written.
    """
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
        f"count(*) FILTER (regexp_full_match({stripped}, '[+-]?[0-9]+'))",
        f"count({_moment(column)}) FILTER (regexp_matches({stripped}, '^[0-9]+-'))",
        f"count(*) FILTER ({zoned_text(column)})",
        f"count(*) FILTER ({named} IN ('true', 'false'))",
    )


def _column(name: str, counts: Sequence[Any]) -> TableColumn:
    present, missing, numbers, whole, times, zoned, truths = map(int, counts)
    own = quoted(name)
    if present == missing:
        return TableColumn(name, "VARCHAR", "empty", "NULL")
    if present == missing + numbers:
        return TableColumn(
            name, "BIGINT" if whole == numbers else "DOUBLE", "numeric", f"TRY_CAST(trim({own}) AS DOUBLE)", whole=whole == numbers
        )
    if present == times:
        value = f"CASE WHEN isfinite({_moment(own)}) THEN epoch_us({_moment(own)}) END"
        mixed = 0 < zoned < present
        return TableColumn(
            name, "TIMESTAMP WITH TIME ZONE" if zoned else "TIMESTAMP", "timestamp", value, NOT_COMPARED["zones"] if mixed else "",
            per_unit=1e6, zoned=zoned > 0,
        )  # fmt: skip
    if present == truths:
        return TableColumn(name, "BOOLEAN", "boolean", f"lower(trim({own}))")
    return TableColumn(name, "VARCHAR", "categorical", own)


def _moment(column: str) -> str:
    """A time in UTC; one without a zone is read as if it were UTC, which `zoned_text` tells apart."""
    return f"TRY_CAST({with_offset(column)} AS TIMESTAMPTZ)"
