"""Arriving facts that retention has deleted before: they are taken out, counted by file and by what deleted them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.store.arrivals import grouping
from backends.store.deleted import Deleted
from backends.store.schema import Table
from backends.store.sql import run, text

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class KeptOut:
    """Rows of one file, or one line of it, that are not taken in."""

    place: str | int
    rows: int
    deleted: Deleted

    @property
    def reason(self) -> str:
        """Why, without a word of what was in them."""
        each = self.deleted
        of = f" of {each.model}" if each.model else ""
        return f"{each.table}{of} before {each.before} were deleted by retention ({each.rule}), and are not taken in again"


def rows_of(table: Table, deleted: Deleted) -> str:
    """SQL: the condition that a fact of `table` is one of those that were deleted."""
    parts = [f"environment = {text(deleted.environment)}", f"{grouping(table)} = {text(deleted.model)}"]
    parts.append(f"event_at < TIMESTAMP {text(deleted.before)}")
    for span in deleted.kept:
        first, last = text(span.first), text(span.last)
        parts.append(f"NOT (event_at >= TIMESTAMP {first} AND event_at < TIMESTAMP {last} + INTERVAL 1 DAY)")
    return f"({' AND '.join(parts)})"


def keep_out(
    connection: duckdb.DuckDBPyConnection, table: Table, relation: str, deleted: Sequence[Deleted], *, place: str = "__file"
) -> list[KeptOut]:
    """Take the deleted ones out of the temporary table `relation`; `place` is the column that says where each came from."""
    found: list[KeptOut] = []
    for each in deleted:
        if each.table != table.name:
            continue
        where = rows_of(table, each)
        rows = run(connection, f"SELECT {place}, count(*) FROM {relation} WHERE {where} GROUP BY 1 ORDER BY 1")
        if rows:
            found += [KeptOut(where_from, count, each) for where_from, count in rows]
            run(connection, f"DELETE FROM {relation} WHERE {where}")
    return found
