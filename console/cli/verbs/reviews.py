"""`quarterdeck reviews`: everything that waits for a person. Exit code 0: nothing is overdue; 1: something is; 4: not all could be read."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.waiting import reviews_page


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(context: Context, options: argparse.Namespace) -> Exit:
    del options
    view = context.lookout.reviews()
    context.show(view, "reviews", lambda: reviews_page(view, width=WIDTH))
    if view.problems:
        return Exit.UNAVAILABLE
    return Exit.NO if view.overdue else Exit.OK
