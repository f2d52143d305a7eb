"""`quarterdeck parity OFFLINE ONLINE|MODEL --key COLUMN`: the same requests as computed offline and as used online.

`parity replay MODEL --out FILE` hands out logged requests for the offline path; a file of rows has an ending, so none is called `replay`.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

from backends.durations import parse_duration
from console.cli import recording
from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit

REPLAY = "replay"
MOST_ROWS = 1_000_000


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "offline",
        metavar="OFFLINE|replay",
        help="by the offline path: features, or scores of a replay, as Parquet, CSV or JSON Lines",
    )
    parser.add_argument("online", metavar="ONLINE|MODEL", help="a file of what was used online; or a model, for what it logged")
    parser.add_argument("--key", metavar="COLUMN", action="append", default=[], help="tells one request from another; may be repeated")
    parser.add_argument("--columns", metavar="A,B", help="only these; every column of both sides unless given")
    parser.add_argument("--default", metavar="COLUMN=VALUE", action="append", default=[], help="count it on both sides; may be repeated")
    parser.add_argument("--tolerance", metavar="T", type=float, default=1e-6, help="share of the greater number that two may differ (1e-6)")
    parser.add_argument(
        "--feature-time", metavar="F=COLUMN", action="append", default=[], help="when F was computed; F_at unless given; may be repeated"
    )
    parser.add_argument("--request-time", metavar="COLUMN", help="online: when the request was made (event_at): ages are counted from it")
    parser.add_argument("--gap", metavar="LENGTH", default="1h", help="how far the times of a feature may be apart on both sides (1h)")
    parser.add_argument("--days", metavar="N", type=int, help="MODEL: what it logged in the last N days (30)")
    parser.add_argument("--last", metavar="N", type=int, help="replay: the newest N requests that the version answered (1000)")
    parser.add_argument("--out", metavar="NEW", type=Path, help="replay MODEL[@V]: write them there as Parquet, as they were logged")
    parser.add_argument("--show-values", action="store_true", help="values of requests that differ as they are, not their shapes")
    parser.add_argument("--record", metavar="MODEL", help="keep the result: the Data screen of the model shows it")
    parser.add_argument("--run", metavar="RUN", help="with --record: the pipeline run that it belongs to")
    parser.add_argument("--fail-on", choices=("warning", "critical"), help="exit with 1 when a column is at least this bad")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.offline == REPLAY:
        return _replay(context, options)
    if not options.key:
        raise Problem(Exit.USAGE, "--key is needed: the column that tells one request from another")
    if options.last is not None or options.out is not None:
        raise Problem(Exit.USAGE, "--last and --out belong to parity replay MODEL")
    if not 0 <= options.tolerance < 1:
        raise Problem(Exit.USAGE, "--tolerance is a share from 0 up to 1")
    defaults = dict(each.partition("=")[::2] for each in options.default if "=" in each)
    if len(defaults) != len(options.default):
        raise Problem(Exit.USAGE, "--default is COLUMN=VALUE, one for each column")
    times = dict(each.partition("=")[::2] for each in options.feature_time if "=" in each)
    if len(times) != len(options.feature_time):
        raise Problem(Exit.USAGE, "--feature-time is FEATURE=COLUMN, one for each feature")
    try:
        gap = parse_duration(options.gap)
    except ValueError as error:
        raise Problem(Exit.USAGE, f"--gap: {error}") from None
    recording.refuse_unfit(context, options)
    from console.contracts.searching import keep_parity
    from console.render.parity import parity_page  # after the arguments are known to be right
    from console.views.data.parity import ParityAsked, parity

    columns = tuple(dict.fromkeys(options.columns.split(","))) if options.columns else ()
    keys = tuple(dict.fromkeys(options.key))
    asked = ParityAsked(keys, columns, defaults, options.tolerance, options.show_values, times, options.request_time, gap)
    is_file = os.path.lexists(options.online) or any(mark in options.online for mark in "*?[/.") or not context.located.exists
    if is_file:
        if options.days is not None:
            raise Problem(Exit.USAGE, "--days is for what a model logged, and this is a file")
        view = parity(options.offline, options.online, asked)
    else:
        if options.days is not None and not 0 < options.days <= 3660:
            raise Problem(Exit.USAGE, "--days is from 1 to 3660")
        view = context.lookout.parity(options.offline, options.online, asked, options.days or 30)
    recording.keep(context, options, partial(keep_parity, view=view))
    context.show(view, "parity", lambda: parity_page(view, width=WIDTH))
    bad = {"warning": {"warning", "critical"}, "critical": {"critical"}}.get(options.fail_on or "", set())
    return Exit.NO if view.state.value in bad else Exit.OK


def _replay(context: Context, options: argparse.Namespace) -> Exit:
    if options.out is None:
        raise Problem(Exit.USAGE, "--out is needed: the Parquet file that the requests are written to")
    last = 1000 if options.last is None else options.last
    if not 0 < last <= MOST_ROWS:
        raise Problem(Exit.USAGE, f"--last is from 1 to {MOST_ROWS}")
    from zoneinfo import ZoneInfo

    from console.render.replay import replay_page

    view = context.lookout.replay(options.online, last, options.out)
    zone = ZoneInfo(context.workspace.settings.display_zone)
    context.show(view, "parity-replay", lambda: replay_page(view, zone, width=WIDTH))
    return Exit.OK
