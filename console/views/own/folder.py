"""The workspace's folder: rights, file system, room on the disk, its clock, and reports of crashes."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from backends.filesystems import filesystem_of, over_a_network
from backends.records import State
from backends.reserve import PIECE_BYTES, PIECES, pieces_kept
from backends.store.paths import WorkspacePaths
from console.config import FORMAT, PRIVATE, SHARED, WorkspaceProblem
from console.demo.built import again, is_built, under_other_policies
from console.render import figures
from console.views.own.finding import Check, Finding, Looked, finding, many

FULL: Final = 100 * 2**20
NEARLY_FULL: Final = 2**30
"""Bytes left on the disk: below the first nothing can be relied on, below the second it is time to look."""

PUBLISHED: Final = ("registry.json", "switches.json", "traffic.json", "pipelines.json")
CONTROL_FILES: Final = ("control.sqlite", "audit-head", *PUBLISHED, "workspace.toml", "store/catalog.sqlite")
BEHIND: Final = timedelta(minutes=1)


def workspace_settings(looked: Looked) -> Iterator[Finding]:
    settings = looked.workspace.settings
    what = f"{settings.name}, format {settings.format} (this program writes {FORMAT}), {', '.join(settings.environments)}"
    yield finding("workspace.settings", State.OK, what)


def workspace_demo(looked: Looked) -> Iterator[Finding]:
    """Of a demo: whether what waits in it can still be signed."""
    root = looked.workspace.paths.root
    if not is_built(root):
        return
    if under_other_policies(root):
        what = "this demo was built under other policies, by an older program or before they were edited: its requests are void"
        yield finding("workspace.demo", State.WARNING, what, again(root))
    else:
        yield finding("workspace.demo", State.OK, "a demo on recorded flights, built under the policies in force")


def workspace_rights(looked: Looked) -> Iterator[Finding]:
    """0700 and 0600 for one person, setgid 2770 and 0660 for a group; nobody else, ever."""
    paths, group = looked.workspace.paths, looked.workspace.settings.group
    status = paths.root.stat()
    mode = stat.S_IMODE(status.st_mode)
    wanted = PRIVATE if group is None else SHARED
    found: list[Finding] = []
    repair = f"chmod {wanted:04o} {paths.root}"
    if mode & 0o007:
        what = f"{paths.root} is open to everybody on this machine ({mode:04o})"
        found.append(finding("workspace.rights", State.CRITICAL, what, repair))
    elif group is None and mode & 0o070:
        what = f"{paths.root} is personal, but open to group {_group_name(status.st_gid)} ({mode:04o})"
        found.append(finding("workspace.rights", State.WARNING, what, repair))
    elif group is not None and mode & 0o2770 != SHARED:
        what = f"{paths.root} is of group {group}, but its mode is {mode:04o}: files of one member are closed to the others"
        found.append(finding("workspace.rights", State.WARNING, what, repair))
    if group is None and status.st_uid != os.geteuid():
        what = f"{paths.root} is personal, and of uid {status.st_uid}, who may change everything in it, the rules and the journal too"
        found.append(finding("workspace.owner", State.WARNING, what, "act in a workspace of your own, or make one for a group"))
    if group is not None and _group_name(status.st_gid) != group:
        what = f"{paths.root} belongs to group {_group_name(status.st_gid)}, workspace.toml says {group}"
        found.append(finding("workspace.group", State.WARNING, what, f"chgrp -R {group} {paths.root}"))
    # Behind a closed folder the mode of a file matters to nobody.
    files = list(_wrong_files(paths, group)) if found or group is not None else []
    if files:
        what = f"rights of {', '.join(files[:3])}{' and others' if len(files) > 3 else ''} are not {0o600 if group is None else 0o660:04o}"
        state = State.CRITICAL if mode & 0o007 and group is None else State.WARNING
        found.append(finding("workspace.files", state, what, f"chmod {'go=' if group is None else 'ug+rw,o='} the files in {paths.root}"))
    if not os.access(paths.root, os.W_OK | os.X_OK):
        found.append(
            finding("workspace.access", State.WARNING, "you may only look here: nothing can be recorded or taken in", "ask its owner")
        )
    kind = "personal" if group is None else f"of group {group}"
    yield from found or [finding("workspace.rights", State.OK, f"{paths.root} is {kind}, {mode:04o}")]


def workspace_filesystem(looked: Looked) -> Iterator[Finding]:
    kind = filesystem_of(looked.workspace.paths.root)
    if kind is None:
        yield finding("workspace.filesystem", State.UNKNOWN, "this system does not say what kind of file system it lies on")
    elif over_a_network(kind):
        what = f"it lies on {kind}, a network file system: SQLite's locks cannot be relied on, and the journal may be damaged"
        to_do = "quarterdeck backup create, restore it to a local disk, and work with that; other machines come over SSH"
        yield finding("workspace.filesystem", State.CRITICAL, what, to_do)
    else:
        yield finding("workspace.filesystem", State.OK, f"on {kind}, a local file system")


def disk_room(looked: Looked) -> Iterator[Finding]:
    usage = shutil.disk_usage(looked.workspace.paths.root)
    what = f"{usage.free / 2**30:,.1f} GiB free of {usage.total / 2**30:,.1f}"
    if usage.free < FULL:
        yield finding("disk.room", State.CRITICAL, f"{what}: what people do may no longer be recorded", "free some space now")
    elif usage.free < NEARLY_FULL:
        yield finding("disk.room", State.WARNING, what, "free some space; a compaction needs about as much as it merges")
    else:
        yield finding("disk.room", State.OK, what)


def disk_reserve(looked: Looked) -> Iterator[Finding]:
    """Room that is kept back, so that a kill switch can be set on a full disk."""
    kept = pieces_kept(looked.workspace.paths.root)
    size = f"{kept * PIECE_BYTES / 2**10:,.0f} of {len(PIECES) * PIECE_BYTES / 2**10:,.0f} KiB are kept back"
    if kept == len(PIECES):
        yield finding("disk.reserve", State.OK, f"{size}: a kill switch can be set on a full disk")
    else:
        what = f"{size} for a kill switch on a full disk" + ("" if kept else ": one may fail there")
        yield finding(
            "disk.reserve", State.WARNING, what, "quarterdeck watch --once makes it anew, and so does whoever acts, once there is room"
        )


def clock_kind(looked: Looked) -> Iterator[Finding]:
    try:
        clock = looked.workspace.clock()
    except WorkspaceProblem as problem:
        what, _, to_do = str(problem).rpartition("; ")
        yield finding("clock.kind", State.CRITICAL, what, to_do)
        return
    if clock.kind == "sim":
        speed = getattr(clock, "speed", 0.0)
        goes = "standing still" if not speed else f"{speed:g} times as fast as life"
        shown = figures.full_moment(clock.now(), looked.workspace.zone)
        yield finding("clock.kind", State.OK, f"simulated, {shown}, {goes}; actions are recorded with both times")
        return
    newest = _newest_write(looked.workspace.paths)
    if newest is not None and newest - looked.real_now > BEHIND:
        what = f"the clock of this machine is behind: something here was written {figures.age(newest - looked.real_now)} in its future"
        yield finding("clock.kind", State.WARNING, what, "set the clock (timedatectl); what was recorded stays in its order")
    else:
        yield finding("clock.kind", State.OK, f"real time; drawn in {looked.workspace.settings.display_zone}")


def faults_reported(looked: Looked) -> Iterator[Finding]:
    folder = looked.workspace.paths.crash
    reports = sorted(folder.glob("crash-*.txt")) if folder.is_dir() else []
    if reports:
        what = f"{many(len(reports), 'crash report')}, the newest {reports[-1].name}"
        yield finding("faults.reports", State.WARNING, what, f"read it (it holds no values), pass it on, then delete it: {reports[-1]}")
    else:
        yield finding("faults.reports", State.OK, "no crash was reported")


def _wrong_files(paths: WorkspacePaths, group: str | None) -> Iterator[str]:
    for name in CONTROL_FILES:
        for suffix in ("", "-wal", "-shm") if name.endswith(".sqlite") else ("",):
            try:
                mode = stat.S_IMODE((paths.root / (name + suffix)).stat().st_mode)
            except OSError:
                continue
            if mode & 0o007 or (group is None and mode & 0o070) or (group is not None and mode & 0o060 != 0o060):
                yield name + suffix


def _group_name(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _newest_write(paths: WorkspacePaths) -> datetime | None:
    times = []
    for path in (
        paths.control,
        Path(f"{paths.control}-wal"),
        paths.audit_head,
        paths.registry,
        paths.switches,
        paths.traffic,
        paths.pipelines,
        paths.summary,
    ):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return datetime.fromtimestamp(max(times), UTC) if times else None


CHECKS: tuple[Check, ...] = (
    workspace_settings, workspace_demo, workspace_rights, workspace_filesystem, disk_room, disk_reserve, clock_kind,
    faults_reported,
)  # fmt: skip
