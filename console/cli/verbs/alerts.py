"""`quarterdeck alerts`: rules that fire, or did."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.alerts import alerts_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="MODEL", help="only those of this model")
    parser.add_argument("--firing", action="store_true", help="only those that fire now")
    parser.add_argument("--check", action="store_true", help="exit with 1 when one fires")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.alerts(model=options.model, only_firing=options.firing)
    context.show(view, "alerts", lambda: alerts_page(view, width=WIDTH))
    if view.problem is not None:
        return Exit.UNAVAILABLE
    return Exit.NO if options.check and any(each.firing for each in view.rows) else Exit.OK
