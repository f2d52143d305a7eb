"""`quarterdeck lineage M[@V]`: from the sources to the outcome, and what is missing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit

if TYPE_CHECKING:
    from console.views.lineage.view import LineageView
    from widgets.line import Page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL[@VERSION]", help="a model (its serving version), or one version of it")
    parser.add_argument("--control", action="store_true", help="who decided what, instead of where the data went")
    parser.add_argument("--blast", metavar="NODE", help="what depends on a node: its name, or kind:name as --json has it")
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 when something that it takes to make the version again is missing"
    )


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.lineage(*context.lookout.named_version(options.model))
    chosen = None
    if options.blast is not None:
        chosen = next((node for node in view.nodes if options.blast in {node.id, node.name.raw}), None)
        if chosen is None:
            raise NoSuchNode(f"no node {options.blast!r} here; there are: {', '.join(node.id for node in view.nodes)}")
    selected = chosen.id if chosen else None
    context.show(view, "lineage", lambda: _page(view, options.control, selected, blast=chosen is not None))
    return Exit.NO if options.check and view.complete < len(view.requirements) else Exit.OK


def _page(view: LineageView, control: bool, selected: str | None, *, blast: bool) -> Page:
    from console.render.lineage import lineage_page

    return lineage_page(view, width=WIDTH, control_flow=control, selected=selected, blast=blast, whole=True)


class NoSuchNode(LookupError):
    """A node that is not in the tree."""
