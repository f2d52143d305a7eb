"""`quarterdeck rollback M`: point production back at a version that served."""

from __future__ import annotations

import argparse

from console.cli.acting import act, acting_arguments, request_of, version_of
from console.cli.context import Context
from console.cli.exits import Exit
from console.control.actions import ActionKind


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--to", metavar="V", help="the version (default: the one that served before)")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    to = version_of(context, options.model, options.to)
    return act(context, request_of(context, ActionKind.ROLLBACK, options.model, to=to))
