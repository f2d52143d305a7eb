"""A consistent copy of a SQLite database that others may be writing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from backends.shared_database import ready_database

BUSY_S: Final = 15.0


class CopyFailed(Exception):
    """The database cannot be read whole. One line."""


def copy_database(source: Path, target: Path, then: Iterable[str] = ()) -> None:
    """Copy `source` to the new file `target` as it stands in one moment, WAL included, check it, and run `then` in the copy.

    Raises CopyFailed; then `target` is not there.
    """
    try:
        ready_database(source)
        with (
            contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as original,
            contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            original.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise CopyFailed(f"{source} is damaged: {found}")
            for statement in then:
                copy.execute(statement)
            # A later opener expects the mode that the original had.
            copy.execute("PRAGMA journal_mode=WAL")
    except OSError as error:
        raise CopyFailed(f"{source} cannot be copied: {error.strerror}") from None
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        full = "; free some space, or choose another place" if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL else ""
        raise CopyFailed(f"{source} cannot be copied: {error}{full}") from None
    except CopyFailed:
        target.unlink(missing_ok=True)
        raise
