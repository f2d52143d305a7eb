"""Processes that print and end: the version, and verbs that read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.benchmarks.measures import Measure, compared, interleaved
from tests.benchmarks.workspaces import PROGRAM

OPENS_THE_STORE = """
import sys
from pathlib import Path
import duckdb
from pydantic import BaseModel

root = Path(sys.argv[1]) / "store"
newest = max((root / "generations").glob("*.duckdb"), key=lambda path: int(path.stem))
connection = duckdb.connect()
connection.execute(f"ATTACH '{newest}' AS generation (READ_ONLY)")
connection.execute(f"SELECT count(*) FROM read_parquet('{root}/segments/predictions/**/*.parquet')").fetchall()
"""

READS = (
    "fleet", "model arrival-delay", "drift arrival-delay", "drift arrival-delay -f precip", "quality arrival-delay", "labels arrival-delay",
    "versions arrival-delay", "lineage arrival-delay", "changes arrival-delay", "incidents", "incident INC-2", "alerts", "approvals",
    "switches", "actions", "traffic arrival-delay", "audit log", "sources", "breakers", "playbook list", "explain psi",
)  # fmt: skip
COMPUTES = ("approvals APR-7", "contract check arrival-delay", "doctor")
"""What is computed from rows, or looks at everything, at each call: reported, and held to no budget yet."""

ROUNDS: Final = 5
"""Of the verbs that read, at most: there are many, and their CPU differs less from round to round than the time on the wall does."""


def measure(root: Path, repeats: int) -> list[Measure]:
    """Wall milliseconds of the version, and CPU milliseconds of verbs that read, of whole processes."""
    # What is kept counts only while the program's own rules are those that it was judged by, and they may be newer than the workspace.
    subprocess.run([PROGRAM, "-w", str(root), "watch", "--once"], check=True, stdout=subprocess.DEVNULL)
    version = interleaved({"pass": timed(sys.executable, "-c", "pass"), "version": timed(PROGRAM, "--version")}, repeats)
    opens = spent(sys.executable, "-c", OPENS_THE_STORE, str(root))
    verbs = {verb: spent(PROGRAM, "-w", str(root), *verb.split(), "--json") for verb in (*READS, *COMPUTES)}
    found = interleaved({"opens": opens, **verbs}, min(repeats, ROUNDS))
    against = "imports duckdb and pydantic, opens the store"
    return [
        compared("--version", version["version"], version["pass"], unit="ms", limit=3, against="python -c pass"),
        *(
            compared(f"{verb} --json", found[verb], found["opens"], unit="ms CPU", limit=2 if verb in READS else None, against=against)
            for verb in verbs
        ),
    ]


def timed(*command: str) -> Callable[[], float]:
    """Runs a command to its end; wall milliseconds."""

    def run() -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return 1000 * (time.perf_counter() - started)

    return run


def spent(*command: str) -> Callable[[], float]:
    """Runs a command to its end; milliseconds of CPU, its own and the system's for it. Exit code 1 is an answer, too."""

    def run() -> float:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in {0, 1}:
            raise subprocess.CalledProcessError(process.returncode, command)
        return 1000 * (used.ru_utime + used.ru_stime)

    return run
