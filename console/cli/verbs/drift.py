"""`quarterdeck drift M`: every input and the scores against the reference; `-f COLUMN` shows one in detail."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit

if TYPE_CHECKING:
    from console.views.drift.view import Asked


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("-f", "--feature", metavar="COLUMN", help="one column in detail; `score` for the scores")
    parser.add_argument("--from", dest="first", metavar="DAY", help="first day of the current period, as 2013-04-22, in the model's zone")
    parser.add_argument("--to", dest="last", metavar="DAY", help="its last day; today unless given")
    parser.add_argument("--reference-from", metavar="DAY", help="first day of another reference")
    parser.add_argument("--reference-to", metavar="DAY", help="its last day")
    parser.add_argument(
        "--against", choices=("reference", "weekday", "previous", "season"),
        help="the reference (usual), equal weekdays of it, as many days right before, or the same weekdays a year before; "
        "earlier windows, which judge, are compared likewise",
    )  # fmt: skip
    parser.add_argument("--segment", metavar="COLUMN", help="scores and inputs within each value of this column, one of few values")
    parser.add_argument("--exact", action="store_true", help="with -f: KS and Wasserstein from the rows, not from profiles")
    parser.add_argument("--all", action="store_true", help="also the columns that are plainly ok")
    parser.add_argument(
        "--fail-on", choices=("warning", "critical"), help="exit with 1 when a column, or all inputs together, is at least this far"
    )


def run(context: Context, options: argparse.Namespace) -> Exit:
    from console.render.drift import drift_detail_page, drift_page  # after the arguments are known to be right
    from console.views.drift.view import Asked

    first, last = _day(options.first, "--from"), _day(options.last, "--to")
    reference = _day(options.reference_from, "--reference-from"), _day(options.reference_to, "--reference-to")
    if (reference[0] is None) != (reference[1] is None):
        raise Problem(Exit.USAGE, "a reference needs both --reference-from and --reference-to")
    for begins, ends, name in ((first, last, "--from"), (*reference, "--reference-from")):
        if begins is not None and ends is not None and begins > ends:
            raise Problem(Exit.USAGE, f"{name} {begins} is after the end {ends}")
    if options.against in {"previous", "season"} and reference[0] is not None:
        raise Problem(Exit.USAGE, f"--against {options.against} names the reference itself: leave --reference-from and --reference-to out")
    asked = Asked(first, last, *reference, options.against or "reference")
    bad = {"warning": {"warning", "critical"}, "critical": {"critical"}}.get(options.fail_on or "", set())
    if options.feature is not None and options.segment is not None:
        raise Problem(Exit.USAGE, "-f shows one column, --segment all within its values: give one of them")
    if options.feature is not None:
        detail = context.lookout.drift_column(options.model, options.feature, asked, exact=options.exact)
        context.show(detail, "drift-column", lambda: drift_detail_page(detail, width=WIDTH, tabbed=False))
        return Exit.NO if detail.shift.state.value in bad else Exit.OK
    if options.segment is not None:
        return _by_segment(context, options, asked, bad)
    if options.exact:
        raise Problem(Exit.USAGE, "--exact reads the rows of one column: name it with -f")
    view = context.lookout.drift(options.model, asked)
    context.show(view, "drift", lambda: drift_page(view, width=WIDTH, complete=options.all, tabbed=False))
    states = [view.together.state, *(each.state for each in view.columns)]
    return Exit.NO if any(state.value in bad for state in states) else Exit.OK


def _by_segment(context: Context, options: argparse.Namespace, asked: Asked, bad: set[str]) -> Exit:
    if options.exact or asked.against != "reference":
        raise Problem(Exit.USAGE, "--segment compares with the reference, from the rows: leave --against and --exact out")
    from console.render.drift_segments import segments_page

    view = context.lookout.drift_segments(options.model, options.segment, asked)
    context.show(view, "drift-segments", lambda: segments_page(view, width=WIDTH))
    return Exit.NO if any(each.state.value in bad for each in view.segments) else Exit.OK


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(Exit.USAGE, f"{option} {text!r} is not a day; write it as 2013-04-22 (drift compares whole days)") from None
