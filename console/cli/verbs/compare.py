"""`quarterdeck compare REF CUR`: two files of rows, column by column. Needs no workspace."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.cli.progress import Bar


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", metavar="REF", help="Parquet, CSV with a header, or JSON Lines; a quoted pattern takes several files")
    parser.add_argument("current", metavar="CUR", help="the rows that are compared with it")
    parser.add_argument("--columns", metavar="A,B", help="only these columns")
    parser.add_argument(
        "--profile", action="store_true", help="one pass in little memory: deciles of a sample, bounds on KS and Wasserstein"
    )
    parser.add_argument("--fail-on", choices=("warning", "critical"), help="exit with 1 when a column is at least this bad")


def run(context: Context, options: argparse.Namespace) -> Exit:
    from backends.data_files.processor import load_numpy

    load_numpy()
    from console.render.compare import compare_page  # after the arguments are known to be right
    from console.views.compare.files import compared

    asked = [name.strip() for name in (options.columns or "").split(",") if name.strip()]
    if options.columns is not None and not asked:
        raise Problem(Exit.USAGE, f"--columns {options.columns!r} names no column: write them as in --columns amount,country")
    bar = Bar("comparing")
    try:
        view = compared(options.reference, options.current, asked, bar, profiles=options.profile)
    finally:
        bar.clear()
    context.show(view, "compare", lambda: compare_page(view, width=WIDTH))
    bad = {"warning": {"warning", "critical"}, "critical": {"critical"}}.get(options.fail_on or "", set())
    return Exit.NO if any(each.severity.value in bad for each in view.columns) else Exit.OK
