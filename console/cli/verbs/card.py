"""`quarterdeck card M[@V]`: the model card of a version; `card --dataset D`: the data sheet of a dataset."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL[@VERSION]", nargs="?", help="a model (its serving version), or one version of it")
    parser.add_argument("--dataset", metavar="NAME", help="the data sheet of this dataset instead")
    parser.add_argument("--markdown", action="store_true", help="print it as Markdown")
    parser.add_argument("--check", action="store_true", help="exit with 1 while a required field is missing, or nothing is required")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if (options.model is None) == (options.dataset is None):
        raise Problem(Exit.USAGE, "give a model, as in: card MODEL@VERSION, or a dataset, as in: card --dataset NAME")
    if options.markdown and options.json:
        raise Problem(Exit.USAGE, "--markdown and --json are two forms of one answer: give one of them")
    if options.dataset is not None:
        missing, required = _sheet(context, options)
    else:
        missing, required = _card(context, options)
    return Exit.NO if options.check and (missing or not required) else Exit.OK


def _card(context: Context, options: argparse.Namespace) -> tuple[tuple[str, ...], int]:
    view = context.lookout.card(*context.lookout.named_version(options.model))
    if options.markdown:
        from console.render.card_markdown import card_markdown  # only this form of the answer needs it

        print(card_markdown(view), end="")
    else:
        from console.render.card import card_page  # loads arithmetic, which --help does not need

        context.show(view, "card", lambda: card_page(view, width=WIDTH))
    return view.missing, view.required


def _sheet(context: Context, options: argparse.Namespace) -> tuple[tuple[str, ...], int]:
    view = context.lookout.sheet(options.dataset)
    if options.markdown:
        from console.render.card_markdown import sheet_markdown  # as above

        print(sheet_markdown(view), end="")
    else:
        from console.render.card import sheet_page

        context.show(view, "data-sheet", lambda: sheet_page(view, width=WIDTH))
    return view.missing, view.required
