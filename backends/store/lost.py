"""A catalogue that is gone while its segments are not: an empty store must never be read where facts merely cannot be found."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from backends.store.errors import StoreError
from backends.store.paths import WorkspacePaths
from backends.store.summary import read_summary

EVALUATED: Final = "evaluated.json"
"""Written by each evaluation, which always comes after a compaction; so with it, segments of no generation were once in one."""

AGAIN: Final = "quarterdeck watch --once takes them in again"


def catalogue_is_lost(paths: WorkspacePaths) -> bool:
    """Whether a store without any generation had one before. Only to be asked when there is none now."""
    return (paths.store / EVALUATED).exists() and _any_segment(paths.segments) and not _being_compacted(paths.store / "compact.lock")


def refuse_lost_catalogue(paths: WorkspacePaths) -> None:
    """Raises StoreError that says what to do when the catalogue is lost, alone or with its segments."""
    if catalogue_is_lost(paths):
        raise StoreError(f"{paths.catalog} is gone or new, but segments of facts are there: {AGAIN}")
    if _were_there(paths):
        raise StoreError(f"{paths.store} has lost its facts; put them back, or restore a backup: quarterdeck backup restore FILE DIR")


def _were_there(paths: WorkspacePaths) -> bool:
    """Whether the last evaluation read a generation. Only to be asked when there is none now."""
    generation = (read_summary(paths) or {}).get("generation")
    return isinstance(generation, int) and generation > 0 and not _being_compacted(paths.store / "compact.lock")


def _any_segment(folder: Path) -> bool:
    try:
        return next(folder.rglob("*.parquet"), None) is not None
    except OSError:
        return False


def _being_compacted(lock: Path) -> bool:
    """Whether a compaction holds its lock: the segments of the first one are there before the catalogue knows them."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
