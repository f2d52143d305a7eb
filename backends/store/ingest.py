"""Taking in a file of facts: each row is taken, known already, or refused with its line and the reason; never silently lost."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backends.durable import make_folder, open_anew
from backends.store.arrivals import Fresh, fresh
from backends.store.catalogue import open_catalogue
from backends.store.compactor import conflicts_in
from backends.store.deleted_file import kept_out
from backends.store.errors import IngestError
from backends.store.files import said, settle
from backends.store.ingest_columns import load_facts
from backends.store.ingest_database import InDatabase, load_database
from backends.store.ingest_text import Chunk, Progress, Refused, csv_chunks, json_chunks
from backends.store.kept_out import keep_out
from backends.store.landing import write_landing_file
from backends.store.paths import WorkspacePaths
from backends.store.reader import Reader, open_reader
from backends.store.schema import DEFAULT_SOURCE, VARCHAR, Table, table_named
from backends.store.sql import moment, parquet, quoted, run

if TYPE_CHECKING:
    import duckdb

FORMATS: Final = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
DATABASES: Final = (".duckdb", ".ddb", ".db")
RECORD_TABLES: Final = ("records", "events")


@dataclass(frozen=True)
class Ingested:
    """What became of the rows of a file: `accepted` are new, `duplicates` said nothing new, `refused` stand in `rejects_path`."""

    accepted: int
    duplicates: int
    refused: int
    rejects_path: Path | None
    landed: tuple[Path, ...] = ()
    newest: str | None = None
    """Of a table that is read by what is newer: the greatest value there, from which the next time may go on."""


@dataclass
class _Outcome:
    accepted: int = 0
    duplicates: int = 0
    refused: list[Refused] = field(default_factory=list)
    landed: list[Path] = field(default_factory=list)
    newest: str | None = None


@dataclass(frozen=True)
class _Arriving:
    """The file, what it calls some of our columns, and which rows of it if it is a database."""

    file: Path
    form: str
    called: Mapping[str, str]
    inside: InDatabase | None


def ingest(
    paths: WorkspacePaths,
    table: str,
    file: Path,
    *,
    environment: str,
    now: datetime,
    model: str | None = None,
    version: str | None = None,
    source: str = DEFAULT_SOURCE,
    tz: str | None = None,
    called: Mapping[str, str] | None = None,
    inside: InDatabase | None = None,
    progress: Progress | None = None,
) -> Ingested:
    """Take in `file` (Parquet, CSV with a header, JSON Lines, or with `inside` a table of a DuckDB file) as facts of `table`.

    `environment`, `source`, `model` and `version` stand for columns that the file does not have; `called` maps a column of ours to
    what the file calls it, where that is not one of the usual names. Times must carry an offset, or
    be in the zone `tz`; they are stored in UTC. The same file again adds nothing. Raises IngestError, with nothing taken, when the
    file as a whole cannot be read, and StoreError when the workspace cannot be written; BackendUnavailable when a DuckDB file is
    held by a process that writes it.
    """
    import duckdb

    kind = table_named(table)
    arriving = _Arriving(file, _form(file, inside), called or {}, inside)
    if tz is not None:
        _check_zone_name(tz)
    report = progress or (lambda _done, _total: None)
    given = {"environment": environment, "source": source}
    given |= {"model": model} if model is not None and "model" in kind.columns else {}
    given |= {"version": version} if version is not None and "version" in kind.columns else {}
    outcome = _Outcome()
    try:
        _check_file(file)
        make_folder(paths.landing)
        with open_reader(paths, also_readable=[file.resolve()]) as reader:
            if table in RECORD_TABLES:
                extra = {name: value for name, value in (("model", model), ("version", version)) if value is not None}
                _records(reader, arriving, table, {**given, **extra}, tz, now, report, outcome)
            else:
                _columns(reader, arriving, kind, given, tz, now, report, outcome)
        rejects = _write_rejects(paths, file, outcome.refused, now)
    except OSError as error:
        raise said(error, Path(error.filename) if error.filename else file) from None
    except duckdb.Error as error:
        raise IngestError(f"{file.name} could not be taken in: {str(error).splitlines()[0]}. Nothing was taken") from None
    return Ingested(outcome.accepted, outcome.duplicates, len(outcome.refused), rejects, tuple(outcome.landed), outcome.newest)


def _form(file: Path, inside: InDatabase | None) -> str:
    if inside is not None:
        return "duckdb"
    if file.suffix.lower() in DATABASES:
        raise IngestError(f"{file.name} is a database: say which table or view of it with --table")
    form = FORMATS.get(file.suffix.lower())
    if form is None:
        raise IngestError(f"{file.name}: the ending must be one of {', '.join((*FORMATS, DATABASES[0]))}; convert the file, or rename it")
    return form


def _check_file(file: Path) -> None:
    try:
        with file.open("rb"):
            pass
    except FileNotFoundError:
        raise IngestError(f"{file} is not there; check the path") from None
    except IsADirectoryError:
        raise IngestError(f"{file} is a folder; give the files in it") from None
    except OSError as error:
        raise IngestError(f"{file} cannot be read: {error.strerror}; check its permissions") from None


def _check_zone_name(tz: str) -> None:
    try:
        ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise IngestError(f"{tz!r} is not an IANA time zone such as Europe/Berlin or UTC") from None


def _columns(
    reader: Reader,
    arriving: _Arriving,
    table: Table,
    given: dict[str, str],
    tz: str | None,
    now: datetime,
    report: Progress,
    outcome: _Outcome,
) -> None:
    """Predictions, labels and metrics: columns, checked in SQL."""
    connection, file = reader.connection, arriving.file
    texty: frozenset[str] = frozenset()
    if arriving.form in {"parquet", "duckdb"}:
        columns = [(name, kind) for name, kind in _load_typed(connection, arriving, report, outcome) if not name.startswith("__")]
        # What is text there was meant to be text, codes that look like numbers too.
        texty = frozenset(name for name, _ in columns) if arriving.form == "duckdb" else texty
    else:
        chunks = csv_chunks(file, report) if arriving.form == "csv" else json_chunks(file, report)
        columns, texty = _load_chunks(connection, chunks, outcome)
    if not columns:
        return
    facts, refused = load_facts(
        connection, table, "raw_rows", columns, file=file.name, given=given, called=arriving.called, zone=tz,
        stored=reader.features(given.get("model")) if table.open else {}, texty=texty, now=moment(now),
    )  # fmt: skip
    _refused_rows(connection, "raw_rows", columns, refused, outcome)
    _land_new(reader, table, facts, now, outcome, lambda line: _row_at(connection, "raw_rows", columns, line))


def _land_new(reader: Reader, table: Table, facts: str, now: datetime, outcome: _Outcome, row_at: Any) -> None:
    """Land what is new among the facts of a temporary table; count the rest."""
    connection = reader.connection
    run(connection, f"CREATE OR REPLACE TEMP TABLE placed AS SELECT *, __line AS __place, '' AS __file FROM {facts}")
    with open_catalogue(reader.paths) as catalogue:
        for each in keep_out(connection, table, "placed", kept_out(reader.paths, catalogue, catalogue.generation()), place="__line"):
            # Nobody may keep such a row, a reject no more than a fact.
            outcome.refused.append(Refused(int(each.place), each.reason, {}))
    new: Fresh = fresh(connection, table, "placed", reader.segments(table.name), also=reader.tail(table.name).relation)
    outcome.accepted += new.rows
    outcome.duplicates += new.duplicates
    if new.conflicting is not None:
        lines = run(connection, f"SELECT __line, fact_id FROM {new.conflicting} ORDER BY __line")
        outcome.refused += [
            Refused(line, f"fact_id {fact_id!r} stands for other content already; the first one stays", row_at(line))
            for line, fact_id in lines
        ]
        with open_catalogue(reader.paths) as catalogue:
            catalogue.record_conflicts(conflicts_in(connection, table, new.conflicting, now))
    if new.rows:
        names = [str(row[0]) for row in run(connection, f"DESCRIBE {new.relation}")]
        keep = ", ".join(quoted(name) for name in names if not name.startswith("__"))
        outcome.landed.append(write_landing_file(connection, reader.paths, table.name, f"SELECT {keep} FROM {new.relation}", None))


def _load_typed(connection: duckdb.DuckDBPyConnection, arriving: _Arriving, report: Progress, outcome: _Outcome) -> list[tuple[str, str]]:
    """Rows whose columns have types of their own into `raw_rows`."""
    if arriving.inside is None:
        return _load_parquet(connection, arriving.file, report)
    columns, outcome.newest = load_database(connection, arriving.file, arriving.inside, report)
    return columns


def _load_parquet(connection: duckdb.DuckDBPyConnection, file: Path, report: Progress) -> list[tuple[str, str]]:
    import duckdb

    try:
        described = run(connection, f"DESCRIBE SELECT * FROM {parquet([file.resolve()])}")
        run(
            connection,
            f"CREATE OR REPLACE TEMP TABLE raw_rows AS SELECT *, row_number() OVER () AS __line FROM {parquet([file.resolve()])}",
        )
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise IngestError(f"{file.name} cannot be read as Parquet: {reason}. Nothing was taken; is the file complete?") from None
    [(rows,)] = run(connection, "SELECT count(*) FROM raw_rows")
    report(rows, rows)
    return [(str(row[0]), str(row[1])) for row in described]


def _load_chunks(
    connection: duckdb.DuckDBPyConnection, chunks: Iterable[Chunk], outcome: _Outcome
) -> tuple[list[tuple[str, str]], frozenset[str]]:
    """Rows of text into `raw_rows`, every column as text; also which columns hold JSON strings."""
    import numpy

    names: dict[str, str] = {}
    texty: set[str] = set()
    run(connection, "CREATE OR REPLACE TEMP TABLE raw_rows (__line BIGINT)")
    from_json = False
    for chunk in chunks:
        outcome.refused += chunk.refused
        if not chunk.rows:
            continue
        for name in dict.fromkeys(itertools.chain.from_iterable(row.values for row in chunk.rows)):
            if name.lower() not in names and not name.startswith("__"):
                run(connection, f"ALTER TABLE raw_rows ADD COLUMN {quoted(name)} VARCHAR")
                names[name.lower()] = name
        arrays: dict[str, Any] = {"__line": numpy.array([row.line for row in chunk.rows], dtype=numpy.int64)}
        for lowered, name in names.items():
            values = numpy.empty(len(chunk.rows), dtype=object)
            for number, row in enumerate(chunk.rows):
                value = row.values.get(name)
                if value is None and lowered not in row.values:
                    value = next((found for other, found in row.values.items() if other.lower() == lowered), None)
                if value is not None and not isinstance(value, str):
                    from_json = True
                values[number] = _as_text(value)
                if isinstance(value, str):
                    texty.add(name)
            arrays[name] = values
        connection.register("chunk", arrays)
        selected = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in names.values())
        run(connection, f"INSERT INTO raw_rows BY NAME SELECT __line{', ' if selected else ''}{selected} FROM chunk")
        connection.unregister("chunk")
    # In CSV everything is text, so only JSON says which columns mean to be.
    return [(name, VARCHAR) for name in names.values()], frozenset(texty) if from_json else frozenset()


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, (int, float)) else json.dumps(value, sort_keys=True)


def _refused_rows(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: list[tuple[str, str]], refused: str, outcome: _Outcome
) -> None:
    shown = ", ".join(_showable(f"r.{quoted(name)}", kind) for name, kind in columns)
    rows = run(connection, f"SELECT line, reason, {shown} FROM {refused} JOIN {relation} r ON r.__line = line ORDER BY line")
    names = [name for name, _ in columns]
    outcome.refused += [Refused(line, reason, _shown(names, values)) for line, reason, *values in rows]


def _row_at(connection: duckdb.DuckDBPyConnection, relation: str, columns: list[tuple[str, str]], line: int) -> dict[str, Any]:
    names = [name for name, _ in columns]
    shown = ", ".join(_showable(quoted(name), kind) for name, kind in columns)
    [values] = run(connection, f"SELECT {shown} FROM {relation} WHERE __line = ?", [line])
    return _shown(names, values)


def _showable(column: str, kind: str) -> str:
    """A value as a person reads it; times with a zone cannot even be fetched without another package."""
    return column if kind in {"VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN"} else f"CAST({column} AS VARCHAR)"


def _shown(names: list[str], values: Iterable[Any]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _records(
    reader: Reader,
    arriving: _Arriving,
    table: str,
    given: dict[str, str],
    tz: str | None,
    now: datetime,
    report: Progress,
    outcome: _Outcome,
) -> None:
    """Records and events: each row is parsed as the record it says it is."""
    from pydantic import ValidationError

    from backends.store.record_rows import record_adapter, rows_of_records

    adapter = record_adapter()
    by_table: dict[str, list[dict[str, Any]]] = {}
    sources: dict[int, Any] = {}
    for line, values in _record_rows(reader, arriving, report, outcome):
        sources[line] = values
        try:
            ours = {theirs: ours for ours, theirs in arriving.called.items()}
            named = {ours.get(name, name): value for name, value in values.items()}
            record = adapter.validate_python(_completed(named, table, given, tz))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            outcome.refused.append(Refused(line, f"{where}: {first['msg']}" if where else str(first["msg"]), values))
            continue
        except (ValueError, TypeError) as error:
            outcome.refused.append(Refused(line, str(error), values))
            continue
        if table == "events" and record.kind != "event":
            outcome.refused.append(Refused(line, f"is a {record.kind}, not an event; take it in with: ingest records", values))
            continue
        for found, [row] in rows_of_records([record]).items():
            by_table.setdefault(found, []).append(row | {"__line": line})
    for found, rows in by_table.items():
        _land_new(reader, table_named(found), _facts_of(reader, table_named(found), rows, now), now, outcome, sources.get)


def _facts_of(reader: Reader, table: Table, rows: list[dict[str, Any]], now: datetime) -> str:
    from backends.store.facts import facts_select
    from backends.store.landing import as_arrays

    connection = reader.connection
    connection.register("parsed", as_arrays(table, {name: [row[name] for row in rows] for name in rows[0]}))
    described = [(str(row[0]), str(row[1])) for row in run(connection, "DESCRIBE SELECT * FROM parsed")]
    select = facts_select(table, described, "parsed", landed=moment(now), carried=("__line",))
    run(connection, f"CREATE OR REPLACE TEMP TABLE ingested AS {select}")
    connection.unregister("parsed")
    return "ingested"


def _record_rows(reader: Reader, arriving: _Arriving, report: Progress, outcome: _Outcome) -> Iterator[tuple[int, dict[str, Any]]]:
    if arriving.form in {"parquet", "duckdb"}:
        columns = _load_typed(reader.connection, arriving, report, outcome)
        told = ", ".join(_as_json(quoted(name), kind) for name, kind in columns)
        for line, *values in run(reader.connection, f"SELECT __line, {told} FROM raw_rows ORDER BY __line"):
            yield line, {name: json.loads(value) for (name, _), value in zip(columns, values, strict=True) if value is not None}
        return
    for chunk in csv_chunks(arriving.file, report) if arriving.form == "csv" else json_chunks(arriving.file, report):
        outcome.refused += chunk.refused
        for row in chunk.rows:
            yield row.line, {name: value for name, value in row.values.items() if value is not None}


def _as_json(column: str, kind: str) -> str:
    """A value as JSON text; a moment as records write it."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        column = f"strftime({column} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"CAST(to_json({column}) AS VARCHAR)"


def _completed(values: dict[str, Any], table: str, given: dict[str, str], tz: str | None) -> dict[str, Any]:
    """A row as the record it stands for: a JSON body unfolded, defaults filled in, bare times put into their zone."""
    row = dict(values)
    body = row.pop("body", None)
    if body is not None:
        unfolded = json.loads(body) if isinstance(body, str) else body
        if not isinstance(unfolded, dict):
            raise ValueError("body: is not a JSON object")
        row = {**row, **unfolded}
    if table == "events":
        row.setdefault("kind", "event")
    for name, value in given.items():
        if name in {"environment", "source"} or (name == "model" and row.get("kind") in _OF_A_MODEL) or row.get("kind") == "version":
            row.setdefault(name, value)
    if "event_at" in row:
        row.setdefault("known_at", row["event_at"])
    row.pop("landed_at", None)
    if tz is not None:
        row = {name: _in_zone(value, tz) if name.endswith("_at") or name.startswith("covers_") else value for name, value in row.items()}
    return row


_OF_A_MODEL: Final = frozenset({"version", "run", "evaluation", "pipeline", "deployment", "event"})


def _in_zone(value: Any, tz: str) -> Any:
    if not isinstance(value, str) or ":" not in value:
        return value
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return value
    return parsed.replace(tzinfo=ZoneInfo(tz)) if parsed.tzinfo is None else parsed


def _write_rejects(paths: WorkspacePaths, file: Path, refused: list[Refused], now: datetime) -> Path | None:
    if not refused:
        return None
    make_folder(paths.rejects)
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    names = itertools.chain([f"{file.name}-{stamp}.jsonl"], (f"{file.name}-{stamp}-{number}.jsonl" for number in itertools.count(2)))
    final = next(path for path in (paths.rejects / name for name in names) if not path.exists())
    temporary = paths.rejects / f".{final.name}.tmp"
    with os.fdopen(open_anew(temporary, 0o600), "w", encoding="utf-8") as told:
        for each in sorted(refused, key=lambda one: one.line):
            told.write(json.dumps({"line": each.line, "reason": each.reason, "row": each.row}, default=str) + "\n")
    settle(temporary, final)
    return final
