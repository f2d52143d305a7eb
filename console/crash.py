"""Crash reports: where it happened, never what was in the variables."""

from __future__ import annotations

import os
import platform
import traceback
from datetime import datetime
from pathlib import Path

from backends.credentials import without_credentials
from backends.durable import open_anew


def write_report(folder: Path, error: BaseException, now: datetime) -> Path | None:
    """Write a report into `folder` (0600); None when it cannot be written. Frames are named by file and line, without their values."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [
        f"quarterdeck crash report, {now.isoformat(timespec='seconds')}",
        f"python {platform.python_version()}, {platform.system()} {platform.machine()}",
        f"{type(error).__name__}: {without_credentials(str(error))}",
        "",
        *(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames),
    ]
    path = folder / f"crash-{now.strftime('%Y%m%dT%H%M%S')}.txt"
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        with os.fdopen(open_anew(path, 0o600), "w", encoding="utf-8", errors="backslashreplace") as report:
            report.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path


def kept_report(root: Path, error: BaseException, now: datetime) -> Path | None:
    """The same in the workspace at `root`, or among the temporary files where there is none to write to."""
    import tempfile

    found = write_report(root / "crash", error, now) if os.access(root / "workspace.toml", os.R_OK) else None
    if found is not None:
        return found
    try:
        return write_report(Path(tempfile.mkdtemp(prefix="quarterdeck-crash-")), error, now)
    except OSError:
        return None
