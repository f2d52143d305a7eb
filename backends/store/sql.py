"""How SQL is written here: connections that touch nothing outside, quoted names, literals, paths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.plain_file import refuse_special
from backends.store.files import said

if TYPE_CHECKING:
    import duckdb

THREADS: Final = 2

MEMORY: Final = "1GB"
"""What one connection takes of the machine's memory before it goes on on disk; the engine's own limit is most of the machine."""

STORAGE_VERSION: Final = "v1.5.0"
"""Of every DuckDB file that is written, so that the older supported line can read it."""


def connect(*, allowed: Sequence[Path] | None = None, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that loads no extension, and with `allowed` sees no file outside these folders or files."""
    import duckdb  # only who asks the store pays for it

    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "threads": THREADS,
            **({"temp_directory": str(spill), "memory_limit": MEMORY} if spill is not None else {"temp_directory": ""}),
        },
    )
    # Otherwise the engine draws on stdout wherever it takes the process for an interactive one.
    run(connection, "SET enable_progress_bar=false; SET TimeZone='UTC'")
    if allowed is not None:
        confine(connection, allowed)
    return connection


def confine(connection: duckdb.DuckDBPyConnection, allowed: Sequence[Path]) -> None:
    """From here on `connection` reads and writes only inside `allowed` folders and files, and this cannot be undone in it."""
    folders = [f"{path}/" for path in allowed if path.is_dir()]
    files = [str(path) for path in allowed if not path.is_dir()]
    run(connection, f"SET allowed_directories={texts(folders)}")
    run(connection, f"SET allowed_paths={texts(files)}")
    run(connection, "SET enable_external_access=false")
    run(connection, "SET lock_configuration=true")


def run(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
    """Execute and drain: an unread result would block the next statement."""
    return connection.execute(sql, parameters).fetchall() if parameters else connection.execute(sql).fetchall()


def quoted(name: str) -> str:
    """A column or table name, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """A list literal of strings."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def double(value: float) -> str:
    """A DOUBLE literal. Digits with a point alone are a DECIMAL, which the older engine turns into a double that is one step off."""
    return f"CAST('{value!r}' AS DOUBLE)"


def naive_utc(moment: datetime) -> datetime:
    """UTC without a zone, as stored. Raises ValueError on a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no zone")
    return moment.astimezone(UTC).replace(tzinfo=None)


def moment(value: datetime) -> str:
    """A TIMESTAMP literal in UTC from an aware time."""
    return f"TIMESTAMP '{naive_utc(value).isoformat(sep=' ', timespec='microseconds')}'"


def parquet(paths: Iterable[Path | str], *, file_column: str | None = None, alike: bool = False) -> str:
    """A table expression over Parquet files whose columns may differ; `alike` says that they do not, which is faster.

    The paths must exist: DuckDB takes a path literally, whatever characters it holds, only if there is such a file. Raises StoreError
    for what is no regular file: the engine would wait for whoever writes into a named pipe.
    """
    given = [Path(path) for path in paths]
    for path in given:
        try:
            refuse_special(path)
        except OSError as error:
            raise said(error, path) from None
    extra = f", filename={text(file_column)}" if file_column else ""
    files = texts(str(path) for path in given)
    union = "false" if alike else "true"
    return f"read_parquet({files}, union_by_name={union}, hive_partitioning=false{extra})"
