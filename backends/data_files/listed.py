"""The different values of one column of a file, or of several together, put into another connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from backends.data_files.problem import DataFileProblem
from backends.data_files.table import ENGINE_MIB, opened
from backends.store.sql import quoted, run

if TYPE_CHECKING:
    import duckdb

Connection: TypeAlias = "duckdb.DuckDBPyConnection"


def listed_rows(connection: Connection, given: str, columns: Sequence[str], name: str, most: int) -> str:
    """The same of several columns together, as a row of texts in `v`; rows that lack one are left out. Raises `DataFileProblem`."""
    with opened(given, engine_mib=ENGINE_MIB) as table:
        for column in columns:
            table.column(column)
        values = ", ".join(f"CAST({quoted(column)} AS VARCHAR)" for column in columns)
        there = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in columns)
        rows = run(table.connection, f"SELECT DISTINCT {values} FROM {table.relation} WHERE {there} LIMIT {most + 1}")
    if len(rows) > most:
        raise DataFileProblem(f"{given}: {', '.join(columns)} have more than {most:,} values together: too many to be held against")
    parts = ", ".join(f"unnest(${number})" for number in range(1, len(columns) + 1))
    names = ", ".join(f"v{number}" for number in range(len(columns)))
    run(connection, f"CREATE OR REPLACE TEMP TABLE {quoted(name)} ({names.replace(',', ' VARCHAR,')} VARCHAR)")
    run(connection, f"INSERT INTO {quoted(name)} SELECT {parts}", [[str(row[at]) for row in rows] for at in range(len(columns))])
    return f"(SELECT row({names}) AS v FROM temp.{quoted(name)})"


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
