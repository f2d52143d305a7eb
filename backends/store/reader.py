"""Reading the store: one generation, plus every landing file it has not absorbed, each fact exactly once.

A reader leases its generation, so nothing that it sees is deleted under it. It needs no lock on any file and blocks nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.store.arrivals import Fresh, fresh, grouping, load
from backends.store.catalogue import Catalogue, Conflict, Segment, open_catalogue
from backends.store.damage import RESTORE, first_damaged
from backends.store.deleted import Deleted
from backends.store.deleted_file import kept_out
from backends.store.errors import StoreError, StoreFull
from backends.store.kept_out import keep_out
from backends.store.landing import LandingFile, landing_files
from backends.store.lost import refuse_lost_catalogue
from backends.store.paths import WorkspacePaths
from backends.store.rollups import holds
from backends.store.schema import JUDGED, TABLES, Table, reserved_columns, table_named
from backends.store.sql import connect, moment, naive_utc, quoted, run, text
from backends.store.versions import current, known_by, needs_choice, stored

if TYPE_CHECKING:
    import duckdb

DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Tail:
    """New facts of one table that no segment has yet. `models` have some; `revised` ones among them need a choice of version."""

    relation: str | None = None
    models: frozenset[str] = frozenset()
    revised: frozenset[str] = frozenset()
    related: tuple[Segment, ...] = ()
    """Segments on other days that share an identity with the tail."""
    features: tuple[tuple[str, str], ...] = ()
    days: tuple[tuple[str, str, str], ...] = ()
    """(model, first, last) UTC day of the tail's facts."""


class Reader:
    """An open view of the store as of `at` (None: everything known). Not to be shared between threads.

    `unreadable` lists landing files that cannot be read as facts; the next compaction moves them to `rejects/`.
    """

    def __init__(
        self, paths: WorkspacePaths, catalogue: Catalogue, generation: int, at: datetime | None, also_readable: Sequence[Path] = ()
    ) -> None:
        if at is not None and at.tzinfo is None:
            raise ValueError(f"as of {at.isoformat()}: a time without a zone")
        self.paths = paths
        self.generation = generation
        self.at = at
        self.unreadable: dict[LandingFile, str] = {}
        self._catalogue = catalogue
        self._also_readable = tuple(also_readable)
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._segments: dict[str, list[Segment]] = {}
        self._tails: dict[str, Tail] = {}
        self._views: set[str] = set()
        self._attached: bool | None = None
        self._rollups: dict[str, bool] = {}
        self._files = self._unabsorbed()
        # As it stood when this was opened, like the files: what is deleted meanwhile is still seen here, all of it.
        self._kept_out = kept_out(paths, catalogue, generation) if any(self._files.values()) else []

    # the store as SQL, for the questions in queries.py

    def rows(
        self,
        table: str,
        *,
        model: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        keys: tuple[str, str] | None = None,
        inputs: Sequence[str] = (),
        without_days: frozenset[str] = frozenset(),
        without: frozenset[str] = frozenset(),
        every_version: bool = False,
    ) -> str:
        """A table expression: the facts in force of `table` as of `at`, of one model or all, with event_at in [start, end).

        Only segments that can hold such facts are opened; with `keys` (least and greatest) only those whose keys overlap, although
        facts outside `keys` may be among the rows. Every input that some fact has is a column; `inputs` are columns in any case.
        Segments of `without_days` and the files `without` are left out. With `every_version` also facts that a later one has replaced.
        """
        kind = table_named(table)
        tail = self.tail(table)
        mine = [segment for segment in self.segments(table) if model is None or not kind.by_model or segment.model == model]
        chosen = [segment for segment in mine if self._may_hold(segment, start, end) and segment.day not in without_days]
        chosen = [segment for segment in chosen if segment.file not in without] if without else chosen
        if keys is not None:
            chosen = [segment for segment in chosen if segment.key_min <= keys[1] and segment.key_max >= keys[0]]
        with_tail = bool(tail.models) if model is None or not kind.by_model else model in tail.models
        revised = with_tail and (bool(tail.revised) if model is None or not kind.by_model else model in tail.revised)
        if revised or any(segment.crossed for segment in chosen):
            across = [segment for segment in mine if segment.crossed or segment in tail.related]
            chosen += [segment for segment in across if segment not in chosen]
        conditions = [] if model is None or not kind.by_model else [f"model = {text(model)}" if model else "coalesce(model, '') = ''"]
        window = [f"event_at >= {moment(start)}"] if start is not None else []
        window += [f"event_at < {moment(end)}"] if end is not None else []
        relation = f"generation.{table}" if not kind.by_model and self.database() else stored(kind, chosen)
        present = {name for segment in chosen for name in segment.columns}
        if with_tail:
            present |= {name for name, _ in tail.features}
            features = self._tail_columns(kind, tail)
            relation = f"(SELECT * FROM {relation} UNION ALL BY NAME SELECT {features} FROM {tail.relation})"
        if not present.issuperset(inputs):
            types = self.features(model)
            absent = [f"CAST(NULL AS {types.get(name, 'DOUBLE')}) AS {quoted(name)}" for name in inputs if name not in present]
            relation = f"(SELECT *, {', '.join(absent)} FROM {relation})"
        known = " AND ".join([*conditions, known_by(self.at)])
        if every_version:
            return f"(SELECT * FROM {relation} WHERE {' AND '.join([known, *window])})"
        if revised or needs_choice(chosen) or not kind.by_model:
            # A version in force may have left the window that an older one was in, so the window is applied last.
            chosen_rows = current(kind, relation, known)
            return f"(SELECT * FROM {chosen_rows} WHERE {' AND '.join(window)})" if window else chosen_rows
        return f"(SELECT * FROM {relation} WHERE {' AND '.join([known, *window])})"

    def segments(self, table: str) -> list[Segment]:
        """The segments of this generation."""
        if table not in self._segments:
            self._segments[table] = self._catalogue.segments(self.generation, table)
        return self._segments[table]

    def tail(self, table: str) -> Tail:
        """What has landed and is new: loaded once, at the first question that needs it."""
        if table not in self._tails:
            self._tails[table] = self._load_tail(table_named(table))
        return self._tails[table]

    def waits_for(self, model: str) -> bool:
        """Whether something has landed that no segment has yet, and that a model's health may be judged by."""
        for name in JUDGED:
            tail = self.tail(name)
            if tail.relation is not None and (not table_named(name).by_model or not tail.models.isdisjoint({model, ""})):
                return True
        return False

    def key_range(self, table: str, model: str, start: datetime | None, end: datetime | None) -> tuple[str, str] | None:
        """Least and greatest key that facts of a model in [start, end) can have; None when there are none."""
        kind = table_named(table)
        bounds = [(s.key_min, s.key_max) for s in self.segments(table) if s.model == model and self._may_hold(s, start, end)]
        tail = self.tail(table)
        if model in tail.models:
            [(least, greatest)] = self.fetch(
                f"SELECT min({kind.key}), max({kind.key}) FROM {tail.relation} WHERE coalesce(model, '') = {text(model)}"
            )
            bounds.append((least, greatest))
        return (min(low for low, _ in bounds), max(high for _, high in bounds)) if bounds else None

    def sources(self, table: str, environment: str) -> set[str]:
        """The sources that facts of a table in an environment come from."""
        found = {source for segment in self.segments(table) for where, source in segment.sources if where == environment}
        tail = self.tail(table)
        if tail.relation is not None:
            rows = self.fetch(f"SELECT DISTINCT source FROM {tail.relation} WHERE environment = {text(environment)}")
            found |= {str(row[0]) for row in rows}
        return found

    def features(self, model: str | None = None) -> dict[str, str]:
        """Inputs found in predictions, of one model or all, with their DuckDB types; by name."""
        found: dict[str, str] = {}
        for segment in self.segments("predictions"):
            if model is None or segment.model == model:
                for name, kind in segment.columns.items():
                    found[name] = common_type(found.get(name, kind), kind)
        tail = self.tail("predictions")
        if tail.relation is not None and (model is None or model in tail.models):
            new = [(name, kind) for name, kind in tail.features if name not in found or model is None]
            where = "true" if model is None else f"model = {text(model)}"
            if new:
                selected = ", ".join(f"count({quoted(name)})" for name, _ in new)
                [counts] = self.fetch(f"SELECT {selected} FROM {tail.relation} WHERE {where}")
                for (name, kind), count in zip(new, counts, strict=True):
                    if count:
                        found[name] = common_type(found.get(name, kind), kind)
        return dict(sorted(found.items()))

    def knows_all_of(self, segment: Segment) -> bool:
        """Whether every fact of a segment had happened and was known at `at`."""
        if self.at is None:
            return True
        limit = naive_utc(self.at).isoformat(sep=" ", timespec="microseconds")
        return _microseconds(segment.known_max) <= limit and _microseconds(segment.event_max) <= limit

    def told_whole(self, table: str) -> list[Segment]:
        """Segments whose description says what their facts in force are: all of one source, known as a whole, none replaced, none lost."""
        if not table_named(table).by_model:
            return []
        revised = self.tail(table).revised
        return [
            segment
            for segment in self.segments(table)
            if len(segment.sources) == 1
            and not (segment.corrected or segment.crossed or segment.model in revised)
            and self.knows_all_of(segment)
            and _is_there(segment)
        ]

    def rolled(self, table: str, model: str | None, start: datetime | None, end: datetime | None) -> list[Segment]:
        """Segments of one model, or all, of which a roll-up says what their facts say.

        They lie wholly inside [start, end), all of them was known by `at`, and nothing is new since.
        """
        tail = self.tail(table)
        if not self.database():
            return []
        new: dict[str, list[tuple[str, str]]] = {}
        for name, first, last in tail.days:
            new.setdefault(name, []).append((first, last))
        found = []
        for segment in self.segments(table):
            if model not in {None, segment.model} or segment.model in tail.revised or segment.crossed:
                continue
            if any(first <= segment.day <= last for first, last in new.get(segment.model, ())) or not self.knows_all_of(segment):
                continue
            begins = datetime.fromisoformat(segment.day).replace(tzinfo=UTC)
            if (start is None or start <= begins) and (end is None or begins + DAY <= end):
                found.append(segment)
        return found

    def has_rollup(self, name: str) -> bool:
        """Whether the generation has a roll-up: one that an older program published may lack it."""
        if name not in self._rollups:
            self._rollups[name] = self.database() and holds(self.connection, "generation", name)
        return self._rollups[name]

    def database(self) -> bool:
        """Attach the DuckDB file of the generation as `generation`; False when there is none or it cannot be read."""
        if self._attached is None:
            import duckdb

            path = self._catalogue.database(self.generation)
            self._attached = False
            # The engine would wait for whoever writes into a named pipe.
            if path is not None and path.is_file():
                with contextlib.suppress(duckdb.Error):
                    self.fetch(f"ATTACH {text(str(path))} AS generation (READ_ONLY)")
                    self._attached = True
        return self._attached

    @cached_property
    def deleted(self) -> list[Deleted]:
        """What retention has deleted, whatever moment is looked at: the last word about each log."""
        return self._catalogue.deleted(self.generation)

    def conflicts(self) -> list[Conflict]:
        """Facts that were refused because their id stood for other content."""
        return self._catalogue.conflicts()

    # running SQL

    def fetch(self, sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run SQL and return all rows. Raises StoreError."""
        with self._explained():
            return run(self.connection, sql, parameters)

    def arrays(self, sql: str) -> dict[str, Any]:
        """Run SQL and return its columns as numpy arrays, masked where values are missing. Raises StoreError."""
        with self._explained():
            return dict(self.connection.execute(sql).fetchnumpy())

    def sql(self, query: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run a query over the views `predictions`, `labels`, `metrics`, `records` and `events`, as of `at`. Raises StoreError."""
        words = set(re.findall(r"\w+", query.lower()))
        for table in TABLES:
            if table in words and table not in self._views:
                self.fetch(f"CREATE TEMP VIEW {table} AS SELECT * EXCLUDE (__digest) FROM {self.rows(table)}")
                self._views.add(table)
        return self.fetch(query, parameters)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The in-process DuckDB: in memory, no extension loaded, sees only the store and the landing folder."""
        if self._connection is None:
            allowed = [self.paths.store, self.paths.landing, *self._also_readable]
            self._connection = connect(allowed=allowed, spill=self.paths.store / "spill")
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            segments = (segment for table in TABLES for segment in self.segments(table))
            damaged = first_damaged(self.connection, segments)
            if damaged is not None:
                raise StoreError(f"{damaged[0]} cannot be read ({damaged[1]}): its facts are missing; {RESTORE}") from None
            if isinstance(error, duckdb.IOException):
                what = f"{self.paths.store}: a file of the store cannot be read: {_first(error)}"
                raise StoreError(f"{what}; see: quarterdeck doctor") from None
            raise StoreError(f"the store could not answer: {_first(error)}; see: quarterdeck doctor") from None

    # the tail

    def _unabsorbed(self) -> dict[str, list[LandingFile]]:
        files: dict[str, list[LandingFile]] = {}
        for table in TABLES:
            found = landing_files(self.paths, table)
            done = self._catalogue.absorbed(self.generation, table) if found else set()
            files[table] = [file for file in found if (file.name, file.signature) not in done]
        return files

    def _load_tail(self, table: Table) -> Tail:
        files = self._files[table.name]
        if not files:
            return Tail()
        with self._explained():
            arrived = load(self.connection, table, files)
            self.unreadable |= arrived.refused
            if arrived.relation is None:
                return Tail()
            keep_out(self.connection, table, arrived.relation, self._kept_out)
            new = fresh(self.connection, table, arrived.relation, self.segments(table.name))
            return self._tail_of(table, new) if new.rows else Tail()

    def _tail_of(self, table: Table, new: Fresh) -> Tail:
        group = grouping(table)
        days = self.fetch(
            f"SELECT {group}, strftime(min(event_at), '%Y-%m-%d'), strftime(max(event_at), '%Y-%m-%d') FROM {new.relation} GROUP BY 1"
        )
        described = [(str(row[0]), str(row[1])) for row in self.fetch(f"DESCRIBE {new.relation}")]
        known = reserved_columns(table)
        revised = {model for model, _ in new.same_day | new.across}
        related = tuple(segment for segment in self.segments(table.name) if (segment.model, segment.day) in new.same_day | new.across)
        return Tail(
            relation=new.relation,
            models=frozenset(str(row[0]) for row in days),
            revised=frozenset(revised),
            related=related,
            features=tuple((name, kind) for name, kind in described if name not in known),
            days=tuple((str(model), str(first), str(last)) for model, first, last in days),
        )

    def _may_hold(self, segment: Segment, start: datetime | None, end: datetime | None) -> bool:
        if start is not None and segment.day < _day(start):
            return False
        if self.at is not None and segment.day > _day(self.at):
            return False
        # The window is open at its end: one that ends at midnight has nothing of the day that begins.
        return end is None or segment.day <= _day(end - timedelta(microseconds=1))

    @staticmethod
    def _tail_columns(table: Table, tail: Tail) -> str:
        names = [*table.all_columns, "__digest", *(name for name, _ in tail.features)]
        return ", ".join(quoted(name) for name in names)


@contextlib.contextmanager
def open_reader(paths: WorkspacePaths, *, at: datetime | None = None, also_readable: Sequence[Path] = ()) -> Iterator[Reader]:
    """Read the newest generation and what has landed since, as of `at` (aware; None: everything known).

    Its DuckDB sees the store, the landing folder and the files of `also_readable`, nothing else of the machine.

    Works on an empty store, before the first generation, and where this process may only look. Raises StoreError when the
    workspace is not there or cannot be read.
    """
    with open_catalogue(paths) as catalogue:
        lease, generation = _leased(catalogue)
        reader: Reader | None = None
        try:
            if generation == 0 and catalogue.generation() == 0:
                refuse_lost_catalogue(paths)
            reader = Reader(paths, catalogue, generation, at, also_readable)
            yield reader
        finally:
            if reader is not None:
                reader.close()
            if lease is not None:
                # A full disk keeps it: it ends with this process.
                with contextlib.suppress(StoreFull):
                    catalogue.release_reader_lease(lease)


def _leased(catalogue: Catalogue) -> tuple[int | None, int]:
    """(lease, generation); no lease where nothing can be written: then nobody can publish either, and old segments stay."""
    if catalogue.writable:
        with contextlib.suppress(StoreFull):
            return catalogue.take_reader_lease()
    return None, catalogue.generation()


def _first(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _is_there(segment: Segment) -> bool:
    """Whether its file is, as long as it was written: what has lost facts says so only where they are read."""
    try:
        return os.stat(segment.file).st_size == segment.bytes  # noqa: PTH116 - thousands of them, of which a `Path` each would cost more
    except OSError:
        return False


def _microseconds(stamp: str) -> str:
    """A stored time with all six digits, so that texts compare as times do."""
    return f"{stamp}.000000" if "." not in stamp else stamp.ljust(26, "0")


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def common_type(first: str, second: str) -> str:
    """The type that holds the values of both, as an input has it that came with either."""
    if first == second:
        return first
    return "DOUBLE" if {first, second} <= {"BIGINT", "DOUBLE", "BOOLEAN"} else "VARCHAR"
