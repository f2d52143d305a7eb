"""What state the files of the store are in, without reading a fact: for `doctor`."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from backends.store.catalogue import open_catalogue
from backends.store.damage import damage_from_outside
from backends.store.errors import StoreError
from backends.store.landing import landing_files
from backends.store.lost import refuse_lost_catalogue
from backends.store.paths import WorkspacePaths
from backends.store.schema import TABLES

BEING_WRITTEN: Final = timedelta(hours=1)
"""A segment younger than this may belong to a compaction that has not published yet, so it is no orphan."""

SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class StoreFiles:
    """Counts of the store's files. `missing` and `orphans` name at most three, relative to the workspace."""

    generation: int
    segments: int
    rows: int
    missing: int
    missing_names: tuple[str, ...]
    damaged: tuple[str, ...]
    """Segments that are there and not as they were written, each with what is wrong with it."""
    orphans: int
    orphan_bytes: int
    waiting: int
    """Landing files that no generation has absorbed."""
    waiting_since: datetime | None
    conflicts: int
    readers: int


def inspect_store(paths: WorkspacePaths, real_now: datetime) -> StoreFiles:
    """Compare the catalogue with the disk. Raises StoreError when the catalogue is lost, or it or a folder cannot be read."""
    if not paths.catalog.exists():
        refuse_lost_catalogue(paths)
        waiting = _waiting(paths, set())
        return StoreFiles(0, 0, 0, 0, (), (), 0, 0, len(waiting), min(waiting, default=None), 0, 0)
    with open_catalogue(paths) as catalogue:
        generation = catalogue.generation()
        if generation == 0:
            refuse_lost_catalogue(paths)
        segments = catalogue.segments(generation)
        known = {str(path) for path in catalogue.known_paths()}
        absorbed = {(table, name, signature) for table, name, signature, _ in catalogue.absorbed_files()}
        conflicts, readers = len(catalogue.conflicts()), len(catalogue.readers())
    missing = [segment.file for segment in segments if not Path(segment.file).exists()]
    wrong = [(segment.file, why) for segment in segments if (why := damage_from_outside(segment)) is not None]
    damaged = tuple(f"{os.path.relpath(file, paths.root)}: {why}" for file, why in wrong if file not in set(missing))
    orphans = list(_orphans(paths.segments, known, real_now))
    waiting = _waiting(paths, absorbed)
    return StoreFiles(
        generation=generation,
        segments=len(segments),
        rows=sum(segment.rows for segment in segments),
        missing=len(missing),
        missing_names=tuple(os.path.relpath(name, paths.root) for name in missing[:SHOWN]),
        damaged=damaged,
        orphans=len(orphans),
        orphan_bytes=sum(orphans),
        waiting=len(waiting),
        waiting_since=min(waiting, default=None),
        conflicts=conflicts,
        readers=readers,
    )


def sqlite_version() -> str:
    """The SQLite library that Python brings."""
    return sqlite3.sqlite_version


def _waiting(paths: WorkspacePaths, absorbed: set[tuple[str, str, str]]) -> list[datetime]:
    return [
        file.modified_at for table in TABLES for file in landing_files(paths, table) if (table, file.name, file.signature) not in absorbed
    ]


def _orphans(folder: Path, known: set[str], real_now: datetime) -> Iterator[int]:
    """The size of each segment file that the catalogue does not know."""
    limit = (real_now - BEING_WRITTEN).astimezone(UTC).timestamp()
    try:
        for place, _, names in os.walk(folder):
            for name in names:
                path = f"{place}/{name}"
                if name.endswith(".parquet") and path not in known:
                    status = Path(path).lstat()
                    if stat.S_ISREG(status.st_mode) and status.st_mtime < limit:
                        yield status.st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}; ask its owner for access") from None
