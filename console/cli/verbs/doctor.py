"""`quarterdeck doctor`: the console's own health, and what to do about it. Works where nothing else does."""

from __future__ import annotations

import argparse
import os

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.cli.progress import Bar
from console.render.own import own_page
from console.terminal import terminal
from console.views.own.view import own_view


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--deep", action="store_true", help="read every fact of the store too, which may take minutes")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.as_of is not None:
        raise Problem(Exit.USAGE, "doctor looks at what is here now; leave --as-of away")
    bar = Bar("reading every fact")
    view = own_view(context.located, terminal(os.environ), bar if options.deep else None)
    bar.clear()
    context.show(view, "own", lambda: own_page(view, width=WIDTH))
    return Exit.NO if view.state.value == "critical" else Exit.OK
