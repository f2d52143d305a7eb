"""What tells that the facts of a store have changed, for a price that can be paid every second."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from backends.shared_database import ready_database
from backends.store.paths import WorkspacePaths

if TYPE_CHECKING:
    import sqlite3


class NewestFacts:
    """The newest generation, the conflicts found, and the arrivals, as last seen.

    The catalogue's file says nothing of this by itself: every reader writes a lease into it. It is asked only after it was touched.
    """

    __slots__ = ("_published", "_touched")

    def __init__(self) -> None:
        self._touched: object = ()
        self._published: object = None

    def seen(self, paths: WorkspacePaths) -> object:
        """Equal as long as nothing was published, refused or landed. Never waits, never raises: what cannot be read stays as it was."""
        touched = [_touched(path) for path in (paths.catalog, paths.catalog.with_name(paths.catalog.name + "-wal"))]
        if touched != self._touched:
            with contextlib.suppress(OSError):
                self._published = _published(paths.catalog)
                self._touched = touched
        return self._published, _folders(paths.landing)


def _touched(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _folders(landing: Path) -> object:
    try:
        with os.scandir(landing) as entries:
            return sorted((entry.name, _touched(Path(entry.path))) for entry in entries)
    except OSError:
        return None


def _published(catalogue: Path) -> object:
    connection = catalogue_to_look_at(catalogue)
    if connection is None:
        return None
    import sqlite3

    try:
        return connection.execute("SELECT (SELECT max(id) FROM generations), (SELECT max(id) FROM conflicts)").fetchone()
    except sqlite3.Error as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()


def catalogue_to_look_at(catalogue: Path) -> sqlite3.Connection | None:
    """The catalogue, only to be looked at; None where there is none. Raises OSError when it cannot be looked at now."""
    try:
        if not stat.S_ISREG(catalogue.stat().st_mode):
            return None
    except FileNotFoundError:
        return None
    import sqlite3  # the first frame does without it

    problem = ""
    # Where nothing can be written, a database with a write-ahead log is readable only as one that nobody writes.
    for mode in ("mode=ro", "immutable=1"):
        connection = None
        try:
            ready_database(catalogue)
            connection = sqlite3.connect(f"{catalogue.absolute().as_uri()}?{mode}", timeout=0, uri=True)
            connection.execute("SELECT max(id) FROM generations").fetchone()
            return connection
        except sqlite3.Error as error:
            problem = str(error)
            if connection is not None:
                connection.close()
            if not ("unable to open" in problem or "disk" in problem):
                break
    raise OSError(problem)
