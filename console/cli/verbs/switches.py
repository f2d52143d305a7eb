"""`quarterdeck switches`: state of every kill switch."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.switches import switches_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="exit with 1 when a switch is not normal")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.switches()
    context.show(view, "switches", lambda: switches_page(view, width=WIDTH))
    if view.problem is not None:
        return Exit.UNAVAILABLE
    return Exit.NO if options.check and any(each.switch.value != "normal" for each in view.rows) else Exit.OK
