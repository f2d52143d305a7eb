"""`quarterdeck hold M`: keep the jobs of a model's pipelines from running. Works while store, registry and collectors are down."""

from __future__ import annotations

import argparse

from console.cli.acting import act, acting_arguments, request_of, until_of
from console.cli.context import Context
from console.cli.exits import Exit
from console.control.actions import ActionKind


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--pipeline", metavar="NAME", help="only the jobs of this pipeline (default: every job of the model)")
    parser.add_argument("--for", dest="until", metavar="4h|TIME", help="when you are asked again; it stays held until somebody acts")
    parser.add_argument("--owner", metavar="NAME", help="who is asked then (default: you)")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    until = until_of(context, options.until)
    request = request_of(context, ActionKind.HOLD, options.model, subject=options.pipeline, until=until, owner=options.owner)
    return act(context, request)
