"""Room on the disk that is kept back, so that a kill switch can still be set when everything else is full.

A few small files are allocated ahead. On a full disk what has to be written is written over one of them, which is then renamed: its
blocks never become free in between, where whatever fills the disk would take them first.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import Final

from backends.durable import PRIVATE, make_folder, open_anew, private_mode, write_anew

FOLDER: Final = "reserve"
PIECES: Final = tuple(f"piece-{number}" for number in range(1, 9))
NOTES_OF_ONE: Final = 4
"""Pieces of their own that each person of a group has: a file's owner says whose note it is, and nobody gives a file away."""

PIECE_BYTES: Final = 128 * 2**10
"""Bytes: what is published, and what is noted of one action, fit into one each."""

ROOM_BESIDE: Final = 8
"""The reserve is made only where so many times its size is free: it must not be what fills the disk."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def keep_reserve(root: Path) -> None:
    """Make whatever is missing of the reserve of the workspace at `root`, where there is room. Never raises."""
    folder = root / FOLDER
    with contextlib.suppress(OSError):
        missing = [name for name in (*PIECES, *_own_pieces(root)) if not _whole(folder / name, own=name not in PIECES)]
        # A link could lead into a folder that only this user may write.
        if not missing or folder.is_symlink():
            return
        free = os.statvfs(root)
        if free.f_bavail * free.f_frsize < ROOM_BESIDE * PIECE_BYTES * len(missing):
            return
        make_folder(folder)
        for name in missing:
            _make(folder / name, private_mode(folder) if name in PIECES else PRIVATE)


def pieces_kept(root: Path) -> int:
    """How many pieces of the reserve are there."""
    folder = root / FOLDER
    return 0 if folder.is_symlink() else sum(_whole(folder / name) for name in PIECES)


def write_by_all_means(root: Path, beside: Path, content: bytes, mode: int, *, own: bool = False) -> None:
    """Write the new file `beside` and flush it; on a full disk in the place of a piece of the reserve of the workspace at `root`.

    `own`: the file has to belong to this user, whoever the piece belonged to. Raises OSError, and then nothing is left of it.
    """
    try:
        write_anew(beside, content, mode)
        return
    except OSError as error:
        if error.errno not in _FULL:
            raise
        full = error
    folder = root / FOLDER
    if folder.is_symlink():
        raise full
    pieces, mine = PIECES, _own_pieces(root)
    for name in (*mine, *pieces) if own else (*pieces, *mine):
        with contextlib.suppress(OSError):
            _write_over(folder / name, beside, content, mode, own=own)
            return
    if not [name for name in (*mine, *pieces) if _given_up(folder / name)]:
        raise full
    write_anew(beside, content, mode)


def _own_pieces(root: Path) -> tuple[str, ...]:
    if private_mode(root) == PRIVATE:
        return ()
    return tuple(f"piece-of-{os.geteuid()}-{number}" for number in range(1, NOTES_OF_ONE + 1))


def _whole(path: Path, *, own: bool = False) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == PIECE_BYTES and not (own and status.st_uid != os.geteuid())


def _make(path: Path, mode: int) -> None:
    beside = path.with_name(f".{path.name}.tmp")
    descriptor = open_anew(beside, mode)
    try:
        _allocate(descriptor)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    finally:
        os.close(descriptor)


def _allocate(descriptor: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, PIECE_BYTES)
    else:
        _write(descriptor, b"\0" * PIECE_BYTES)


def _write_over(piece: Path, beside: Path, content: bytes, mode: int, *, own: bool) -> None:
    """Raises OSError when this piece cannot be used; then `beside` is not there."""
    descriptor = os.open(piece, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        # A file of more than one name would be written under the others too.
        fit = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and len(content) <= status.st_size
        # Who could open it to write before may still have it open.
        alone = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not fit or (own and not alone):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        # Whoever renames it has it: for anybody who comes second it is not there.
        piece.rename(beside)
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, mode)
        try:
            _write(descriptor, content)
            os.ftruncate(descriptor, len(content))
            os.fsync(descriptor)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
    finally:
        os.close(descriptor)


def _given_up(piece: Path) -> bool:
    try:
        piece.unlink()
    except OSError:
        return False
    return True


def _write(descriptor: int, content: bytes) -> None:
    remaining = memoryview(content)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]
