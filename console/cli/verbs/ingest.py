"""`quarterdeck ingest TABLE FILE...`: take in files of facts, row by row, and say what became of each."""

from __future__ import annotations

import argparse
from pathlib import Path

from backends.text import Untrusted
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.cli.progress import Bar
from console.views.sources.ingested import IngestedFile, IngestView

TABLES = ("predictions", "labels", "metrics", "records", "events")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", choices=TABLES, help="what the files hold; docs/landing.md lists the columns")
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="Parquet, CSV with a header, JSON Lines or .duckdb, told by the ending"
    )
    parser.add_argument("--model", metavar="M", help="the model, for files without such a column")
    parser.add_argument("--version", metavar="V", help="the version, for files without such a column")
    parser.add_argument("--source", metavar="S", default="local", help="who says so, for files without such a column (local)")
    parser.add_argument("--table", dest="inside", metavar="T", help="which table or view, of a .duckdb file (read only, by itself)")
    parser.add_argument(
        "--column", dest="columns", metavar="OURS=THEIRS", action="append", default=[], help="what the files call one of our columns"
    )
    parser.add_argument("--tz", metavar="ZONE", help="IANA zone of times that carry no offset, e.g. Europe/Berlin")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if context.as_of is not None or options.read_only:
        raise Problem(Exit.REFUSED, "facts can be taken in neither in the past nor with --read-only")
    for name in ("model", "version", "source"):
        given = getattr(options, name)
        if given is not None and not 0 < len(given.strip()) <= 200:
            raise Problem(Exit.USAGE, f"--{name} {given[:40]!r} is no name: 1 to 200 characters")
    wrong = [each for each in options.columns if not all(each.partition("="))]
    if wrong:
        raise Problem(Exit.USAGE, f"--column {wrong[0]!r} is not OURS=THEIRS, as in --column score=probability")
    now = context.clock.now()
    told, code = [], Exit.OK
    for file in options.files:
        one, worse = _taken(context, options, file)
        told.append(one)
        code = max(code, worse)
        if worse is Exit.UNAVAILABLE:
            # What failed is the workspace, not the file: the next one would only fail again.
            break
    view = IngestView(
        table=options.table,
        environment=context.environment,
        at=now,
        files=tuple(told),
        accepted=sum(each.accepted for each in told),
        repeated=sum(each.repeated for each in told),
        refused=sum(each.refused for each in told),
    )
    context.show(view, "ingest")
    if not options.json:
        for each in told:
            print(_line(each))
        left = len(options.files) - len(told)
        if left:
            context.say(f"{left} more files were not tried")
    return code


def _taken(context: Context, options: argparse.Namespace, file: Path) -> tuple[IngestedFile, Exit]:
    from backends.protocol import BackendUnavailable  # what is loaded to say --help is small
    from backends.store.errors import IngestError, StoreError
    from backends.store.ingest import ingest
    from backends.store.ingest_database import InDatabase

    bar = Bar(file.name)
    try:
        found = ingest(
            context.workspace.paths,
            options.table,
            file,
            environment=context.environment,
            now=context.clock.now(),
            model=options.model,
            version=options.version,
            source=options.source,
            tz=options.tz,
            called=dict(each.split("=", 1) for each in options.columns),
            inside=InDatabase(options.inside) if options.inside is not None else None,
            progress=bar,
        )
    except BackendUnavailable as problem:
        bar.clear()
        context.say(f"quarterdeck ingest: {problem}")
        return _entry(file, problem=str(problem)), Exit.UNAVAILABLE
    except StoreError as problem:
        bar.clear()
        context.say(f"quarterdeck ingest: {problem}")
        code = Exit.USAGE if isinstance(problem, IngestError) else Exit.UNAVAILABLE
        return _entry(file, problem=str(problem)), code
    finally:
        bar.clear()
    rejects = str(found.rejects_path) if found.rejects_path else None
    return _entry(file, found.accepted, found.duplicates, found.refused, rejects), Exit.NO if found.refused else Exit.OK


def _entry(
    file: Path, accepted: int = 0, repeated: int = 0, refused: int = 0, rejects: str | None = None, problem: str | None = None
) -> IngestedFile:
    return IngestedFile(
        # A name that is not UTF-8 still has to be told.
        path=str(file).encode("utf-8", "backslashreplace").decode(),
        outcome="not taken" if problem else "some refused" if refused else "taken",
        accepted=accepted,
        repeated=repeated,
        refused=refused,
        rejects_path=rejects,
        problem=None if problem is None else Untrusted(problem),
    )


def _line(file: IngestedFile) -> str:
    from backends.text import displayable

    name = displayable(file.path)
    if file.problem is not None:
        return f"{name}: not taken"
    counts = f"{name}: {file.accepted:,} accepted, {file.repeated:,} repeated, {file.refused:,} refused"
    return f"{counts}; why: {displayable(file.rejects_path)}" if file.rejects_path else counts
