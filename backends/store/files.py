"""Folders and files of the store: made with the workspace's own permissions, flushed before anything relies on them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from urllib.parse import quote

from backends.store.errors import StoreError, StoreFull


def settle(temporary: Path, final: Path, *, flush: bool = True) -> None:
    """Flush `temporary`, give it the permissions of its folder, and let it appear as `final` in one step. Raises OSError.

    Without `flush` the caller flushes the folder before relying on the new name.
    """
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.fchmod(descriptor, stat.S_IMODE(final.parent.stat().st_mode) & 0o666)
    finally:
        os.close(descriptor)
    temporary.rename(final)
    if flush:
        flush_folder(final.parent)


def flush_folder(folder: Path) -> None:
    """Make the names inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def folder_name(model: str) -> str:
    """A folder name for a model, whatever characters its name holds; two names may share one, the catalogue tells them apart."""
    name = quote(model, safe="")[:120] or "-"
    return f"%2E{name[1:]}" if name.startswith(".") else name


def said(error: OSError, what: Path) -> StoreError:
    """One line for a file that cannot be used."""
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError):
        return StoreError(f"{what}: permission denied; ask its owner for access, or choose another workspace with --workspace")
    if error.errno in _NO_ROOM:
        return StoreFull(f"{what}: {reason}; free some space and try again: nothing of it was taken in")
    return StoreError(f"{what}: {reason}; see: quarterdeck doctor")


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def said_by_engine(error: Exception, what: Path) -> StoreError:
    """The same for a failure that the engine tells in its own words, as structured text or prose: by what the system called it."""
    told = str(error)
    for code in (*_NO_ROOM, errno.EROFS, errno.EACCES, errno.EIO):
        if os.strerror(code) in told:
            return said(OSError(code, os.strerror(code)), what)
    return StoreError(f"{what}: cannot be written: {told.splitlines()[0]}; see: quarterdeck doctor")
