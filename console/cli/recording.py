"""What is kept as a fact of a model that the workspace knows: what verbs found that look at files, with `--record MODEL`."""

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
    refuse_unknown_model(context, options.record)


def refuse_unknown_model(context: Context, model: str) -> None:
    """Raise NoSuchModel where neither control nor the store knows it; while the store is down, what control names is enough."""
    from backends.store.errors import StoreError
    from console.acting import known_models

    if model in known_models(context.workspace, context.environment):
        return
    from console.views.sight import Sight
    from console.views.versions.registry import no_such_model, registry_of

    sight = Sight(context.workspace, context.environment, context.clock)
    try:
        with sight.reader() as reader:
            models = registry_of(reader, sight.environment, sight.at).models
    except StoreError as error:
        context.say(f"the store does not answer, so the name was not checked: {error}")
        return
    if model not in models:
        raise no_such_model(model, models)


def keep(context: Context, options: argparse.Namespace, land: Callable[..., None]) -> None:
    """Keep what was found, unless somebody looks at the past or only reads; then that is said. Raises StoreError and LandingError."""
    if options.record is None:
        return
    if context.as_of is not None or options.read_only:
        context.say("the result is not kept: you look at the past, or read only")
        return
    from console.control.identity import current_actor

    by = current_actor(context.clock).who
    where = {"paths": context.workspace.paths, "environment": context.environment, "model": options.record}
    land(**where, run=options.run, by=by, now=context.clock.now())
