"""A workspace of a group, used by two real users of the operating system; and one that its reader may not write."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from control_workspace import MovableClock, Workspace, confirmed, switch_to

from backends.journal.snapshot import write_snapshot
from console.control import audit
from console.control.actions import ActionKind, ActionState
from console.control.ledger import read_state
from console.policies.load import adopt, load_policies
from console.watch.outbox import put

GROUP, ONE, OTHER, STRANGER = 61234, 61235, 61236, 61237

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become two other users")


@pytest.fixture
def folder() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="qd-users-", dir="/tmp"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


def as_user(uid: int, gid: int, act: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([gid])
            os.setgid(gid)
            os.setuid(uid)
            os.umask(0o022)
            status = 0 if act() else 2
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 2}, "the act itself failed"
    return code == 0


def acts(root: Path, kind: ActionKind) -> Callable[[], bool]:
    def act() -> bool:
        desk = Workspace(root, MovableClock()).desk("ada", elevated=True)
        return desk.execute(desk.plan(switch_to(kind)), confirmed()).state is ActionState.EFFECTIVE

    return act


def test_two_members_of_the_group_act_in_turn_and_a_stranger_does_not(folder: Path) -> None:
    shared = folder / "shared"
    shared.mkdir()
    os.chown(shared, ONE, GROUP)
    shared.chmod(0o2770)
    assert as_user(ONE, GROUP, acts(shared, ActionKind.KILL))
    assert as_user(OTHER, GROUP, acts(shared, ActionKind.RESTORE))
    assert as_user(ONE, GROUP, acts(shared, ActionKind.FALLBACK))
    assert not as_user(STRANGER, STRANGER, acts(shared, ActionKind.KILL))
    workspace = Workspace(shared, MovableClock())
    assert workspace.switch == "fallback"
    assert [action.state for action in workspace.state.actions.values()] == [ActionState.EFFECTIVE] * 3
    assert audit.verify(workspace.paths).whole


def test_who_may_only_read_reads_everything_and_changes_nothing(folder: Path) -> None:
    root = folder / "readable"
    root.mkdir()
    os.chown(root, ONE, GROUP)
    root.chmod(0o755)
    assert as_user(ONE, GROUP, acts(root, ActionKind.KILL))
    for path in root.iterdir():
        path.chmod(0o644)

    def reads() -> bool:
        workspace = Workspace(root, MovableClock())
        state = read_state(workspace.paths)
        return state.problem is None and len(state.actions) == 1 and audit.verify(workspace.paths).whole

    assert as_user(STRANGER, STRANGER, reads)
    assert not as_user(STRANGER, STRANGER, acts(root, ActionKind.RESTORE))
    assert Workspace(root, MovableClock()).switch == "killed"


def kept_later(root: Path) -> None:
    """What a workspace gets only in use: the copies of good policies, a snapshot, a message that nobody could be told of yet."""
    rules = root / "policies" / "people.yaml"
    rules.parent.mkdir()
    rules.parent.chmod(0o2770)
    rules.write_text("format: 1\npeople: {ada: admin}\n")
    rules.chmod(0o660)
    adopt(rules.parent, load_policies(rules.parent))
    put(root / "spool", "told", {"alert": "late"})
    write_snapshot(root / "snapshots", 1, "0", {}, ())
    rules.write_text("gardrails: []")
    assert load_policies(rules.parent).origin == "last good"


@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_whatever_the_umask_of_one_is_the_other_may_use_what_came_later(folder: Path, umask: int) -> None:
    """The copies of good policies above all: without them a file that somebody breaks takes the policies away from everybody else."""
    # The interpreter may lie where other users cannot read: what it loads late is loaded now.
    (folder / "before").mkdir()
    kept_later(folder / "before")
    shared = folder / "shared"
    shared.mkdir()
    os.chown(shared, ONE, GROUP)
    shared.chmod(0o2770)

    def ones() -> bool:
        os.umask(umask)
        kept_later(shared)
        return acts(shared, ActionKind.KILL)()

    assert as_user(ONE, GROUP, ones)
    for path in shared.rglob("*"):
        wanted = 0o2770 if path.is_dir() else 0o660
        assert path.stat().st_mode & 0o7777 == wanted, f"{path.relative_to(shared)} is {path.stat().st_mode & 0o7777:o}"
    assert as_user(OTHER, GROUP, lambda: load_policies(shared / "policies").origin == "last good")
