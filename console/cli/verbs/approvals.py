"""`quarterdeck approvals`: requests that wait for a person, and what became of others; with an ID, one of them in full."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.approvals import approval_page, approvals_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="APR-N", help="one request, with everything that is signed")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.id is not None:
        view = context.lookout.approval(options.id)
        context.show(view, "approval", approval_page(view, width=WIDTH, height=0))
        return Exit.OK
    listed = context.lookout.approvals()
    context.show(listed, "approvals", approvals_page(listed, width=WIDTH, height=0))
    return Exit.OK
