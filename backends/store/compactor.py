"""Compaction: landing files become immutable segments, published as one generation.

Everything is written beside what is in use and becomes visible in one transaction of the catalogue; a process killed anywhere
before it leaves files that nobody knows, taken up by the next compaction; killed after it, the clean-up is done by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.durable import make_folder
from backends.plain_file import A_LINK
from backends.store.arrivals import Arrived, Fresh, fresh, grouping, load
from backends.store.catalogue import Catalogue, Conflict, Publication, Segment, open_catalogue
from backends.store.deleted import Deleted
from backends.store.deleted_file import kept_out, remembered
from backends.store.errors import StoreBusy, StoreError
from backends.store.files import flush_folder, folder_name, said, settle
from backends.store.kept_out import keep_out
from backends.store.landing import SUFFIX, LandingFile, landing_files, links_in_landing, signature_of
from backends.store.paths import WorkspacePaths
from backends.store.rejects import move_away, tell_reason
from backends.store.rollups import write_generation
from backends.store.schema import TABLES, Table
from backends.store.segment_rows import crossed_over, days_of, described, features_of, merged
from backends.store.sql import connect, parquet, quoted, run, text

if TYPE_CHECKING:
    import duckdb

PATIENCE_S: Final = 60.0
"""How long a second compaction waits for the first."""

LISTED_CONFLICTS: Final = 1_000
"""Conflicts listed one by one of one compaction and table; all are counted."""


@dataclass(frozen=True)
class Compaction:
    """What a compaction did. `generation` is the newest one now; `published` whether this compaction made it."""

    generation: int
    published: bool
    files: int
    rows: int
    duplicates: int
    conflicts: int
    rejected: tuple[tuple[str, str], ...]
    """Landing files moved to `rejects/`, as `table/name`, with the reason."""
    segments_written: int
    files_deleted: int


@dataclass
class _Tally:
    files: int = 0
    rows: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)
    deleted: int = 0


def compact(paths: WorkspacePaths, now: datetime, *, patience: float = PATIENCE_S) -> Compaction:
    """Absorb every landing file into segments and publish a generation; nothing to absorb: only clean up.

    Raises StoreBusy when another compaction runs for longer than `patience` seconds, StoreError when the disk says no (what was
    there before is still in force).
    """
    import duckdb

    try:
        with open_catalogue(paths) as catalogue, only_compactor(paths, patience):
            return Compactor(paths, catalogue, now).run()
    except OSError as error:
        raise said(error, Path(error.filename) if error.filename else paths.store) from None
    except duckdb.Error as error:
        raise StoreError(f"{paths.store}: compaction stopped, nothing was changed: {str(error).splitlines()[0]}") from None


@contextlib.contextmanager
def only_compactor(paths: WorkspacePaths, patience: float) -> Iterator[None]:
    """Be the one process that writes segments. The system frees the lock when the process dies."""
    make_folder(paths.store)
    lock = paths.store / "compact.lock"
    new = not lock.exists()
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        if new:
            # The umask may have taken away what a group workspace needs.
            os.fchmod(descriptor, paths.store.stat().st_mode & 0o660)
        waited = 0.0
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if waited >= patience:
                    raise StoreBusy(f"another compaction of {paths.root} has been running for {patience:.0f} s; try again later") from None
                time.sleep(0.02)
                waited += 0.02
        yield
    finally:
        os.close(descriptor)


class Compactor:
    """One compaction, step by step. Only `compact` makes one."""

    def __init__(self, paths: WorkspacePaths, catalogue: Catalogue, now: datetime) -> None:
        self.paths = paths
        self.catalogue = catalogue
        self.now = now
        self.before = catalogue.generation()
        self.generation = self.before + 1
        self.tally = _Tally()
        self.added: list[Segment] = []
        self.replaced: list[Path] = []
        self.crossed: set[tuple[str, str, str]] = set()
        self.absorbed: list[LandingFile] = []
        self.conflicts: list[Conflict] = []
        self.folders: set[Path] = set()
        self.kept_out = kept_out(paths, catalogue, self.before)
        # A catalogue that is begun anew learns what was deleted before it was lost.
        self.deleted: list[Deleted] = remembered(paths) if self.before == 0 else []
        self.emptied: set[tuple[str, str, str]] = set()

    def run(self) -> Compaction:
        """Absorb, publish, clean up."""
        self.recover_unknown_files()
        connection = connect(spill=self.paths.store / "spill")
        try:
            for table in TABLES.values():
                self.absorb(connection, table)
            if self.absorbed:
                database = self.write_database(connection)
                self.flush_folders()
                self.publish(database)
        finally:
            connection.close()
        self.remove_superseded()
        tally = self.tally
        return Compaction(
            generation=self.generation if self.absorbed else self.before,
            published=bool(self.absorbed),
            files=tally.files,
            rows=tally.rows,
            duplicates=tally.duplicates,
            conflicts=tally.conflicts,
            rejected=tuple(tally.rejected),
            segments_written=len(self.added),
            files_deleted=tally.deleted,
        )

    def absorb(self, connection: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Turn the landing files of one table into new segments."""
        done = self.catalogue.absorbed(self.before, table.name)
        files = [file for file in landing_files(self.paths, table.name) if (file.name, file.signature) not in done]
        for link in links_in_landing(self.paths, table.name):
            self.reject(link, A_LINK)
        arrived = load(connection, table, files)
        for file, reason in arrived.refused.items():
            self.reject(file, reason)
        self.keep_out(connection, table, arrived)
        if arrived.relation is None:
            return
        segments = self.catalogue.segments(self.before, table.name)
        new = fresh(connection, table, arrived.relation, segments)
        self.tally.files += len(arrived.files)
        self.tally.rows += new.rows
        self.tally.duplicates += new.duplicates
        self.tally.conflicts += new.conflicts
        self.absorbed += arrived.files
        self.list_conflicts(connection, table, new)
        if new.rows:
            self.write_segments(connection, table, new, segments)
        run(connection, f"DROP TABLE {arrived.relation}")
        run(connection, f"DROP TABLE {new.relation}")
        if new.conflicting is not None:
            run(connection, f"DROP TABLE {new.conflicting}")

    def reject(self, file: LandingFile, reason: str) -> None:
        """Move a file that holds no facts out of the way, with the reason beside it."""
        self.tally.rejected.append(move_away(self.paths, file, reason, self.now))

    def keep_out(self, connection: duckdb.DuckDBPyConnection, table: Table, arrived: Arrived) -> None:
        """Take out what retention has deleted before, and say so without a word of what it said."""
        if arrived.relation is None:
            return
        by_name = {file.name: file for file in arrived.files}
        for each in keep_out(connection, table, arrived.relation, self.kept_out):
            reason = f"{each.rows} rows: {each.reason}"
            self.tally.rejected.append((tell_reason(self.paths, by_name[str(each.place)], reason, self.now), reason))

    def list_conflicts(self, connection: duckdb.DuckDBPyConnection, table: Table, new: Fresh) -> None:
        """Keep what was refused, so that a person can look."""
        if new.conflicting is None:
            return
        self.conflicts += conflicts_in(connection, table, new.conflicting, self.now)

    def write_segments(self, connection: duckdb.DuckDBPyConnection, table: Table, new: Fresh, segments: list[Segment]) -> None:
        """Write one segment for each model and day that has new facts; a day that had one is written again, with both."""
        standing = {(segment.model, segment.day): segment for segment in segments}
        features = features_of(connection, table, new.relation)
        written = {(model, day) for model, day in new.across}
        self.crossed |= {(table.name, model, day) for model, day in written if (model, day) in standing}
        for found in days_of(connection, table, new.relation):
            model, day = str(found["model"]), str(found["day"])
            old = standing.get((model, day))
            columns = features.get(model, {})
            declared = [*table.all_columns, "__digest", *columns]
            select = (
                f"SELECT {', '.join(quoted(name) for name in declared)} FROM {new.relation} "
                f"WHERE {grouping(table)} = {text(model)} AND event_at >= TIMESTAMP {text(day)} "
                f"AND event_at < TIMESTAMP {text(day)} + INTERVAL 1 DAY"
            )
            if old is not None:
                select = f"SELECT * FROM {parquet([old.file])} UNION ALL BY NAME {select}"
                columns = merged(connection, old.columns, columns, select)
                self.replaced.append(old.path)
            path, size = self.write_segment(connection, table, model, day, select)
            self.added.append(
                described(
                    table,
                    found,
                    old,
                    path,
                    size,
                    columns,
                    corrected=(model, day) in new.same_day,
                    crossed=(model, day) in new.across,
                )
            )

    def write_segment(self, connection: duckdb.DuckDBPyConnection, table: Table, model: str, day: str, select: str) -> tuple[Path, int]:
        """Write one segment file, flushed but not yet known to anyone; its path and size."""
        folder = self.paths.segments / table.name / folder_name(model) / day
        make_folder(folder)
        self.folders |= {folder, *list(folder.parents)[:3]}
        path = folder / f"{self.generation:08d}-{uuid.uuid4().hex[:12]}.parquet"
        temporary = path.with_suffix(".tmp")
        run(connection, f"COPY ({select} ORDER BY event_at) TO {text(str(temporary))} (FORMAT parquet)")
        settle(temporary, path, flush=False)
        return path, path.stat().st_size

    def write_database(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """Write the DuckDB file of the new generation; the previous one is used again when no fact is new.

        Everything in it is also in the segments, so a workspace that cannot have one is slower, not poorer.
        """
        if "?" in str(self.paths.generations):
            # DuckDB takes what follows for the query of a URL and puts its write-ahead log into another folder.
            return None
        previous = self.catalogue.database(self.before)
        if previous is not None and not self.added and not self.emptied and previous.is_file():
            return previous.name
        make_folder(self.paths.generations)
        self.folders |= {self.paths.generations, self.paths.store}
        gone = set(self.replaced)
        kept = [segment for segment in self.catalogue.segments(self.before) if segment.path not in gone]
        flagged = [crossed_over(segment) if (segment.table, segment.model, segment.day) in self.crossed else segment for segment in kept]
        changed = {(segment.table, segment.model, segment.day) for segment in self.added} | self.crossed | self.emptied
        final = self.paths.generations / f"{self.generation}.duckdb"
        temporary = self.paths.generations / f".{self.generation}-{uuid.uuid4().hex[:12]}.tmp"
        write_generation(
            connection,
            temporary,
            previous=previous if previous is not None and previous.is_file() else None,
            segments=[*flagged, *self.added],
            changed=changed,
        )
        settle(temporary, final, flush=False)
        return final.name

    def flush_folders(self) -> None:
        """Make every new name durable before the catalogue relies on it."""
        for folder in sorted(self.folders):
            if folder.is_relative_to(self.paths.root):
                flush_folder(folder)

    def publish(self, database: str | None) -> None:
        """The one moment at which the new generation comes into force."""
        self.catalogue.publish(
            Publication(
                generation=self.generation,
                database=database,
                published_at=self.now,
                added=self.added,
                replaced=self.replaced,
                crossed=self.crossed,
                absorbed=self.absorbed,
                conflicts=self.conflicts,
                deleted=self.deleted,
            )
        )

    def recover_unknown_files(self) -> None:
        """Land segments that the catalogue does not know once more; delete what is only half of something.

        A compaction that died before publishing leaves such segments, and then their facts are duplicates. So does a catalogue
        that was lost or restored from an older backup, and then they are all that is left of their facts.
        """
        known = {str(path) for path in self.catalogue.known_paths()}
        for path in self.paths.segments.rglob("*"):
            if path.suffix == ".tmp":
                path.unlink(missing_ok=True)
            elif path.suffix == SUFFIX and str(path) not in known and path.is_file():
                folder = self.paths.landing / path.relative_to(self.paths.segments).parts[0]
                make_folder(folder)
                path.rename(folder / f"recovered-{uuid.uuid4().hex}{SUFFIX}")
        for path in self.paths.generations.glob(".*"):
            path.unlink(missing_ok=True)
        for path in self.paths.generations.glob("*.duckdb"):
            # It is derived from segments, so nothing is lost with it.
            if path.stem.isdigit() and int(path.stem) > self.before:
                path.unlink(missing_ok=True)

    def remove_superseded(self) -> None:
        """Delete replaced segments, absorbed landing files and old generation files that no living reader can need."""
        needed = self.catalogue.oldest_needed()
        segments = [path for path, until in self.catalogue.superseded() if until <= needed]
        for path in segments:
            self.remove(path)
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        absorbed: list[tuple[str, str, str]] = []
        for table, name, signature, generation in self.catalogue.absorbed_files():
            if generation <= needed and self.remove_landing_file(self.paths.landing / table / name, signature):
                absorbed.append((table, name, signature))
        kept = {self.catalogue.database(generation) for generation in range(needed, self.catalogue.generation() + 1)}
        for path in self.paths.generations.glob("*.duckdb"):
            if path not in kept:
                self.remove(path)
        self.catalogue.forget(segments=segments, absorbed=absorbed, generations_below=needed)

    def remove(self, path: Path) -> None:
        """Delete one file; one that is gone already is fine."""
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            self.tally.deleted += 1

    def remove_landing_file(self, path: Path, signature: str) -> bool:
        """Delete an absorbed landing file, unless a producer has put another one under its name meanwhile.

        False where the folder does not let it go: then it goes on being known as absorbed, and is not absorbed once more.
        """
        if signature_of(path) != signature:
            return True
        aside = path.with_name(f".{uuid.uuid4().hex}.absorbed")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return True
        except PermissionError:
            return False
        if signature_of(aside) == signature:
            self.remove(aside)
        else:
            aside.rename(path.with_name(f"{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}"))
        return True


def conflicts_in(connection: duckdb.DuckDBPyConnection, table: Table, conflicting: str, now: datetime) -> list[Conflict]:
    """The first LISTED_CONFLICTS facts of a temporary table made by `fresh`, as conflicts."""
    columns = [str(row[0]) for row in run(connection, f"DESCRIBE {conflicting}")]
    kept = ", ".join(quoted(name) for name in columns if not name.startswith("__"))
    file = "__file" if "__file" in columns else "''"
    rows = run(
        connection,
        f"SELECT {grouping(table)}, environment, source, fact_id, CAST(to_json(told) AS VARCHAR), {file} FROM "
        f"(SELECT *, (SELECT x FROM (SELECT {kept}) x) AS told FROM {conflicting}) ORDER BY landed_at, fact_id LIMIT {LISTED_CONFLICTS}",
    )
    return [
        Conflict(table.name, str(model), str(environment), str(source), str(fact_id), _present(told), str(name), now.isoformat())
        for model, environment, source, fact_id, told, name in rows
    ]


def _present(told: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(told).items() if value is not None}
