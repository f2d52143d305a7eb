"""Requests that a version answered, written to a file exactly as they were logged, for another path to score them again."""

from __future__ import annotations

import contextlib
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from backends.data_files.problem import DataFileProblem, first_line
from backends.store.files import settle
from backends.store.reader import Reader
from backends.store.sql import quoted, run, text

SERVED: Final = "served_score"
"""Not `score`: who forgets to score again has no column to compare, rather than one that agrees."""

LEADING: Final = ("key", "event_at", "version", SERVED)


@dataclass(frozen=True, slots=True)
class Written:
    """What went into the file."""

    rows: int
    first_at: datetime
    last_at: datetime
    inputs: dict[str, str]
    """The engine's types by name."""


def beside(target: Path) -> Path:
    """A name for the file while it is written; the engine must be allowed to write there."""
    return target.parent / f".{target.name}.{uuid.uuid4().hex}.tmp"


def write_logged(
    reader: Reader, environment: str, model: str, version: str, until: datetime, last: int, temporary: Path, target: Path
) -> Written:
    """Write the `last` live requests before `until` that the version answered itself, oldest first. All of it appears, or nothing.

    Raises DataFileProblem and StoreError.
    """
    import duckdb  # loaded already, by the reader

    inputs = reader.features(model)
    taken = [name for name in inputs if name in LEADING]
    if taken:
        raise DataFileProblem(f"{model} logs an input called {taken[0]!r}, which is a column of the file: log it under another name")
    rows = reader.rows("predictions", model=model, end=until, inputs=list(inputs))
    wanted = " AND ".join(
        f"{name} = {text(value)}"
        for name, value in (("role", "live"), ("served_by", "model"), ("environment", environment), ("version", version))
    )
    listed = ", ".join(["key", "event_at", "version", f"score AS {SERVED}", *map(quoted, inputs)])
    newest = f"SELECT {listed} FROM {rows} WHERE {wanted} ORDER BY event_at DESC, key DESC LIMIT {last}"
    try:
        run(reader.connection, f"COPY (SELECT * FROM ({newest}) ORDER BY event_at, key) TO {text(str(temporary))} (FORMAT parquet)")
        counted = f"SELECT count(*), min(event_at), max(event_at) FROM read_parquet({text(str(temporary))})"
        count, first_at, last_at = run(reader.connection, counted)[0]
        if not count:
            raise DataFileProblem(f"{model} v{version} answered no request in {environment}: there is nothing to replay")
        if os.path.lexists(target):
            raise DataFileProblem(f"{target} exists already: nothing was written; give another name")
        settle(temporary, target)
    except duckdb.Error as error:
        raise DataFileProblem(f"{target} cannot be written: {first_line(error)}") from None
    except OSError as error:
        raise DataFileProblem(f"{target} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return Written(int(count), first_at.replace(tzinfo=UTC), last_at.replace(tzinfo=UTC), dict(inputs))
