"""`quarterdeck sources`: every source, its age and cadence, and what still works."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.sources import sources_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="exit with 1 when a source is down or older than expected")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.sources()
    context.show(view, "sources", lambda: sources_page(view, width=WIDTH))
    bad = any(each.state.value in {"critical", "stale"} for each in view.sources)
    return Exit.NO if options.check and bad else Exit.OK
