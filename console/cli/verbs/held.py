"""`quarterdeck held M`: what a job asks before it runs. Exit code 0: it may; 1: it is held; 4: nobody can say, so it does not."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.holds import held_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="the model whose job asks; without one, everything that is held")
    parser.add_argument("--pipeline", metavar="NAME", help="the pipeline that asks (default: whether any job of the model is held)")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.held(options.model, options.pipeline)
    context.show(view, "held", lambda: held_page(view, width=WIDTH))
    if view.problem is not None:
        return Exit.UNAVAILABLE
    return Exit.NO if view.held else Exit.OK
