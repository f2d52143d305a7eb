"""The different values of one column of a file, put into another connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from backends.data_files.problem import DataFileProblem
from backends.data_files.table import ENGINE_MIB, opened
from backends.store.sql import quoted, run

if TYPE_CHECKING:
    import duckdb

Connection: TypeAlias = "duckdb.DuckDBPyConnection"


def listed_values(connection: Connection, given: str, column: str, name: str, most: int) -> str:
    """Make a temporary table `name` with the values as text in its column `v`, and return the relation. Raises `DataFileProblem`."""
    with opened(given, engine_mib=ENGINE_MIB) as table:
        table.column(column)
        value = f"CAST({quoted(column)} AS VARCHAR)"
        rows = run(table.connection, f"SELECT DISTINCT {value} AS v FROM {table.relation} WHERE v IS NOT NULL LIMIT {most + 1}")
    if len(rows) > most:
        raise DataFileProblem(f"{given}: {column} has more than {most:,} values, which is too many to be held against")
    run(connection, f"CREATE OR REPLACE TEMP TABLE {quoted(name)} (v VARCHAR)")
    run(connection, f"INSERT INTO {quoted(name)} SELECT unnest($1)", [[str(row[0]) for row in rows]])
    return f"temp.{quoted(name)}"
