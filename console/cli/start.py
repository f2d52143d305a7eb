"""Opening the console: the terminal is checked, a skeleton is written, and only then is Textual loaded."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from backends.text import displayable
from console.cli.exits import Exit
from console.locate import Located, locate
from widgets import skeleton

if TYPE_CHECKING:
    from datetime import datetime

    from console.session import Session


def open_console(options: argparse.Namespace) -> int:
    """Run the console until it is left; returns the exit code."""
    problem = no_terminal()
    if problem is not None:
        print(f"quarterdeck: {problem}", file=sys.stderr)
        return Exit.USAGE
    moment = None
    if options.as_of is not None:
        moment = _moment(options.as_of)
        if moment is None:
            print("quarterdeck: --as-of needs a time with an offset, as in 2013-04-22T14:00-04:00", file=sys.stderr)
            return Exit.USAGE
    located = locate(options.workspace)
    why = _no_past(located, moment) if moment is not None else None
    if why is not None:
        print(f"quarterdeck: --as-of {displayable(options.as_of)} {why}", file=sys.stderr)
        return Exit.USAGE
    drawn = _draw_skeleton(located)
    from console.session import Session  # after the skeleton

    return _run_drawn(Session(located, options.env, moment, options.read_only), drawn)


def run_console(session: Session) -> int:
    """Run the application in `session`. A crash restores the terminal, prints one line and leaves a report without secrets."""
    return _run_drawn(session, _draw_skeleton(session.located))


def _moment(text: str) -> datetime | None:
    from datetime import datetime  # only for a look at the past

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _no_past(located: Located, moment: datetime) -> str | None:
    from console.clock import no_past
    from console.session import Session

    return no_past(moment, Session(located).clock().now())


def _draw_skeleton(located: Located) -> bool:
    return skeleton.draw(sys.stdout, os.environ, banner=located.root.name if located.exists else "no workspace")


def _run_drawn(session: Session, drawn: bool) -> int:
    for name in ("COLUMNS", "LINES"):
        # A size that some shell exported once would be believed for good; the terminal knows its own.
        os.environ.pop(name, None)
    app: ConsoleApp | None = None
    try:
        from console.app import ConsoleApp  # after the skeleton

        app = ConsoleApp(session)
        code = app.run()
    except Exception as error:
        if app is not None and app.ended_by is not None:
            # Nobody is left to give the terminal back to: that it cannot be written is no fault.
            return Exit.INTERRUPTED
        if drawn:
            skeleton.erase(sys.stdout)
        return _crashed(session, error)
    if app.crash is not None:
        return _crashed(session, app.crash)
    if app.follow_up is not None:
        os.execvp(sys.argv[0], [sys.argv[0], *app.follow_up])
    return int(code or 0)


def _crashed(session: Session, error: BaseException) -> int:
    from backends.credentials import without_credentials
    from console.crash import write_report

    path = write_report(session.paths.crash, error, session.clock().real_now())
    where = f"; report: {displayable(str(path))}" if path else ""
    said = displayable(without_credentials(str(error)))[:200]
    print(f"quarterdeck: stopped by a fault of its own: {type(error).__name__}: {said}{where}", file=sys.stderr)
    return Exit.FAULT


def no_terminal() -> str | None:
    """Why the console cannot be shown here, or None."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        return "the console needs a terminal; verbs do not: see quarterdeck --help (try: quarterdeck fleet)"
    if os.environ.get("TERM", "") in {"", "dumb"}:
        return f"TERM={os.environ.get('TERM', '')!r} cannot show the console; verbs work: try quarterdeck fleet"
    return None
