"""The control journal: append-only events in SQLite, WAL, flushed at each commit.

Any number of processes may append; each append is one immediate transaction, and a key is recorded once. Leases live in a
table of their own, since they are not history.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from backends.durable import private_mode, sync_folder
from backends.journal.entries import (
    BREAK_KIND,
    GENESIS,
    DamagedEntry,
    Draft,
    Entry,
    JournalConflict,
    JournalMoved,
    JournalUnavailable,
    chained_hash,
    entry_from,
    moment_of,
    moment_text,
)
from backends.journal.head import Head, mirror_head, read_head
from backends.journal.opening import in_time
from backends.journal.outside import OutsideHeads
from backends.journal.schema import SCHEMA, foreign, guarded, made_of, require_own
from backends.plain_file import beside_database, require_regular
from backends.records import canonical_json
from backends.shared_database import ready_database

FORMAT: Final = 1
APPLICATION: Final = 0x51444A31
"""`QDJ1` in the SQLite header: a database of something else is never taken for a journal."""

BUSY_SECONDS: Final = 2.0
NO_ROOM: Final = 2**20
"""Bytes left on a disk below which an I/O error is taken for a full one."""

COLUMNS: Final = "seq, key, kind, subject, at, real_at, actor, body, prev_hash, hash"

_SETTINGS: Final = f"""
PRAGMA journal_mode=WAL;
PRAGMA application_id={APPLICATION};
PRAGMA user_version={FORMAT};
"""


class Journal:
    """One open journal. Safe to use from several threads; not across a fork.

    Every method raises JournalUnavailable with one line when the file is locked for too long, full, damaged or newer.
    """

    def __init__(
        self,
        path: Path,
        head_path: Path,
        *,
        read_only: bool = False,
        busy_seconds: float = BUSY_SECONDS,
        outside: OutsideHeads | None = None,
        wall: Callable[[], datetime] | None = None,
        altered: bool = False,
    ) -> None:
        """`wall` is the clock on the wall: an entry's `real_at` is when it got its place, and without a clock what the draft says.

        `altered`: open it also where somebody changed what the database is made of, to see what is left.
        """
        self.path = path
        self.head_path = head_path
        self.outside = outside or OutsideHeads()
        self._wall = wall
        self.mirror_problem: str | None = None
        """Why the head could not be mirrored after the last append, here or outside; None when it was."""
        self._owed: list[Head] = []
        self._guard = threading.RLock()
        with _said_plainly(path):
            if not read_only and not path.exists():
                _create(path, head_path)
            require_regular(path, path.stat())
            ready_database(path)
            self._connection = in_time(partial(_connect, path, read_only, busy_seconds), path, busy_seconds)
            try:
                _check_format(self._connection, path)
                self._made_of = None if altered else require_own(self._connection, path)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        with self._guard, contextlib.suppress(sqlite3.Error):
            owed, self._owed = self._owed, []
            if owed:
                self._mirror(owed.pop(), None, owed)
            self._connection.close()

    def append(self, drafts: Sequence[Draft], *, expected_last: int | None = None, more_follows: bool = False) -> list[Entry]:
        """Record `drafts` together or not at all; a key that is recorded already returns what was recorded.

        `more_follows`: the next entry is recorded within moments, and the head is mirrored and told outside together with the next one's.
        With `expected_last`, raises JournalMoved when the newest entry is another one (and some draft is new), and when the chain was
        broken, which is recorded then: what was decided on is not what had been mirrored. Raises JournalConflict when a key was recorded
        with another kind, subject, person or body.
        """
        with self._guard, _said_plainly(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                entries, head, broken = self._append_inside(drafts, expected_last)
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            if head is None:
                return entries
            if more_follows and broken is None and entries:
                self._owed.append(head)
                return entries
            owed, self._owed = self._owed, []
        self._mirror(head, broken, owed)
        if not entries:
            raise JournalMoved(f"{self.path} is not what had been mirrored, which was recorded as #{head.seq}")
        return entries

    def entries(self, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Entries with a number above `after`, oldest first."""
        with self._guard, _said_plainly(self.path):
            rows = self._connection.execute(
                f"SELECT {COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, -1 if limit is None else limit)
            ).fetchall()
            return [entry_from(row) for row in rows]

    def each(self, after: int = 0) -> Iterator[Entry]:
        """The same, one after the other, for a journal that is long."""
        with self._guard, _said_plainly(self.path):
            for row in self._connection.execute(f"SELECT {COLUMNS} FROM events WHERE seq > ? ORDER BY seq", (after,)):
                yield entry_from(row)

    def find(self, key: str) -> Entry | None:
        """The entry recorded under `key`."""
        with self._guard, _said_plainly(self.path):
            row = self._connection.execute(f"SELECT {COLUMNS} FROM events WHERE key = ?", (key,)).fetchone()
            return None if row is None else entry_from(row)

    def last(self) -> tuple[int, str]:
        """Number and hash of the newest entry; `(0, GENESIS)` when there is none."""
        with self._guard, _said_plainly(self.path):
            return self._last_inside()

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The stored columns as they are, in order, for verification."""
        with self._guard, _said_plainly(self.path):
            yield from self._connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY seq")

    def guarded(self) -> bool:
        """Whether the triggers that refuse changes are in place."""
        with self._guard, _said_plainly(self.path):
            return guarded(self._connection)

    def foreign(self) -> list[str]:
        """What the database holds and no journal has, or has otherwise, in words; empty for one that is as it was made."""
        with self._guard, _said_plainly(self.path):
            return foreign(self._connection)

    def lease(self, name: str, holder: str, ttl: timedelta, now: datetime) -> bool:
        """Take or renew the lease `name` for `holder` until `now + ttl`; False while another holder's lasts."""
        with self._guard, _said_plainly(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                row = self._connection.execute("SELECT holder, until FROM leases WHERE name = ?", (name,)).fetchone()
                if row is not None and row[0] != holder and moment_of(row[1]) > now:
                    self._connection.execute("ROLLBACK")
                    return False
                self._connection.execute(
                    "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until",
                    (name, holder, moment_text(now + ttl)),
                )
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            return True

    def release(self, name: str, holder: str) -> None:
        """Give the lease back, if `holder` has it."""
        with self._guard, _said_plainly(self.path):
            self._connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))

    def begin_log(self) -> None:
        """Begin SQLite's log where it is empty: the first entry of a log waits for the disk twice, and every later one once."""
        with self._guard, _said_plainly(self.path):
            if beside_database(self.path)[1].stat().st_size:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # Leaves nothing behind, and is written all the same.
                self._connection.execute("INSERT INTO leases VALUES ('log', '', '') ON CONFLICT (name) DO NOTHING")
                self._connection.execute("DELETE FROM leases WHERE name = 'log'")
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _append_inside(self, drafts: Sequence[Draft], expected_last: int | None) -> tuple[list[Entry], Head | None, Head | None]:
        if self._made_of != made_of(self._connection):
            self._made_of = require_own(self._connection, self.path)
        seq, previous = self._last_inside()
        found = [self._recorded(draft) for draft in drafts]
        if all(found):
            return [entry for entry in found if entry is not None], None, None
        if expected_last is not None and seq != expected_last:
            raise JournalMoved(f"{self.path} grew from #{expected_last} to #{seq} since it was read")
        if self._wall is not None:
            # Drafts of several writers get their places in another order than they were drafted in, as if the clock had gone back.
            drafts = [replace(draft, real_at=self._wall()) for draft in drafts]
        # What was decided on a chain that somebody changed is decided anew once that is on record.
        break_draft, broken = self._break(seq, previous, drafts[0])
        if break_draft is not None:
            entry = self._insert(break_draft, seq + 1, previous)
            seq, previous = entry.seq, entry.hash
            if expected_last is not None:
                return [], Head(seq, previous, break_draft.real_at), broken
        entries: list[Entry] = []
        for draft, known in zip(drafts, found, strict=True):
            entry = known or self._recorded(draft) or self._insert(draft, seq + 1, previous)
            if entry.seq > seq:
                seq, previous = entry.seq, entry.hash
            entries.append(entry)
        return entries, Head(seq, previous, drafts[-1].real_at), broken

    def _recorded(self, draft: Draft) -> Entry | None:
        entry = self.find(draft.key)
        if entry is None:
            return None
        same = (entry.kind, entry.subject, entry.actor.get("name"), canonical_json(entry.body)) == (
            draft.kind,
            draft.subject,
            draft.actor.get("name"),
            canonical_json(draft.body),
        )
        if not same:
            raise JournalConflict(f"key {draft.key} was recorded as #{entry.seq} with other content: use a new key for another action")
        return entry

    def _insert(self, draft: Draft, seq: int, previous: str) -> Entry:
        row = (
            seq,
            draft.key,
            draft.kind,
            draft.subject,
            moment_text(draft.at),
            moment_text(draft.real_at),
            canonical_json(draft.actor),
            canonical_json(draft.body),
        )
        own = chained_hash(row, previous)
        self._connection.execute(f"INSERT INTO events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, previous, own))
        return entry_from((*row, previous, own))

    def _last_inside(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        return (0, GENESIS) if row is None else (int(row[0]), str(row[1]))

    def _break(self, seq: int, last_hash: str, like: Draft) -> tuple[Draft | None, Head | None]:
        """A chain that no longer reaches its mirrored head was cut or rewritten: appending must not hide that.

        The head is only ever written after its commit, so under the write lock it can lag but never lead.
        """
        try:
            head = read_head(self.head_path)
        except ValueError as error:
            return self._break_draft(like, seq, f"the mirrored head was unreadable: {error}", None), None
        if head is None:
            return self._break_draft(like, seq, "the mirrored head was missing", None), None
        if head.seq > seq:
            return self._break_draft(like, seq, f"the mirrored head named #{head.seq}, the chain ended at #{seq}", head), head
        there = last_hash if head.seq == seq else self._hash_at(head.seq)
        if there != head.hash:
            return self._break_draft(like, seq, f"entry #{head.seq} was not the one that had been mirrored", head), head
        return None, None

    def _hash_at(self, seq: int) -> str | None:
        if seq == 0:
            return GENESIS
        row = self._connection.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else str(row[0])

    def _break_draft(self, like: Draft, seq: int, reason: str, head: Head | None) -> Draft:
        body = {"reason": reason, "chain_ended_at": seq, "mirrored_seq": head and head.seq, "mirrored_hash": head and head.hash}
        key = f"{BREAK_KIND}/{seq}/{head.seq if head else 'none'}"
        return Draft(key, BREAK_KIND, "audit", like.at, like.real_at, {"name": "journal"}, body)

    def _mirror(self, head: Head, broken: Head | None, owed: Sequence[Head]) -> None:
        try:
            mirror_head(self.head_path, head, broken=broken)
            problems = []
        except OSError as error:
            # What is committed stays committed: the mirror lags, which verification reports, and the next append catches up.
            problems = [f"{self.head_path} could not be written: {error.strerror or error}"]
        for each in (*owed, head):
            problems += self.outside.tell(each)
        self.mirror_problem = "; ".join(dict.fromkeys(problems)) or None


@contextlib.contextmanager
def _said_plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise JournalUnavailable(_operational(path, error)) from error
    except sqlite3.Error as error:
        raise JournalUnavailable(f"{path} is damaged ({error}): restore a backup; `audit verify` says what is left") from error
    except OSError as error:
        raise JournalUnavailable(f"{error.filename or path} cannot be opened: {error.strerror or error}") from error
    except DamagedEntry as error:
        raise JournalUnavailable(f"{path}: {error}: `audit verify` says what else is wrong") from error


def _operational(path: Path, error: sqlite3.OperationalError) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"{path} is locked by another process: try again, or see who holds it with `doctor`"
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(path)):
        return f"{path} cannot grow, the disk is full: free some space and try again"
    if code == sqlite3.SQLITE_READONLY:
        return f"{path} is read-only for you: ask its owner for write access"
    return f"{path} cannot be used: {error}"


def _no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < NO_ROOM
    except OSError:
        return False


def _connect(path: Path, read_only: bool, busy_seconds: float) -> sqlite3.Connection:
    def opened(mode: str) -> sqlite3.Connection:
        address = f"{path.absolute().as_uri()}?{mode}"
        connection = sqlite3.connect(address, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA user_version").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    if not read_only:
        return opened("mode=rw")
    try:
        return opened("mode=ro")
    except sqlite3.OperationalError:
        if not _rests(path):
            raise
        # Even reading wants a file of shared memory beside it, which a full or read-only disk does not give.
        return opened("mode=ro&immutable=1")


def _rests(path: Path) -> bool:
    """Whether everything that was recorded is in the file itself, and nobody is writing."""
    try:
        return path.exists() and (not (wal := Path(f"{path}-wal")).exists() or wal.stat().st_size == 0)
    except OSError:
        return False


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION:
        raise JournalUnavailable(f"{path} is not a control journal: move it aside, or restore a backup")
    if found > FORMAT:
        raise JournalUnavailable(f"{path} has format {found}, newer than the {FORMAT} this program knows: use the newer program")


def _create(path: Path, head_path: Path) -> None:
    """Build the empty journal beside and link it into place, so that nobody ever opens a half-made one.

    The head comes first: from then on a missing head means that somebody removed it.
    """
    mode = private_mode(path.parent)
    mirror_head(head_path, Head(0, GENESIS, None))
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    beside.unlink(missing_ok=True)
    os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
    try:
        beside.chmod(mode)
        connection = sqlite3.connect(beside, isolation_level=None)
        try:
            connection.executescript(_SETTINGS + SCHEMA)
        finally:
            connection.close()
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
            sync_folder(path.parent)
    finally:
        for leftover in (beside, Path(f"{beside}-wal"), Path(f"{beside}-shm")):
            leftover.unlink(missing_ok=True)
