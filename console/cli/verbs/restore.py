"""`quarterdeck restore M`: set a kill switch back to normal; asks for approval first where the policy says so."""

from __future__ import annotations

import argparse

from console.cli.acting import acting_arguments
from console.cli.context import Context
from console.cli.exits import Exit
from console.cli.several import act_on_each
from console.control.actions import ActionKind


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="+", help="the model's name; of several all are restored, or none where one is refused")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    return act_on_each(context, ActionKind.RESTORE, options.model)
