"""`quarterdeck breaker NAME open|closed|automatic`: hold what is called outside, with an owner and an end, or let it go."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta

from backends.durations import parse_duration
from console.cli.acting import desk_of
from console.cli.context import WIDTH, Context, Problem, parse_moment
from console.cli.exits import Exit
from console.control.actions import new_key
from console.guards import guards_of
from console.render.breakers import breakers_page

DEFAULT = timedelta(hours=1)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="as `breakers` lists it: notify, duckdb:NAME")
    parser.add_argument("wanted", choices=("open", "closed", "automatic"), help="no calls, every call, or as they go")
    parser.add_argument("--until", metavar="2h|TIME", help="when its owner is asked again (default: in 1h), by the clock on the wall")
    parser.add_argument("--owner", metavar="NAME", help="who is asked then (default: you)")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why; kept in the audit")
    parser.add_argument("--key", metavar="KEY", help="idempotency key: the same key again does nothing twice")


def run(context: Context, options: argparse.Namespace) -> Exit:
    known = [guard.name for guard in guards_of(context.workspace)]
    if options.name not in known:
        raise Problem(Exit.NOT_FOUND, f"no breaker {options.name!r}; there are: {', '.join(known) or 'none, nothing outside is called'}")
    if options.wanted == "automatic" and (options.until or options.owner):
        raise Problem(Exit.USAGE, "automatic has no end and no owner: leave --until and --owner out")
    key = options.key or new_key()
    with desk_of(context) as desk:
        if options.wanted == "automatic":
            desk.let_breaker_go(options.name, reason=options.reason, key=key, environment=context.environment)
        else:
            desk.hold_breaker(
                options.name,
                open_=options.wanted == "open",
                until=_until(context, options.until),
                reason=options.reason,
                key=key,
                environment=context.environment,
                owner=options.owner,
            )
    view = context.lookout.breakers()
    mine = view.model_copy(update={"rows": tuple(row for row in view.rows if row.name == options.name)})
    context.show(mine, "breakers", lambda: breakers_page(mine, width=WIDTH))
    return Exit.OK


def _until(context: Context, words: str | None) -> datetime:
    now = context.clock.real_now()
    if words is None:
        return now + DEFAULT
    try:
        return now + parse_duration(words)
    except ValueError:
        return parse_moment(words)
