"""`quarterdeck action`: the life of one action with the exact calls it made, and the three ways out of doubt."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.render.actions import action_page, settled_page

if TYPE_CHECKING:
    from console.control.actions import ActionOutcome

WHAT = ("show", "recheck", "resolve", "retry")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="+",
        metavar="[show|recheck|resolve|retry] ID",
        help="show: its life and calls; recheck: find out by looking how it ended; resolve: settle it by your word; "
        "retry: make the same call again with the same key, after a recheck. ID: its id, its key, or the beginning of its id",
    )
    word = parser.add_argument_group("resolve")
    ended = word.add_mutually_exclusive_group()
    ended.add_argument("--done", action="store_true", help="it took effect")
    ended.add_argument("--failed", action="store_true", help="it did not take effect and never will")
    parser.add_argument("--reason", metavar="TEXT", help="how you know, or why again; kept in the audit")
    again = parser.add_argument_group("retry")
    again.add_argument("--confirm", metavar="NAME", help="the name that is asked for, mostly the model's; needed without a terminal")
    again.add_argument("--dry-run", action="store_true", help="print the plan; nothing is sent")
    again.add_argument("--elevate", action="store_true", help="act where the environment is read-only by default")


def run(context: Context, options: argparse.Namespace) -> Exit:
    what, wanted = _asked(options.words)
    if what != "resolve" and (options.done or options.failed):
        raise Problem(Exit.USAGE, f"--done and --failed belong to resolve: action resolve {wanted} --done --reason TEXT")
    if what == "show":
        view = context.lookout.action_with_effect(wanted)
        context.show(view, "action", lambda: action_page(view, width=WIDTH))
        return Exit.OK
    if what == "retry":
        from console.cli.retrying import retry

        return retry(context, wanted)
    return _settle(context, what, wanted, options)


def _asked(words: list[str]) -> tuple[str, str]:
    """What to do and with which action; an action alone is shown. Raises Problem."""
    if len(words) == 1 and words[0] not in WHAT:
        return "show", words[0]
    if len(words) == 2 and words[0] in WHAT:
        return words[0], words[1]
    raise Problem(Exit.USAGE, f"write: action [{'|'.join(WHAT)}] ID; `actions --open` lists those that nobody knows the end of")


def _settle(context: Context, what: str, wanted: str, options: argparse.Namespace) -> Exit:
    from console.cli.acting import action_of, desk_of, said
    from console.control.errors import JournalUnavailable, NotFound, Refused

    if what == "resolve" and not (options.done or options.failed):
        raise Problem(Exit.USAGE, "say how it ended: --done or --failed, and --reason TEXT how you know")
    if what == "resolve" and not (options.reason or "").strip():
        raise Problem(Exit.USAGE, "say how you know with --reason TEXT: it is all that the record has to go by")
    action = action_of(context, wanted)
    try:
        with desk_of(context, environment=action.environment) as desk:
            settled = desk.recheck if what == "recheck" else partial(desk.resolve, effective=options.done, reason=options.reason)
            outcome = settled(action.id)
    except (NotFound, Refused, JournalUnavailable) as error:
        raise said(error) from None
    context.show(outcome, "outcome", lambda: settled_page(outcome))
    return exit_of(outcome)


def exit_of(outcome: ActionOutcome) -> Exit:
    """6 while it is in doubt; that it is known to have failed is an answer, and no failure of this command."""
    return Exit.IN_DOUBT if outcome.exit_code == Exit.IN_DOUBT else Exit.OK
