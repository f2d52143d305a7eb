"""`quarterdeck serve`: the kill switches as flags over HTTP, for processes that cannot read a file of this machine."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from console.cli.context import Context, Problem
from console.cli.exits import Exit

if TYPE_CHECKING:
    from backends.ofrep.published import Watched
    from console.config import Workspace
    from console.serving import Listening


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, default=8716, help="port to listen on (default: 8716); 0 takes any that is free")
    parser.add_argument("--no-token", action="store_true", help="answer without a token; only on addresses of this machine")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from backends.ofrep.published import Watched
    from console.serving import NotServed, listen, require_extra, serve, token_for

    if context.as_of is not None:
        raise Problem(Exit.REFUSED, "what was in force in the past is not served: leave --as-of out")
    workspace = context.workspace
    # Only the environment that was asked for by name: by itself every one is served.
    environment = context.environment if options.env is not None else None
    watched = Watched(workspace.paths.switches, workspace.paths.registry, told=lambda line: context.say(f"serve: {line}"))
    try:
        require_extra()
        token = token_for(options.host, none=options.no_token)
        listening = listen(options.host, options.port)
    except NotServed as problem:
        code = Exit.USAGE if problem.usage else Exit.UNAVAILABLE if problem.missing else Exit.REFUSED
        raise Problem(code, str(problem)) from None
    if token is not None and token.notice is not None:
        context.say(f"serve: {token.notice}")
    if token is None:
        context.say("serve: without a token: every program on this machine may ask")
    try:
        serve(
            listening,
            watched,
            _time_of(workspace),
            token=None if token is None else token.value,
            environment=environment,
            ready=lambda: _say(context, listening, watched, environment, None if token is None else token.place),
        )
    finally:
        listening.socket.close()
    context.say("serve: stopped")
    return Exit.OK


def _time_of(workspace: Workspace) -> Callable[[], datetime]:
    """The workspace's time, as it is set now; while its clock cannot be read, by the one before: a switch does not wait for a clock."""
    from console.config import WorkspaceProblem

    clock = workspace.clock()

    def now() -> datetime:
        nonlocal clock
        with contextlib.suppress(WorkspaceProblem):
            clock = workspace.clock()
        return clock.now()

    return now


def _say(context: Context, listening: Listening, watched: Watched, environment: str | None, place: str | None) -> None:
    from backends.ofrep.application import HEALTH
    from console.views.endpoint import EndpointView

    look = watched.look()
    version = look.published.version if look.published is not None else None
    view = EndpointView(
        url=listening.url,
        health=listening.url + HEALTH,
        environment=environment,
        authenticated=place is not None,
        token_from=place,
        version=version,
    )
    context.show(view, "endpoint")
    sys.stdout.flush()
    told = f"version {version}" if version is not None else "not readable yet"
    served = environment or "every environment"
    context.say(f"serve: {served} at {listening.url}, switches.json {told}, process {os.getpid()}; ctrl+c or SIGTERM ends it")
