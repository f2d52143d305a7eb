"""What a backup holds, or what was restored from one."""

from __future__ import annotations

from typing import Literal

from backends.records import Moment
from console.views.health.model import View


class BackupView(View):
    """One backup that was made or restored."""

    did: Literal["create", "restore"]
    file: str
    workspace: str
    """The folder that was copied, or made."""
    made_at: Moment
    """When the backup was made."""
    files: int
    bytes: int
    """Of all files, before packing."""
    packed_bytes: int
    left_out: tuple[str, ...] = ()
    """Links and other things of the workspace that are no regular files."""
    chain_whole: bool
    """Whether the journal in it verifies."""
