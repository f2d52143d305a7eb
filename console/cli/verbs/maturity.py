"""`quarterdeck maturity [M]`: which of the practices around a model its records bear out, and what to do about the others."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", nargs="?", help="one model, with the evidence; all of them unless given")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.render.maturity import maturity_page, system_page  # loads arithmetic, which --help does not need

    view = context.lookout.maturity(options.model)
    drawn = maturity_page if options.model is None else system_page
    context.show(view, "maturity", lambda: drawn(view, width=WIDTH))
    return Exit.OK
