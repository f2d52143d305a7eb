"""`quarterdeck note TARGET TEXT`: keep a remark on an incident, an alert, a request, an action or a model."""

from __future__ import annotations

import argparse

from console.acting import known_models
from console.cli.acting import act_recorded, acting_arguments, state_of
from console.cli.context import Context
from console.cli.exits import Exit
from console.recording import noting


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="TARGET", help="an incident, alert, request or action by its id, or a model")
    parser.add_argument("text", nargs="+", help="the remark")
    acting_arguments(parser, confirmed=False, moves=False)


def run(context: Context, options: argparse.Namespace) -> Exit:
    state, text = state_of(context), " ".join(options.text)
    models = known_models(context.workspace, context.environment) | set(_listed(context))
    # Where nobody knows any model by name, a remark on one is better kept than lost.
    anything = not models
    return act_recorded(context, lambda: noting(state, context.environment, options.what, text, models, options.key, any_model=anything))


def _listed(context: Context) -> list[str]:
    from backends.store.summary import read_summary

    try:
        summary = read_summary(context.workspace.paths) or {}
        return [str(row["model"]) for row in summary.get("rows", [])]
    except (OSError, ValueError, KeyError, TypeError):
        return []
