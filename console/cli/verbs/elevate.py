"""`quarterdeck elevate 15m --reason TEXT`: what a read-only environment keeps back may be done from this terminal, for so long."""

from __future__ import annotations

import argparse

from backends.text import displayable
from console.cli.context import Context, Problem
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("length", nargs="?", metavar="LENGTH", help="for how long: 15m, 1h, 15 (minutes); without: are you elevated?")
    parser.add_argument("--reason", metavar="TEXT", help="why; kept in the audit")
    parser.add_argument("--key", metavar="KEY", help="idempotency key: the same key again does nothing twice")
    parser.add_argument("--off", action="store_true", help="end it now")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.cli.acting import desk_of, said  # whose modules --help does not need
    from console.control.actions import new_key
    from console.control.errors import JournalUnavailable, Refused
    from console.control.terminal import this_terminal
    from console.lifting import length_of
    from console.views.approvals.elevation import elevation_view

    if options.off and options.length is not None:
        raise Problem(Exit.USAGE, "either a length or --off")
    length = None
    if options.length is not None:
        try:
            length = length_of(options.length)
        except ValueError as error:
            raise Problem(Exit.USAGE, str(error)) from None
    environment, terminal, key = context.environment, this_terminal(), options.key or new_key()
    with desk_of(context) as desk:
        desk.terminal = terminal
        try:
            if options.off:
                desk.drop_elevation(environment=environment, key=key)
            elif length is not None:
                desk.elevate(length, reason=options.reason or "", environment=environment, key=key)
        except (Refused, JournalUnavailable) as error:
            raise said(error) from None
        found, now = desk.elevation(environment), desk.clock.real_now()
        who = desk.actor.name
    view = elevation_view(found, person=who, environment=environment, terminal=terminal.said if terminal else None, at=now)
    if options.json:
        context.show(view, "elevation")
    elif found is None:
        print(f"{displayable(who)} is not elevated in {environment} on {view.terminal or 'this terminal: there is none'}")
    else:
        minutes = (found.until - now).total_seconds() / 60
        print(
            f"{displayable(who)} is elevated in {environment} on {found.terminal} for {minutes:.0f} min, "
            f"until {found.until:%H:%M:%S} UTC: {displayable(found.reason)}"
        )
    return Exit.OK if found is not None or options.off else Exit.NO
