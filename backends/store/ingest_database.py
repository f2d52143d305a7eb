"""A table or view of a `.duckdb` file as arriving rows: read through a connection that sees that file alone, then told like any other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.duckdb_file.reading import OpenTable, open_table
from backends.protocol import BackendError, BackendUnavailable
from backends.store.errors import IngestError
from backends.store.ingest_text import Progress
from backends.store.sql import quoted, run

if TYPE_CHECKING:
    import duckdb

BATCH: Final = 50_000
_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")


@dataclass(frozen=True)
class InDatabase:
    """Which rows of a `.duckdb` file are meant: those of a table or view; with `newer` = (column, value) only those that are not
    below the value (None: all of them).
    """

    table: str
    newer: tuple[str, str | None] | None = None


def load_database(
    connection: duckdb.DuckDBPyConnection, file: Path, wanted: InDatabase, report: Progress
) -> tuple[list[tuple[str, str]], str | None]:
    """Copy the rows into `raw_rows`: (columns with their types, the greatest value of the column of `newer`).

    Raises IngestError when the table or a column is not there, BackendUnavailable when somebody holds the file.
    """
    newer = (wanted.newer[0], wanted.newer[1]) if wanted.newer is not None and wanted.newer[1] is not None else None
    try:
        with open_table(file, wanted.table) as table:
            newest = table.newest(wanted.newer[0]) if wanted.newer is not None else None
            total = table.count(newer)
            _copy(connection, table, total, newer, report)
            return [(name, _kept(kind)) for name, kind in table.columns], newest
    except BackendUnavailable:
        raise
    except BackendError as error:
        raise IngestError(f"{error}. Nothing was taken") from None


def _copy(
    connection: duckdb.DuckDBPyConnection,
    table: OpenTable,
    total: int,
    newer: tuple[str, str] | None,
    report: Progress,
) -> None:
    names, kinds = [name for name, _ in table.columns], [kind for _, kind in table.columns]
    declared = ", ".join(f"{quoted(name)} {_kept(kind)}" for name, kind in zip(names, kinds, strict=True))
    run(connection, f"CREATE OR REPLACE TEMP TABLE raw_rows (__line BIGINT, {declared})")
    pairs = enumerate(zip(names, kinds, strict=True))
    told = ", ".join(f"CASE WHEN NOT {_missing(at)} THEN {_back(quoted(name), kind)} END AS {quoted(name)}" for at, (name, kind) in pairs)
    done = 0
    for batch in table.batches(BATCH, newer):
        connection.register("batch", _arrays(names, kinds, batch, done))
        run(connection, f"INSERT INTO raw_rows BY NAME SELECT __line, {told} FROM batch")
        connection.unregister("batch")
        done += len(batch)
        report(done, max(total, done))
    report(done, done)


def _arrays(names: list[str], kinds: list[str], batch: list[tuple[Any, ...]], done: int) -> dict[str, Any]:
    """A batch as arrays that DuckDB reads without guessing: what is missing stands beside, since 1.5 reads no mask of an array."""
    import numpy

    arrays: dict[str, Any] = {"__line": numpy.arange(done + 1, done + 1 + len(batch), dtype=numpy.int64)}
    for at, (name, kind, values) in enumerate(zip(names, kinds, zip(*batch, strict=True), strict=True)):
        arrays[_missing(at)] = numpy.array([value is None for value in values], dtype=bool)
        whole, real = _is_time(kind) or kind in _WHOLE, kind in {"DOUBLE", "FLOAT"}
        if not whole and not real:
            arrays[name] = numpy.array([None if value is None else str(value) for value in values], dtype=object)
            continue
        arrays[name] = numpy.array([0 if value is None else value for value in values], dtype=numpy.int64 if whole else numpy.float64)
    return arrays


def _missing(at: int) -> str:
    """The column that says where the column at this place has no value; names that begin so are none of theirs."""
    return f"__missing_{at}"


def _is_time(kind: str) -> bool:
    return kind.startswith("TIMESTAMP") or kind == "DATE"


def _kept(kind: str) -> str:
    """The type in which a column of theirs arrives here; what this engine has no plain type for is text."""
    if _is_time(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind == "TIMESTAMP WITH TIME ZONE" else "TIMESTAMP"
    if kind == "JSON" or kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return "JSON"
    known = (*_WHOLE, "DOUBLE", "FLOAT", "BOOLEAN", "UBIGINT", "HUGEINT", "UHUGEINT")
    return kind if kind in known or kind.startswith("DECIMAL") else "VARCHAR"


def _back(column: str, kind: str) -> str:
    """A carried value as one of the type that the file had for it."""
    if _is_time(kind):
        moment = f"make_timestamp(CAST({column} AS BIGINT))"
        return f"({moment} AT TIME ZONE 'UTC')" if kind == "TIMESTAMP WITH TIME ZONE" else moment
    return f"CAST({column} AS {_kept(kind)})"
