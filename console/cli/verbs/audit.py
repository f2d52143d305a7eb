"""`quarterdeck audit log`: who did what; `audit verify`: whether the chain is whole; `audit export`: all of it, for other programs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.context import WIDTH, Context, Problem, parse_moment
from console.cli.exits import Exit
from console.cli.unheard import nobody_listens
from console.render.audit import audit_page, chain_page

if TYPE_CHECKING:
    from console.control.audit import AuditFilter


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=("log", "verify", "export"), help="log: entries, newest first; verify: recompute the chain; export: oldest first"
    )
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="log: how many entries, 50 if not given; 0 for all")
    parser.add_argument("--who", metavar="NAME", help="only what this person or rule did: mara, mara@bastion")
    parser.add_argument("--kind", metavar="KIND", help="only kinds that begin so: action., approval., incident., alert., run.")
    parser.add_argument("--model", metavar="MODEL", help="only what concerns this model")
    parser.add_argument("--subject", metavar="ID", help="only what concerns this action, approval, incident or alert")
    parser.add_argument("--since", metavar="TIME", help="only from this moment on")
    parser.add_argument("--until", metavar="TIME", help="export: only up to this moment")
    parser.add_argument("--format", choices=("jsonl", "csv", "md", "ocsf"), help="export: jsonl if not given, which carries the chain")
    parser.add_argument("--to", type=Path, metavar="FILE", help="export: write there, whole or not at all, instead of printing")
    parser.add_argument("--force", action="store_true", help="export: replace FILE")
    parser.add_argument("--text", metavar="TEXT", help="only entries with this text in the sentence or the reason")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.control.audit import AuditFilter

    if options.what == "verify":
        chain = context.lookout.chain()
        context.show(chain, "audit-verify", lambda: chain_page(chain, context.workspace.zone, width=WIDTH))
        return {"whole": Exit.OK, "broken": Exit.NO, "unreadable": Exit.UNAVAILABLE}[chain.state]
    if options.limit is not None and options.limit < 0:
        raise Problem(Exit.USAGE, f"--limit {options.limit}: how many entries cannot be negative; 0 lists all")
    filters = AuditFilter(
        who=options.who,
        kind=options.kind,
        subject=options.subject,
        model=options.model,
        since=parse_moment(options.since) if options.since is not None else None,
        until=parse_moment(options.until) if options.until is not None else None,
        text=options.text,
    )
    if options.what == "export":
        return _export(context, options, filters)
    view = context.lookout.audit(limit=options.limit or None, filters=filters)
    context.show(view, "audit-log", lambda: audit_page(view, width=WIDTH))
    return Exit.UNAVAILABLE if view.chain.state == "unreadable" else Exit.OK


def _export(context: Context, options: argparse.Namespace, filters: AuditFilter) -> Exit:
    from console.control.audit import each
    from console.render.audit_export import FORMATS

    if options.json and options.format not in {None, "jsonl"}:
        raise Problem(Exit.USAGE, f"--json asks for JSON and --format for {options.format}: leave one of them out")
    moment = context.as_of
    entries = (entry for entry in each(context.workspace.paths, filters) if moment is None or entry.at <= moment)
    lines = FORMATS[options.format or "jsonl"](entries)
    if options.to is None:
        for line in lines:
            sys.stdout.write(f"{line}\n")
            if nobody_listens():
                break
        return Exit.OK
    context.say(f"{_written(options.to, lines, force=options.force)} lines written to {options.to}")
    return Exit.OK


def _written(path: Path, lines: Iterator[str], *, force: bool) -> int:
    """Write beside and rename, so that a journal that breaks off in the middle leaves no half export. Raises Problem."""
    if path.exists() and not force:
        raise Problem(Exit.USAGE, f"{path} exists already: nothing was written; give another name, or --force")
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    number = 0
    try:
        with beside.open("x", encoding="utf-8") as file:
            for line in lines:
                file.write(f"{line}\n")
                number += 1
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise Problem(Exit.UNAVAILABLE, f"{path} cannot be written: {error.strerror or error}: nothing was written") from error
    finally:
        beside.unlink(missing_ok=True)
    return number
