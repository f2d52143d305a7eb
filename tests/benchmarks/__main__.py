"""`make bench`: every budget beside its reference, measured in one run; writes docs/benchmarks.md with `--write`."""

from __future__ import annotations

import argparse
import sys

from tests.benchmarks import bench_action, bench_console, bench_journal, bench_kill, bench_processes, report
from tests.benchmarks.measures import Measure, table
from tests.benchmarks.workspaces import demo


def main() -> int:
    """Measure, print, and say by the exit code whether a budget was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="rounds of every process and start")
    parser.add_argument("--presses", type=int, default=60, help="presses of every key")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md as it is")
    options = parser.parse_args()
    root = demo()
    measures: list[Measure] = []
    for said, part in (
        ("processes", lambda: bench_processes.measure(root, options.repeats)),
        ("start of the console", lambda: bench_console.start(root, options.repeats)),
        ("keys", lambda: bench_console.keys(root, options.presses)),
        ("idle and memory", lambda: bench_console.idle_and_memory(root)),
        ("one action", action),
        ("a long journal, and four processes at once", bench_journal.measure),
        ("the kill switch on a busy machine", lambda: bench_kill.measure(root, options.presses // 2)),
    ):
        print(f"measuring {said} ...", file=sys.stderr, flush=True)
        measures += part()
    print(table(measures))
    if not options.no_write:
        report.write(measures)
    return 1 if any(measure.verdict == "over" for measure in measures) else 0


def action() -> list[Measure]:
    """One full local action, plan to effective."""
    found = bench_action.measure()
    return [
        Measure("one action, plan to effective, median", found["desk_p50"], "ms", 2.5, found["script_p50"], "the same commits and flushes"),
        Measure("one action, plan to effective, 95th percentile", found["desk_p95"], "ms", 20.0),
    ]


if __name__ == "__main__":
    sys.exit(main())
