"""A `.duckdb` file of the user's own as a source: opened read-only for one question, and so that nothing in it can reach outside.

A view in a foreign file is code. Without these settings it could read any file that this process may read; with them it sees
only its own database, and cannot change that.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.protocol import BackendError, BackendUnavailable

if TYPE_CHECKING:
    import duckdb

_CONFINED: Final[dict[str, str | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "enable_external_access": "false",
    "temp_directory": "",
    "memory_limit": "1GB",
    "threads": 2,
    "lock_configuration": "true",
}
_HOLDER: Final = re.compile(r"held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)")
_PLAIN: Final = ("VARCHAR", "BOOLEAN", "DOUBLE", "FLOAT", "DATE", "TIMESTAMP", "BLOB", "UUID")


@dataclass(frozen=True)
class SourceTable:
    """A table or view of the file; `columns` are names and DuckDB types."""

    schema: str
    name: str
    is_view: bool
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TableRows:
    """The first rows of a table. Times with a zone are given in UTC without one; values of nested types as text."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    """True when the table has more rows than were asked for."""


class OpenTable:
    """A table or view while its file is open. `columns` are names and the types that the file has for them."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[tuple[str, str], ...]) -> None:
        self.columns = columns
        self._path = path
        self._connection = connection
        self._name = name

    def kind_of(self, column: str) -> str:
        """The type of a column. Raises BackendError when there is none of that name."""
        try:
            return dict(self.columns)[column]
        except KeyError:
            listed = ", ".join(name for name, _ in self.columns)
            raise BackendError(f"{self._path.name}: {self._name} has no column {column!r}; it has: {listed}") from None

    def newest(self, column: str) -> str | None:
        """The greatest value of a column, as text that `batches` takes; None in an empty table."""
        self.kind_of(column)
        [(found,)] = self._run(f"SELECT CAST(max({_quoted(column)}) AS VARCHAR) FROM {self._name}")
        return None if found is None else str(found)

    def count(self, newer: tuple[str, str] | None = None) -> int:
        """How many rows `batches` would give."""
        [(rows,)] = self._run(f"SELECT count(*) FROM {self._name}{self._where(newer)}")
        return int(rows)

    def batches(self, size: int, newer: tuple[str, str] | None = None) -> Iterator[list[tuple[Any, ...]]]:
        """All rows, or those with `(column, value)` not below the value, up to `size` at a time, in the file's own order.

        Numbers and truth values come as they are, times as microseconds of the epoch, everything else as text (nested values as
        JSON). A time that is no moment (an infinity) is None.
        """
        import duckdb

        selected = ", ".join(_carried(column, kind) for column, kind in self.columns)
        try:
            answer = self._connection.execute(f"SELECT {selected} FROM {self._name}{self._where(newer)}")
            while rows := answer.fetchmany(size):
                yield rows
        except duckdb.Error as error:
            raise _refused(self._path, error) from None

    def _where(self, newer: tuple[str, str] | None) -> str:
        if newer is None:
            return ""
        column, value = newer
        literal = "'" + value.replace("'", "''") + "'"
        return f" WHERE {_quoted(column)} >= CAST({literal} AS {self.kind_of(column)})"

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        return _run(self._path, self._connection, sql)


@contextlib.contextmanager
def open_table(path: Path, table: str) -> Iterator[OpenTable]:
    """One table or view of the file, given as `name` or `schema.name`, as it is at this moment.

    Raises BackendUnavailable when the file is locked or gone, BackendError when it is no database, has no such table, or when a
    view asks for more than its own file.
    """
    with _opened(path) as connection:
        name = _named(path, connection, table)
        described = tuple((str(row[0]), str(row[1])) for row in _run(path, connection, f"DESCRIBE SELECT * FROM {name}"))
        yield OpenTable(path, connection, name, described)


def signature(path: Path) -> str | None:
    """What changes whenever somebody writes the file: of itself and of the log that a writer leaves beside it; None when it is gone."""
    parts = []
    for each in (path, path.with_name(f"{path.name}.wal")):
        with contextlib.suppress(OSError):
            status = each.stat()
            parts.append(f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}")
    return "|".join(parts) or None


def tables(path: Path) -> list[SourceTable]:
    """Every table and view of the file. Raises BackendUnavailable when it is locked or gone, BackendError when it is no database."""
    with _opened(path) as connection:
        return _tables(path, connection)


def read_table(path: Path, table: str, limit: int) -> TableRows:
    """The first `limit` rows of `table`, given as `name` or `schema.name`, in the file's own order.

    Raises BackendError when there is no such table, or when it is a view that asks for more than its own file.
    """
    if limit < 0:
        raise ValueError(f"a limit of {limit} rows")
    with _opened(path) as connection:
        name = _named(path, connection, table)
        described = [(str(row[0]), str(row[1])) for row in _run(path, connection, f"DESCRIBE SELECT * FROM {name}")]
        selected = ", ".join(f"{_fetchable(column, kind)} AS {_quoted(column)}" for column, kind in described)
        rows = _run(path, connection, f"SELECT {selected} FROM {name} LIMIT {limit + 1}")
        return TableRows(tuple(described), tuple(rows[:limit]), len(rows) > limit)


def _named(path: Path, connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The quoted name of a table or view that is there."""
    found = [each for each in _tables(path, connection) if table in {each.name, f"{each.schema}.{each.name}"}]
    if not found:
        names = ", ".join(f"{each.schema}.{each.name}" for each in _tables(path, connection)) or "none"
        raise BackendError(f"{path.name} has no table {table!r}; it has: {names}")
    if len(found) > 1:
        raise BackendError(f"{path.name} has {table!r} in several schemas; write schema.table")
    return f"{_quoted(found[0].schema)}.{_quoted(found[0].name)}"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    try:
        if not path.is_file():
            raise BackendUnavailable(f"{path} is not there, or is no file; check the path")
        with path.open("rb"):
            pass
        connection = duckdb.connect(str(path.resolve()), read_only=True, config=dict(_CONFINED))
    except PermissionError:
        raise BackendUnavailable(f"{path} cannot be read: permission denied; ask its owner") from None
    except OSError as error:
        raise BackendUnavailable(f"{path} cannot be read: {error.strerror}") from None
    except duckdb.Error as error:
        raise _said(path, error) from None
    try:
        yield connection
    finally:
        connection.close()


def _said(path: Path, error: Exception) -> BackendError:
    first = str(error).splitlines()[0]
    holder = _HOLDER.search(first)
    if holder is not None:
        program = Path(holder["program"]).name or "a program"
        return BackendUnavailable(
            f"{path} is open for writing in {program} (process {holder['pid']}); close it there, or read a copy of the file"
        )
    if "not a valid DuckDB database" in first:
        return BackendError(f"{path} is not a DuckDB database; check the path")
    if "version" in first and "storage" in first.lower():
        return BackendError(f"{path} was written by another version of DuckDB: {first}")
    return BackendError(f"{path} cannot be opened: {first}")


def _tables(path: Path, connection: duckdb.DuckDBPyConnection) -> list[SourceTable]:
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, kind in _run(
        path,
        connection,
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal AND database_name = current_database() ORDER BY schema_name, table_name, column_index",
    ):
        columns.setdefault((schema, table), []).append((column, kind))
    listed = _run(
        path,
        connection,
        "SELECT schema_name, table_name, false FROM duckdb_tables() WHERE NOT internal AND database_name = current_database() "
        "UNION ALL SELECT schema_name, view_name, true FROM duckdb_views() WHERE NOT internal AND database_name = current_database() "
        "ORDER BY 1, 2",
    )
    return [SourceTable(schema, name, view, tuple(columns.get((schema, name), ()))) for schema, name, view in listed]


def _run(path: Path, connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        return connection.execute(sql).fetchall()
    except duckdb.Error as error:
        raise _refused(path, error) from None


def _refused(path: Path, error: Exception) -> BackendError:
    import duckdb

    if isinstance(error, duckdb.PermissionException):
        return BackendError(f"{path.name}: a view in it asks for a file outside the database, which is refused; read a table instead")
    return BackendError(f"{path.name} cannot be read: {str(error).splitlines()[0]}")


def _carried(column: str, kind: str) -> str:
    """A column as `batches` gives it."""
    name = _quoted(column)
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        moment = name if kind == "TIMESTAMP WITH TIME ZONE" else f"CAST({name} AS TIMESTAMP)"
        return f"CASE WHEN isfinite({moment}) THEN epoch_us({moment}) END"
    if kind in {"BOOLEAN", "DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}:
        return name
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
    return f"CAST({f'to_json({name})' if nested else name} AS VARCHAR)"


def _fetchable(column: str, kind: str) -> str:
    name = _quoted(column)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"({name} AT TIME ZONE 'UTC')"
    plain = kind in _PLAIN or kind.endswith("INT") or kind in {"INTEGER", "HUGEINT", "UHUGEINT", "UINTEGER"}
    return name if plain or kind.startswith("DECIMAL") else f"CAST({name} AS VARCHAR)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
