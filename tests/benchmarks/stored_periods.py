"""Two periods of stored days compared, in a process of its own: CPU from the question to the last distance, imports left out."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from backends.profile.profile import merge_profiles
from backends.profile.reference import reference_specs
from backends.profile.sql import engine_of, profile_columns
from backends.profile.stored import keep_days, specs_digest, stored_days
from backends.profile.windows import WindowProfile
from console.analysis.drift import compare

TIMES = 7


def main(files: Sequence[str]) -> int:
    """Keep the days of each file, then print the milliseconds that comparing all of one with all of the other takes, the least of some."""
    connection = duckdb.connect()

    def run(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return connection.execute(sql, list(parameters)).fetchall()

    # Both tables begin on one day: those of the second are taken for days long after.
    apart = [f'"at" + INTERVAL ({place * 400}) DAY' for place in range(len(files))]
    relations = [f"""(SELECT * REPLACE ({moved} AS "at") FROM '{file}')""" for moved, file in zip(apart, files, strict=True)]
    specs = reference_specs(run, relations[0])
    digest, sides = specs_digest(specs), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profiles.sqlite"
        for relation in relations:
            found = profile_columns(run, relation, specs, by=["""strftime("at", '%Y-%m-%d')"""])
            days = {date.fromisoformat(str(key[0])): columns for key, columns in found.items()}
            kept = {day: [WindowProfile(((day, "1"),), (engine_of(run),), ("",), columns)] for day, columns in days.items()}
            sides.append(dict.fromkeys(kept, "segments"))
            keep_days(path, "production", "model", digest, kept, sides[-1])
        spent = []
        for _ in range(TIMES):
            begun = time.process_time()
            # As a look does it: the days of both periods in one reading.
            read = stored_days(path, "production", "model", digest, {**sides[0], **sides[1]})
            before, now = ({day: read[day] for day in side} for side in sides)
            for place in range(len(specs)):
                added = [merge_profiles(window.columns[place] for windows in side.values() for window in windows) for side in (before, now)]
                assert added[0] is not None and added[1] is not None
                compare(added[0], added[1])
            spent.append((time.process_time() - begun) * 1000)
    print(f"{min(spent):.1f} {len(specs)} {len(sides[0])} {len(sides[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
