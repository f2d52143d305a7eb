"""A kill switch on a disk that takes no more bytes: room is kept back for it, and for nothing else."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_workspace import MODEL, NOW, MovableClock, Workspace, confirmed, switch_to

from backends.local.acting import LocalSwitchSetter
from backends.protocol import BackendError, SwitchSetting
from backends.records import SwitchState
from backends.reserve import FOLDER, PIECE_BYTES, PIECES, keep_reserve, pieces_kept, write_by_all_means
from console.control import audit
from console.control.actions import ActionKind, ActionState

NOBODY = 65534


class Disk:
    """A small file system that can be filled to its last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = Workspace(folder / "w", MovableClock())
        self.workspace.paths.root.mkdir()

    @property
    def root(self) -> Path:
        return self.workspace.paths.root

    def fill(self, leave: int = 0) -> None:
        descriptor = os.open(self.folder / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with contextlib.suppress(OSError):
            while leave == 0 or os.statvfs(self.folder).f_bavail * 4096 > leave:
                os.write(descriptor, b"\0" * 4096)
        os.close(descriptor)

    def free(self) -> None:
        (self.folder / "ballast").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.getuid() != 0:
        pytest.skip("only root can mount a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount: {mounted.stderr.decode()}")
    found = Disk(folder)
    yield found
    found.workspace.close()
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def full(disk: Disk) -> Disk:
    """Full to its last byte, with a reserve, and one action in the journal."""
    keep_reserve(disk.root)
    mara = disk.workspace.desk()
    mara.execute(mara.plan(switch_to(ActionKind.DEGRADE)), confirmed())
    disk.fill()
    return disk


def test_it_is_set_noted_and_taken_over_once_there_is_room(full: Disk) -> None:
    mara = full.workspace.desk()
    outcome = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    assert outcome.state is ActionState.EFFECTIVE, outcome.message
    assert full.workspace.switch == "killed"
    assert outcome.gap is not None and "spool" in outcome.gap and "disk is full" in outcome.gap
    full.free()
    mara.execute(mara.plan(switch_to(ActionKind.KILL, reason="renewed")), confirmed())
    assert full.workspace.state.gap is None
    assert full.workspace.state.actions[outcome.action_id].state is ActionState.EFFECTIVE
    assert audit.verify(full.workspace.paths).whole


def test_whatever_fills_the_disk_gets_nothing_of_what_is_kept_back(full: Disk) -> None:
    """The bytes never become free in between: what is published lies where a piece of the reserve lay."""
    pieces = {(full.root / FOLDER / name).stat().st_ino for name in PIECES}
    switches = LocalSwitchSetter(full.workspace.paths.switches)
    switches.set_switch(set_to(SwitchState.KILLED), expected=SwitchState.DEGRADED)
    assert full.workspace.paths.switches.stat().st_ino in pieces
    assert pieces_kept(full.root) == len(PIECES) - 1


def test_only_a_step_towards_safety_may_use_it(full: Disk) -> None:
    switches = LocalSwitchSetter(full.workspace.paths.switches)
    with pytest.raises(BackendError, match="nothing was changed"):
        switches.set_switch(set_to(SwitchState.NORMAL), expected=SwitchState.DEGRADED)
    ada = full.workspace.desk("ada", elevated=True)
    assert ada.execute(ada.plan(switch_to(ActionKind.RESTORE)), confirmed()).state is ActionState.REFUSED
    assert pieces_kept(full.root) == len(PIECES)
    assert full.workspace.switch == "degraded"


def test_what_does_not_fit_into_a_piece_takes_the_room_of_all(full: Disk) -> None:
    switches = LocalSwitchSetter(full.workspace.paths.switches)
    full.free()
    long = "r" * 4000
    for number in range(2 * PIECE_BYTES // 4000):
        switches.set_switch(set_to(SwitchState.FALLBACK, f"model-{number}", reason=long), expected=SwitchState.NORMAL)
    full.fill()
    switches.set_switch(set_to(SwitchState.KILLED), expected=SwitchState.DEGRADED)
    assert full.workspace.switch == "killed"
    assert pieces_kept(full.root) == 0


@pytest.mark.parametrize("put", ["a link", "another name", "a pipe", "a folder"])
def test_nothing_that_was_put_in_its_place_is_written_through(full: Disk, put: str) -> None:
    victim = full.root / "victim"
    full.free()
    victim.write_bytes(b"v" * PIECE_BYTES)
    for name in PIECES:
        piece = full.root / FOLDER / name
        piece.unlink()
        if put == "a link":
            piece.symlink_to(victim)
        elif put == "another name":
            piece.hardlink_to(victim)
        elif put == "a pipe":
            os.mkfifo(piece)
        else:
            piece.mkdir()
    full.fill()
    with contextlib.suppress(BackendError):
        LocalSwitchSetter(full.workspace.paths.switches).set_switch(set_to(SwitchState.KILLED), expected=SwitchState.DEGRADED)
    assert victim.read_bytes() == b"v" * PIECE_BYTES


def test_a_link_in_place_of_the_reserve_leads_nowhere(full: Disk) -> None:
    elsewhere = full.folder / "elsewhere"
    (full.root / FOLDER).rename(elsewhere)
    (full.root / FOLDER).symlink_to(elsewhere)
    switches = LocalSwitchSetter(full.workspace.paths.switches)
    with pytest.raises(BackendError, match="No space left"):
        switches.set_switch(set_to(SwitchState.KILLED), expected=SwitchState.DEGRADED)
    assert pieces_kept(full.root) == 0
    (elsewhere / PIECES[0]).unlink()
    full.free()
    keep_reserve(full.root)
    assert not (elsewhere / PIECES[0]).exists()


@pytest.mark.parametrize(("own", "uid"), [(True, 0), (False, NOBODY)])
def test_what_must_say_who_wrote_it_belongs_to_them_whoever_made_the_reserve(full: Disk, own: bool, uid: int) -> None:
    for name in PIECES:
        os.chown(full.root / FOLDER / name, NOBODY, NOBODY)
    note = full.root / "note"
    write_by_all_means(full.root, note, b"by root", 0o600, own=own)
    assert note.read_bytes() == b"by root"
    assert note.stat().st_uid == uid


def test_it_is_made_anew_where_there_is_room_and_never_what_fills_the_disk(disk: Disk) -> None:
    disk.fill(leave=2 * PIECE_BYTES * len(PIECES))
    keep_reserve(disk.root)
    assert pieces_kept(disk.root) == 0
    disk.free()
    keep_reserve(disk.root)
    assert pieces_kept(disk.root) == len(PIECES)
    (disk.root / FOLDER / PIECES[3]).write_bytes(b"cut")
    keep_reserve(disk.root)
    assert pieces_kept(disk.root) == len(PIECES)


def set_to(state: SwitchState, model: str = MODEL, reason: str = "INC-1") -> SwitchSetting:
    return SwitchSetting("production", model, state, NOW, "mara@bastion", f"key-{model}-{state}", reason, None)
