"""When the journal cannot be written, only a step towards safety goes on, it is noted elsewhere first, and the gap shows."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_workspace import MODEL, MovableClock, Workspace, confirmed, promotion, rollback, switch_to

from console.control import audit
from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation


@pytest.fixture(params=["a folder in its place", "damaged", "locked", "newer", "swallowing"])
def unwritable(request: pytest.FixtureRequest, workspace: Workspace) -> Iterator[Workspace]:
    """The workspace while its journal cannot be written, in one of several ways."""
    path, kept = workspace.paths.control, workspace.paths.root / "kept.sqlite"
    holder: sqlite3.Connection | None = None
    if request.param == "locked":
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
    else:
        path.rename(kept)
        if request.param == "a folder in its place":
            path.mkdir()
        elif request.param == "damaged":
            path.write_bytes(b"SQLite format 3\x00" + b"\x00" * 4000)
        else:
            shutil.copy(kept, path)
            changed = sqlite3.connect(path)
            swallow = "CREATE TRIGGER swallow BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END"
            changed.execute("PRAGMA user_version=99" if request.param == "newer" else swallow)
            changed.close()
    workspace.mend = lambda: mend(workspace, holder, kept)  # type: ignore[attr-defined]
    yield workspace


def mend(workspace: Workspace, holder: sqlite3.Connection | None, kept: Path) -> None:
    if holder is not None:
        holder.execute("ROLLBACK")
        holder.close()
        return
    path = workspace.paths.control
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    for leftover in workspace.paths.root.glob("control.sqlite-*"):
        leftover.unlink()
    kept.rename(path)


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    from backends.journal.journal import Journal

    real = Journal.__init__

    def impatient(self: Journal, *args: object, **named: object) -> None:
        real(self, *args, **{"busy_seconds": 0.05, **named})  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "__init__", impatient)


def test_a_safer_action_is_noted_in_the_spool_shows_as_a_gap_and_is_taken_over(unwritable: Workspace) -> None:
    mara = unwritable.desk()
    plan = mara.plan(switch_to(ActionKind.KILL))
    assert plan.allowed
    outcome = mara.execute(plan, confirmed())
    assert outcome.state is ActionState.EFFECTIVE and outcome.gap is not None and "spool" in outcome.gap
    assert unwritable.switch == "killed"
    state = unwritable.state
    assert state.gap is not None and state.gap.entries == 2
    assert state.actions[outcome.action_id].state is ActionState.EFFECTIVE and state.actions[outcome.action_id].spooled
    assert audit.verify(unwritable.paths).gap_entries == 2
    again = mara.execute(plan, confirmed())
    assert again.repeated and again.state is ActionState.EFFECTIVE

    unwritable.mend()  # type: ignore[attr-defined]
    mara.execute(mara.plan(ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="disk is back")), Confirmation())
    after = unwritable.state
    assert after.gap is None and len(after.late) == 2 and after.problem is None
    assert after.actions[outcome.action_id].state is ActionState.EFFECTIVE
    entries = audit.log(unwritable.paths)
    assert [entry.result for entry in entries][:4] == ["done", "gap", "effective", "written first"]
    assert entries[2].spooled and entries[3].spooled
    assert audit.verify(unwritable.paths).whole
    assert not any(unwritable.paths.spool.iterdir())


def test_a_rollback_is_a_safer_action_too(unwritable: Workspace) -> None:
    mara = unwritable.desk()
    assert mara.execute(mara.plan(rollback()), confirmed()).state is ActionState.EFFECTIVE
    assert unwritable.version == "1"


def test_anything_else_is_refused_with_the_reason(unwritable: Workspace) -> None:
    ada = unwritable.desk("ada", elevated=True)
    for request in (
        promotion("3"),
        switch_to(ActionKind.RESTORE),
        ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="x"),
        ActionRequest(kind=ActionKind.TAKE, model=MODEL, subject="INC-1"),
    ):
        outcome = ada.execute(ada.plan(request), confirmed())
        assert outcome.state is ActionState.REFUSED and outcome.exit_code == 3
    assert unwritable.version == "2" and unwritable.switch == "normal"
    assert not unwritable.paths.spool.exists()


def test_the_way_back_stays_closed_while_it_cannot_be_recorded(unwritable: Workspace) -> None:
    ada = unwritable.desk("ada", elevated=True)
    ada.execute(ada.plan(switch_to(ActionKind.KILL)), confirmed())
    back = ada.execute(ada.plan(switch_to(ActionKind.RESTORE)), confirmed())
    assert back.state is ActionState.REFUSED and "recorded" in back.message
    assert unwritable.switch == "killed"


def test_the_state_is_readable_and_says_why_it_is_not_whole(unwritable: Workspace, request: pytest.FixtureRequest) -> None:
    state = unwritable.state
    if "locked" in request.node.name:
        assert state.problem is None and len(state.actions) == 2
    else:
        assert state.problem is not None and "control.sqlite" in state.problem


def test_a_kill_switch_needs_nothing_but_its_own_folder(tmp_path: Path) -> None:
    """No store, no registry, no landing, no policies: an empty folder will do."""
    root = tmp_path / "bare"
    root.mkdir()
    bare = Workspace(root, MovableClock())
    mara = bare.desk()
    assert mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
    assert bare.switch == "killed"
    bare.close()


def test_a_kill_switch_does_not_care_about_a_broken_store_or_registry(workspace: Workspace) -> None:
    workspace.paths.store.write_text("not a folder")
    workspace.paths.registry.write_text("{ broken")
    mara = workspace.desk()
    assert mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
    plan = mara.plan(rollback())
    assert not plan.allowed and plan.refusal is not None and "registry.json is broken" in plan.refusal
    assert workspace.paths.registry.read_text() == "{ broken"


def test_when_even_the_spool_is_full_the_switch_is_still_set_and_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    workspace.paths.control.rename(workspace.paths.root / "kept.sqlite")
    workspace.paths.control.mkdir()
    monkeypatch.setattr("console.control.ledger.write_note", full)
    mara = workspace.desk()
    outcome = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    assert outcome.state is ActionState.EFFECTIVE and outcome.gap is not None and "neither" in outcome.gap
    assert workspace.switch == "killed"
    workspace.paths.control.rmdir()
    (workspace.paths.root / "kept.sqlite").rename(workspace.paths.control)
    assert any("killed, set by mara@bastion without an entry" in warning for warning in audit.verify(workspace.paths).warnings)


def test_on_a_disk_that_takes_no_more_bytes_nothing_is_claimed(workspace: Workspace) -> None:
    """The limit of file sizes stands in for a full disk: every write to a regular file fails in the child."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            desk = workspace.desk("mara")
            kill, back = desk.plan(switch_to(ActionKind.KILL)), desk.plan(rollback())
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            states = {desk.execute(kill, confirmed()).state, desk.execute(back, confirmed()).state}
            status = 0 if states <= {ActionState.FAILED, ActionState.REFUSED, ActionState.IN_DOUBT} else 3
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert workspace.switch == "normal" and workspace.version == "2"
    assert audit.verify(workspace.paths).whole
    mara = workspace.desk()
    assert mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE


def test_an_outcome_that_cannot_be_written_is_kept_in_the_spool(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from backends.local.acting import LocalAliasSetter

    real = LocalAliasSetter.set_alias
    kept = workspace.paths.root / "kept.sqlite"

    def then_the_journal_goes(self: LocalAliasSetter, *args: object, **named: object) -> object:
        found = real(self, *args, **named)  # type: ignore[arg-type]
        workspace.paths.control.rename(kept)
        workspace.paths.control.mkdir()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(LocalAliasSetter, "set_alias", then_the_journal_goes)
        ines = workspace.desk("ines", elevated=True)
        asked = ines.execute(ines.plan(promotion("3")), confirmed())
        approval = workspace.state.approvals[asked.approval]
        workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
        outcome = ines.execute(ines.plan(promotion("3")), confirmed())
    assert outcome.state is ActionState.EFFECTIVE and outcome.gap is not None
    workspace.paths.control.rmdir()
    kept.rename(workspace.paths.control)
    assert workspace.state.actions[outcome.action_id].state is ActionState.EFFECTIVE
    ines.recheck(outcome.action_id)
    assert workspace.state.gap is None
    assert workspace.state.approvals[approval.id].ended == "executed"


def test_a_spool_that_somebody_broke_is_kept_aside_and_told(workspace: Workspace) -> None:
    workspace.paths.spool.mkdir()
    note = workspace.paths.spool / "control-20130426T220000000000-abc.jsonl"
    note.write_text('{"key": "half')
    assert workspace.state.problem is not None and note.name in workspace.state.problem
    mara = workspace.desk()
    mara.execute(mara.plan(ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="x")), Confirmation())
    assert workspace.state.problem is None
    assert [path.name for path in workspace.paths.spool.iterdir()] == [f"{note.name}.broken"]
    assert "gap" in {entry.result for entry in audit.log(workspace.paths)}
