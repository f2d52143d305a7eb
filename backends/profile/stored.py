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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from backends.durable import private_mode
from backends.plain_file import refuse_special_database, require_regular
from backends.profile.profile import ColumnSpec
from backends.profile.windows import WindowProfile
from backends.records import digest_of

FORMAT: Final = 3
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
    "version TEXT NOT NULL, made_of TEXT NOT NULL, body BLOB NOT NULL, "
    "PRIMARY KEY (environment, model, specs_digest, day, version)) WITHOUT ROWID",
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
            return tuple(ColumnSpec(**{**spec, "edges": tuple(spec["edges"]), "tails": tuple(spec["tails"])}) for spec in _specs(row[0]))
    return None


def stored_days(path: Path, environment: str, model: str, digest: str, wanted: Mapping[date, str]) -> dict[date, tuple[WindowProfile, ...]]:
    """What is kept of the `wanted` days (each with the digest of its segments), counted by the specs of `digest`: a window a version.

    A day without rows is kept as an empty tuple.
    """
    found: dict[date, list[WindowProfile]] = {}
    if not wanted:
        return {}
    spoiled: set[date] = set()
    with contextlib.suppress(sqlite3.Error, OSError), _reading(path) as connection:
        rows = connection.execute(
            "SELECT day, version, made_of, body FROM days WHERE environment = ? AND model = ? AND specs_digest = ? AND day BETWEEN ? AND ?",
            (environment, model, digest, min(wanted).isoformat(), max(wanted).isoformat()),
        )
        for day, version, made_of, body in rows:
            at = date.fromisoformat(day)
            if wanted.get(at) != made_of:
                continue
            try:
                held = found.setdefault(at, [])
                if body != NO_ROWS:
                    window = WindowProfile.from_json(zlib.decompress(body).decode())
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
        connection.execute(
            "DELETE FROM days WHERE environment = ? AND model = ? AND specs_digest NOT IN "
            "(SELECT specs_digest FROM specs WHERE environment = ? AND model = ?)",
            (environment, model, environment, model),
        )


def keep_days(
    path: Path, environment: str, model: str, digest: str, days: Mapping[date, Sequence[WindowProfile]], made_of: Mapping[date, str]
) -> None:
    """Keep the windows of days, one a version, in place of older ones. Raises OSError or sqlite3.Error when nothing can be kept."""
    rows: list[tuple[str, str, bytes]] = []
    for day, windows in days.items():
        rows += [(day.isoformat(), window.windows[0][1], zlib.compress(window.to_json().encode(), 1)) for window in windows]
        rows += [] if windows else [(day.isoformat(), "", NO_ROWS)]
    key = (environment, model, digest)
    with _writing(path) as connection:
        connection.executemany(
            "DELETE FROM days WHERE environment = ? AND model = ? AND specs_digest = ? AND day = ?",
            [(*key, day.isoformat()) for day in days],
        )
        connection.executemany(
            "INSERT INTO days (environment, model, specs_digest, day, version, made_of, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*key, day, version, made_of[date.fromisoformat(day)], body) for day, version, body in rows],
        )


def _packed(value: object) -> bytes:
    return zlib.compress(json.dumps(value, allow_nan=False, separators=(",", ":")).encode(), 1)


def _specs(body: bytes) -> list[dict[str, Any]]:
    found = json.loads(zlib.decompress(body))
    if not isinstance(found, list):
        raise ValueError("stored specs are not a list")
    return found


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    require_regular(path, path.stat())
    refuse_special_database(path)
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
    refuse_special_database(path)
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
