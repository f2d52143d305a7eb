"""What a backup holds, or what was restored from one."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backends.records import Moment
from backends.store.catalogue import open_catalogue
from backends.store.deleted import NO_MODEL
from backends.store.deleted_file import remembered
from backends.store.paths import WorkspacePaths
from console.control.audit import same_origin
from console.views.health.model import View


class BroughtBack(View):
    """Rows of one log that retention deleted since, and that are there again where the backup was restored."""

    environment: str
    model: str
    table: str
    before: str
    """The UTC day before which they had gone, but for days that were kept."""
    rows: int
    """All versions of their facts that are there again."""
    deleted_at: Moment
    rule: str


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
    brings_back: tuple[BroughtBack, ...] = ()
    """Of a restored one: what the workspace that it is of has deleted since, where that is the one of this run."""


def brought_back(now: WorkspacePaths, restored: WorkspacePaths) -> tuple[BroughtBack, ...]:
    """What is there again in `restored` of what `now` has deleted by retention; empty where the one is no earlier state of the other.

    Raises StoreError or JournalUnavailable where either cannot be read.
    """
    if not same_origin(now, restored):
        return ()
    with open_catalogue(restored) as catalogue:
        segments = catalogue.segments(catalogue.generation())
    found = []
    for each in remembered(now):
        rows = sum(
            segment.rows
            for segment in segments
            if (segment.table, segment.model) == (each.table, each.model)
            and each.environment in {environment for environment, _ in segment.sources}
            and each.takes(segment.day)
        )
        if rows:
            found.append(
                BroughtBack(
                    environment=each.environment,
                    model=each.model or NO_MODEL,
                    table=each.table,
                    before=each.before,
                    rows=rows,
                    deleted_at=datetime.fromisoformat(each.deleted_at),
                    rule=each.rule,
                )
            )
    return tuple(found)
