"""Profiles by version and day on disk, so that two stored periods compare without their rows. A cache, always rebuildable.

One row says: "this is the profile of that version on that day, counted by these specs, of exactly these segments". When the segments
are others by now, when the file is missing, locked, of another format or damaged, the answer is that nothing is stored, and the caller
computes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from backends.durable import private_mode
from backends.plain_file import require_regular
from backends.profile.categories import Names
from backends.profile.packed import packed, unpacked
from backends.profile.profile import ColumnSpec
from backends.profile.windows import WindowProfile
from backends.records import digest_of
from backends.shared_database import ready_database

FORMAT: Final = 4
BUSY_S: Final = 2.0
"""Seconds that a look waits for somebody who writes, before it computes instead."""

KEPT_SPECS: Final = 6
"""References per model whose profiles are kept: the newest ones."""

NO_ROWS: Final = b""
"""What stands for a day on which nothing was answered."""

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS specs (number INTEGER PRIMARY KEY, environment TEXT NOT NULL, model TEXT NOT NULL, "
    "reference TEXT NOT NULL, made_of TEXT NOT NULL, specs_digest TEXT NOT NULL, body BLOB NOT NULL, "
    "UNIQUE (environment, model, reference))",
    "CREATE TABLE IF NOT EXISTS days (environment TEXT NOT NULL, model TEXT NOT NULL, specs_digest TEXT NOT NULL, day TEXT NOT NULL, "
    "version TEXT NOT NULL, made_of TEXT NOT NULL, body BLOB NOT NULL, categories BLOB NOT NULL, "
    "PRIMARY KEY (environment, model, specs_digest, day, version)) WITHOUT ROWID",
    # The names of a column's categories from number `first` on: days have the numbers. Names are added, never changed.
    "CREATE TABLE IF NOT EXISTS names (environment TEXT NOT NULL, model TEXT NOT NULL, specs_digest TEXT NOT NULL, "
    "column_name TEXT NOT NULL, first INTEGER NOT NULL, many INTEGER NOT NULL, body BLOB NOT NULL, checksum INTEGER NOT NULL, "
    "PRIMARY KEY (environment, model, specs_digest, column_name, first)) WITHOUT ROWID",
)


def specs_digest(specs: Sequence[ColumnSpec]) -> str:
    """What tells one way of counting from another."""
    return digest_of([asdict(spec) for spec in specs])


def stored_specs(path: Path, environment: str, model: str, reference: str, made_of: str) -> tuple[ColumnSpec, ...] | None:
    """The specs kept for a reference (a text that names it) made of the segments `made_of` stands for; None: compute them."""
    with contextlib.suppress(sqlite3.Error, OSError, ValueError, KeyError, TypeError, zlib.error), _reading(path) as connection:
        row = connection.execute(
            "SELECT body FROM specs WHERE environment = ? AND model = ? AND reference = ? AND made_of = ?",
            (environment, model, reference, made_of),
        ).fetchone()
        if row is not None:
            return tuple(ColumnSpec(**{**spec, "edges": tuple(spec["edges"]), "tails": tuple(spec["tails"])}) for spec in _unpacked(row[0]))
    return None


def stored_days(
    path: Path, environment: str, model: str, digest: str, wanted: Mapping[date, str | None]
) -> dict[date, tuple[WindowProfile, ...]]:
    """What is kept of the `wanted` days (each with the digest of its segments), counted by the specs of `digest`: a window a version.

    None in the place of a digest: of whatever it was made, since its rows were deleted.

    A day without rows is kept as an empty tuple.
    """
    found: dict[date, list[WindowProfile]] = {}
    if not wanted:
        return {}
    spoiled: set[date] = set()
    with contextlib.suppress(sqlite3.Error, OSError), _reading(path) as connection:
        # Days and names of one moment, whoever writes meanwhile.
        connection.execute("BEGIN")
        names = _names(connection, environment, model, digest)
        rows = connection.execute(
            "SELECT day, version, made_of, body, categories FROM days "
            "WHERE environment = ? AND model = ? AND specs_digest = ? AND day BETWEEN ? AND ?",
            (environment, model, digest, min(wanted).isoformat(), max(wanted).isoformat()),
        )
        for day, version, made_of, body, categories in rows:
            at = date.fromisoformat(day)
            if at not in wanted or wanted[at] not in {None, made_of}:
                continue
            try:
                held = found.setdefault(at, [])
                if body != NO_ROWS:
                    window = WindowProfile.from_json(zlib.decompress(body).decode(), unpacked(categories, names))
                    if window.windows != ((at, version),):
                        raise ValueError("a stored window is that of another")
                    held.append(window)
            except (ValueError, TypeError, AttributeError, zlib.error):
                spoiled.add(at)
    return {day: tuple(windows) for day, windows in found.items() if day not in spoiled}


def keep_specs(path: Path, environment: str, model: str, reference: str, made_of: str, specs: Sequence[ColumnSpec]) -> None:
    """Keep the specs of a reference in place of older ones; those of references long past are dropped with their days.

    Raises OSError or sqlite3.Error when nothing can be kept.
    """
    with _writing(path) as connection:
        connection.execute(
            "INSERT OR REPLACE INTO specs (environment, model, reference, made_of, specs_digest, body) VALUES (?, ?, ?, ?, ?, ?)",
            (environment, model, reference, made_of, specs_digest(specs), _packed([asdict(spec) for spec in specs])),
        )
        connection.execute(
            "DELETE FROM specs WHERE environment = ? AND model = ? AND number NOT IN "
            "(SELECT number FROM specs WHERE environment = ? AND model = ? ORDER BY number DESC LIMIT ?)",
            (environment, model, environment, model, KEPT_SPECS),
        )
        for table in ("days", "names"):
            connection.execute(
                f"DELETE FROM {table} WHERE environment = ? AND model = ? AND specs_digest NOT IN "
                "(SELECT specs_digest FROM specs WHERE environment = ? AND model = ?)",
                (environment, model, environment, model),
            )


def keep_days(
    path: Path, environment: str, model: str, digest: str, days: Mapping[date, Sequence[WindowProfile]], made_of: Mapping[date, str]
) -> None:
    """Keep the windows of days, one a version, in place of older ones. Raises OSError or sqlite3.Error when nothing can be kept."""
    key = (environment, model, digest)
    with _writing(path) as connection:
        connection.executemany(
            "DELETE FROM days WHERE environment = ? AND model = ? AND specs_digest = ? AND day = ?",
            [(*key, day.isoformat()) for day in days],
        )
        names = _names_to_extend(connection, key)
        before = {column: len(held) for column, held in names.items()}
        for day, windows in days.items():
            rows = [(each.windows[0][1], _zipped(each.to_json(apart=True)), _categories(each, names)) for each in windows]
            connection.executemany(
                "INSERT INTO days (environment, model, specs_digest, day, version, made_of, body, categories) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(*key, day.isoformat(), version, made_of[day], *held) for version, *held in rows or [("", NO_ROWS, NO_ROWS)]],
            )
        for column, held in names.items():
            _keep_names(connection, key, column, held.texts()[before.get(column, 0) :], before.get(column, 0))


def _names_to_extend(connection: sqlite3.Connection, key: tuple[str, str, str]) -> dict[str, Names]:
    """The names that are kept. Where they cannot be read, neither can the days that have their numbers: then both are dropped."""
    try:
        return _names(connection, *key)
    except sqlite3.DatabaseError:
        for table in ("days", "names"):
            connection.execute(f"DELETE FROM {table} WHERE environment = ? AND model = ? AND specs_digest = ?", key)
        return {}


def _categories(window: WindowProfile, names: dict[str, Names]) -> bytes:
    """What to keep of the categories of a window; names that are not among `names` are added to them."""
    columns = []
    for profile in window.columns:
        if profile.named is not None:
            held = profile.named.under(names.setdefault(profile.column, Names()))
            columns.append((profile.column, held.numbers, held.counts))
    return packed(columns)


def _keep_names(connection: sqlite3.Connection, key: tuple[str, str, str], column: str, texts: Sequence[str], first: int) -> None:
    if texts:
        body = _packed(texts)
        connection.execute(
            "INSERT INTO names (environment, model, specs_digest, column_name, first, many, body, checksum) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, column, first, len(texts), body, _checksum(first, len(texts), body)),
        )


def _names(connection: sqlite3.Connection, environment: str, model: str, digest: str) -> dict[str, Names]:
    """The names of each column, as far as no part of them is missing or altered; they are unpacked when one is asked for."""
    parts: dict[str, list[bytes]] = {}
    counts: dict[str, int] = {}
    rows = connection.execute(
        "SELECT column_name, first, many, body, checksum FROM names WHERE environment = ? AND model = ? AND specs_digest = ? "
        "ORDER BY column_name, first",
        (environment, model, digest),
    )
    for column, first, many, body, checksum in rows:
        if first != counts.get(column, 0) or _checksum(first, many, body) != checksum:
            raise sqlite3.DatabaseError("the names of categories were altered")
        parts.setdefault(column, []).append(body)
        counts[column] = first + many

    def reading(column: str) -> Callable[[], Iterator[str]]:
        return lambda: (str(name) for body in parts[column] for name in _unpacked(body))

    return {column: Names(many, reading(column)) for column, many in counts.items()}


def _packed(value: object) -> bytes:
    return _zipped(json.dumps(value, allow_nan=False, separators=(",", ":")))


def _checksum(first: int, many: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(f"{first} {many}".encode()))


def _zipped(text: str) -> bytes:
    return zlib.compress(text.encode(), 1)


def _unpacked(body: bytes) -> list[Any]:
    found = json.loads(zlib.decompress(body))
    if not isinstance(found, list):
        raise ValueError("what is stored is not a list")
    return found


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    require_regular(path, path.stat())
    ready_database(path)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
    try:
        if connection.execute("PRAGMA user_version").fetchone() != (FORMAT,):
            raise sqlite3.DatabaseError("another format")
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in one transaction. A file that is damaged or of another format is thrown away: it can be filled again."""
    try:
        connection = _prepared(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)
        connection = _prepared(path)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def _prepared(path: Path) -> sqlite3.Connection:
    ready_database(path)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, private_mode(path.parent)))
    connection = sqlite3.connect(path, timeout=30.0)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in {0, FORMAT}:
            raise sqlite3.DatabaseError("another format")
        # What is lost with the power is computed again.
        connection.execute("PRAGMA synchronous=NORMAL")
        with connection:
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA user_version={FORMAT}")
    except BaseException:
        connection.close()
        raise
    return connection
