"""`quarterdeck kill M`: degrade, fall back or stop a model, or several at once. Works while store, registry and collectors are down."""

from __future__ import annotations

import argparse

from console.cli.acting import acting_arguments, until_of
from console.cli.context import Context
from console.cli.exits import Exit
from console.cli.several import act_on_each
from console.control.actions import ActionKind

STATES = {"degraded": ActionKind.DEGRADE, "fallback": ActionKind.FALLBACK, "killed": ActionKind.KILL}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="+", help="the model's name; of several all are set, or none where one is refused")
    parser.add_argument(
        "--state", choices=tuple(STATES), default="fallback", help="how far down (default: fallback); the state in force: renew it"
    )
    parser.add_argument("--until", metavar="4h|TIME", help="when you are asked again; it never turns itself back on")
    parser.add_argument("--owner", metavar="NAME", help="who is asked then (default: you)")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    until = until_of(context, options.until)
    return act_on_each(context, STATES[options.state], options.model, until=until, owner=options.owner)
