"""What a screen goes by to know whether it has to read again."""

from __future__ import annotations

import itertools
import os
import sqlite3

from store_facts import NOON, count, predictions, put

from backends.store.compactor import compact
from backends.store.newest import NewestFacts
from backends.store.paths import WorkspacePaths


def test_whoever_reads_changes_nothing_though_a_lease_is_written(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    newest = NewestFacts()
    before, touched = newest.seen(paths), paths.catalog.stat().st_mtime_ns
    assert count(paths) == 1
    assert paths.catalog.stat().st_mtime_ns != touched
    assert newest.seen(paths) == before


def test_what_lands_is_published_or_is_refused_changes_it(paths: WorkspacePaths) -> None:
    newest = NewestFacts()
    seen = [newest.seen(paths)]
    put(paths, "predictions", predictions(["a"], fact_id="f"))
    seen.append(newest.seen(paths))
    compact(paths, NOON)
    seen.append(newest.seen(paths))
    put(paths, "predictions", predictions(["a"], fact_id="f", score=0.9))
    seen.append(newest.seen(paths))
    compact(paths, NOON)
    seen.append(newest.seen(paths))
    assert all(before != after for before, after in itertools.pairwise(seen))
    assert newest.seen(paths) == seen[-1]


def test_a_catalogue_that_cannot_be_asked_now_leaves_it_as_it_was(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    newest = NewestFacts()
    before = newest.seen(paths)
    holder = sqlite3.connect(paths.catalog, isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("INSERT INTO generations VALUES (9, '2026-01-01', NULL)")
    holder.execute("COMMIT")
    assert newest.seen(paths) == before
    holder.close()
    assert newest.seen(paths) != before


def test_a_named_pipe_in_its_place_is_not_waited_for(paths: WorkspacePaths) -> None:
    paths.store.mkdir()
    os.mkfifo(paths.catalog)
    assert NewestFacts().seen(paths) == NewestFacts().seen(paths)
