"""What the database of a journal is made of, and whether somebody put something else in there.

SQLite runs what a database holds: a trigger swallows an entry while it is written, a view hides one while it is read, and whoever wrote
or read is told of neither. So a journal that holds anything else than it was made with is not used.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from backends.journal.entries import JournalUnavailable

_TABLES: Final = {
    "events": """CREATE TABLE events (
  seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, subject TEXT NOT NULL, at TEXT NOT NULL,
  real_at TEXT NOT NULL, actor TEXT NOT NULL, body TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL
)""",
    "leases": "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until TEXT NOT NULL)",
}
_GUARDS: Final = {
    f"events_are_never_{done}": f"CREATE TRIGGER events_are_never_{done} BEFORE {what} ON events "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
    for done, what in (("changed", "UPDATE"), ("removed", "DELETE"))
}
_OWN: Final = {("table", name): text for name, text in _TABLES.items()} | {("trigger", name): text for name, text in _GUARDS.items()}

SCHEMA: Final = "".join(f"{text};\n" for text in _OWN.values())


def made_of(connection: sqlite3.Connection) -> Any:
    """A number that is another one once anybody changed what the database is made of."""
    return connection.execute("PRAGMA schema_version").fetchone()[0]


def require_own(connection: sqlite3.Connection, path: Path) -> Any:
    """`made_of` a database that holds what a journal does. Raises JournalUnavailable for any other."""
    number = made_of(connection)
    found = foreign(connection)
    if found:
        raise JournalUnavailable(f"{path} holds {found[0]}: restore a backup; `audit verify` says what is left")
    return number


def foreign(connection: sqlite3.Connection) -> list[str]:
    """What the database holds and no journal has, or has otherwise, in words."""
    held = {(kind, name): text for kind, name, text in connection.execute("SELECT type, name, sql FROM sqlite_master")}
    more = [f"the {kind} {name!r}, which no journal has" for kind, name in held if (kind, name) not in _OWN and not _of_sqlite(kind, name)]
    other = [f"a {kind} {name} that somebody changed" for (kind, name), text in held.items() if _OWN.get((kind, name), text) != text]
    # Guards that are gone take nothing from what is read or written; that they are is said beside.
    gone = [f"no table {name}" for name in _TABLES if ("table", name) not in held]
    return [*more, *other, *gone]


def guarded(connection: sqlite3.Connection) -> bool:
    """Whether the triggers that refuse changes are in place."""
    return set(_GUARDS) <= {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}


def _of_sqlite(kind: str, name: str) -> bool:
    """What SQLite makes for itself: the index of a key, and what it counted for its plans."""
    return kind in {"table", "index"} and name.startswith("sqlite_")
