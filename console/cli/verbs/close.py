"""`quarterdeck close INC-N --reason TEXT`: close an incident."""

from __future__ import annotations

import argparse

from console.cli.acting import act_recorded, acting_arguments, state_of
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.control.actions import ActionKind, ActionRequest, new_key


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="INC-N", help="the incident")
    acting_arguments(parser, confirmed=False, moves=False)


def run(context: Context, options: argparse.Namespace) -> Exit:
    incident = state_of(context).incidents.get(options.id)
    if incident is None:
        raise Problem(Exit.NOT_FOUND, f"there is no incident {options.id!r}; see: quarterdeck incidents")
    if not options.dry_run and not (options.reason or "").strip():
        raise Problem(Exit.USAGE, "say how it ended with --reason TEXT")

    def request() -> ActionRequest:
        return ActionRequest(
            kind=ActionKind.CLOSE,
            environment=incident.environment,
            model=incident.model,
            subject=incident.id,
            reason=options.reason or "",
            key=options.key or new_key(),
        )

    return act_recorded(context, request)
