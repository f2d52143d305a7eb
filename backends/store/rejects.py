"""The folder of what was refused: landing files that hold no facts, and why; of rows that were deleted only why."""

from __future__ import annotations

import errno
import json
import shutil
import uuid
from datetime import datetime
from pathlib import Path
from typing import Final

from backends.durable import make_folder
from backends.plain_file import why_unread
from backends.store.files import settle
from backends.store.landing import LandingFile
from backends.store.paths import WorkspacePaths

LONGEST_STEM: Final = 150
"""Bytes of a refused file's name that are kept in its name in `rejects/`: with what is added it stays a name of at most 255."""


def move_away(paths: WorkspacePaths, file: LandingFile, reason: str, now: datetime) -> tuple[str, str]:
    """Move a landing file to `rejects/` with the reason beside it; its name and the reason as people are told them. Raises OSError."""
    name, stem = _told(paths, file, reason, now)
    try:
        _moved(file.path, paths.rejects / f"{stem}{file.path.suffix}")
    except PermissionError as error:
        # One folder in which somebody else may not move anything takes nothing from all other facts.
        (paths.rejects / f"{stem}.reason.json").unlink(missing_ok=True)
        reason = f"{reason}; it stays where it is ({why_unread(error)}): ask the owner of the folder to let the group write there"
    return name, reason


def _moved(path: Path, target: Path) -> None:
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(path, target)


def tell_reason(paths: WorkspacePaths, file: LandingFile, reason: str, now: datetime) -> str:
    """Leave only the reason there, for rows that nobody may keep; the name of their file as people are told it. Raises OSError."""
    return _told(paths, file, reason, now)[0]


def _told(paths: WorkspacePaths, file: LandingFile, reason: str, now: datetime) -> tuple[str, str]:
    make_folder(paths.rejects)
    # The name may be of any bytes and as long as one can be; what it becomes must be a name too.
    known = file.path.stem.encode("utf-8", "backslashreplace").decode()
    stem = f"{file.table}-{known.encode()[:LONGEST_STEM].decode(errors='ignore')}-{uuid.uuid4().hex[:8]}"
    name = f"{file.table}/{known}{file.path.suffix}"
    told = {"file": name, "table": file.table, "reason": reason, "refused_at": now.isoformat()}
    temporary = paths.rejects / f".{stem}.tmp"
    temporary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    settle(temporary, paths.rejects / f"{stem}.reason.json")
    return name, stem
