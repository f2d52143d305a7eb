"""`summary.json`: what the first frame shows, replaced in one step. Loads nothing heavy."""

from __future__ import annotations

import json
import os
from typing import Any

from backends.durable import make_folder, open_anew
from backends.plain_file import read_plain
from backends.store.files import flush_folder, said
from backends.store.paths import WorkspacePaths


def read_summary(paths: WorkspacePaths) -> dict[str, Any] | None:
    """The last summary that was written, or None when there is none, or none that can be read: the first frame then waits."""
    try:
        content = json.loads(read_plain(paths.summary))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_summary(paths: WorkspacePaths, summary: dict[str, Any]) -> None:
    """Replace the summary; a reader sees the old one or the new one. Raises StoreError; then the old one is still there."""
    temporary = paths.summary.with_name(f".{paths.summary.name}.{os.getpid()}.tmp")
    content = json.dumps(summary, ensure_ascii=False, allow_nan=False)
    try:
        make_folder(paths.store)
        with os.fdopen(open_anew(temporary, 0o600), "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(paths.store.stat().st_mode & 0o666)
        temporary.replace(paths.summary)
        flush_folder(paths.store)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise said(error, paths.summary) from None
