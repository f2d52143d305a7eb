"""Two tables that differ in known ways, with fixed seeds: 12 numeric columns, 6 categorical ones, a truth value and a time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

CHUNK = 1_000_000
MISSING = {"normal_same": 0.02, "lognormal_mu": 0.05, "t2_scale": 0.1, "uniform": 0.3}
CARDINALITIES = (3, 10, 50, 200, 1000, 5000)


def numeric(random: np.random.Generator, n: int, later: bool) -> dict[str, Any]:
    """What is called `same` is drawn alike on both sides; the rest moves."""
    return {
        "normal_same": random.normal(size=n),
        "normal_mean": random.normal(size=n) + (0.2 if later else 0.0),
        "normal_scale": random.normal(size=n) * (1.3 if later else 1.0),
        "lognormal_same": random.lognormal(3, 1, n),
        "lognormal_mu": random.lognormal(3.15 if later else 3.0, 1, n),
        "t2_same": random.standard_t(2, n),
        "t2_scale": random.standard_t(2, n) * (1.5 if later else 1.0),
        "zeros": np.where(random.random(n) < (0.6 if later else 0.7), 0.0, random.exponential(5, n)),
        "zeros_same": np.where(random.random(n) < 0.95, 0.0, random.exponential(5, n)),
        "poisson": random.poisson(8.5 if later else 8.0, n).astype(np.float64),
        "poisson_same": random.poisson(200, n).astype(np.float64),
        "uniform": random.random(n),
    }


def zipf(random: np.random.Generator, n: int, values: int, exponent: float) -> Any:
    """Numbers of categories whose shares fall with their rank."""
    shares = np.arange(1, values + 1) ** -exponent
    return np.minimum(np.searchsorted(np.cumsum(shares / shares.sum()), random.random(n)), values - 1).astype(np.int32)


def write_table(path: Path, rows: int, *, later: bool) -> None:
    """Write one table as Parquet compressed by snappy."""
    random = np.random.default_rng(2 if later else 1)
    connection = duckdb.connect()
    for start in range(0, rows, CHUNK):
        n = min(CHUNK, rows - start)
        numbers = numeric(random, n, later)
        chunk: dict[str, Any] = {**numbers, **{f"gone_{name}": random.random(n) < share for name, share in MISSING.items()}}
        for values in CARDINALITIES:
            chunk[f"number_{values}"] = zipf(random, n, values, 1.0 if later and values in {10, 5000} else 1.05)
        chunk["flag"] = random.random(n) < (0.32 if later else 0.3)
        chunk["second"] = np.arange(start, start + n, dtype=np.int64)
        connection.register("chunk", chunk)
        columns = [f"CASE WHEN gone_{name} THEN NULL ELSE {name} END AS {name}" if name in MISSING else name for name in numbers]
        columns += [f"'value-' || lpad(number_{values}::VARCHAR, 4, '0') AS cat_{values}" for values in CARDINALITIES]
        columns += ["flag", "TIMESTAMP '2026-01-01' + to_seconds(second) AS at"]
        connection.execute(f"{'INSERT INTO t' if start else 'CREATE TABLE t AS'} SELECT {', '.join(columns)} FROM chunk")
        connection.unregister("chunk")
    beside = path.with_suffix(".tmp")
    connection.execute(f"COPY t TO '{beside}' (FORMAT parquet, COMPRESSION snappy)")
    beside.replace(path)


def tables(folder: Path, rows: int) -> tuple[Path, Path]:
    """Both tables, written unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / f"reference-{rows}.parquet", folder / f"current-{rows}.parquet"
    for path, later in zip(found, (False, True), strict=True):
        if not path.exists():
            print(f"writing {path.name} ...", file=sys.stderr, flush=True)
            write_table(path, rows, later=later)
    return found
