"""The simulated clock of a workspace, as a small file that every process of the workspace reads. Loads nothing heavy."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Final

from backends.durable import open_anew, private_mode
from backends.plain_file import read_plain, why_unread
from backends.store.paths import WorkspacePaths
from console.clock import SimulatedClock

FASTEST: Final = 100_000
"""Simulated seconds for each real one, at most."""

EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 9000
"""Beyond these, weeks before and after cannot be reckoned with."""


class BrokenClock(Exception):
    """`clock.json` cannot be read: one line with the file and what to do."""


def read_clock(paths: WorkspacePaths) -> SimulatedClock | None:
    """The simulated clock in force, or None when nobody has set it yet. Raises BrokenClock."""
    try:
        raw = json.loads(read_plain(paths.clock_json))
        start, anchored_at = datetime.fromisoformat(raw["start"]), datetime.fromisoformat(raw["anchored_at"])
        if start.tzinfo is None or anchored_at.tzinfo is None:
            raise ValueError("a time without a zone")
        clock = SimulatedClock(start=start, anchored_at=anchored_at, speed=float(raw["speed"]))
        if not 0 <= clock.speed <= FASTEST:
            raise ValueError(f"speed {clock.speed} is not between 0 and {FASTEST:,}")
        if not EARLIEST_YEAR <= clock.now().year <= LATEST_YEAR:
            raise ValueError(f"it stands in the year {clock.now().year}")
        return clock
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, OSError, OverflowError, RecursionError) as error:
        raise BrokenClock(
            f"{paths.clock_json} is not a clock ({why_unread(error)}); delete it to return to the start of the simulation"
        ) from None


def write_clock(paths: WorkspacePaths, clock: SimulatedClock) -> None:
    """Put a simulated clock in force, atomically."""
    body = {"start": clock.start.isoformat(), "anchored_at": clock.anchored_at.isoformat(), "speed": clock.speed}
    write_atomically(paths.clock_json, json.dumps(body) + "\n")


def write_atomically(path: Path, text: str) -> None:
    """Replace a small file so that a reader, or a crash, never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with os.fdopen(open_anew(temporary, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(private_mode(path.parent))
    temporary.replace(path)
