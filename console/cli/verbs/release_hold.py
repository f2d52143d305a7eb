"""`quarterdeck release-hold M`: let jobs that were held run again; asks for approval first where the policy says so."""

from __future__ import annotations

import argparse

from console.cli.acting import act, acting_arguments, request_of
from console.cli.context import Context
from console.cli.exits import Exit
from console.control.actions import ActionKind


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--pipeline", metavar="NAME", help="the hold of this pipeline alone (default: the one of every job)")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    return act(context, request_of(context, ActionKind.RELEASE_HOLD, options.model, subject=options.pipeline))
