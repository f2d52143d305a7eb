"""`quarterdeck review REV-ID`: what was done by breaking the glass; `--justified` or `--not-justified` says what you found."""

from __future__ import annotations

import argparse

from console.acting import control_policy
from console.cli.acting import acting_arguments, desk_of, said
from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.control.errors import JournalUnavailable, NotFound, Refused
from console.control.reviewing import Verdict
from console.render.reviews import review_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="REV-ID", help="the review, or the action that it is about")
    found = parser.add_mutually_exclusive_group()
    found.add_argument("--justified", dest="verdict", action="store_const", const="justified", help="it was right to act without approval")
    found.add_argument("--not-justified", dest="verdict", action="store_const", const="not justified", help="it was not; say what follows")
    acting_arguments(parser, confirmed=False, moves=False)


def run(context: Context, options: argparse.Namespace) -> Exit:
    verdict: Verdict | None = options.verdict
    try:
        if verdict is None or options.dry_run:
            return _shown(context, options.id)
        if not (options.reason or "").strip():
            raise Problem(Exit.USAGE, "say what you found: --reason TEXT; nothing was recorded")
        with desk_of(context) as desk:
            found = desk.review(options.id, verdict=verdict, reason=options.reason)
    except (NotFound, JournalUnavailable, Refused) as error:
        raise said(error) from None
    if options.json:
        return _shown(context, found.id)
    print(f"{found.id} is reviewed: {found.verdict}; recorded")
    return Exit.OK


def _shown(context: Context, wanted: str) -> Exit:
    from console.control.identity import current_actor  # what --help does not need
    from console.views.approvals.reviews import review_view

    sight = context.lookout.sight()
    actor = current_actor(sight.clock)
    view = review_view(sight, wanted, actor, control_policy(sight.policies, sight.workspace, sight.environment, actor))
    context.show(view, "review", lambda: review_page(view, width=WIDTH))
    return Exit.OK
