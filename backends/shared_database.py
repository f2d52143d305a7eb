"""Before a database of SQLite is opened by one of several users: what lies beside it is no trap, and open to all of them.

SQLite makes the files beside a database with the umask of whoever opens it first, and widens their mode a moment later. Another member
of the group who comes in between may not write them, and is told that the database is read-only. So they are made here, by a link,
which shows them to nobody before they are what they should be.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

from backends.plain_file import beside_database, of_a_group, refuse_special_database


def ready_database(path: Path) -> None:
    """Call before opening the database at `path`. Raises OSError where it, or what SQLite opens beside it, is no regular file."""
    refuse_special_database(path)
    # Whoever may not make files here opens what is there.
    with contextlib.suppress(OSError):
        if of_a_group(path.parent):
            _share_beside(path)


def _share_beside(path: Path) -> None:
    _, log, index = beside_database(path)
    missing = [each for each in (log, index) if not each.exists()]
    if not missing:
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    for each in missing:
        beside = each.with_name(f".{each.name}.{os.getpid()}.{threading.get_ident()}.new")
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            os.fchmod(descriptor, mode)
            with contextlib.suppress(FileExistsError):
                os.link(beside, each)
        finally:
            os.close(descriptor)
            beside.unlink()
