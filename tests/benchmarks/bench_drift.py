"""`make bench-drift`: comparing two files, beside the engine's own scan of them and beside other programs; writes docs/measurements.md."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.drift_data import tables
from tests.benchmarks.drift_peers import PEERS, python_of
from tests.benchmarks.workspaces import FOLDER, PROGRAM, ROOT

PAGE = ROOT / "docs" / "measurements.md"

SCAN = """
import sys
import duckdb
connection = duckdb.connect()
for path in sys.argv[1:3]:
    columns = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    wanted = [f'sum("{name}")' for name, kind, *_ in columns if kind == "DOUBLE"]
    wanted += [f'{each}("{name}")' for name, *_ in columns for each in ("min", "max")]
    connection.execute(f"SELECT {', '.join(wanted)} FROM read_parquet('{path}')").fetchall()
"""

METHOD = """# Measurements of `compare`

`make bench-drift` writes this page; `make bench-drift ROWS=10000000` measures longer tables. Whole processes from cold, imports and reading
included; the programs take turns, and figures are medians. CPU seconds are compared, since they bear a busy machine better than the
clock does. The scan is what the engine itself needs to sum the numbers and to find the least and the greatest of every column of both
files: nothing that reads these files can be faster.

The tables have 12 numeric columns (normal, lognormal, Student's t, zero-inflated, Poisson, uniform; values missing in 4), 6
categorical ones of 3 to 5,000 values, a truth value and a time, compressed by snappy.

Budgets, in times the scan: `compare` 3.5 and 512 MiB at a million rows, 10 and 1 GiB at ten million; `--profile` 2, and 350 MiB at any
length.

What `--profile` gives up: its deciles are those of a sample. Where a decile falls on the border of a value that many rows share, as in
the column `zeros`, the bins and so the PSI differ from the exact ones; KS and Wasserstein stay inside the bounds it prints, which are
wide where one value holds much of a column. Evidently judges what this does not: embeddings and text, and it draws reports for a browser.

"""


@dataclass(frozen=True, slots=True)
class Spent:
    """One run of a process."""

    wall: float
    cpu: float
    mebibytes: float


def run(command: Sequence[str]) -> Spent:
    """Run a process to its end. Raises RuntimeError when it fails."""
    started = time.perf_counter()
    with Path(os.devnull).open("w") as nowhere:
        actions = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1), (os.POSIX_SPAWN_DUP2, nowhere.fileno(), 2)]
        child = os.posix_spawn(command[0], list(command), os.environ, file_actions=actions)
        _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return Spent(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def measured(rows: int, rounds: int, peers: bool) -> list[str]:
    """The lines of one table."""
    reference, current = map(str, tables(FOLDER / "drift", rows))
    ours = [PROGRAM, "compare", reference, current, "--json"]
    cases = {
        "the engine's scan": [sys.executable, "-c", SCAN, reference, current],
        "compare": ours,
        "compare --profile": [*ours, "--profile"],
    }
    skipped = []
    for peer in PEERS if peers else ():
        python = python_of(peer, FOLDER / "peers")
        if isinstance(python, str):
            skipped.append(f"{peer.name} was not measured: it could not be installed ({python}).")
        else:
            cases[peer.name] = [str(python), "-c", peer.script, reference, current]
    load = os.getloadavg()[0]
    found: dict[str, list[Spent]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, command in cases.items():
            print(f"{name}: {number} of {rounds}", file=sys.stderr, flush=True)
            spent = run(command)
            if number:
                found[name].append(spent)
    scan = statistics.median(each.cpu for each in found["the engine's scan"])
    how = f"Median of {rounds}" if rounds > 1 else "One run"
    lines = [f"## {rows:,} rows", "", f"{how}; {os.cpu_count()} processors, load {load:.0f} before the first one."]
    lines += ["", "| program | CPU s | wall s | peak MiB | CPU, times the scan |", "| --- | --- | --- | --- | --- |"]
    for name, spent in found.items():
        cpu, wall, peak = (statistics.median(getattr(each, what) for each in spent) for what in ("cpu", "wall", "mebibytes"))
        lines.append(f"| {name} | {cpu:.2f} | {wall:.2f} | {peak:.0f} | {cpu / scan:.2f} |")
    return [*lines, "", periods(reference, current), "", *skipped, *([""] if skipped else [])]


def periods(reference: str, current: str) -> str:
    """What comparing two periods of stored days costs, the days of one table with those of the other."""
    command = [sys.executable, "-m", "tests.benchmarks.stored_periods", reference, current]
    spent, columns, before, now = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[-4:]
    return f"Two stored periods of {before} and {now} days, {columns} columns, compared without their rows: {spent} ms of CPU (budget 50)."


def main() -> int:
    """Measure, print, and keep the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_drift", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    text = "\n".join(line for rows in options.rows for line in measured(rows, options.rounds, not options.no_peers and rows <= 1_000_000))
    print(text)
    if not options.no_write:
        PAGE.write_text(METHOD + text.rstrip() + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
