"""Processes that print and end: the version, and verbs that read."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

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

VERBS = (("fleet",), ("model", "arrival-delay"), ("drift", "arrival-delay"))


def measure(root: Path, repeats: int) -> list[Measure]:
    """Wall milliseconds of whole processes."""
    cases = {
        "pass": timed(sys.executable, "-c", "pass"),
        "version": timed(PROGRAM, "--version"),
        "opens": timed(sys.executable, "-c", OPENS_THE_STORE, str(root)),
        **{verb[0]: timed(PROGRAM, "-w", str(root), *verb, "--json") for verb in VERBS},
    }
    found = interleaved(cases, repeats)
    measures = [compared("--version", found["version"], found["pass"], unit="ms", limit=3, against="python -c pass")]
    for verb in VERBS:
        name = f"{' '.join(verb)} --json"
        measures.append(
            compared(name, found[verb[0]], found["opens"], unit="ms", limit=2, against="imports duckdb and pydantic, opens the store")
        )
    return measures


def timed(*command: str) -> Callable[[], float]:
    """Runs a command to its end; wall milliseconds."""

    def run() -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return 1000 * (time.perf_counter() - started)

    return run
