"""`quarterdeck fleet`: one row a model, worst first."""

from __future__ import annotations

import argparse

from console.cli.context import WIDTH, Context
from console.cli.exits import Exit
from console.render import figures
from console.render.fleet import fleet_page


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fail-on", choices=("warning", "critical"), help="exit with 1 when a model is at least this bad")


def run(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.fleet()
    context.show(view, "fleet", lambda: fleet_page(view, width=WIDTH, height=0, preview=False))
    if not options.json:
        zone = context.workspace.zone
        oldest = f", oldest {figures.since(view.oldest_source_at, view.at)}" if view.oldest_source_at else ""
        worst = next((row for row in view.rows if row.incidents), None)
        following = f" Next: qd incident {worst.incidents[0]}" if worst else ""
        print(f"As of {figures.full_moment(view.at, zone)}{oldest}.{following}")
    bad = {"warning": {"warning", "critical"}, "critical": {"critical"}}.get(options.fail_on or "", set())
    return Exit.NO if any(row.state.value in bad for row in view.rows) else Exit.OK
