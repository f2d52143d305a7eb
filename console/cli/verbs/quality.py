"""`quarterdeck quality M`: observed quality of a model; `quarterdeck quality FILE --label COL --score COL`: of any file of scores."""

from __future__ import annotations

import argparse
from typing import Final

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.cli.progress import Bar

_OF_FILES: Final = ("threshold", "time", "group", "label_time", "tz", "minimum")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="M|FILE", help="the model's name; or, with --label and --score, Parquet, CSV or JSON Lines")
    parser.add_argument("--by", choices=("day", "week", "month"), help="the course by day (14) or week (10); of a file: all periods")
    parser.add_argument("--slice", metavar="COLUMN", action="append", help="by value of this column; the model's own slices unless given")
    of_file = parser.add_argument_group("of a file", "no workspace is needed")
    of_file.add_argument("--label", metavar="COLUMN", help="the outcome: 0, 1, or missing while it is not known")
    of_file.add_argument("--score", metavar="COLUMN", help="the score, a probability")
    of_file.add_argument("--threshold", metavar="T", type=float, help="selected from this score up: precision, recall, fairness")
    of_file.add_argument(
        "--time", metavar="COLUMN", help="when a row was scored: for --by, and with --as-of T rows scored later do not count"
    )
    of_file.add_argument("--group", metavar="COLUMN", action="append", help="compare how groups are treated; may be repeated")
    of_file.add_argument("--label-time", metavar="COLUMN", help="when the outcome became known: with --as-of T, later ones do not count")
    of_file.add_argument("--tz", metavar="ZONE", help="IANA zone of times without an offset, and of days and weeks")
    of_file.add_argument("--minimum", metavar="N", type=int, help="labelled rows from which a slice may be named as one of the worst (200)")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.label is not None or options.score is not None:
        return _of_file(context, options)
    given = [name for name in _OF_FILES if getattr(options, name) is not None]
    if given:
        raise Problem(Exit.USAGE, f"--{given[0].replace('_', '-')} is for a file: give --label and --score with it")
    if options.by == "month" or len(options.slice or ()) > 1:
        raise Problem(Exit.USAGE, "of a model: --by day or week, and one --slice at a time")
    from console.render.quality import quality_page  # after the arguments are known to be right
    from console.views.quality.view import QualityAsked

    view = context.lookout.quality(options.model, QualityAsked(options.by or "day", (options.slice or [None])[0]))
    context.show(view, "quality", lambda: quality_page(view, width=WIDTH, tabbed=False))
    return Exit.OK


def _of_file(context: Context, options: argparse.Namespace) -> Exit:
    if options.label is None or options.score is None:
        raise Problem(Exit.USAGE, "a file needs both --label COLUMN and --score COLUMN")
    _check(context, options)
    from console.render.file_quality import file_quality_page
    from console.views.quality.file import file_quality, one_class
    from console.views.quality.file_rows import MINIMUM_SLICE, FileAsked

    asked = FileAsked(
        label=options.label,
        score=options.score,
        threshold=options.threshold,
        time=options.time,
        by=options.by or "week",
        slices=tuple(dict.fromkeys(options.slice or ())),
        groups=tuple(dict.fromkeys(options.group or ())),
        label_time=options.label_time,
        as_of=context.as_of,
        zone=options.tz,
        minimum=options.minimum or MINIMUM_SLICE,
    )
    bar = Bar(options.model)
    try:
        view = file_quality(options.model, asked, bar)
    finally:
        bar.clear()
    context.show(view, "quality-file", lambda: file_quality_page(view, width=WIDTH))
    constant = one_class(view)
    if constant is not None:
        context.say(f"quarterdeck quality: {constant}")
        return Exit.USAGE
    return Exit.OK


def _check(context: Context, options: argparse.Namespace) -> None:
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise Problem(Exit.USAGE, f"--threshold {options.threshold:g} is no probability: give 0 to 1")
    if options.minimum is not None and options.minimum < 2:
        raise Problem(Exit.USAGE, "--minimum must be at least 2 rows")
    if options.by is not None and options.time is None:
        raise Problem(Exit.USAGE, "--by needs --time COLUMN")
    if (options.label_time is None) != (context.as_of is None):
        raise Problem(Exit.USAGE, "--label-time COLUMN and --as-of T go together: outcomes that became known later do not count")
    if options.tz is not None:
        from zoneinfo import ZoneInfo  # few ask for it

        try:
            ZoneInfo(options.tz)
        except (KeyError, ValueError, OSError):
            raise Problem(Exit.USAGE, f"--tz {options.tz!r} is no zone; write it as Europe/Berlin") from None
