"""`quarterdeck backup create FILE` and `backup restore FILE DIR`: a workspace in one file."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from backends.text import displayable
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.cli.progress import Bar
from console.views.backup import BackupView, BroughtBack

if TYPE_CHECKING:
    from backends.store.paths import WorkspacePaths


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("create", "restore"), help="create FILE, or restore FILE DIR")
    parser.add_argument("file", type=Path, metavar="FILE", help="the backup, e.g. monday.tar.gz")
    parser.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="restore: an empty or a new folder")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if context.options.as_of is not None:
        raise Problem(Exit.USAGE, "a backup is of now; leave --as-of away")
    if options.what == "create":
        if options.folder is not None:
            raise Problem(Exit.USAGE, "create takes one FILE; the workspace is chosen with --workspace")
        return _create(context, options)
    if options.folder is None:
        raise Problem(Exit.USAGE, "restore needs the backup and an empty or a new folder: quarterdeck backup restore FILE DIR")
    return _restore(context, options)


def _create(context: Context, options: argparse.Namespace) -> Exit:
    from backends.store.archive import create_archive
    from console.control.audit import verify

    paths = context.workspace.paths
    bar = Bar(options.file.name)
    try:
        made = create_archive(paths, options.file, now=context.clock.real_now(), progress=bar)
    finally:
        bar.clear()
    view = BackupView(
        did="create",
        file=str(options.file.absolute()),
        workspace=str(paths.root),
        made_at=made.made_at,
        files=made.files,
        bytes=made.bytes,
        packed_bytes=options.file.stat().st_size,
        left_out=made.left_out,
        chain_whole=verify(paths).whole,
    )
    context.show(view, "backup")
    if not options.json:
        print(f"backup of {displayable(context.workspace.settings.name)}: {_size(view)}, {displayable(view.file)}")
    if made.left_out:
        context.say(f"left out, since no regular files: {', '.join(made.left_out[:5])}")
    if not view.chain_whole:
        context.say("the journal in it does not verify; see: quarterdeck audit verify")
    return Exit.OK


def _restore(context: Context, options: argparse.Namespace) -> Exit:
    from backends.store.paths import WorkspacePaths
    from backends.store.unpacking import restore_archive
    from console.control.audit import verify

    root = options.folder.expanduser().absolute()
    bar = Bar(options.file.name)
    try:
        found = restore_archive(options.file, root, progress=bar, before_it_appears=made_usable)
    finally:
        bar.clear()
    back = _brought_back(context, WorkspacePaths(root))
    view = BackupView(
        did="restore",
        file=str(options.file.absolute()),
        workspace=str(root),
        made_at=found.made_at,
        files=found.files,
        bytes=found.bytes,
        packed_bytes=options.file.stat().st_size,
        chain_whole=verify(WorkspacePaths(root)).whole,
        brings_back=back,
    )
    context.show(view, "backup")
    if not options.json:
        print(f"restored to {displayable(str(root))}: {_size(view)}, made {found.made_at:%Y-%m-%d %H:%M} UTC, every digest is right")
        print(f"next: quarterdeck -w {displayable(str(root))} doctor")
    for each in view.brings_back:
        context.say(f"it brings back what retention deleted: {_told(each)}")
    if view.brings_back:
        _on_record(context, root, view)
        context.say(f"the rules that are in it say what is due there: quarterdeck -w {displayable(str(root))} retention")
    if not view.chain_whole:
        context.say("its journal does not verify; see: quarterdeck audit verify")
    return Exit.OK


def _brought_back(context: Context, restored: WorkspacePaths) -> tuple[BroughtBack, ...]:
    """What of it the workspace of this run has deleted since; nothing where there is no such workspace."""
    from backends.store.errors import StoreError
    from backends.store.paths import WorkspacePaths
    from console.control.audit import JournalUnavailable
    from console.views.backup import brought_back

    if not context.located.exists:
        return ()
    try:
        return brought_back(WorkspacePaths(context.located.root), restored)
    except (StoreError, JournalUnavailable) as error:
        context.say(f"whether it brings back what retention deleted cannot be told: {displayable(str(error))}")
        return ()


def _told(each: BroughtBack) -> str:
    gone = f"{each.deleted_at:%Y-%m-%d} by {each.rule}"
    return displayable(f"{each.rows:,} rows of {each.table} of {each.model} in {each.environment} before {each.before}, gone since {gone}")


def _on_record(context: Context, root: Path, view: BackupView) -> None:
    """In the journal of what was restored, which knows nothing of the deletion."""
    from console.acting import open_desk
    from console.config import WorkspaceProblem, open_workspace
    from console.control.actions import new_key
    from console.control.errors import JournalUnavailable, Refused

    told = "; ".join(_told(each) for each in view.brings_back)
    try:
        restored = open_workspace(root)
        with open_desk(restored, restored.environment, keep=False) as desk:
            desk.note_restored(f"restored from a backup of {view.made_at:%Y-%m-%d %H:%M} UTC, which brings back {told}", key=new_key())
    except (WorkspaceProblem, Refused, JournalUnavailable, ValueError) as error:
        context.say(f"that it brings them back could not be put on record there: {displayable(str(error))}")


def made_usable(root: Path) -> None:
    """Give a restored folder the rights of its kind. Raises WorkspaceProblem when this program cannot open it."""
    from console.config import PRIVATE, SHARED, WorkspaceProblem, open_workspace, workspace_folders

    group = open_workspace(root).settings.group
    for folder in workspace_folders(root):
        folder.mkdir(mode=0o700, exist_ok=True)
    for place, _, names in os.walk(root):
        try:
            for path in [Path(place), *(Path(place) / name for name in names)]:
                if group is not None:
                    shutil.chown(path, group=group)
        except (LookupError, PermissionError):
            raise WorkspaceProblem(
                f"it belongs to group {group}, of which you are none here: restore it as a member; nothing was restored"
            ) from None
        Path(place).chmod(PRIVATE if group is None else SHARED)
        for name in names:
            (Path(place) / name).chmod(0o600 if group is None else 0o660)


def _size(view: BackupView) -> str:
    return f"{view.files:,} files, {view.bytes / 2**20:,.1f} MiB in {view.packed_bytes / 2**20:,.1f}"
