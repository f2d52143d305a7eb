"""`quarterdeck actions`: actions and how they ended."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.actions import actions_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--open", action="store_true", help="only those that wait for a person: nobody knows how they ended, or their owner is asked"
    )
    parser.add_argument("--model", metavar="MODEL", help="only those on this model")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.actions(only_open=options.open, model=options.model)
    context.show(view, "actions", lambda: actions_page(view, width=WIDTH))
    return Exit.OK
