"""Reading a file that others may have put there: what is no regular file is refused, and never waited for.

In a folder that a group may write, a link is not followed either: a member could have put it there, and whoever follows it reads, and
tells in what is wrong with it, a file of their own.
"""

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

A_LINK: Final = "a link, which is not followed in a folder that a group may write: put the file itself here"


def read_plain(path: Path, most: int = LARGEST) -> bytes:
    """The content of the regular file at `path`, of at most `most` bytes. Raises OSError, with the reason in `strerror`."""
    return _read(path, most, os.O_RDONLY | (os.O_NOFOLLOW if of_a_group(path.parent) else 0))[0]


def why_unread(error: Exception) -> str:
    """Why a file could not be read or made sense of, in words for a message that names the file itself."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is no UTF-8 text"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error)


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
    shared = of_a_group(path.parent)
    for each in (path, *beside_database(path)):
        if shared and each.is_symlink():
            raise OSError(errno.ELOOP, A_LINK, str(each))
        refuse_special(each)


def of_a_group(folder: Path) -> bool:
    """Whether everybody of a group may put files there. Raises OSError."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_ISGID and mode & stat.S_IWGRP)


def beside_database(path: Path) -> tuple[Path, ...]:
    """What SQLite opens together with the database at `path`, by name, if it is there."""
    return tuple(path.with_name(f"{path.name}-{what}") for what in ("journal", "wal", "shm"))


def _read(path: Path, most: int, flags: int) -> tuple[bytes, os.stat_result]:
    # Opening a named pipe would wait for its writer, and with it whoever wants to stop a model.
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink() and of_a_group(path.parent):
            raise OSError(errno.ELOOP, A_LINK, str(path)) from None
        raise
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
