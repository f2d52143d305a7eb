"""The catalogue of the store (SQLite, WAL): generations, segments, absorbed files, leases, conflicts.

One transaction publishes a generation. Leases are an agreement between processes of this machine, so they follow the file's own
clock (`unixepoch()`), never the workspace's simulated one.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from backends.durable import make_folder
from backends.shared_database import ready_database
from backends.store.errors import StoreBusy, StoreError, StoreFull
from backends.store.files import said
from backends.store.landing import LandingFile
from backends.store.paths import WorkspacePaths

FORMAT: Final = 1
READER_LEASE_S: Final = 3600
"""Seconds after which a reader is taken for lost, even if its process seems alive; readers live for one refresh."""

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
"""


@dataclass(frozen=True)
class Segment:
    """An immutable Parquet file: the facts of one table, model and UTC day of `event_at`. Each fact id is in it once.

    `corrected`: it holds several versions of some identity. `crossed`: an identity of it is also on another day. `given`: some
    ids are the producer's. Times are UTC in ISO 8601; `sources` are its (environment, source) pairs.
    """

    table: str
    model: str
    day: str
    file: str
    """Its full path as text: a store has thousands of segments, and most are only counted."""
    rows: int
    bytes: int
    event_max: str
    known_max: str
    key_min: str
    key_max: str
    id_min: str
    id_max: str
    given: bool
    corrected: bool
    crossed: bool
    sources: tuple[tuple[str, str], ...]
    columns: Mapping[str, str] = field(compare=False)

    @property
    def path(self) -> Path:
        return Path(self.file)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A fact that was refused because its id stands for other content already; `refused` is that content."""

    table: str
    model: str
    environment: str
    source: str
    fact_id: str
    refused: dict[str, Any]
    file: str
    found_at: str


@dataclass
class Publication:
    """Everything that makes the next generation, published at once."""

    generation: int
    database: str | None
    published_at: datetime
    added: list[Segment]
    replaced: list[Path]
    crossed: set[tuple[str, str, str]]
    """(table, model, day) of standing segments that now share an identity with another day."""
    absorbed: list[LandingFile]
    conflicts: list[Conflict]


class Catalogue:
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
            raise _said(error, self._paths.catalog) from None

    def _read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(sql, tuple(parameters)).fetchall()
        except sqlite3.Error as error:
            raise _said(error, self._paths.catalog) from None

    # generations

    def generation(self) -> int:
        """The newest published generation; 0 before the first."""
        rows = self._read("SELECT max(id) FROM generations")
        return int(rows[0][0] or 0) if rows else 0

    def database(self, generation: int) -> Path | None:
        """The DuckDB file of a generation."""
        rows = self._read("SELECT database FROM generations WHERE id = ?", [generation])
        return self._paths.generations / rows[0][0] if rows and rows[0][0] else None

    def segments(self, generation: int, table: str | None = None) -> list[Segment]:
        """The segments of a generation, of all tables or one, by model and day."""
        rows = self._read(
            "SELECT tbl, model, day, path, rows, bytes, event_max, known_max, key_min, key_max, id_min, id_max, given, corrected, "
            "crossed, sources, shape FROM segments "
            "WHERE since <= ? AND (until IS NULL OR until > ?) AND (? IS NULL OR tbl = ?) ORDER BY tbl, model, day",
            [generation, generation, table, table],
        )
        shapes = {row[0]: json.loads(row[1]) for row in self._read("SELECT id, columns FROM shapes")} if rows else {}
        folder = str(self._paths.segments)
        return [_segment(row, folder, shapes) for row in rows]

    def absorbed(self, generation: int, table: str) -> set[tuple[str, str]]:
        """Name and signature of the landing files whose facts are in `generation`."""
        return {
            (str(name), str(signature))
            for name, signature in self._read("SELECT file, signature FROM absorbed WHERE tbl = ? AND generation <= ?", [table, generation])
        }

    def publish(self, publication: Publication) -> None:
        """Make a generation the newest, in one durable transaction. Raises StoreError; then nothing was published."""
        self._read("PRAGMA synchronous=FULL")
        with self._transaction() as connection:
            found = connection.execute("SELECT max(id) FROM generations").fetchone()[0] or 0
            if found != publication.generation - 1:
                raise StoreBusy(f"generation {found} was published meanwhile; compact again")
            connection.execute(
                "INSERT INTO generations VALUES (?, ?, ?)",
                (publication.generation, publication.published_at.isoformat(), publication.database),
            )
            connection.executemany(
                "UPDATE segments SET until = ? WHERE path = ?",
                [(publication.generation, self._relative(path)) for path in publication.replaced],
            )
            connection.executemany(
                "UPDATE segments SET crossed = 1 WHERE tbl = ? AND model = ? AND day = ? AND until IS NULL", sorted(publication.crossed)
            )
            for segment in publication.added:
                columns = json.dumps(dict(segment.columns))
                connection.execute("INSERT OR IGNORE INTO shapes (columns) VALUES (?)", (columns,))
                (shape,) = connection.execute("SELECT id FROM shapes WHERE columns = ?", (columns,)).fetchone()
                connection.execute(
                    "INSERT INTO segments VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                    (
                        segment.table, segment.model, segment.day, self._relative(segment.path), segment.rows, segment.bytes,
                        segment.event_max, segment.known_max, segment.key_min, segment.key_max, segment.id_min, segment.id_max,
                        segment.given, segment.corrected, segment.crossed, json.dumps(segment.sources), shape, publication.generation,
                    ),
                )  # fmt: skip
            connection.executemany(
                "INSERT OR REPLACE INTO absorbed VALUES (?, ?, ?, ?)",
                [(file.table, file.name, file.signature, publication.generation) for file in publication.absorbed],
            )
            _insert_conflicts(connection, publication.conflicts)

    # what may go

    def superseded(self) -> list[tuple[Path, int]]:
        """Segments that a newer generation replaced, with that generation."""
        return [
            (self._paths.segments / path, until) for path, until in self._read("SELECT path, until FROM segments WHERE until IS NOT NULL")
        ]

    def absorbed_files(self) -> list[tuple[str, str, str, int]]:
        """Table, name, signature and generation of every absorbed landing file that is not yet deleted."""
        return [(str(t), str(f), str(s), int(g)) for t, f, s, g in self._read("SELECT tbl, file, signature, generation FROM absorbed")]

    def forget(self, *, segments: Iterable[Path] = (), absorbed: Iterable[tuple[str, str, str]] = (), generations_below: int = 0) -> None:
        """Drop what has been deleted from the disk."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM segments WHERE path = ?", [(self._relative(path),) for path in segments])
            connection.executemany("DELETE FROM absorbed WHERE tbl = ? AND file = ? AND signature = ?", list(absorbed))
            connection.execute("DELETE FROM generations WHERE id < ?", (generations_below,))

    def known_paths(self) -> set[Path]:
        """Every segment that the catalogue knows, superseded ones too."""
        return {self._paths.segments / row[0] for row in self._read("SELECT path FROM segments")}

    def oldest_needed(self) -> int:
        """The oldest generation that a living reader may be reading; the newest when there is none. Forgets dead readers."""
        with self._transaction() as connection:
            now = connection.execute("SELECT unixepoch()").fetchone()[0]
            for number, host, pid, started, expires in connection.execute("SELECT id, host, pid, started, expires FROM readers").fetchall():
                if expires <= now or (host == _host() and not _alive(pid, started)):
                    connection.execute("DELETE FROM readers WHERE id = ?", (number,))
            oldest = connection.execute("SELECT min(generation) FROM readers").fetchone()[0]
            newest = connection.execute("SELECT max(id) FROM generations").fetchone()[0] or 0
        return int(newest if oldest is None else min(oldest, newest))

    # readers

    def take_reader_lease(self) -> tuple[int, int]:
        """Lease the newest generation: (lease, generation)."""
        with self._transaction() as connection:
            generation = connection.execute("SELECT max(id) FROM generations").fetchone()[0] or 0
            pid = os.getpid()
            lease = connection.execute(
                "INSERT INTO readers (generation, host, pid, started, expires) VALUES (?, ?, ?, ?, unixepoch() + ?)",
                (generation, _host(), pid, process_start(pid), READER_LEASE_S),
            ).lastrowid
        return int(lease or 0), int(generation)

    def release_reader_lease(self, lease: int) -> None:
        """Give a lease back."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM readers WHERE id = ?", (lease,))

    def readers(self) -> list[tuple[int, int]]:
        """(pid, generation) of every lease on record, for `doctor`."""
        return [(int(pid), int(generation)) for pid, generation in self._read("SELECT pid, generation FROM readers")]

    # named leases

    def take_lease(self, name: str, holder: str, ttl: timedelta, now: datetime) -> None:
        """Hold `name` until `now + ttl`. Raises StoreBusy when another living holder has it; one's own is extended."""
        pid = os.getpid()
        with self._transaction() as connection:
            row = connection.execute("SELECT holder, host, pid, started, expires_at FROM named_leases WHERE name = ?", (name,)).fetchone()
            if row is not None:
                found, host, held_by, started, expires_at = row
                own = found == holder and host == _host() and held_by == pid
                over = datetime.fromisoformat(expires_at) <= now or (host == _host() and not _alive(held_by, started))
                if not own and not over:
                    raise StoreBusy(f"{name} is under way: {found} (process {held_by} on {host}) holds it until {expires_at}")
            connection.execute(
                "INSERT OR REPLACE INTO named_leases VALUES (?, ?, ?, ?, ?, ?)",
                (name, holder, _host(), pid, process_start(pid), (now + ttl).isoformat()),
            )

    def release_lease(self, name: str, holder: str) -> None:
        """Let `name` go, if `holder` in this process still has it."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM named_leases WHERE name = ? AND holder = ? AND pid = ?", (name, holder, os.getpid()))

    @contextlib.contextmanager
    def lease(self, name: str, holder: str, ttl: timedelta, now: datetime) -> Iterator[None]:
        """Hold a named lease for the length of a block. Raises StoreBusy at once when somebody else has it."""
        self.take_lease(name, holder, ttl, now)
        try:
            yield
        finally:
            self.release_lease(name, holder)

    # conflicts

    def record_conflicts(self, conflicts: Iterable[Conflict]) -> None:
        """List refused facts; the same one twice is one entry."""
        with self._transaction() as connection:
            _insert_conflicts(connection, conflicts)

    def conflicts(self) -> list[Conflict]:
        """Every refused fact, oldest first."""
        rows = self._read("SELECT tbl, model, environment, source, fact_id, refused, file, found_at FROM conflicts ORDER BY id")
        return [Conflict(t, m, e, s, i, json.loads(refused), f, at) for t, m, e, s, i, refused, f, at in rows]

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._paths.segments))


@contextlib.contextmanager
def open_catalogue(paths: WorkspacePaths) -> Iterator[Catalogue]:
    """The catalogue of a workspace, created if this process may; otherwise read as it is.

    Raises StoreError when the workspace is not there, not readable, or written by a newer program.
    """
    catalogue = _opened(paths)
    try:
        yield catalogue
    finally:
        catalogue.close()


def _opened(paths: WorkspacePaths) -> Catalogue:
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
        return Catalogue(paths, connection, writable=True)
    except (PermissionError, sqlite3.OperationalError) as error:
        if isinstance(error, sqlite3.OperationalError) and not _only_read(error):
            problem = _said(error, paths.catalog)
            if not isinstance(problem, StoreFull):
                raise problem from None
        return _read_only(paths, error)
    except sqlite3.Error as error:
        raise _said(error, paths.catalog) from None
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


def _read_only(paths: WorkspacePaths, cause: Exception) -> Catalogue:
    try:
        if not paths.catalog.exists():
            return Catalogue(paths, None, writable=False)
        ready_database(paths.catalog)
        # A WAL database on a medium that cannot be written is readable only if nobody else writes it.
        for mode in ("mode=ro", "immutable=1"):
            with contextlib.suppress(sqlite3.OperationalError):
                connection = _connect(f"{paths.catalog.absolute().as_uri()}?{mode}")
                connection.execute("SELECT count(*) FROM generations").fetchone()
                return Catalogue(paths, connection, writable=False)
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


def _segment(row: tuple[Any, ...], folder: str, shapes: Mapping[int, dict[str, str]]) -> Segment:
    table, model, day, path, rows, size, event_max, known_max, key_min, key_max, id_min, id_max, *rest = row
    given, corrected, crossed, sources, shape = rest
    return Segment(
        table=table,
        model=model,
        day=day,
        file=f"{folder}/{path}",
        rows=rows,
        bytes=size,
        event_max=event_max,
        known_max=known_max,
        key_min=key_min,
        key_max=key_max,
        id_min=id_min,
        id_max=id_max,
        given=bool(given),
        corrected=bool(corrected),
        crossed=bool(crossed),
        sources=tuple((pair[0], pair[1]) for pair in json.loads(sources)),
        columns=shapes[shape],
    )


def _insert_conflicts(connection: sqlite3.Connection, conflicts: Iterable[Conflict]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO conflicts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (c.table, c.model, c.environment, c.source, c.fact_id, json.dumps(c.refused, sort_keys=True), c.file, c.found_at)
            for c in conflicts
        ],
    )


def _only_read(error: sqlite3.OperationalError) -> bool:
    return any(words in str(error) for words in ("readonly", "unable to open", "attempt to write"))


def _said(error: sqlite3.Error, path: Path) -> StoreError:
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


def _host() -> str:
    return os.uname().nodename


def process_start(pid: int) -> str:
    """When a process started, in the kernel's ticks, so that a reused pid is told apart; empty when the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _alive(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not started or process_start(pid) in {started, ""}
