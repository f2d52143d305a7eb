"""The columns of a table that rows can be told apart by: numbers, and texts and truth values that repeat."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from backends.data_files.columns import TableColumn
from backends.data_files.described import ABOUT
from backends.data_files.table import Table
from backends.store.sql import run, texts


@dataclass(frozen=True, slots=True)
class Sliceable:
    """A column, and SQL for it: a number, or the place of the value in `values`, from 1; NULL where there is no value."""

    name: str
    expression: str
    values: tuple[str, ...] | None


def sliceable(table: Table, without: Collection[str], most_values: int) -> list[Sliceable]:
    """Every column but those `without`, in the order of the file, that is a number or has 2 to `most_values` different values.

    Different values are sketched for all columns in one pass, and listed only where the sketch says that they may be few.
    """
    columns = [each for each in table.columns.values() if each.name not in without]
    named = [each for each in columns if each.kind in {"categorical", "boolean"}]
    few: dict[str, tuple[str, ...]] = {}
    if named:
        asked = ", ".join(f"approx_count_distinct({each.value})" for each in named)
        sketched = run(table.connection, f"SELECT {asked} FROM {table.relation}")[0]
        for column, about in zip(named, sketched, strict=True):
            if 0 < about <= ABOUT * most_values:
                few[column.name] = _values(table, column, most_values)
    found = []
    for column in columns:
        values = few.get(column.name, ())
        if column.kind == "numeric":
            found.append(Sliceable(column.name, f"CAST({column.value} AS DOUBLE)", None))
        elif len(values) > 1:
            found.append(Sliceable(column.name, f"list_position({texts(values)}, {column.value})", values))
    return found


def _values(table: Table, column: TableColumn, most: int) -> tuple[str, ...]:
    """Its different values in order; none when there are more than `most`."""
    rows = run(
        table.connection, f"SELECT DISTINCT {column.value} AS v FROM {table.relation} WHERE {column.value} IS NOT NULL LIMIT {most + 1}"
    )
    values = tuple(sorted(str(row[0]) for row in rows))
    # A statement cannot spell a zero byte.
    return () if len(values) > most or any("\0" in value for value in values) else values
