"""Segments that are not any more as they were written: what the engine says of one names neither the file nor the way out."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from backends.store.sql import run, text

if TYPE_CHECKING:
    import duckdb

    from backends.store.catalogue import Segment

MAGIC: Final = b"PAR1"
"""A Parquet file begins and ends with it; before the last one stand four bytes, the length of what describes its columns."""

RESTORE: Final = "restore a backup: quarterdeck backup restore FILE DIR"


def damage_from_outside(segment: Segment) -> str | None:
    """What is wrong with a segment as far as its size and its ends tell: one look at a few bytes, whatever its size."""
    try:
        status = os.lstat(segment.file)
        if not stat.S_ISREG(status.st_mode):
            return "it is no file"
        if status.st_size != segment.bytes:
            return f"it has {status.st_size:,} bytes, and was written with {segment.bytes:,}"
        with segment.path.open("rb") as file:
            first = file.read(4)
            file.seek(-8, os.SEEK_END)
            length, last = int.from_bytes(file.read(4), "little"), file.read(4)
    except FileNotFoundError:
        return "it is gone"
    except OSError as error:
        return error.strerror or type(error).__name__
    return None if first == last == MAGIC and length < status.st_size else "its ends are not those of a Parquet file"


def damage_inside(connection: duckdb.DuckDBPyConnection, segment: Segment) -> str | None:
    """What the engine says when it reads every value of a segment; rows that are not as many as were written."""
    import duckdb

    try:
        # A count alone is answered from what the file says of itself.
        [row] = run(connection, f"SELECT count(*), bit_xor(hash(COLUMNS(*))) FROM read_parquet({text(segment.file)})")
    except duckdb.Error as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return None if row[0] == segment.rows else f"it has {row[0]:,} rows, and was written with {segment.rows:,}"


def damaged_inside(
    connection: duckdb.DuckDBPyConnection, segments: Sequence[Segment], progress: Callable[[int, int], None]
) -> list[tuple[str, str]]:
    """Every segment that cannot be read to its end, and why. Reads all of them: seconds for each gigabyte."""
    found = []
    for number, segment in enumerate(segments):
        progress(number, len(segments))
        why = damage_from_outside(segment) or damage_inside(connection, segment)
        if why is not None:
            found.append((segment.file, why))
    return found


def first_damaged(connection: duckdb.DuckDBPyConnection, segments: Iterable[Segment]) -> tuple[str, str] | None:
    """The file of the first segment that cannot be read, and why; for a question that has failed, since it may read them all."""
    listed = list(segments)
    looks = (damage_from_outside, lambda segment: damage_inside(connection, segment))
    return next(((segment.file, why) for look in looks for segment in listed if (why := look(segment)) is not None), None)
