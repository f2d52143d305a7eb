"""`quarterdeck ack INC-N|ALERT|M`: take an incident (you drive it from now on), or acknowledge an alert."""

from __future__ import annotations

import argparse

from console.cli.acting import act_recorded, acting_arguments, state_of
from console.cli.context import Context
from console.cli.exits import Exit
from console.recording import taking


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="INC-N|ALERT|M", help="an incident, an alert, or a model with an open one")
    acting_arguments(parser, confirmed=False, moves=False)


def run(context: Context, options: argparse.Namespace) -> Exit:
    state = state_of(context)
    return act_recorded(context, lambda: taking(state, context.environment, options.what, options.reason or "", options.key))
