"""`quarterdeck watch`: somebody always watches."""

from __future__ import annotations

import argparse
import signal
import threading

from console.cli.context import Context, Problem
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="one round, for cron")
    parser.add_argument("--every", type=float, metavar="SECONDS", help="seconds between rounds; workspace.toml says it otherwise")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from backends.store.errors import StoreError
    from console.watch.rounds import watch_once

    if context.as_of is not None or options.read_only:
        raise Problem(Exit.REFUSED, "watching records alerts, so it works neither in the past nor with --read-only")
    workspace = context.workspace
    every = options.every or workspace.settings.watch.every_seconds
    stop = threading.Event()
    if not options.once:
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while True:
        try:
            done = watch_once(workspace, workspace.clock())
        except StoreError as error:
            if options.once:
                raise
            context.say(f"watch: {error}; next try in {every:g} s")
        else:
            for line in (*done.lines, *done.problems):
                context.say(line)
            if options.once:
                if options.json:
                    from console.views.workspaces import WatchView

                    alerts = tuple(transition.alert.id for transition in done.new if not transition.only_logged)
                    context.show(WatchView(lines=tuple(done.lines), problems=tuple(done.problems), new_alerts=alerts), "watch")
                return Exit.NO if done.problems else Exit.OK
        if stop.wait(every):
            context.say("watch: stopped")
            return Exit.OK
