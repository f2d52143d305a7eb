"""A journal may grow for years: what it adds up to is kept, used only when the journal vouches for it, and never believed otherwise."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from control_workspace import MODEL, NOW, Workspace, confirmed, promotion, switch_to
from hypothesis import given
from hypothesis import strategies as st
from test_crash import every_point, one, settled, whole

from backends.journal.entries import Entry
from backends.journal.journal import Journal
from backends.journal.snapshot import newest
from backends.records import Alert, Layer, State
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.control import audit, ledger, snapshots
from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation, PlanFacts
from console.control.desk import Desk
from console.control.folding import fold
from console.control.identity import Actor
from console.control.layers import TOP, Layered
from console.control.ledger import read_state
from console.control.roles import Policy
from console.control.state import ControlState

HOSTILE = "rain \x1b]52;c;aGk=\x07 [b]now[/b] \u202eevil \x00 𝔽"


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each look is that of a new process: nothing is known from the one before."""
    monkeypatch.setattr(ledger, "_know", lambda _path, _state: None)
    yield


def folded(paths: WorkspacePaths) -> ControlState:
    journal = Journal(paths.control, paths.audit_head, read_only=True)
    try:
        return fold(journal.entries())
    finally:
        journal.close()


def kept(paths: WorkspacePaths) -> list[Path]:
    return [path for _, path in newest(paths.snapshots)]


class Waited(BaseException):
    """It took longer than anything does that waits for nobody."""


@contextlib.contextmanager
def ended_after(seconds: int) -> Iterator[None]:
    def over(*_: object) -> None:
        raise Waited

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def much_happens(workspace: Workspace) -> None:
    """An incident with all that belongs to it, an approval that waits, one that was used, one that was vetoed, a refusal, a run."""
    rule = Desk(workspace.paths, workspace.clock, Actor.of_program("rule"), policy=Policy())
    alert = Alert(
        id="ALR-1",
        rule="model.late_gap",
        model=MODEL,
        environment="production",
        layer=Layer.MODEL,
        state=State.WARNING,
        opened_at=NOW,
        value=0.338,
        limit=0.275,
        n=753,
        message=Untrusted(HOSTILE),
        playbook="quality-collapse",
    )
    incident = rule.open_incident(alert, Untrusted(HOSTILE))
    rule.open_alert(alert.model_copy(update={"id": "ALR-2"}))
    mara, ines, ilse = workspace.desk("mara"), workspace.desk("ines", elevated=True), workspace.desk("ilse")
    for kind in (ActionKind.TAKE, ActionKind.NOTE):
        request = ActionRequest(kind=kind, model=MODEL, subject=incident.id, reason=HOSTILE)
        assert mara.execute(mara.plan(request), Confirmation(reason=HOSTILE)).state is ActionState.DONE
    for person in (mara, ines):
        person.execute(person.plan(switch_to(ActionKind.KILL, incident=incident.id)), confirmed())
    asked = ines.execute(ines.plan(promotion("3"), PlanFacts()), confirmed())
    ilse.reject(asked.approval, reason=HOSTILE)
    ines.execute(ines.plan(promotion("4"), PlanFacts()), confirmed())
    rule.close_alert("ALR-2", NOW)
    rule.close()


def test_what_is_kept_is_what_the_journal_adds_up_to(workspace: Workspace) -> None:
    much_happens(workspace)
    assert workspace.desk().keep_state(after=0) and len(kept(workspace.paths)) == 1
    state = read_state(workspace.paths)
    assert state.snapshot is not None and state == folded(workspace.paths)
    for name in ("actions", "approvals", "incidents", "alerts", "notes"):
        assert list(getattr(state, name)) == list(getattr(folded(workspace.paths), name)), f"the order of {name}"
        assert list(getattr(state, name).values()) == list(getattr(folded(workspace.paths), name).values())
    assert [alert.id for alert in state.firing_alerts()] == ["ALR-1"] and state.open_incidents()[0].title == Untrusted(HOSTILE)
    assert [request.payload.to for request in state.open_approvals(NOW)] == ["4"]


def test_nothing_that_the_state_holds_is_forgotten_when_it_is_kept() -> None:
    kept_fields = {*snapshots.COLLECTIONS, *snapshots.SETS, *snapshots.SMALL}
    of_the_moment = {"last_seq", "last_hash", "gap", "problem", "refused_notes", "snapshot"}
    assert {field.name for field in fields(ControlState)} == kept_fields | of_the_moment


def test_what_comes_later_is_put_on_top_and_kept_again(workspace: Workspace) -> None:
    workspace.desk().keep_state(after=0)
    much_happens(workspace)
    workspace.desk().keep_state(after=0)
    workspace.close()
    state = read_state(workspace.paths)
    assert state.snapshot is not None and state == folded(workspace.paths)
    assert audit.verify(workspace.paths).whole
    assert [entry.what for entry in audit.log(workspace.paths) if entry.kind == "audit.checkpoint"] == [
        "what the entries before add up to was kept"
    ] * 2


def test_with_it_only_what_came_since_is_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    much_happens(workspace)
    workspace.desk().keep_state(after=0)
    workspace.close()
    upto = newest(workspace.paths.snapshots).__next__()[0].seq
    seen: list[int] = []
    entries = Journal.entries

    def counted(self: Journal, after: int = 0, limit: int | None = None) -> list[Entry]:
        found = entries(self, after, limit)
        seen.extend(entry.seq for entry in found)
        return found

    monkeypatch.setattr(Journal, "entries", counted)
    monkeypatch.setattr(Journal, "each", None)
    desk = workspace.desk("otto", elevated=True)
    assert desk.execute(desk.plan(switch_to(ActionKind.RESTORE)), confirmed()).state is ActionState.EFFECTIVE
    assert seen and min(seen) == upto


def test_a_key_used_before_it_was_kept_is_not_used_again(workspace: Workspace) -> None:
    mara = workspace.desk("mara")
    first = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed(key="k"))
    mara.keep_state(after=0)
    workspace.close()
    later = workspace.desk("mara")
    again = later.execute(later.plan(switch_to(ActionKind.KILL)), confirmed(key="k"))
    assert (again.state, again.repeated, again.action_id) == (ActionState.EFFECTIVE, True, first.action_id)


@pytest.mark.parametrize("at", [100, 5000, -20])
def test_a_changed_one_is_not_used_and_verification_says_so(workspace: Workspace, at: int) -> None:
    much_happens(workspace)
    workspace.desk().keep_state(after=0)
    workspace.close()
    (path,) = kept(workspace.paths)
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)
    state = read_state(workspace.paths)
    assert state.snapshot is None and state.problem is None and state == folded(workspace.paths)
    verdict = audit.verify(workspace.paths)
    assert not verdict.whole and "is not what was kept" in verdict.findings[0].message and path.name in verdict.findings[0].message
    path.unlink()
    assert audit.verify(workspace.paths).whole


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir], ids=["pipe", "endless", "folder"])
def test_what_is_put_in_its_place_is_neither_waited_for_nor_read_to_its_end(workspace: Workspace, put: Callable[[Path], object]) -> None:
    workspace.desk().keep_state(after=0)
    workspace.close()
    (path,) = kept(workspace.paths)
    path.unlink()
    put(path)
    mara = workspace.desk("mara")
    try:
        with ended_after(10):
            assert mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
            verdict = audit.verify(workspace.paths)
    finally:
        path.rmdir() if path.is_dir() else path.unlink()
    assert not verdict.whole and path.name in verdict.findings[0].message


def test_what_becomes_of_its_file_after_it_was_looked_at_is_neither_read_nor_kept(workspace: Workspace) -> None:
    """Whoever swaps the file between the look at its digest and the reading, or before it is built upon, forges nothing."""
    much_happens(workspace)
    workspace.desk().keep_state(after=0)
    mara = workspace.desk("mara")
    assert read_state(workspace.paths).snapshot is not None and mara.elevation("production") is None
    (path,) = kept(workspace.paths)
    forged = sqlite3.connect(path)
    forged.execute("DELETE FROM records WHERE collection = 'approvals'")
    forged.commit()
    forged.close()
    assert mara.keep_state(after=0)
    workspace.close()
    state = read_state(workspace.paths)
    assert state.snapshot is not None and state.snapshot.path != path
    assert state == folded(workspace.paths) and len(state.approvals) == 4


def test_one_that_no_entry_vouches_for_is_not_used(workspace: Workspace, tmp_path: Path) -> None:
    """Whoever can put a file there cannot make anybody believe that a request was approved."""
    ines = workspace.desk("ines", elevated=True)
    asked = ines.execute(ines.plan(promotion("3"), PlanFacts()), confirmed())
    workspace.close()
    forged = tmp_path / "forged"
    shutil.copytree(workspace.paths.root, forged)
    other = Workspace(forged, workspace.clock)
    other.desk("ilse").approve(asked.approval, seen_digest=other.state.approvals[asked.approval].payload_digest, typed_name=MODEL)
    other.desk().keep_state(after=0)
    other.close()
    shutil.copytree(other.paths.snapshots, workspace.paths.snapshots)
    assert read_state(workspace.paths).approvals[asked.approval].votes == ()
    assert read_state(workspace.paths).snapshot is None


def test_one_of_another_program_text_is_not_used(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.desk().keep_state(after=0)
    assert read_state(workspace.paths).snapshot is not None
    monkeypatch.setattr(snapshots, "folded_by", lambda: "another")
    assert read_state(workspace.paths).snapshot is None
    assert read_state(workspace.paths) == folded(workspace.paths)


def test_after_a_restored_backup_the_old_one_is_not_used(workspace: Workspace, tmp_path: Path) -> None:
    workspace.close()
    backup = tmp_path / "backup.sqlite"
    with sqlite3.connect(workspace.paths.control) as source, sqlite3.connect(backup) as copy:
        source.backup(copy)
    much_happens(workspace)
    workspace.desk().keep_state(after=0)
    workspace.close()
    for leftover in workspace.paths.root.glob("control.sqlite*"):
        leftover.unlink()
    shutil.copy(backup, workspace.paths.control)
    state = read_state(workspace.paths)
    assert state.snapshot is None and state == folded(workspace.paths) and not state.incidents


def test_only_the_newest_two_stay_and_a_reader_of_an_older_one_goes_on(workspace: Workspace) -> None:
    workspace.desk().keep_state(after=0)
    reader = read_state(workspace.paths)
    for _ in range(4):
        workspace.desk().keep_state(after=0)
    assert len(kept(workspace.paths)) == 2
    assert reader.snapshot is not None and not reader.snapshot.path.exists()
    assert reader.approvals["APR-1"].ended == "executed" and len(list(reader.actions.values())) == 2


def test_what_a_process_that_was_killed_had_begun_is_removed_and_what_a_living_one_writes_is_not(workspace: Workspace) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    folder = workspace.paths.snapshots
    folder.mkdir(exist_ok=True)
    dead = [folder / f".54.{child}.140.new", folder / f".54.{child}.140.new-journal"]
    others = [folder / f".55.{os.getppid()}.140.new", folder / ".notes.new", folder / "mine.new"]
    for path in (*dead, *others):
        path.write_text("half of one")
    workspace.desk().keep_state(after=0)
    assert not any(path.exists() for path in dead) and all(path.exists() for path in others)
    assert list(newest(folder))


def test_one_that_cannot_be_written_changes_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert workspace.desk().keep_state(after=0) is False
    monkeypatch.undo()
    assert kept(workspace.paths) == [] and list(workspace.paths.snapshots.iterdir()) == []
    assert read_state(workspace.paths) == folded(workspace.paths)


def test_keeping_killed_anywhere_loses_nothing(workspace: Workspace, tmp_path: Path) -> None:
    workspace.close()
    source = tmp_path / "source"
    shutil.copytree(workspace.paths.root, source)

    def keep_and_act(copy: Workspace) -> None:
        assert copy.desk().keep_state(after=0)
        one(copy, switch_to(ActionKind.KILL), "crash")

    def check(copy: Workspace, point: int) -> str:
        whole(copy, point)
        found = settled(copy, "crash", copy.switch == "killed", point)
        assert copy.state == folded(copy.paths)
        assert copy.desk().keep_state(after=0) and copy.state == folded(copy.paths)
        return found

    assert {"not done", "done"} <= set(every_point(source, tmp_path, keep_and_act, check))


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "copy", "put", "put"]), st.text("abc", min_size=1, max_size=3), st.integers(0, 9)), max_size=60
    ),
    st.integers(0, 2),
)
def test_layers_are_a_dict(steps: list[tuple[str, str, int]], many: int) -> None:
    """Against a plain dict, through copies that must not see each other's changes, with and without a lower layer laid down."""
    layered: Layered[int] = Layered()
    plain: dict[str, int] = {}
    for number in range(many * TOP):
        layered[f"n{number}"] = plain[f"n{number}"] = number
    before: list[tuple[Layered[int], dict[str, int]]] = []
    for step, key, value in steps:
        if step == "copy":
            before.append((layered, plain.copy()))
            layered = layered.copy()
        else:
            layered[key] = plain[key] = value
    for found, expected in [*before, (layered, plain)]:
        assert list(found) == list(expected) and list(found.values()) == list(expected.values())
        assert len(found) == len(expected) and found == expected and ("zz" in found) == ("zz" in expected)
        assert all(found.get(key) == expected.get(key) for key in ("a", "b", "ab", "abc", "n0"))
