"""The landing folders: facts on arrival, one immutable Parquet file each, written without a lock."""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.durable import make_folder
from backends.plain_file import of_a_group
from backends.store.errors import LandingError
from backends.store.facts import facts_select, violations
from backends.store.files import said, said_by_engine, settle
from backends.store.paths import WorkspacePaths
from backends.store.schema import TIMESTAMP, Table, table_named
from backends.store.sql import connect, moment, quoted, run, text

if TYPE_CHECKING:
    import duckdb

    from backends.records import MetricPoint, Record

SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class LandingFile:
    """A file in a landing folder. `signature` tells it from a later file of the same name."""

    table: str
    path: Path
    signature: str
    modified_at: datetime
    """UTC, from the file system: when it landed, for facts that do not say."""

    @property
    def name(self) -> str:
        return self.path.name


def landing_files(paths: WorkspacePaths, table: str) -> list[LandingFile]:
    """Every finished file in `landing/<table>`, oldest first. A folder that is not there is empty; raises StoreError if unreadable."""
    return [file for file, link in _finished(paths, table) if not link]


def links_in_landing(paths: WorkspacePaths, table: str) -> list[LandingFile]:
    """Links in `landing/<table>`, or in its place, in the workspace of a group: whoever follows one reads a file of their own."""
    return [file for file, link in _finished(paths, table) if link]


def _finished(paths: WorkspacePaths, table: str) -> list[tuple[LandingFile, bool]]:
    """Each file with whether it is a link that is not followed."""
    folder = paths.landing / table
    found: list[tuple[LandingFile, bool]] = []
    try:
        shared = of_a_group(paths.root)
        if shared and folder.is_symlink():
            return [(_landing_file(table, folder, folder.lstat()), True)]
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.name.endswith(SUFFIX):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    link = shared and entry.is_symlink()
                    status = entry.stat(follow_symlinks=not link)
                    if link or stat.S_ISREG(status.st_mode):
                        found.append((_landing_file(table, Path(entry.path), status), link))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise said(error, folder) from None
    return sorted(found, key=lambda each: (each[0].modified_at, each[0].name))


def signature_of(path: Path) -> str | None:
    """The signature of the file that now has this name, or None when there is none."""
    try:
        return _signature(path.stat())
    except FileNotFoundError:
        return None


def land(paths: WorkspacePaths, table: str, columns: Mapping[str, Sequence[Any] | Any], *, now: datetime, name: str | None = None) -> Path:
    """Land columns of equal length as one file and return its path, or raise and leave nothing behind.

    A column is a numpy array or a sequence of Python values; None is a missing value, and so is what a masked array masks. Times are
    aware `datetime`s, or numpy `datetime64`, which is taken as UTC. What the table lets a producer leave out may be left out; columns
    that the table does not have are inputs of the model (predictions only). With `name` the file gets that name, and an existing one
    stays.

    Raises LandingError (what is wrong with which column) and StoreError (the disk said no).
    """
    kind = table_named(table)
    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise LandingError(f"columns of different lengths cannot be landed: {', '.join(f'{c} {n}' for c, n in lengths.items())}")
    if not lengths or not next(iter(lengths.values())):
        raise LandingError(f"there is nothing to land in {table}: no rows")
    arrays = as_arrays(kind, columns)
    connection = connect(spill=paths.store / "spill")
    try:
        # DuckDB 1.5 looks at a thousand values for the type, and fails where they are all missing in a longer column.
        connection.execute(f"SET pandas_analyze_sample = {next(iter(lengths.values()))}")
        connection.register("arriving", arrays)
        return _written(connection, paths, kind, now, name)
    finally:
        connection.close()


def land_frame(paths: WorkspacePaths, table: str, frame: Any, *, now: datetime, name: str | None = None) -> Path:
    """Land anything that speaks the Arrow stream protocol (`__arrow_c_stream__`), such as a polars frame; otherwise as `land`."""
    kind = table_named(table)
    connection = connect(spill=paths.store / "spill")
    try:
        connection.register("arriving", _ArrowStream(frame))
        return _written(connection, paths, kind, now, name)
    finally:
        connection.close()


def land_records(paths: WorkspacePaths, records: Iterable[Record | MetricPoint], *, now: datetime, name: str | None = None) -> list[Path]:
    """Land records as facts: events to `events`, metric points to `metrics`, everything else to `records`; one file a table."""
    from backends.store.record_rows import rows_of_records  # loads pydantic

    landed: list[Path] = []
    for table, rows in rows_of_records(records).items():
        columns = {column: [row[column] for row in rows] for column in rows[0]}
        landed.append(land(paths, table, columns, now=now, name=name))
    return landed


def as_arrays(table: Table, columns: Mapping[str, Sequence[Any] | Any]) -> dict[str, Any]:
    """Columns as numpy arrays that DuckDB reads without guessing. Raises LandingError on a time without a zone."""
    import numpy

    return {column: _array(numpy, table, column, values) for column, values in columns.items()}


def write_landing_file(connection: duckdb.DuckDBPyConnection, paths: WorkspacePaths, table: str, select: str, name: str | None) -> Path:
    """Write the rows of a query as a landing file: temporary, flushed, renamed, folder flushed.

    Raises StoreError with what was there before still there.
    """
    folder = paths.landing / table
    stem = name or f"{table}-{uuid.uuid4().hex}"
    if "/" in stem or stem.startswith(".") or "\0" in stem:
        raise LandingError(f"a landing file cannot be called {stem!r}; give a plain name")
    final = folder / f"{stem.removesuffix(SUFFIX)}{SUFFIX}"
    temporary = folder / f".{uuid.uuid4().hex}.tmp"
    import duckdb

    try:
        make_folder(folder)
        if final.exists():
            raise LandingError(f"{final} is there already; landing files are never overwritten: choose another name")
        run(connection, f"COPY ({select}) TO {text(str(temporary))} (FORMAT parquet)")
        settle(temporary, final)
    except OSError as error:
        raise said(error, folder) from None
    except duckdb.IOException as error:
        raise said_by_engine(error, folder) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return final


class _ArrowStream:
    """Only the stream of a frame: DuckDB would otherwise look for a reader of that very library, which needs pyarrow."""

    def __init__(self, frame: Any) -> None:
        if not hasattr(frame, "__arrow_c_stream__"):
            raise LandingError(f"a {type(frame).__name__} has no Arrow stream; land its columns instead")
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def _written(connection: duckdb.DuckDBPyConnection, paths: WorkspacePaths, table: Table, now: datetime, name: str | None) -> Path:
    described = run(connection, "DESCRIBE SELECT * FROM arriving")
    columns = [(str(row[0]), str(row[1])) for row in described]
    # What cannot be facts is refused here, where the producer can still mend it, rather than at compaction.
    select = facts_select(table, columns, "arriving", landed=moment(now))
    run(connection, f"CREATE TEMP TABLE facts AS {select}")
    for wrong, condition in violations(table).items():
        [(count,)] = run(connection, f"SELECT count(*) FILTER ({condition}) FROM facts")
        if count:
            raise LandingError(f"{count} rows for {table.name}: {wrong}; nothing was landed")
    keep = ", ".join(quoted(column) for column in _landed_columns(connection))
    return write_landing_file(connection, paths, table.name, f"SELECT {keep} FROM facts", name)


def _landed_columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    names = [str(row[0]) for row in run(connection, "DESCRIBE facts")]
    return [name for name in names if not name.startswith("__")]


def _array(numpy: Any, table: Table, column: str, values: Any) -> Any:
    """`values` as an array that DuckDB reads without guessing."""
    if isinstance(values, numpy.ma.MaskedArray):
        # Not every line of the engine reads the mask: what is masked would be whatever number lies under it.
        values = values.filled(numpy.datetime64("NaT")) if values.dtype.kind == "M" else values.tolist()
    if isinstance(values, numpy.ndarray) and values.dtype != object:
        if values.dtype.kind == "M":
            return values.astype("datetime64[us]")
        return values.astype(object) if values.dtype.kind in "US" else values
    items = list(values)
    if any(isinstance(item, datetime) for item in items):
        return numpy.array([_utc(column, item) for item in items], dtype="datetime64[us]")
    if table.all_columns.get(column) == TIMESTAMP and all(item is None for item in items):
        return numpy.array([numpy.datetime64("NaT")] * len(items), dtype="datetime64[us]")
    array = numpy.empty(len(items), dtype=object)
    array[:] = items
    return array


def _utc(column: str, item: Any) -> Any:
    if item is None:
        return None
    if not isinstance(item, datetime):
        raise LandingError(f"column {column} mixes times and {type(item).__name__}")
    if item.tzinfo is None:
        raise LandingError(f"column {column} has a time without a zone, {item.isoformat()}; give it one (UTC is usual)")
    return item.astimezone(UTC).replace(tzinfo=None)


def _landing_file(table: str, path: Path, status: os.stat_result) -> LandingFile:
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return LandingFile(table=table, path=path, signature=_signature(status), modified_at=modified)


def _signature(status: os.stat_result) -> str:
    return f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
