"""The demo's offline path: `python -m console.demo.rescoring WORKSPACE MODEL@VERSION REQUESTS.parquet SCORED.parquet`.

Scores logged requests again with the artifact of a version, which is loaded only when its digest is the recorded one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from backends.store.paths import WorkspacePaths
from backends.store.reader import open_reader
from console.demo.flights import INPUTS
from console.demo.served_versions import load_versions
from console.demo.story import MODELS

USAGE = 2


def rescore(root: Path, model: str, version: str, requests: Path, scored: Path) -> int:
    """Write `key`, `event_at` and `score` of each request; returns how many there were. Raises LookupError with the reason."""
    import polars as pl

    stories = [story for story in MODELS if story.name == model]
    with open_reader(WorkspacePaths(root)) as reader:
        ready = load_versions(root, reader, stories)
    found = ready.versions.get(model, {}).get(version)
    if found is None:
        raise LookupError("; ".join(ready.problems) or f"the demo has no {model}@{version}")
    rows = pl.read_parquet(requests)
    missing = [name for name in ("key", "event_at", *INPUTS) if name not in rows.columns]
    if missing:
        raise LookupError(f"{requests} has no column {missing[0]!r}; write it with: qd parity replay {model} --out NEW.parquet")
    rows.select("key", "event_at", score=pl.Series(found.score(rows))).write_parquet(scored)
    return len(rows)


def main(words: list[str]) -> int:
    """Score, and say so."""
    if len(words) != 4 or "@" not in words[1]:
        print("usage: python -m console.demo.rescoring WORKSPACE MODEL@VERSION REQUESTS.parquet SCORED.parquet", file=sys.stderr)
        return USAGE
    model, _, version = words[1].rpartition("@")
    try:
        count = rescore(Path(words[0]).resolve(), model, version, Path(words[2]), Path(words[3]))
    except LookupError as error:
        print(error, file=sys.stderr)
        return USAGE
    print(f"{count:,} requests scored by {words[1]}: {words[3]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
