"""`quarterdeck backup create FILE` and `backup restore FILE DIR`: a workspace in one file."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from backends.text import displayable
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.cli.progress import Bar
from console.views.backup import BackupView


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
    view = BackupView(
        did="restore",
        file=str(options.file.absolute()),
        workspace=str(root),
        made_at=found.made_at,
        files=found.files,
        bytes=found.bytes,
        packed_bytes=options.file.stat().st_size,
        chain_whole=verify(WorkspacePaths(root)).whole,
    )
    context.show(view, "backup")
    if not options.json:
        print(f"restored to {displayable(str(root))}: {_size(view)}, made {found.made_at:%Y-%m-%d %H:%M} UTC, every digest is right")
        print(f"next: quarterdeck -w {displayable(str(root))} doctor")
    if not view.chain_whole:
        context.say("its journal does not verify; see: quarterdeck audit verify")
    return Exit.OK


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
