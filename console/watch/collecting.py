"""The collect step: facts from `.duckdb` files of the user's own, as far as they have changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from backends.duckdb_file.reading import signature
from backends.protocol import BackendError, BackendUnavailable
from backends.records import digest_of
from backends.store.errors import IngestError, StoreError
from backends.store.ingest import ingest
from backends.store.ingest_database import InDatabase
from backends.text import Untrusted
from console.clock import Clock
from console.config import DuckdbSource, DuckdbTable, Workspace
from console.guards import FILE, FILE_RULE, breakers_of, file_of
from console.views.sources.collected import Collected, CollectedSource, CollectedTable, read_collected, write_collected


@dataclass
class Collection:
    """What one round collected, one line a source, and what could not be."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def collect(workspace: Workspace, clock: Clock) -> Collection:
    """Take in every table that `[duckdb]` names, of files that changed since they were last read.

    A source that cannot be read is a problem and hinders no other one; the next round tries it again, unless its breaker leaves it
    alone for a while. Facts that were taken
    before a crash are known by then, so nothing is doubled. Raises OSError when the workspace cannot be written.
    """
    done = Collection()
    known = read_collected(workspace.paths)
    sources = {name: each for name, each in known.duckdb.items() if name in workspace.settings.duckdb}
    for name, source in workspace.settings.duckdb.items():
        sources[name] = _collected(workspace, clock, name, source, sources.get(name), done)
    told = Collected(duckdb=sources)
    if told != known:
        write_collected(workspace.paths, told)
    return done


def _collected(
    workspace: Workspace, clock: Clock, name: str, source: DuckdbSource, before: CollectedSource | None, done: Collection
) -> CollectedSource:
    now, path = clock.now(), file_of(workspace, name)
    before = before or CollectedSource(looked_at=now)
    found = _signature(path, source)
    if found is not None and found == before.signature and before.problem is None:
        return before.model_copy(update={"looked_at": now})
    breakers = breakers_of(workspace, clock.real_now)
    tables = dict(before.tables)
    problems: list[str] = []
    for each in source.tables:
        key = _key(each)
        try:
            told = breakers.call(FILE + name, FILE_RULE, partial(_table, workspace, name, path, each, tables.get(key), now))
        except BackendUnavailable as error:
            # The file is held or gone, and for its other tables it is the same file.
            problems.append(str(error))
            break
        except (BackendError, StoreError) as error:
            said = error.as_setting if isinstance(error, IngestError) else str(error)
            problems.append(f"{each.table}: {said}")
            continue
        tables[key] = told
        done.lines.append(
            f"collect {name}: {each.table}, {told.accepted:,} new {each.facts}, {told.repeated:,} repeated, {told.refused:,} refused"
        )
        if told.refused:
            done.problems.append(f"{name}: {told.refused:,} rows of {each.table} are no {each.facts}; the reasons stand in rejects/")
    if not source.tables:
        problems.append(f"no tables are named; add [[duckdb.{name}.tables]] to workspace.toml")
    done.problems += [f"{name}: {problem}" for problem in problems]
    return CollectedSource(
        at=before.at if problems else now,
        looked_at=now,
        signature=before.signature if problems else found,
        problem=Untrusted("; ".join(problems)) if problems else None,
        tables={_key(each): tables[_key(each)] for each in source.tables if _key(each) in tables},
    )


def _table(
    workspace: Workspace, name: str, path: Path, wanted: DuckdbTable, before: CollectedTable | None, now: datetime
) -> CollectedTable:
    if not path.is_file():
        raise BackendUnavailable(f"{path} is not there, or is no file; check the path")
    newer = None if wanted.newer_by is None else (wanted.newer_by, before.newest if before is not None else None)
    taken = ingest(
        workspace.paths,
        wanted.facts,
        path,
        environment=wanted.environment or workspace.environment,
        now=now,
        model=wanted.model,
        version=wanted.version,
        source=name,
        tz=wanted.zone,
        called=wanted.columns,
        inside=InDatabase(wanted.table, newer),
    )
    return CollectedTable(newest=taken.newest, accepted=taken.accepted, repeated=taken.duplicates, refused=taken.refused)


def _key(table: DuckdbTable) -> str:
    """What a table is known by: another way of reading it begins from its start."""
    return f"{table.table} {digest_of(table.model_dump(mode='json'))[7:19]}"


def _signature(path: Path, source: DuckdbSource) -> str | None:
    found = signature(path)
    return None if found is None else f"{found} {digest_of(source.model_dump(mode='json'))[7:19]}"
