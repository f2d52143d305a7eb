"""Opening the console: the terminal is checked, a skeleton is written, and only then is Textual loaded."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime

from backends.text import displayable
from console.cli.exits import Exit
from console.locate import locate
from console.session import Session


def open_console(options: argparse.Namespace) -> int:
    """Run the console until it is left; returns the exit code."""
    problem = no_terminal()
    if problem is not None:
        print(f"quarterdeck: {problem}", file=sys.stderr)
        return Exit.USAGE
    moment = None
    if options.as_of is not None:
        try:
            moment = datetime.fromisoformat(options.as_of)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            print("quarterdeck: --as-of needs a time with an offset, as in 2013-04-22T14:00-04:00", file=sys.stderr)
            return Exit.USAGE
    session = Session(locate(options.workspace), options.env, moment, options.read_only)
    return run_console(session)


def run_console(session: Session) -> int:
    """Run the application in `session`. A crash restores the terminal, prints one line and leaves a report without secrets."""
    from widgets import skeleton  # noqa: PLC0415

    drawn = skeleton.draw(sys.stdout, os.environ, banner=session.located.root.name if session.located.exists else "no workspace")
    try:
        from console.app import ConsoleApp  # noqa: PLC0415 - after the skeleton

        app = ConsoleApp(session)
        code = app.run()
    except Exception as error:
        if drawn:
            skeleton.erase(sys.stdout)
        return _crashed(session, error)
    if app.crash is not None:
        return _crashed(session, app.crash)
    if app.follow_up is not None:
        os.execvp(sys.argv[0], [sys.argv[0], *app.follow_up])
    return int(code or 0)


def _crashed(session: Session, error: BaseException) -> int:
    from console.crash import write_report  # noqa: PLC0415

    path = write_report(session.paths.crash, error, session.clock().real_now())
    where = f"; report: {path}" if path else ""
    print(f"quarterdeck: stopped by a fault of its own: {type(error).__name__}: {displayable(str(error))[:200]}{where}", file=sys.stderr)
    return Exit.FAULT


def no_terminal() -> str | None:
    """Why the console cannot be shown here, or None."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        return "the console needs a terminal; verbs do not: see quarterdeck --help (try: quarterdeck fleet)"
    if os.environ.get("TERM", "") in {"", "dumb"}:
        return f"TERM={os.environ.get('TERM', '')!r} cannot show the console; verbs work: try quarterdeck fleet"
    return None
