"""`quarterdeck retention`: how long every log is kept, what is due, and `retention apply`: the deletion of what is due."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from backends.text import displayable
from console.cli.acting import acting_arguments
from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.cli.several import act_on_each
from console.control.actions import ActionKind

if TYPE_CHECKING:
    from widgets.line import Page

APPLY = "apply"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="MODEL",
        help=f"only this model's logs; after {APPLY}: whose due rows are deleted (default: everybody's)",
    )
    parser.epilog = f"quarterdeck retention {APPLY} [MODEL ...] deletes what is due by the rules of this workspace's policies, for good."
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.words[:1] == [APPLY]:
        return _apply(context, options.words[1:])
    if len(options.words) > 1:
        raise Problem(Exit.USAGE, f"one model at a time, or: retention {APPLY} {' '.join(options.words)}")
    view = context.lookout.retention(options.words[0] if options.words else None)

    def page() -> Page:
        from console.render.retention import retention_page

        return retention_page(view, width=WIDTH)

    context.show(view, "retention", page)
    return Exit.OK


def _apply(context: Context, models: list[str]) -> Exit:
    if models and context.options.key:
        # What was done under this key is said again, whatever is due by now.
        return act_on_each(context, ActionKind.RETAIN, models)
    views = [context.lookout.retention(model) for model in (*models, *([] if models else [None]))]
    due = [each.model for view in views for each in view.logs if each.due_rows and each.deletes != "never"]
    if not due:
        of = f" of {displayable(' '.join(models))}" if models else ""
        context.say(f"nothing{of} is due by a rule of this workspace: nothing was deleted; see: quarterdeck retention")
        return Exit.OK
    return act_on_each(context, ActionKind.RETAIN, due)
