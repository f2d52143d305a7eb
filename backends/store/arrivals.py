"""Landing files as facts: read, checked file by file, and told apart from what the store has already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backends.store.catalogue import Segment
from backends.store.errors import LandingError
from backends.store.facts import Columns, facts_select, violations
from backends.store.landing import LandingFile
from backends.store.schema import DIGEST, Table
from backends.store.sql import moment, parquet, run, text

if TYPE_CHECKING:
    import duckdb


@dataclass
class Arrived:
    """Landing files loaded into the temporary table `relation`, and those that could not be, with the reason."""

    relation: str | None
    files: list[LandingFile] = field(default_factory=list)
    refused: dict[LandingFile, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fresh:
    """What is new among arrived facts.

    `relation` holds each new fact once. `duplicates` said nothing new; `conflicts` had the id of a known fact and other content, and
    stand in the temporary table `conflicting` (None without any) with the digest that was kept. `same_day` are the (model, day)
    whose facts contain versions of one identity; `across` the (model, day) whose facts share an identity with another day.
    """

    relation: str
    rows: int
    duplicates: int
    conflicts: int
    conflicting: str | None
    same_day: frozenset[tuple[str, str]]
    across: frozenset[tuple[str, str]]


def load(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[LandingFile]) -> Arrived:
    """Load every readable file of `files`. A broken one is left out with its reason and never hinders the others."""
    arrived = Arrived(relation=None)
    # The database takes names as UTF-8 only, and one that is none would keep it from reading all the others.
    arrived.refused |= {file: "its name is not UTF-8: give it another one" for file in files if not _is_utf8(str(file.path))}
    files = [file for file in files if file not in arrived.refused]
    if not files:
        return arrived
    place = f"place_{table.name}"
    run(connection, f"CREATE OR REPLACE TEMP TABLE {place} (__path VARCHAR, __file VARCHAR, __landed TIMESTAMP, __place INTEGER)")
    rows = ", ".join(
        f"({text(str(file.path))}, {text(file.name)}, {moment(file.modified_at)}, {number})" for number, file in enumerate(files)
    )
    run(connection, f"INSERT INTO {place} VALUES {rows}")
    parts: list[str] = []
    for group, columns in _by_shape(connection, files, arrived.refused):
        _load_group(connection, table, group, columns, parts, arrived)
    if parts:
        arrived.relation = f"arrived_{table.name}"
        if len(parts) == 1:
            run(connection, f"DROP TABLE IF EXISTS {arrived.relation}")
            run(connection, f"ALTER TABLE {parts[0]} RENAME TO {arrived.relation}")
            return arrived
        union = " UNION ALL BY NAME ".join(f"SELECT * FROM {part}" for part in parts)
        run(connection, f"CREATE OR REPLACE TEMP TABLE {arrived.relation} AS {union}")
        for part in parts:
            run(connection, f"DROP TABLE {part}")
    return arrived


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def fresh(
    connection: duckdb.DuckDBPyConnection, table: Table, arrived: str, segments: Sequence[Segment], *, also: str | None = None
) -> Fresh:
    """Tell what is new in the temporary table `arrived` from what `segments` (of this table, one generation) and the table `also` hold.

    Among arrived facts of one id the first landed stays. Segments are read only where a fact of the same id or identity can be.
    """
    where = grouping(table)
    related = related_segments(connection, table, arrived, segments)
    scope = f"environment, source, {where}, fact_id"
    known = f"known_{table.name}"
    names = "environment VARCHAR, source VARCHAR, __model VARCHAR, fact_id VARCHAR, kept UBIGINT, __identity VARCHAR, __day VARCHAR"
    run(connection, f"CREATE OR REPLACE TEMP TABLE {known} ({names})")
    # Versions of one identity share the key, and so do facts of one digest; only an id from a producer can recur under another.
    alike = f"{table.key} IN (SELECT {table.key} FROM {arrived})"
    if run(connection, f"SELECT 1 FROM {arrived} WHERE __given LIMIT 1"):
        alike = f"({alike} OR fact_id IN (SELECT fact_id FROM {arrived} WHERE __given))"
    # Only declared columns are read, and those are in every segment.
    for relation in [*([parquet((segment.file for segment in related), alike=True)] if related else []), *([also] if also else [])]:
        run(
            connection,
            f"INSERT INTO {known} SELECT environment, source, {where}, fact_id, {DIGEST}, {identity(table)}, "
            f"strftime(event_at, '%Y-%m-%d') FROM {relation} WHERE {alike}",
        )
    judged, kept, conflicting = f"judged_{table.name}", f"fresh_{table.name}", f"conflicting_{table.name}"
    run(
        connection,
        f"CREATE OR REPLACE TEMP TABLE {judged} AS "
        "SELECT a.*, coalesce(k.kept, a.__first) AS __kept, k.kept IS NULL AND a.__turn = 1 AS __new FROM ("
        f"SELECT *, row_number() OVER first AS __turn, first_value({DIGEST}) OVER first AS __first FROM {arrived} "
        f"WINDOW first AS (PARTITION BY {scope} ORDER BY landed_at, __place, known_at, {DIGEST})) a "
        f"LEFT JOIN (SELECT DISTINCT environment, source, __model, fact_id, kept FROM {known}) k "
        f"ON a.environment = k.environment AND a.source = k.source AND {grouping(table, 'a.')} = k.__model AND a.fact_id = k.fact_id",
    )
    dropped = "__turn, __first, __new"
    run(
        connection,
        f"CREATE OR REPLACE TEMP TABLE {kept} AS SELECT * EXCLUDE ({dropped}, __kept) FROM {judged} WHERE __new ORDER BY {where}, event_at",
    )
    [(rows, duplicates, conflicts)] = run(
        connection,
        f"SELECT count(*) FILTER (__new), count(*) FILTER (NOT __new AND {DIGEST} = __kept), "
        f"count(*) FILTER (NOT __new AND {DIGEST} <> __kept) FROM {judged}",
    )
    if conflicts:
        refused = f"SELECT * EXCLUDE ({dropped}) FROM {judged} WHERE NOT __new AND {DIGEST} <> __kept"
        run(connection, f"CREATE OR REPLACE TEMP TABLE {conflicting} AS {refused}")
    run(connection, f"DROP TABLE {judged}")
    same_day, across = _versions(connection, table, kept, known)
    run(connection, f"DROP TABLE {known}")
    return Fresh(kept, rows, duplicates, conflicts, conflicting if conflicts else None, same_day, across)


def related_segments(connection: duckdb.DuckDBPyConnection, table: Table, arrived: str, segments: Sequence[Segment]) -> list[Segment]:
    """The segments that can hold a fact with the id or the identity of an arrived one.

    A digest as id fixes the content and so the day; an id from the producer, or an identity that is not bound to its day, may be
    on any day whose recorded range covers it.
    """
    where = grouping(table)
    days: set[tuple[str, str]] = set()
    ranges: dict[str, tuple[str, str, str | None, str | None]] = {}
    for model, day in run(connection, f"SELECT DISTINCT {where}, strftime(event_at, '%Y-%m-%d') FROM {arrived}"):
        days.add((model, day))
    for model, *bounds in run(
        connection,
        f"SELECT {where}, min({table.key}), max({table.key}), min(fact_id) FILTER (__given), max(fact_id) FILTER (__given) "
        f"FROM {arrived} GROUP BY 1",
    ):
        ranges[model] = (bounds[0], bounds[1], bounds[2], bounds[3])
    related: list[Segment] = []
    for segment in segments:
        if segment.model not in ranges:
            continue
        key_min, key_max, id_min, id_max = ranges[segment.model]
        same_key = not table.day_bound and segment.key_min <= key_max and segment.key_max >= key_min
        same_id = segment.given and id_min is not None and id_max is not None and segment.id_min <= id_max and segment.id_max >= id_min
        if (segment.model, segment.day) in days or same_key or same_id:
            related.append(segment)
    return related


def grouping(table: Table, prefix: str = "") -> str:
    """The SQL expression of the model whose segments a fact belongs to."""
    return f"coalesce({prefix}model, '')" if table.by_model else "concat('')"


def identity(table: Table) -> str:
    """The SQL expression of what makes facts versions of each other, within environment, source and model, as one text."""
    parts = [f"coalesce(concat(length(CAST({name} AS VARCHAR)), ':', CAST({name} AS VARCHAR)), '-')" for name in table.identity]
    return f"concat({', '.join(parts)})"


def _versions(
    connection: duckdb.DuckDBPyConnection, table: Table, kept: str, known: str
) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
    """Which (model, day) hold several versions of one identity, and which share one with another day."""
    everything = (
        f"SELECT environment, source, {grouping(table)} AS __model, {identity(table)} AS __identity, "
        f"strftime(event_at, '%Y-%m-%d') AS __day, true AS __is_new FROM {kept} "
        f"UNION ALL SELECT environment, source, __model, __identity, __day, false FROM {known}"
    )
    repeated = run(
        connection,
        f"SELECT __model, list(__day) FROM ({everything}) GROUP BY environment, source, __model, __identity "
        "HAVING count(*) > 1 AND bool_or(__is_new)",
    )
    same_day: set[tuple[str, str]] = set()
    across: set[tuple[str, str]] = set()
    for model, days in repeated:
        distinct = set(days)
        same_day.update((model, day) for day in distinct if days.count(day) > 1)
        if len(distinct) > 1:
            across.update((model, day) for day in distinct)
    return frozenset(same_day), frozenset(across)


def _by_shape(
    connection: duckdb.DuckDBPyConnection, files: Sequence[LandingFile], refused: dict[LandingFile, str]
) -> Iterable[tuple[list[LandingFile], Columns]]:
    """Files of equal columns together, so that many small files cost about as much as one."""
    import duckdb

    def shapes(some: Sequence[LandingFile]) -> dict[str, str]:
        found = run(
            connection,
            "SELECT file_name, string_agg(concat_ws(chr(31), name, type, type_length, repetition_type, num_children, converted_type, "
            f"logical_type), chr(30)) FROM parquet_schema({_files(some)}) GROUP BY file_name",
        )
        return dict(found)

    by_path: dict[str, str] = {}
    try:
        by_path = shapes(files)
    except duckdb.Error:
        for file in files:
            try:
                by_path |= shapes([file])
            except duckdb.Error as error:
                refused[file] = unreadable(error)
    groups: dict[str, list[LandingFile]] = {}
    for file in files:
        if str(file.path) in by_path:
            groups.setdefault(by_path[str(file.path)], []).append(file)
    for group in groups.values():
        try:
            described = run(connection, f"DESCRIBE SELECT * FROM {parquet([group[0].path])}")
        except duckdb.Error as error:
            refused.update(dict.fromkeys(group, unreadable(error)))
            continue
        yield group, [(str(row[0]), str(row[1])) for row in described]


def _load_group(
    connection: duckdb.DuckDBPyConnection, table: Table, group: list[LandingFile], columns: Columns, parts: list[str], arrived: Arrived
) -> None:
    import duckdb

    part = f"part_{table.name}_{len(parts)}"
    try:
        source = f"(SELECT * FROM {parquet((file.path for file in group), file_column='__path')} JOIN place_{table.name} USING (__path))"
        facts = facts_select(table, columns, source, landed="__landed", carried=("__file", "__place"))
        run(connection, f"CREATE OR REPLACE TEMP TABLE {part} AS {facts}")
    except LandingError as error:
        arrived.refused.update(dict.fromkeys(group, str(error)))
        return
    except duckdb.Error as error:
        if len(group) == 1:
            arrived.refused[group[0]] = unreadable(error)
            return
        for file in group:
            _load_group(connection, table, [file], columns, parts, arrived)
        return
    wrong = _wrong_rows(connection, table, part, group)
    if wrong:
        arrived.refused.update(wrong)
        names = ", ".join(text(file.name) for file in wrong)
        run(connection, f"DELETE FROM {part} WHERE __file IN ({names})")
    arrived.files += [file for file in group if file not in wrong]
    parts.append(part)


def _wrong_rows(connection: duckdb.DuckDBPyConnection, table: Table, part: str, group: list[LandingFile]) -> dict[LandingFile, str]:
    conditions = violations(table)
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in conditions.values())
    any_wrong = " OR ".join(f"({condition})" for condition in conditions.values())
    by_name = {file.name: file for file in group}
    wrong: dict[LandingFile, str] = {}
    for name, *found in run(connection, f"SELECT __file, {counts} FROM {part} WHERE {any_wrong} GROUP BY __file"):
        reasons = [f"{count} rows: {reason}" for reason, count in zip(conditions, found, strict=True) if count]
        wrong[by_name[name]] = "; ".join(reasons)
    return wrong


def unreadable(error: Exception) -> str:
    """The first line of what DuckDB says of a file."""
    return f"cannot be read: {str(error).splitlines()[0]}"


def _files(files: Iterable[LandingFile]) -> str:
    return "[" + ", ".join(text(str(file.path)) for file in files) + "]"
