"""`--record MODEL` of verbs that look at files: what they found is kept as a fact of a model that the workspace knows."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from console.cli.context import Context, Problem
from console.cli.exits import Exit


def refuse_unfit(context: Context, options: argparse.Namespace) -> None:
    """Say what does not go together before anything is read. Raises Problem."""
    if options.record is None:
        if options.run is not None:
            raise Problem(Exit.USAGE, "--run belongs to --record MODEL")
        return
    if not context.located.exists:
        raise Problem(Exit.USAGE, "--record keeps the result in a workspace, and there is none here")
    from console.acting import known_models

    known = known_models(context.workspace, context.environment)
    if options.record not in known:
        raise Problem(Exit.NOT_FOUND, f"there is no model {options.record}: {', '.join(sorted(known)) or 'the workspace knows none'}")


def keep(context: Context, options: argparse.Namespace, land: Callable[..., None]) -> None:
    """Keep what was found, unless somebody looks at the past or only reads; then that is said. Raises StoreError and LandingError."""
    if options.record is None:
        return
    if context.as_of is not None or options.read_only:
        context.say("the result is not kept: you look at the past, or read only")
        return
    now = context.clock.now()
    land(paths=context.workspace.paths, environment=context.environment, model=options.record, run=options.run, now=now)
