"""`quarterdeck leakage FILE --label COLUMN`: signs that training rows know what they could not have known."""

from __future__ import annotations

import argparse
from functools import partial

from console.cli import recording
from console.cli.context import WIDTH, Context
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="Parquet, CSV with a header, or JSON Lines; a quoted pattern takes several files")
    parser.add_argument("--label", metavar="COLUMN", required=True, help="the outcome: 0 and 1, or true and false")
    parser.add_argument("--label-time", metavar="COLUMN", help="when the outcome happened: no feature may be later")
    parser.add_argument("--as-of-key", metavar="COLUMN", help="as of when the features of a row were taken: they may not be later")
    parser.add_argument("--feature-time", metavar="COLUMN", action="append", default=[], help="time of a feature; may be repeated")
    parser.add_argument("--key", metavar="COLUMN", action="append", default=[], help="identifies a row, is no feature; may be repeated")
    parser.add_argument("--columns", metavar="A,B", help="only these features; every other column unless given")
    parser.add_argument("--together", action="store_true", help="train a small model of all features and shuffle one at a time")
    parser.add_argument("--record", metavar="MODEL", help="keep the result: the Data screen of the model shows it")
    parser.add_argument("--run", metavar="RUN", help="with --record: the pipeline run that it belongs to")
    parser.add_argument("--fail-on", choices=("warning", "critical"), help="exit with 1 when a check is at least this bad")


def run(context: Context, options: argparse.Namespace) -> Exit:
    recording.refuse_unfit(context, options)
    from console.contracts.searching import keep_leakage
    from console.render.leakage import leakage_page  # after the arguments are known to be right
    from console.views.data.leakage import LeakageAsked, leakage

    asked = LeakageAsked(
        label=options.label,
        label_time=options.label_time,
        as_of_key=options.as_of_key,
        feature_times=tuple(dict.fromkeys(options.feature_time)),
        keys=tuple(options.key),
        features=tuple(options.columns.split(",")) if options.columns else (),
        together=options.together,
    )
    view = leakage(options.file, asked)
    recording.keep(context, options, partial(keep_leakage, view=view))
    context.show(view, "leakage", lambda: leakage_page(view, width=WIDTH))
    bad = {"warning": {"warning", "critical"}, "critical": {"critical"}}.get(options.fail_on or "", set())
    return Exit.NO if view.state.value in bad else Exit.OK
