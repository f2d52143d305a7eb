"""`quarterdeck breakers`: what is called outside the workspace, and whether it is called now."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.breakers import breakers_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="exit with 1 when a breaker is not closed")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.breakers()
    context.show(view, "breakers", lambda: breakers_page(view, width=WIDTH))
    return Exit.NO if options.check and any(each.breaker.value != "closed" for each in view.rows) else Exit.OK
