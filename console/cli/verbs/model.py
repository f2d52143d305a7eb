"""`quarterdeck model M`: health in four layers."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render.model import model_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--fail-on", choices=("warning", "critical"), help="exit with 1 when the model is at least this bad")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.model(options.model)
    context.show(view, "model", lambda: model_page(view, width=WIDTH, height=60, tabbed=False))
    if not options.json:
        _effect(context, options.model)
    bad = {"warning": {"warning", "critical"}, "critical": {"critical"}}.get(options.fail_on or "", set())
    return Exit.NO if view.state.value in bad else Exit.OK


def _effect(context: Context, model: str) -> None:
    """Did it help? Below the page, while something was done lately."""
    from backends.store.errors import StoreError

    try:
        found = context.lookout.latest_effect(model)
    except (LookupError, StoreError) as problem:
        context.say(f"the effect of the last action cannot be read: {problem}")
        return
    if found is not None:
        from console.render.effect import effect_lines

        print()
        print("\n".join(each.text.rstrip() for each in effect_lines(found, WIDTH)))
