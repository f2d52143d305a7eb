"""Small files that survive a crash: written beside, flushed, renamed, and guarded by a lock on a sibling file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

LOCK_TRIES: Final = 500
LOCK_PAUSE: Final = 0.01
"""Seconds between two tries: five seconds in all before a lock is reported as held."""


PRIVATE: Final = 0o600
"""The mode of a control file in a workspace of one person."""


class LockHeld(OSError):
    """Another process holds the lock and did not let go in time; nothing was changed."""


class UncertainWrite(OSError):
    """The new content is in place, but the disk did not confirm that it would survive a power cut."""


def private_mode(folder: Path) -> int:
    """The mode of a new control file in `folder`: 0660 in a group workspace (setgid, writable by the group), else 0600."""
    try:
        mode = folder.stat().st_mode
    except OSError:
        return PRIVATE
    return 0o660 if mode & stat.S_ISGID and mode & stat.S_IWGRP else PRIVATE


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents with the permissions of the nearest folder that exists, whatever the umask is.

    So a group workspace stays one; outside of one only the owner may write. Raises OSError.
    """
    missing: list[Path] = []
    nearest = folder
    while not nearest.exists():
        missing.append(nearest)
        nearest = nearest.parent
    for each in reversed(missing):
        around = stat.S_IMODE(each.parent.stat().st_mode)
        with contextlib.suppress(FileExistsError):
            # Who comes second has nothing to set, and may not.
            each.mkdir()
            each.chmod(around & (0o2777 if around & stat.S_ISGID else 0o755))


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_anew(path: Path, mode: int) -> int:
    """A descriptor to write the new file `path` with, in the place of whatever a crash left there. Raises OSError."""
    # Or of what somebody else put there: a link would be written through, and a named pipe waited for.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        # The umask may have taken what the group needs.
        os.fchmod(descriptor, mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def replace_file(path: Path, content: bytes, mode: int, *, written: Callable[[Path, bytes, int], None] | None = None) -> None:
    """Put `content` at `path` in one step: readers see the old file or the new one, whole.

    The caller holds the lock of `path`, so one fixed temporary name is enough and a crash leaves at most that one.
    `written`: what writes it instead of `write_anew`. Raises OSError (the old content is untouched) or UncertainWrite (the new content is
    in place, maybe not yet durable).
    """
    beside = path.with_name(f".{path.name}.tmp")
    (written or write_anew)(beside, content, mode)
    beside.replace(path)
    try:
        sync_folder(path.parent)
    except OSError as error:
        raise UncertainWrite(error.errno, f"{path} was replaced but its folder could not be flushed: {error.strerror}") from error


def write_anew(beside: Path, content: bytes, mode: int) -> None:
    """Write the new file `beside` and flush it. Raises OSError, and then nothing is left of it."""
    descriptor = open_anew(beside, mode)
    try:
        remaining = memoryview(content)
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
        os.fsync(descriptor)
    except OSError:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path, mode: int, tries: int = LOCK_TRIES) -> Iterator[None]:
    """Hold the exclusive lock of `path`, kept on the sibling `NAME.lock`; the system frees it when the process dies.

    Raises LockHeld when another process keeps it for longer than `tries` pauses.
    """
    beside = path.with_name(f"{path.name}.lock")
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with contextlib.suppress(PermissionError):
            # The umask may have taken the group's right to lock; only the owner can give it back.
            os.fchmod(descriptor, mode)
        for attempt in range(tries):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == tries - 1:
                    raise LockHeld(f"{beside} has been held by another process for {tries * LOCK_PAUSE:.0f} s") from None
                time.sleep(LOCK_PAUSE)
        yield
    finally:
        os.close(descriptor)
