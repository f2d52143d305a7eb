"""`quarterdeck can-i ACTION TARGET`: yes or no, with every rule that has a say and where it stands."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", help="what to do: kill, rollback, promote, approve, note, elevate, ...")
    parser.add_argument(
        "target",
        nargs="?",
        help="a model, model@version, request, incident, alert or action (default: any model, for which only general rules speak)",
    )
    parser.add_argument("--as", dest="person", metavar="USER", help="ask for somebody else")
    parser.add_argument("--environment", metavar="E", help="the same as --env before the verb")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.render.may import may_page  # whose modules --help does not need
    from console.views.approvals.may import action_named, may_view, somebody

    if options.environment is not None:
        context.options.env = options.environment
    try:
        kind = action_named(options.action)
        sight = context.lookout.sight()
        actor = somebody(sight, options.person)
    except ValueError as error:
        raise Problem(Exit.USAGE, str(error)) from None
    if options.person is None:
        from console.cli.acting import say_who_is_not_played

        say_who_is_not_played(context, actor.who)
    view = may_view(sight, kind, options.target, actor, read_only=context.options.read_only)
    context.show(view, "can-i", lambda: may_page(view, width=WIDTH))
    return Exit.OK if view.allowed else Exit.NO
