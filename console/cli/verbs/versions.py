"""`quarterdeck versions M`: every version; `versions M@V`: the card of one."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL[@VERSION]", help="a model, or one version of it")
    parser.add_argument("--check", action="store_true", help="exit with 1 when an artifact is gone or is not the recorded one")


def run(context: Context, options: argparse.Namespace) -> Exit:
    model, version = context.lookout.named_version(options.model)
    if version is None:
        from console.render.versions import versions_page  # loads the registry and arithmetic, which --help does not need

        view = context.lookout.versions(model)
        context.show(view, "versions", lambda: versions_page(view, width=WIDTH, height=0, preview=False, tabbed=False))
        found = [row.artifact.found for row in view.rows]
    else:
        from console.render.version import version_page

        card = context.lookout.version(model, version)
        context.show(card, "version", lambda: version_page(card, width=WIDTH))
        found = [card.row.artifact.found]
    return Exit.NO if options.check and {"missing", "different"} & set(found) else Exit.OK
