"""`quarterdeck labels M`: how many outcomes are known, how fast they come, and up to when quality can be evaluated."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="M", help="the model's name")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.render.labels import labels_page  # after the arguments are known to be right

    view = context.lookout.labels(options.model)
    context.show(view, "labels", lambda: labels_page(view, width=WIDTH, tabbed=False))
    return Exit.OK
