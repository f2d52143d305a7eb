"""Reading a file that others may have put there: what is no regular file is refused, and never waited for."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

LARGEST: Final = 64 * 2**20
"""Bytes."""

STEP: Final = 2**20
"""Bytes."""


def read_plain(path: Path, most: int = LARGEST) -> bytes:
    """The content of the regular file at `path`, of at most `most` bytes. Raises OSError, with the reason in `strerror`."""
    return _read(path, most, os.O_RDONLY)[0]


def read_owned(path: Path, most: int = LARGEST) -> tuple[bytes, os.stat_result]:
    """The content of the regular file at `path`, and whose it is and who may write it; a link is refused, since what it leads to says
    less of who put it there. Raises OSError."""
    return _read(path, most, os.O_RDONLY | os.O_NOFOLLOW)


def open_plain(path: Path) -> BinaryIO:
    """The regular file at `path`, to be read. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        require_regular(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def refuse_special(path: Path) -> None:
    """Raises OSError where a file would be opened by name and waited for; one that is not there yet passes."""
    with contextlib.suppress(FileNotFoundError):
        require_regular(path, path.stat())


def refuse_special_database(path: Path) -> None:
    """The same for a database of SQLite, and for what it opens beside it."""
    for each in (path, *beside_database(path)):
        refuse_special(each)


def beside_database(path: Path) -> tuple[Path, ...]:
    """What SQLite opens together with the database at `path`, by name, if it is there."""
    return tuple(path.with_name(f"{path.name}-{what}") for what in ("journal", "wal", "shm"))


def _read(path: Path, most: int, flags: int) -> tuple[bytes, os.stat_result]:
    # Opening a named pipe would wait for its writer, and with it whoever wants to stop a model.
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        require_regular(path, status)
        # As much as the file is said to hold: room for the most that it may hold would be asked for and given back at each read.
        content = os.read(descriptor, min(status.st_size, most) + 1)
        while len(content) <= most and (further := os.read(descriptor, STEP)):
            content += further
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
    return content, status


def require_regular(path: Path, status: os.stat_result) -> None:
    """Raises OSError for what is neither a regular file nor a folder, such as a named pipe; a folder is refused by opening it."""
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "no regular file: move it away", str(path))
