"""The file of the catalogue (SQLite, WAL): made, migrated, and opened by whoever may write it or only look."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from backends.durable import make_folder
from backends.shared_database import ready_database
from backends.store.errors import StoreBusy, StoreError, StoreFull
from backends.store.files import said
from backends.store.paths import WorkspacePaths

FORMAT: Final = 2
"""2: it knows what retention deleted. A program that does not would let those rows in again."""

LEAST_ROOM: Final = 2**20
"""Bytes below which a failed write is put down to the disk."""

BUSY_MS: Final = 15_000

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS generations (id INTEGER PRIMARY KEY, published_at TEXT NOT NULL, database TEXT);
CREATE TABLE IF NOT EXISTS shapes (id INTEGER PRIMARY KEY, columns TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS segments (
  id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, model TEXT NOT NULL, day TEXT NOT NULL, path TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL, event_max TEXT NOT NULL, known_max TEXT NOT NULL, key_min TEXT NOT NULL, key_max TEXT NOT NULL,
  id_min TEXT NOT NULL, id_max TEXT NOT NULL, given INTEGER NOT NULL, corrected INTEGER NOT NULL, crossed INTEGER NOT NULL,
  sources TEXT NOT NULL, shape INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER
);
CREATE INDEX IF NOT EXISTS segments_of ON segments (tbl, model, day);
CREATE TABLE IF NOT EXISTS absorbed (
  tbl TEXT NOT NULL, file TEXT NOT NULL, signature TEXT NOT NULL, generation INTEGER NOT NULL, PRIMARY KEY (tbl, file, signature)
);
CREATE TABLE IF NOT EXISTS readers (
  id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
  expires INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS named_leases (
  name TEXT PRIMARY KEY, holder TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS conflicts (
  id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, model TEXT NOT NULL, environment TEXT NOT NULL, source TEXT NOT NULL, fact_id TEXT NOT NULL,
  refused TEXT NOT NULL, file TEXT NOT NULL, found_at TEXT NOT NULL,
  UNIQUE (tbl, model, environment, source, fact_id, refused)
);
CREATE TABLE IF NOT EXISTS deleted (
  id INTEGER PRIMARY KEY, environment TEXT NOT NULL, tbl TEXT NOT NULL, model TEXT NOT NULL, before TEXT NOT NULL, kept TEXT NOT NULL,
  rule TEXT NOT NULL, rows INTEGER NOT NULL, key TEXT NOT NULL, deleted_at TEXT NOT NULL, since INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS deletions_forbidden (key TEXT PRIMARY KEY);
"""


class CatalogueFile:
    """An open catalogue. `writable` is False when this process may only look: then it holds no leases either."""

    def __init__(self, paths: WorkspacePaths, connection: sqlite3.Connection | None, *, writable: bool) -> None:
        self._paths = paths
        self._connection = connection
        self.writable = writable

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        if connection is None or not self.writable:
            if _no_room(self._paths.catalog):
                raise StoreFull(f"{self._paths.catalog} cannot grow, the disk is full: free some space and try again")
            raise StoreError(f"{self._paths.catalog} cannot be written; check its permissions with: quarterdeck doctor")
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
        except sqlite3.Error as error:
            raise said_by_sqlite(error, self._paths.catalog) from None

    def _read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(sql, tuple(parameters)).fetchall()
        except sqlite3.Error as error:
            raise said_by_sqlite(error, self._paths.catalog) from None


def open_connection(paths: WorkspacePaths) -> tuple[sqlite3.Connection | None, bool]:
    """The connection and whether it may write; None where there is no catalogue and none can be made.

    Raises StoreError when the workspace is not there, not readable, or written by a newer program.
    """
    try:
        if not paths.root.is_dir():
            raise StoreError(f"there is no workspace at {paths.root}; make one with: quarterdeck init {paths.root}")
        with os.scandir(paths.root):
            pass
    except OSError as error:
        raise said(error, paths.root) from None
    try:
        make_folder(paths.store)
        if not paths.catalog.exists():
            _create(paths)
        ready_database(paths.catalog)
        connection = _connect(str(paths.catalog))
        _prepare(connection, paths)
        return connection, True
    except (PermissionError, sqlite3.OperationalError) as error:
        if isinstance(error, sqlite3.OperationalError) and not _only_read(error):
            problem = said_by_sqlite(error, paths.catalog)
            if not isinstance(problem, StoreFull):
                raise problem from None
        return _read_only(paths, error)
    except sqlite3.Error as error:
        raise said_by_sqlite(error, paths.catalog) from None
    except OSError as error:
        if error.errno == 30:  # EROFS
            return _read_only(paths, error)
        raise said(error, paths.store) from None


def _create(paths: WorkspacePaths) -> None:
    """Build the empty catalogue beside and link it into place: two that turn one file into a database stand in each other's way."""
    beside = paths.store / f".{paths.catalog.name}.{os.getpid()}.{threading.get_ident()}.new"
    beside.unlink(missing_ok=True)
    try:
        connection = _connect(str(beside))
        try:
            _prepare(connection, paths)
        finally:
            connection.close()
        beside.chmod(stat.S_IMODE(paths.store.stat().st_mode) & 0o660)
        with contextlib.suppress(FileExistsError):
            os.link(beside, paths.catalog)
    finally:
        for leftover in (beside, Path(f"{beside}-wal"), Path(f"{beside}-shm")):
            leftover.unlink(missing_ok=True)


def _read_only(paths: WorkspacePaths, cause: Exception) -> tuple[sqlite3.Connection | None, bool]:
    try:
        if not paths.catalog.exists():
            return None, False
        ready_database(paths.catalog)
        # A WAL database on a medium that cannot be written is readable only if nobody else writes it.
        for mode in ("mode=ro", "immutable=1"):
            with contextlib.suppress(sqlite3.OperationalError):
                connection = _connect(f"{paths.catalog.absolute().as_uri()}?{mode}")
                connection.execute("SELECT count(*) FROM generations").fetchone()
                return connection, False
    except OSError as error:
        raise said(error, paths.store) from None
    raise StoreError(f"{paths.catalog} cannot be read: {cause}; ask its owner for access, or choose another with --workspace")


def _connect(target: str) -> sqlite3.Connection:
    connection = sqlite3.connect(target, timeout=BUSY_MS / 1000, isolation_level=None, uri=target.startswith("file:"))
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return connection


def _prepare(connection: sqlite3.Connection, paths: WorkspacePaths) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        raise StoreError(
            f"{paths.catalog} has format {version}, this program reads up to {FORMAT}: update quarterdeck; nothing was changed"
        )
    # Leases may be lost with the power; `publish` asks for more.
    connection.execute("PRAGMA synchronous=NORMAL")
    if version == FORMAT:
        return
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={FORMAT}")
    connection.commit()


def _only_read(error: sqlite3.OperationalError) -> bool:
    return any(words in str(error) for words in ("readonly", "unable to open", "attempt to write"))


def said_by_sqlite(error: sqlite3.Error, path: Path) -> StoreError:
    """One line for a catalogue that does not answer."""
    if "locked" in str(error) or "busy" in str(error):
        return StoreBusy(f"{path} has been locked by another process for {BUSY_MS // 1000} s; try again, or see: quarterdeck doctor")
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
        return StoreError(f"{path} is damaged; restore a backup with: quarterdeck backup restore FILE DIR")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(path)):
        return StoreFull(f"{path} cannot grow, the disk is full: free some space and try again")
    return StoreError(f"{path}: {error}; see: quarterdeck doctor")


def _no_room(path: Path) -> bool:
    """Whether the disk is what stood in the way: a full one is told as any other failure where shared memory has to grow."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < LEAST_ROOM
