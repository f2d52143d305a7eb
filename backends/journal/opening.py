"""Opens a database by name without being held up by what may have taken its place.

SQLite opens by name and waits for whoever writes into a named pipe. One that lies there is seen beforehand; one that is put there
between the look and the opening is found by the time that passes, so that the kill switch goes on without the journal.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backends.journal.entries import JournalUnavailable
from backends.plain_file import beside_database

GRACE_SECONDS: Final = 1.0
"""Beyond the time that SQLite itself waits for a lock."""

TRIES: Final = 10
"""How often whoever waits is let go, before it is left to itself."""


def in_time(connect: Callable[[], sqlite3.Connection], path: Path, busy_seconds: float) -> sqlite3.Connection:
    """What `connect` gives or raises. Raises JournalUnavailable where it does neither within `busy_seconds` and a moment."""
    opening = _Opening(connect)
    opening.start()
    opening.join(busy_seconds + GRACE_SECONDS)
    connection = opening.taken()
    if connection is not None:
        return connection
    for _ in range(TRIES):
        # It may be opened in another way after that, and wait again.
        _let_go(path)
        opening.join(GRACE_SECONDS / TRIES)
        if not opening.is_alive():
            break
    raise JournalUnavailable(f"{path} cannot be opened: no answer from it or a file beside it, is one of them a named pipe? Move it away")


class _Opening(threading.Thread):
    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(daemon=True)
        self._connect = connect
        self._guard = threading.Lock()
        self._late = False
        self._connection: sqlite3.Connection | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            connection = self._connect()
        except BaseException as error:
            self._error = error
            return
        with self._guard:
            self._connection = connection
            if self._late:
                connection.close()

    def taken(self) -> sqlite3.Connection | None:
        """The connection; None while there is none, and one that comes after this is closed. Raises what opening it raised."""
        with self._guard:
            if self._error is not None:
                raise self._error
            self._late = self._connection is None
            return self._connection


def _let_go(path: Path) -> None:
    """Whoever waits for a writer goes on once there was one."""
    for each in (path, *beside_database(path)):
        with contextlib.suppress(OSError):
            if each.is_fifo():
                os.close(os.open(each, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
