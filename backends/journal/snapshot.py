"""What was made of the journal up to one entry, kept so that nobody has to read all of it again.

A snapshot is one SQLite file of records that is written once, renamed into place and never changed: a reader that has it open
keeps it, whatever comes after. It can be removed at any time. Its digest stands in the journal, so `audit verify` sees when
somebody changed it; a file that no entry of the journal names is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backends.durable import make_folder, private_mode, sync_folder
from backends.journal.entries import JournalUnavailable
from backends.plain_file import read_plain

DOMAIN: Final = b"quarterdeck/snapshot/1\n"
FORMAT: Final = 1
PREFIX: Final = "upto-"
SUFFIX: Final = ".sqlite"
KEEP: Final = 2
"""Snapshots that stay in the folder: the newest, and the one before it for who is opening that now."""

LARGEST: Final = 2**28
"""Bytes."""

_SCHEMA: Final = f"""
PRAGMA user_version={FORMAT};
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE records (
  place INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (collection, id)
);
CREATE INDEX in_order ON records (collection, place);
"""


@dataclass(frozen=True, slots=True)
class Upto:
    """Which entry a snapshot goes up to, and the digest of its file."""

    seq: int
    hash: str
    digest: str


class Snapshot:
    """One open snapshot. Safe to use from several threads. Every method raises JournalUnavailable when it is damaged.

    It is a copy in memory: what somebody makes of the file after its digest was looked at is not what is read.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self._guard = threading.Lock()
        with _damage(path):
            self._connection = sqlite3.connect(":memory:", check_same_thread=False)
            try:
                self._connection.deserialize(content)
                if self._connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
                    raise JournalUnavailable(f"{path} is no snapshot of format {FORMAT}")
                self.meta: Mapping[str, str] = dict(self._connection.execute("SELECT name, value FROM meta"))
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        with self._guard, contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def body(self, collection: str, identifier: str) -> bytes | None:
        """The record, None when there is none."""
        with self._guard, _damage(self.path):
            row = self._connection.execute("SELECT body FROM records WHERE collection = ? AND id = ?", (collection, identifier)).fetchone()
        return None if row is None else bytes(row[0])

    def has(self, collection: str, identifier: str) -> bool:
        """Whether there is such a record."""
        with self._guard, _damage(self.path):
            found = self._connection.execute("SELECT 1 FROM records WHERE collection = ? AND id = ?", (collection, identifier)).fetchone()
        return found is not None

    def ids(self, collection: str) -> list[str]:
        """Every id, in the order in which they first came."""
        with self._guard, _damage(self.path):
            rows = self._connection.execute("SELECT id FROM records WHERE collection = ? ORDER BY place", (collection,)).fetchall()
        return [row[0] for row in rows]

    def bodies(self, collection: str) -> list[tuple[str, bytes]]:
        """Every record with its id, in the same order."""
        with self._guard, _damage(self.path):
            return self._connection.execute("SELECT id, body FROM records WHERE collection = ? ORDER BY place", (collection,)).fetchall()

    def content(self) -> bytes:
        """The bytes of the file as it was."""
        with self._guard, _damage(self.path):
            return self._connection.serialize()

    def count(self, collection: str) -> int:
        """How many records there are."""
        with self._guard, _damage(self.path):
            return int(self._connection.execute("SELECT count(*) FROM records WHERE collection = ?", (collection,)).fetchone()[0])


def write_snapshot(
    folder: Path, seq: int, last_hash: str, meta: Mapping[str, str], changed: Iterable[tuple[str, str, bytes]], onto: Snapshot | None = None
) -> Upto:
    """Write a snapshot up to entry `seq` of hash `last_hash`: what `onto` holds, with `(collection, id, body)` put in or replaced.

    Raises OSError or JournalUnavailable; the folder is as it was then.
    """
    make_folder(folder)
    mode = private_mode(folder)
    beside = folder / f".{seq}.{os.getpid()}.{threading.get_ident()}.new"
    beside.unlink(missing_ok=True)
    os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
    try:
        beside.chmod(mode)
        if onto is not None:
            # Not the file that lies there now: the digest of what is written here vouches for all of it.
            beside.write_bytes(onto.content())
        _fill(beside, meta, changed, fresh=onto is None)
        upto = Upto(seq, last_hash, digest_of(beside.read_bytes()))
        descriptor = os.open(beside, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.replace(path_of(folder, upto))
        sync_folder(folder)
    finally:
        beside.unlink(missing_ok=True)
    return upto


def newest(folder: Path) -> Iterator[tuple[Upto, Path]]:
    """What the folder offers, newest first, judged by name alone."""
    try:
        names = [path for path in folder.iterdir() if path.name.startswith(PREFIX) and path.name.endswith(SUFFIX)]
    except OSError:
        return
    found = []
    for path in names:
        parts = path.name.removeprefix(PREFIX).removesuffix(SUFFIX).split("-")
        if len(parts) == 3 and parts[0].isascii() and parts[0].isdigit():
            found.append((Upto(int(parts[0]), parts[1], parts[2]), path))
    yield from sorted(found, key=lambda each: each[0].seq, reverse=True)


def path_of(folder: Path, upto: Upto) -> Path:
    """Where a snapshot lies."""
    return folder / f"{PREFIX}{upto.seq:012d}-{upto.hash}-{upto.digest}{SUFFIX}"


def forget_older(folder: Path) -> None:
    """Remove all but the newest ones, and what processes that ended meanwhile had begun; one that cannot be removed stays."""
    for path in (*(path for _, path in list(newest(folder))[KEEP:]), *_begun_by_the_dead(folder)):
        with contextlib.suppress(OSError):
            path.unlink()


def _begun_by_the_dead(folder: Path) -> list[Path]:
    found = []
    for path in folder.glob(".*.new*"):
        parts = path.name.split(".")
        pid = int(parts[2]) if len(parts) > 4 and parts[2].isascii() and parts[2].isdigit() else 0
        try:
            if pid:
                os.kill(pid, 0)
        except ProcessLookupError:
            found.append(path)
        except (OSError, OverflowError):
            continue
    return found


def _fill(path: Path, meta: Mapping[str, str], changed: Iterable[tuple[str, str, bytes]], *, fresh: bool) -> None:
    with _damage(path):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=MEMORY")
            connection.execute("PRAGMA synchronous=OFF")
            if fresh:
                connection.executescript(_SCHEMA)
            connection.execute("BEGIN")
            connection.execute("DELETE FROM meta")
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            connection.executemany(
                "INSERT INTO records (collection, id, body) VALUES (?, ?, ?) "
                "ON CONFLICT (collection, id) DO UPDATE SET body = excluded.body",
                changed,
            )
            connection.execute("COMMIT")
        finally:
            connection.close()


def content_of(path: Path, upto: Upto) -> bytes | None:
    """The bytes of a snapshot; None where they are not those that were kept. Raises OSError."""
    content = read_plain(path, LARGEST)
    return content if digest_of(content) == upto.digest else None


def digest_of(content: bytes) -> str:
    """SHA-256 over the bytes of a snapshot, 64 hex digits."""
    return hashlib.sha256(DOMAIN + content).hexdigest()


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, TypeError) as error:
        raise JournalUnavailable(f"{path} cannot be used ({error}): remove it, it is made anew") from error
