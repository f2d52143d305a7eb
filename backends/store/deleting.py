"""Deletes the rows that are due: a generation without them, made beside the one in force and published in one step.

What is deleted is written down beside the store first; killed anywhere, the old generation is in force or the new one. Files go when
no reader of an older generation needs them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backends.store.catalogue import Catalogue, Segment, open_catalogue
from backends.store.compactor import Compactor, only_compactor
from backends.store.deleted import Deleted, standing
from backends.store.deleted_file import remember, take_back
from backends.store.due import Cut, Due, due_of
from backends.store.errors import StoreError
from backends.store.files import said
from backends.store.paths import WorkspacePaths
from backends.store.schema import table_named
from backends.store.segment_rows import bounds_of
from backends.store.sql import connect, parquet, run, text

if TYPE_CHECKING:
    import duckdb

PATIENCE_S: Final = 60.0
"""How long it waits for a compaction that is under way."""


class NotAsExpected(StoreError):
    """Something else was deleted meanwhile; nothing was changed. `found` is what stands now."""

    def __init__(self, message: str, found: str) -> None:
        super().__init__(message)
        self.found = found


@dataclass(frozen=True, slots=True)
class Deletion:
    """What became of one call."""

    deleted: tuple[Deleted, ...]
    generation: int
    still_read: int
    """Files that an older reader needs; the next compaction after it removes them."""


def delete_rows(
    paths: WorkspacePaths, cuts: Sequence[Cut], *, expected: str, key: str, now: datetime, patience: float = PATIENCE_S
) -> Deletion:
    """Delete what is due by `cuts`, all of one model of one environment, unless the action `key` did so before.

    Raises NotAsExpected, StoreBusy or StoreError; then the rows are as they were.
    """
    import duckdb

    try:
        with open_catalogue(paths) as catalogue, only_compactor(paths, patience):
            done = catalogue.applied(key)
            if done:
                return Deletion(tuple(done), catalogue.generation(), 0)
            if catalogue.deletion_forbidden(key):
                raise StoreError(f"{key} was given up, so that it deletes nothing any more: draw a new plan")
            # What has landed is as old as what is stored: it is taken in first, so that none of it is left over.
            Compactor(paths, catalogue, now).run()
            found = standing_of(catalogue, cuts[0].environment, cuts[0].model)
            if found != expected:
                raise NotAsExpected(f"{found} stands for {cuts[0].model}, {expected} was expected", found)
            return _Deleting(paths, catalogue, now, key).delete(cuts)
    except OSError as error:
        raise said(error, Path(error.filename) if error.filename else paths.store) from None
    except duckdb.Error as error:
        raise StoreError(f"{paths.store}: the deletion stopped, nothing was changed: {str(error).splitlines()[0]}") from None


def standing_of(catalogue: Catalogue, environment: str, model: str) -> str:
    """What was deleted of one model so far, in words."""
    newest = catalogue.deleted(catalogue.generation())
    return standing([each for each in newest if (each.environment, each.model) == (environment, model)])


class _Deleting(Compactor):
    """The generation that has lost what was due."""

    def __init__(self, paths: WorkspacePaths, catalogue: Catalogue, now: datetime, key: str) -> None:
        super().__init__(paths, catalogue, now)
        self.key = key

    def delete(self, cuts: Sequence[Cut]) -> Deletion:
        """Write down, write beside, publish, clean up."""
        segments = self.catalogue.segments(self.before)
        connection = connect(spill=self.paths.store / "spill")
        try:
            due = [each for each in due_of(lambda sql: run(connection, sql), segments, cuts) if each.days]
            if not due:
                raise StoreError("nothing is due any more: draw the plan again")
            self.deleted = [self._deleted(each) for each in due]
            remember(self.paths, self.deleted)
            try:
                for each in due:
                    self._leave_out(connection, each, segments)
                database = self.write_database(connection)
                self.flush_folders()
                self.publish(database)
            except Exception:
                if not self.catalogue.applied(self.key):
                    # What failed is told by what is raised; where this fails too, giving the action up mends it.
                    with contextlib.suppress(StoreError, OSError):
                        take_back(self.paths, self.catalogue, self.key)
                raise
        finally:
            connection.close()
        self.remove_superseded()
        return Deletion(tuple(self.deleted), self.generation, sum(path.exists() for path in self.replaced))

    def _deleted(self, due: Due) -> Deleted:
        cut = due.cut
        return Deleted(
            cut.environment, cut.table, cut.model, cut.before, due.spans, cut.rule, due.rows, self.key, self.now.isoformat()
        )  # fmt: skip

    def _leave_out(self, connection: duckdb.DuckDBPyConnection, due: Due, segments: Sequence[Segment]) -> None:
        """Drop the files of the days that are due; one that other environments share is written again with theirs."""
        cut, days = due.cut, {each.day for each in due.days}
        for segment in segments:
            if (segment.table, segment.model) != (cut.table, cut.model) or segment.day not in days:
                continue
            self.replaced.append(segment.path)
            self.emptied.add((segment.table, segment.model, segment.day))
            others = tuple(pair for pair in segment.sources if pair[0] != cut.environment)
            if others:
                rows = f"(SELECT * FROM {parquet([segment.file])} WHERE environment <> {text(cut.environment)})"
                table = table_named(segment.table)
                path, size = self.write_segment(connection, table, segment.model, segment.day, f"SELECT * FROM {rows}")
                self.added.append(replace(segment, file=str(path), bytes=size, sources=others, **bounds_of(connection, table, rows)))
