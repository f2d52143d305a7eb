"""`quarterdeck incidents`: open ones first."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.alerts import incidents_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="MODEL", help="only those of this model")
    parser.add_argument("--open", action="store_true", help="only those that are not closed")
    parser.add_argument("--check", action="store_true", help="exit with 1 when one is not closed")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.incidents(model=options.model, only_open=options.open)
    context.show(view, "incidents", lambda: incidents_page(view, width=WIDTH))
    if view.problem is not None:
        return Exit.UNAVAILABLE
    return Exit.NO if options.check and any(each.state != "closed" for each in view.rows) else Exit.OK
