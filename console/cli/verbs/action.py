"""`quarterdeck action ID`: the life of one action, with the exact calls it made."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.actions import action_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", metavar="ID", help="an action's id, its key, or the beginning of its id")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.action(options.action)
    context.show(view, "action", action_page(view, width=WIDTH))
    return Exit.OK
