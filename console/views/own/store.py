"""The store and the evaluator: what is on disk, what waits, and whether anybody watches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from backends.records import State
from backends.store.damage import RESTORE
from backends.store.errors import StoreError
from backends.store.inspection import SHOWN, StoreFiles, inspect_store
from backends.store.lost import AGAIN
from backends.store.schema import TABLES
from console.config import WorkspaceProblem
from console.guards import file_of
from console.render import figures
from console.views.own.finding import Check, Finding, Looked, finding, many
from console.watch.evaluated import last_evaluated

BACKLOG_FILES = 100
BACKLOG_AGE = timedelta(hours=6)
"""More landing files than this, or older ones, and every look at the store pays for it."""

COMPACT = "quarterdeck watch --once"


def store_files(looked: Looked) -> Iterator[Finding]:
    try:
        found = inspect_store(looked.workspace.paths, looked.real_now)
    except StoreError as error:
        what, colon, to_do = str(error).partition(f": {AGAIN}")
        to_do = AGAIN if colon else "restore a backup (quarterdeck backup restore FILE DIR), or ask the owner for access"
        yield finding("store.catalogue", State.CRITICAL, what, to_do)
        return
    yield from _segments(found)
    yield from _backlog(found, looked)
    if found.conflicts:
        what = f"{many(found.conflicts, 'fact')} refused: the id stands for other content already, which stays"
        yield finding("store.conflicts", State.WARNING, what, "let the producer give a correction a new fact_id, or none")


def _segments(found: StoreFiles) -> Iterator[Finding]:
    if found.missing:
        names = ", ".join(found.missing_names)
        what = f"{found.missing} of {found.segments} segments are gone, so their facts are: {names}"
        yield finding("store.segments", State.CRITICAL, what, RESTORE)
    elif found.damaged:
        what = f"{len(found.damaged)} of {found.segments} segments cannot be read, first {found.damaged[0]}"
        yield finding("store.segments", State.CRITICAL, what, RESTORE)
    elif not found.segments:
        yield finding("store.segments", State.UNKNOWN, "nothing was compacted yet", f"land facts, then: {COMPACT}")
    else:
        what = (
            f"generation {found.generation}: {many(found.segments, 'segment')}, {many(found.rows, 'fact')}; {many(found.readers, 'reader')}"
        )
        yield finding("store.segments", State.OK, what)
    if found.orphans:
        what = f"{many(found.orphans, 'segment file')} unknown to every generation, {found.orphan_bytes / 2**20:,.1f} MiB"
        yield finding("store.orphans", State.WARNING, what, "left by a compaction that was stopped; they are never read")


def _backlog(found: StoreFiles, looked: Looked) -> Iterator[Finding]:
    if not found.waiting:
        yield finding("store.landing", State.OK, "no landing file waits for compaction")
        return
    age = looked.real_now - found.waiting_since if found.waiting_since else timedelta()
    what = f"{many(found.waiting, 'landing file')} not compacted yet, the oldest for {figures.age(max(age, timedelta()))}"
    late = found.waiting > BACKLOG_FILES or age > BACKLOG_AGE
    yield finding("store.landing", State.WARNING if late else State.OK, what, COMPACT if late else None)


def store_reading(looked: Looked) -> Iterator[Finding]:
    """Whether a question gets an answer."""
    from backends.store import queries  # loads duckdb
    from backends.store.reader import open_reader

    try:
        with open_reader(looked.workspace.paths) as reader:
            queries.described(reader)
            counts = queries.counts(reader)
            unreadable = dict(reader.unreadable)
    except StoreError as error:
        what = str(error).partition(f": {AGAIN}")[0].partition(f"; {RESTORE}")[0]
        yield finding("store.reading", State.CRITICAL, what, RESTORE)
        return
    if unreadable:
        file, reason = next(iter(unreadable.items()))
        what = f"{many(len(unreadable), 'landing file')} without facts, first {file.name}: {reason}"
        yield finding("store.unreadable", State.WARNING, what, f"{COMPACT} moves them to rejects/ with the reason")
    total = sum(counts.values())
    told = ", ".join(f"{number:,} {table}" for table, number in counts.items() if number)
    yield finding(
        "store.reading", State.OK if total else State.UNKNOWN, told or "it answers, and holds nothing yet: quarterdeck ingest --help"
    )


def store_facts(looked: Looked) -> Iterator[Finding]:
    """Whether every value of every segment can be read, where that is asked for: without it only what files say of themselves is."""
    if looked.deep is None:
        return
    from backends.store.damage import damaged_inside  # loads duckdb
    from backends.store.reader import open_reader

    try:
        with open_reader(looked.workspace.paths) as reader:
            segments = [segment for table in TABLES for segment in reader.segments(table)]
            damaged = damaged_inside(reader.connection, segments, looked.deep)
    except StoreError as error:
        yield finding("store.facts", State.CRITICAL, f"not read to the end: {error}", RESTORE)
        return
    if not damaged:
        yield finding("store.facts", State.OK, f"every value of {many(len(segments), 'segment')} can be read")
    for file, why in damaged[:SHOWN]:
        what = f"{os.path.relpath(file, looked.workspace.paths.root)} cannot be read: {why}"
        yield finding(f"store.facts.{Path(file).stem}", State.CRITICAL, what, RESTORE)
    if len(damaged) > SHOWN:
        yield finding("store.facts", State.CRITICAL, f"{len(damaged)} of {many(len(segments), 'segment')} cannot be read", RESTORE)


def store_rejects(looked: Looked) -> Iterator[Finding]:
    folder = looked.workspace.paths.rejects
    files = sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    if files:
        what = f"{many(len(files), 'file')} of refused facts in rejects/, the last {files[-1].name}"
        yield finding("store.rejects", State.WARNING, what, "read the reasons, mend, ingest again, then delete them")
    else:
        yield finding("store.rejects", State.OK, "nothing that arrived was refused")


def own_databases(looked: Looked) -> Iterator[Finding]:
    """Database files that workspace.toml names: whether each can be opened now, and has what is asked of it."""
    from backends.duckdb_file.reading import tables  # loads duckdb
    from backends.protocol import BackendError

    for name, source in looked.workspace.settings.duckdb.items():
        path = file_of(looked.workspace, name)
        try:
            there = {known for each in tables(path) for known in (each.name, f"{each.schema}.{each.name}")}
        except BackendError as error:
            what, _, to_do = str(error).rpartition("; ")
            yield finding(f"store.duckdb.{name}", State.WARNING, f"source {name}: {what or to_do}", to_do if what else None)
            continue
        missing = [each.table for each in source.tables if each.table not in there]
        if missing or not source.tables:
            what = f"source {name}: {path.name} has no table {', '.join(missing)}" if missing else f"source {name} names no tables"
            yield finding(f"store.duckdb.{name}", State.WARNING, what, f"see [[duckdb.{name}.tables]] in workspace.toml")
        else:
            yield finding(f"store.duckdb.{name}", State.OK, f"source {name}: {path} can be read, {many(len(source.tables), 'table')} of it")


def evaluator_age(looked: Looked) -> Iterator[Finding]:
    """Somebody must watch: without an evaluation no alert can fire."""
    workspace = looked.workspace
    limit = timedelta(minutes=workspace.settings.watch.overdue_minutes)
    try:
        now = workspace.clock().now()
    except WorkspaceProblem:
        return
    for environment in workspace.settings.environments:
        last = last_evaluated(workspace.paths, environment)
        if last is None:
            what = f"{environment} was never evaluated: nobody watches, and no alert can fire"
            yield finding(f"evaluator.{environment}", State.UNKNOWN, what, "quarterdeck watch, or watch --once from cron")
        elif now - last > limit:
            what = (
                f"{environment} was last evaluated {figures.age(now - last)} ago, at {figures.full_moment(last, workspace.zone)}; "
                f"overdue after {figures.age(limit)}: its verdicts are stale, and no alert can fire"
            )
            yield finding(f"evaluator.{environment}", State.STALE, what, "quarterdeck watch, or watch --once from cron")
        elif last - now > limit:
            what = f"{environment} was evaluated at {figures.full_moment(last, workspace.zone)}, which has not come yet: a clock went back"
            yield finding(f"evaluator.{environment}", State.STALE, what, COMPACT)
        else:
            yield finding(f"evaluator.{environment}", State.OK, f"{environment} was evaluated {_ago(now - last)}")


def _ago(length: timedelta) -> str:
    said = figures.age(max(length, timedelta()))
    return "less than a minute ago" if said == "now" else f"{said} ago"


CHECKS: tuple[Check, ...] = (store_files, store_reading, store_facts, store_rejects, own_databases, evaluator_age)
