"""`quarterdeck quality M`: observed quality, with coverage, intervals and reasons."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--by", choices=("day", "week"), default="day", help="the course by day (14) or week (10) of the model's zone")
    parser.add_argument("--slice", metavar="COLUMN", help="by value of this input; the model's own slices unless given")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.render.quality import quality_page  # noqa: PLC0415 - after the arguments are known to be right
    from console.views.quality import QualityAsked  # noqa: PLC0415

    view = context.lookout.quality(options.model, QualityAsked(options.by, options.slice))
    context.show(view, "quality", quality_page(view, width=WIDTH, tabbed=False))
    return Exit.OK
