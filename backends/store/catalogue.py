"""The catalogue of the store: generations, segments, absorbed files, conflicts, what retention deleted. One transaction publishes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from backends.store.catalogue_file import open_connection
from backends.store.deleted import Deleted, Deletions, insert_deleted
from backends.store.errors import StoreBusy
from backends.store.landing import LandingFile
from backends.store.leases import Leases
from backends.store.paths import WorkspacePaths


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
    deleted: list[Deleted] = field(default_factory=list)
    """What retention takes away with this generation."""


class Catalogue(Leases, Deletions):
    """What the store consists of, by generation."""

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
            insert_deleted(connection, publication.deleted, publication.generation)

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
    connection, writable = open_connection(paths)
    catalogue = Catalogue(paths, connection, writable=writable)
    try:
        yield catalogue
    finally:
        catalogue.close()


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
