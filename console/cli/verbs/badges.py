"""`quarterdeck badges M [KIND:NAME]`: five badges for every asset of a model, each with the record that bears it out."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("asset", metavar="KIND:NAME", nargs="?", help="one asset with the records behind its badges: version:2")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.render.badges import asset_page, badges_page  # whose modules --help does not need

    view = context.lookout.badges(options.model, options.asset)
    drawn = badges_page if options.asset is None else asset_page
    context.show(view, "badges", lambda: drawn(view, width=WIDTH))
    return Exit.OK
