"""`quarterdeck retrain M`: ask the pipeline that trains a model for a run, once "real or a bug?" is answered. It puts nothing in force."""

from __future__ import annotations

import argparse

from console.cli.acting import act, acting_arguments, request_of
from console.cli.context import Context
from console.cli.exits import Exit
from console.control.actions import ActionKind


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--pipeline", metavar="NAME", help="whose run, where several are recorded as training the model")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    return act(context, request_of(context, ActionKind.RETRAIN, options.model, subject=options.pipeline))
