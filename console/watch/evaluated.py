"""When each environment was evaluated last. Loads nothing heavy: every look at the console's own health asks for it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from backends.plain_file import read_plain
from backends.store.paths import WorkspacePaths
from console.simulation import write_atomically

MARK: Final = "evaluated.json"
"""In `store/`: when the last evaluation was, so that the next one knows what is new. Rebuildable: without it nothing is done twice."""


def last_evaluated(paths: WorkspacePaths, environment: str) -> datetime | None:
    """When an environment was last evaluated, by the workspace's time; None when that is not known."""
    try:
        raw = json.loads(read_plain(paths.store / MARK))
        return datetime.fromisoformat(raw[environment])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def mark_evaluated(paths: WorkspacePaths, environment: str, at: datetime) -> None:
    """Keep that an environment was evaluated at a moment of the workspace's time."""
    path = paths.store / MARK
    try:
        marks = json.loads(read_plain(path))
    except (OSError, ValueError):
        marks = {}
    marks = marks if isinstance(marks, dict) else {}
    write_atomically(path, json.dumps({**marks, environment: at.isoformat()}) + "\n")
