"""`quarterdeck demo`: the demo workspace on real flights, and the score server that goes on with it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from backends.text import displayable
from console.background import give_way
from console.cli.context import Context, Problem, parse_moment
from console.cli.exits import Exit
from console.locate import Located, named_workspace
from console.session import Session

BAR = 30


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("open", "serve"), default="open", help="open (the default) or serve what follows")
    parser.add_argument("--dir", type=Path, help="the folder of the demo; else the workspace named demo")
    parser.add_argument("--at", metavar="TIME", help="where its clock stands: 2013-04-26T18:00-04:00 if left out")
    parser.add_argument("--no-open", action="store_true", help="build it, do not open the console")
    parser.add_argument("--rebuild", action="store_true", help="build it anew")
    parser.add_argument("--speed", type=float, default=600.0, help="serve: simulated seconds for each real one (600)")
    parser.add_argument("--until", metavar="TIME", help="serve: stop there")
    parser.add_argument("--hold", action="store_true", help="serve: let the clock stand until somebody acts, and again 30 hours after that")


def run(context: Context, options: argparse.Namespace) -> Exit:
    root = (options.dir or (context.located.root if options.workspace else named_workspace("demo"))).expanduser().resolve()
    if options.what == "serve" or options.rebuild or not root.exists():
        _require_writing(context, options)
    if options.what == "serve":
        return _serve(context, root, options)
    _build(context, root, options)
    if options.no_open or options.json:
        if options.json:
            from console.views.workspaces import DemoView

            context.show(DemoView(path=str(root), built=True), "demo")
        else:
            print(displayable(f"demo workspace at {root}; open it with: quarterdeck -w {root}"))
        return Exit.OK
    return _open(root)


def _require_writing(context: Context, options: argparse.Namespace) -> None:
    if context.as_of is not None or options.read_only:
        raise Problem(Exit.REFUSED, "the demo is built and served neither in the past nor with --read-only")


def _build(context: Context, root: Path, options: argparse.Namespace) -> None:
    from console.demo.build import DemoProblem, build, refuse_unrecorded
    from console.demo.built import again, is_built, under_other_policies
    from console.demo.flights import FlightsMissing
    from console.demo.story import DEFAULT_START, ZONE_NAME

    at = parse_moment(options.at) if options.at is not None else DEFAULT_START
    if is_built(root) and not options.rebuild:
        if options.at is not None and (begun_moment := _begun(root)) != at:
            begun = begun_moment.astimezone(ZoneInfo(ZONE_NAME)).isoformat(timespec="minutes")
            raise Problem(Exit.USAGE, f"the demo in {root} begins at {begun}; with --rebuild it is built anew, for another time")
        if under_other_policies(root):
            context.say(f"this demo was built under other policies, by an older program or before they were edited: {again(root)}")
        return
    try:
        refuse_unrecorded(at)
    except DemoProblem as problem:
        raise Problem(Exit.USAGE, str(problem)) from None
    context.say(f"building the demo in {root} from recorded flights, offline; this takes a minute or two")
    try:
        build(root, at=at, progress=_progress, force=options.rebuild)
    except (DemoProblem, FlightsMissing) as problem:
        raise Problem(Exit.USAGE, str(problem)) from None


def _begun(root: Path) -> datetime:
    from console.demo.built import begun_at

    try:
        return begun_at(root)
    except ValueError as problem:
        raise Problem(Exit.USAGE, str(problem)) from None


def _progress(done: int, total: int, what: str) -> None:
    filled = min(BAR, BAR * done // total)
    bar = f"[{'#' * filled}{'.' * (BAR - filled)}] {done:>2}/{total} {what}"
    if sys.stderr.isatty():
        print(f"\r\x1b[K{bar[:78]}", end="\n" if done >= total else "", file=sys.stderr, flush=True)
    else:
        print(bar, file=sys.stderr, flush=True)


def _open(root: Path) -> Exit:
    """Open the console, with a score server beside it that lets the clock run once somebody has acted."""
    from console.cli.start import no_terminal, run_console

    problem = no_terminal()
    if problem is not None:
        raise Problem(Exit.USAGE, f"the demo is built in {root}, but {problem}")
    log = root / "logs" / "serve.log"
    with log.open("a", encoding="utf-8") as output:
        command = [sys.executable, "-m", "console.cli.main", "demo", "serve", "--hold", "--dir", str(root)]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    try:
        return Exit(run_console(Session(Located(root, "demo"))))
    finally:
        server.terminate()
        server.wait(timeout=10)


def _serve(context: Context, root: Path, options: argparse.Namespace) -> Exit:
    from console.config import open_workspace
    from console.demo.built import is_built
    from console.demo.replay import serve
    from console.demo.serving_watch import Evaluator, standing_still

    if not is_built(root):
        raise Problem(Exit.NOT_FOUND, f"there is no demo in {root}; build it with: quarterdeck demo --dir {root} --no-open")
    if not 0 < options.speed <= 100_000:
        raise Problem(Exit.USAGE, f"--speed {options.speed:g} is not between 0 and 100000")
    until: datetime | None = parse_moment(options.until) if options.until else None
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    give_way()
    workspace = open_workspace(root)
    hold = standing_still(workspace.paths, _begun(root)) if options.hold else None
    evaluator = Evaluator(workspace)
    console = os.getppid()

    def wait(seconds: float) -> bool:
        # Started beside a console, it ends with it, however that ended.
        return stop.wait(seconds) or (options.hold and os.getppid() != console)

    serve(workspace, speed=options.speed, wait=wait, say=context.say, hold=hold, until=until, after_step=evaluator)
    return Exit.OK
