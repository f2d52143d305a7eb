"""Who could have written a file that decides what is done: policies, playbooks, contracts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from backends.yaml_text import YamlProblem


def open_to_others(path: Path, folder: Path) -> YamlProblem | None:
    """Why somebody could have written it who should not; None where only its owner, or the workspace's group, can."""
    try:
        found, around = path.stat(), folder.stat()
    except OSError:
        # A link that leads nowhere or in a circle: reading it says so.
        return None
    mode, shared = stat.S_IMODE(found.st_mode), bool(around.st_mode & stat.S_ISGID)
    reason: str | None = None
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        reason = f"anybody on this machine may write it ({mode:04o}): chmod o-w"
    elif mode & stat.S_IWGRP and not shared and around.st_mode & stat.S_IXGRP:
        reason = f"a whole group may write it ({mode:04o}), and this workspace is of one person: chmod g-w"
    elif not shared and found.st_uid not in {0, os.geteuid(), around.st_uid}:
        reason = f"it belongs to somebody else (uid {found.st_uid}): chown it, after reading it"
    return None if reason is None else YamlProblem(str(path), 0, 0, reason)
