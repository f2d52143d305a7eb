"""`quarterdeck reject APR-N --reason TEXT`: veto a request, or withdraw one's own."""

from __future__ import annotations

import argparse

from console.cli.acting import acting_arguments, desk_of, said
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.control.errors import JournalUnavailable, NotFound, Refused
from console.render.approvals import approval_summary


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="APR-N", help="the request")
    acting_arguments(parser, confirmed=False, moves=False)


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.views.approvals.asked import approval_at_once  # loads the gates, which --help does not need

    try:
        view = approval_at_once(context.lookout.sight(), options.id)
        if options.dry_run:
            context.show(view, "approval", approval_summary(view))
            return Exit.OK
        if not (options.reason or "").strip():
            raise Problem(Exit.USAGE, "a rejection needs a reason: --reason TEXT")
        with desk_of(context) as desk:
            desk.reject(options.id, reason=options.reason)
    except (NotFound, JournalUnavailable, Refused) as error:
        raise said(error) from None
    after = approval_at_once(context.lookout.sight(), options.id)
    if options.json:
        context.show(after, "approval")
    else:
        print(f"{after.request.id} is {after.request.state}; recorded")
    return Exit.OK
