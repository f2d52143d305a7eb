"""`quarterdeck changes M`: what changed, nearest to the onset first."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context, parse_moment
from console.cli.exits import Exit
from console.render.changes import changes_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--by-time", action="store_true", help="the newest first")
    parser.add_argument("--around", metavar="TIME", help="nearest to this moment instead of to the onset")


def run(context: Context, options: argparse.Namespace) -> Exit:
    around = parse_moment(options.around) if options.around is not None else None
    view = context.lookout.changes(options.model, around)
    context.show(view, "changes", lambda: changes_page(view, width=WIDTH, by_time=options.by_time, whole=True))
    return Exit.OK
