"""`quarterdeck explain NAME`: how a number is defined; alone: everything that can be asked."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit

if TYPE_CHECKING:
    from console.policies.load import Policies


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="*", help="a metric, a signal, a rule's id or a word of the screens; nothing lists them")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.render.explain import explain_list_page, explain_page  # after the arguments are known to be right
    from console.views.definitions.explain import explain_list, explained

    policies = _policies(context)
    if not options.name:
        listed = explain_list(policies)
        context.show(listed, "explain-list", lambda: explain_list_page(listed, width=WIDTH))
        return Exit.OK
    view = explained(" ".join(options.name), policies)
    context.show(view, "explain", lambda: explain_page(view, width=WIDTH))
    return Exit.OK


def _policies(context: Context) -> Policies:
    """Those in force; without a workspace those that ship, since definitions need none."""
    from console.policies.load import load_policies, shipped_policies

    if not context.located.exists:
        return shipped_policies()
    return load_policies(context.workspace.paths.policies)
