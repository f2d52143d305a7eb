"""What tells that the facts of a model have changed, for the price of two questions to the catalogue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from backends.store.errors import StoreError
from backends.store.landing import landing_files
from backends.store.newest import catalogue_to_look_at
from backends.store.paths import WorkspacePaths
from backends.store.schema import JUDGED, TABLES

_SEGMENTS: Final = (
    "SELECT model, tbl, count(*), sum(rows), sum(bytes), max(since), max(path) FROM segments WHERE until IS NULL{} GROUP BY model, tbl"
)


@dataclass(frozen=True, slots=True)
class FactsMark:
    """What tells the facts of a store from those of another moment, without one of them being read.

    `segments` describes the immutable files of each model, and under no name those that belong to every model. `waiting` are the
    landing files that no segment has yet; whose facts they hold is not known before they are read.
    """

    segments: dict[str, list[tuple[Any, ...]]]
    waiting: tuple[tuple[str, str, str], ...]

    def of_all(self) -> str:
        """Equal for as long as nothing that is known of any model can have changed."""
        return _digest((sorted(self.segments.items()), self.waiting))

    def of(self, model: str, *, waiting: bool = True) -> str:
        """Equal for as long as nothing that one model's health is judged from can have changed.

        Without `waiting`, for whoever knows that what waits is about others.
        """
        lasting = [[each for each in self.segments.get(name, ()) if each[0] in JUDGED] for name in (model, "")]
        return _digest((lasting, [file for file in self.waiting if waiting and file[0] in JUDGED]))


def facts_mark(paths: WorkspacePaths, model: str | None = None) -> FactsMark | None:
    """The mark of the facts as they are now, for `of` one model only if it is named; None when they cannot be looked at. Never waits."""
    try:
        # What lands is looked at first: what is taken in between is then seen twice, which makes a mark of its own, and never missed.
        files = [(file.table, file.name, file.signature) for table in TABLES for file in landing_files(paths, table)]
        connection = catalogue_to_look_at(paths.catalog)
        if connection is None:
            return FactsMark({}, tuple(files))
    except (OSError, StoreError):
        return None
    import sqlite3

    try:
        connection.execute("BEGIN")
        done = set(connection.execute("SELECT tbl, file, signature FROM absorbed")) if files else set()
        segments: dict[str, list[tuple[Any, ...]]] = {}
        narrowed = "" if model is None else f" AND tbl IN ({', '.join('?' * len(TABLES))}) AND model IN ('', ?)"
        for name, *described in connection.execute(_SEGMENTS.format(narrowed), () if model is None else (*TABLES, model)):
            segments.setdefault(name, []).append(tuple(described))
    except sqlite3.Error:
        return None
    finally:
        connection.close()
    return FactsMark({name: sorted(each) for name, each in segments.items()}, tuple(file for file in files if file not in done))


def _digest(described: object) -> str:
    return hashlib.sha256(repr(described).encode()).hexdigest()
