"""Which requests and incidents are not ended, by their numbers alone: for completion, which is asked at every press of Tab.

Nothing is folded and nothing is verified: what is offered is looked at by whoever chooses it. Loads nothing but SQLite.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from backends.shared_database import ready_database

PATIENCE_SECONDS: Final = 0.2
"""Whoever pressed Tab waits for this."""


def standing_subjects(path: Path, opening: Mapping[str, str], ending: frozenset[str], environment: str) -> list[str] | None:
    """Subjects of an environment, in the order in which they began, that no entry has ended; None where the journal cannot be read.

    `opening`: by the kind of entry that begins a subject, where its body names the environment, as a JSON path. `ending`: the kinds
    that end one.
    """
    kinds = [*opening, *ending]
    place = f"CASE kind {'WHEN ? THEN json_extract(body, ?) ' * len(opening)}END"
    given = [value for pair in opening.items() for value in pair]
    asked = f"SELECT subject, kind, {place} FROM events WHERE kind IN ({', '.join('?' * len(kinds))}) ORDER BY seq"
    try:
        ready_database(path)
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=PATIENCE_SECONDS)) as connection:
            found: dict[str, None] = {}
            for subject, kind, where in connection.execute(asked, [*given, *kinds]):
                if kind in ending:
                    found.pop(subject, None)
                elif where == environment:
                    found[subject] = None
            return list(found)
    except (OSError, sqlite3.Error, ValueError):
        return None
