"""Steps towards safety on a disk that takes no more bytes: room is kept back for them, and for nothing else."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from control_workspace import MODEL, NOW, MovableClock, Workspace, confirmed, rollback, switch_to
from rollouts import abort, begun, done, published, shift

from backends.local.acting import LocalAliasSetter, LocalSwitchSetter, LocalTrafficSetter
from backends.protocol import BackendError, SwitchSetting
from backends.records import SwitchState
from backends.reserve import FOLDER, PIECE_BYTES, PIECES, keep_reserve, pieces_kept, write_by_all_means
from console.control import audit
from console.control.actions import ActionKind, ActionState
from console.control.rollout import RolloutMove

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


@pytest.fixture
def serving(disk: Disk) -> Disk:
    """The second version serves, and there is room kept back."""
    keep_reserve(disk.root)
    disk.workspace.promote("1")
    disk.workspace.promote("2")
    return disk


def test_a_rollback_is_done_on_a_full_disk_and_the_way_forward_is_not(serving: Disk) -> None:
    serving.fill()
    mara = serving.workspace.desk()
    outcome = mara.execute(mara.plan(rollback()), confirmed())
    assert outcome.state is ActionState.EFFECTIVE, outcome.message
    assert serving.workspace.version == "1"
    serving.fill()
    kept = pieces_kept(serving.root)
    registry = LocalAliasSetter(serving.workspace.paths.registry)
    with pytest.raises(BackendError, match="nothing was changed"):
        registry.set_alias("production", MODEL, "production", "2", expected="1", key="forward", actor="ines", now=NOW)
    assert serving.workspace.version == "1"
    assert pieces_kept(serving.root) == kept
    serving.free()
    mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    assert serving.workspace.state.actions[outcome.action_id].state is ActionState.EFFECTIVE
    assert audit.verify(serving.workspace.paths).whole


@pytest.mark.parametrize("less", ["end", "pause", "a smaller share"])
def test_a_rollout_is_kept_back_on_a_full_disk(serving: Disk, less: str) -> None:
    begun(serving.workspace, shift(RolloutMove.CANARY, "3", steps=(0.05, 0.25)))
    done(serving.workspace, shift(RolloutMove.STEP))
    serving.fill()
    request = {"end": abort(), "pause": shift(RolloutMove.PAUSE), "a smaller share": shift(RolloutMove.SHARE, share=0.01)}[less]
    mara = serving.workspace.desk()
    outcome = mara.execute(mara.plan(request), confirmed())
    assert outcome.state is ActionState.EFFECTIVE, outcome.message
    rollout = published(serving.workspace)
    assert rollout is not None
    assert (rollout.running, rollout.paused, rollout.share) == {
        "end": (False, False, 0.0),
        "pause": (True, True, 0.25),
        "a smaller share": (True, False, 0.01),
    }[less]


@pytest.mark.parametrize("more", ["a larger share", "a resumption", "another candidate"])
def test_nothing_more_is_let_in_with_what_is_kept_back(serving: Disk, more: str) -> None:
    begun(serving.workspace, shift(RolloutMove.CANARY, "3", steps=(0.05, 0.25)))
    done(serving.workspace, shift(RolloutMove.PAUSE))
    before = published(serving.workspace)
    assert before is not None
    serving.fill()
    after = {
        "a larger share": replace(before, weights={"2": 0.75, "3": 0.25}, step=2, key="more"),
        "a resumption": replace(before, paused=False, key="more"),
        "another candidate": replace(before, candidate="4", weights={"2": 0.95, "4": 0.05}, key="more"),
    }[more]
    with pytest.raises(BackendError, match="nothing was changed"):
        LocalTrafficSetter(serving.workspace.paths.traffic).set_traffic(after, expected=before.value)
    assert published(serving.workspace) == before
    assert pieces_kept(serving.root) == len(PIECES)


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


def test_in_a_group_a_note_takes_the_room_of_its_writer_and_sets_none_free(disk: Disk) -> None:
    """The pieces that somebody else made cannot be given the writer's name: each member has some of their own."""
    disk.root.chmod(0o2770)
    keep_reserve(disk.root)
    folder = disk.root / FOLDER
    for name in PIECES:
        os.chown(folder / name, NOBODY, NOBODY)
    own = {path.stat().st_ino for path in folder.iterdir() if path.name not in PIECES}
    disk.fill()
    note = disk.root / "note"
    write_by_all_means(disk.root, note, b"by root", 0o640, own=True)
    status = note.stat()
    assert status.st_ino in own
    assert (status.st_uid, status.st_mode & 0o777) == (os.geteuid(), 0o640)
    assert pieces_kept(disk.root) == len(PIECES)


def test_what_everybody_reads_can_be_read_by_the_group_whoever_gave_the_room(disk: Disk) -> None:
    disk.root.chmod(0o2770)
    keep_reserve(disk.root)
    for name in PIECES:
        (disk.root / FOLDER / name).unlink()
    disk.fill()
    published = disk.root / "published"
    write_by_all_means(disk.root, published, b"{}", 0o660)
    assert published.stat().st_mode & 0o777 == 0o660


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
