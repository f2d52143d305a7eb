"""Killed at any point at which something reaches the disk, an action was done, was not done, or is in doubt: never twice, never lost."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from control_workspace import MODEL, TEAM, MovableClock, Workspace, confirmed, promotion, rollback, switch_to

from backends.breaker import Forced
from backends.breaker_file import BreakerFile
from backends.local.acting import LocalSwitchSetter
from backends.protocol import BackendError, SwitchSetting
from backends.records import SwitchState
from console.control import audit
from console.control.actions import ActionKind, ActionRequest, ActionState
from console.control.approval import ApprovalState
from console.control.errors import Refused
from console.control.execution import outcome_of
from console.control.roles import Grant, RoleRule
from console.control.switches import SwitchMovement

ENDED_WELL = 0


class _Points:
    """Counts the moments before and after each step that changes the disk, and dies at one of them."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.passed = 0

    def reached(self) -> None:
        self.passed += 1
        if self.passed == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **named: Any) -> Any:
            self.reached()
            found = function(*args, **named)
            self.reached()
            return found

        return wrapped

    def install(self) -> None:
        points = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *args: Any) -> Any:  # type: ignore[override]
                return points.around(super().execute)(sql, *args) if sql == "COMMIT" else super().execute(sql, *args)

            def commit(self) -> None:
                points.around(super().commit)()

        connect = sqlite3.connect
        sqlite3.connect = lambda *args, **named: connect(*args, factory=Connection, **named)  # type: ignore[assignment,misc]
        for name in ("fsync", "replace", "link", "unlink"):
            setattr(os, name, self.around(getattr(os, name)))


def survived(scenario: Callable[[], None], fatal: int) -> bool:
    """Run `scenario` in a process of its own that dies at point number `fatal`; True when it got past its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _Points(fatal).install()
            scenario()
            status = ENDED_WELL
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {ENDED_WELL, -signal.SIGKILL}, f"the scenario itself failed at point {fatal}"
    return code == ENDED_WELL


def every_point(source: Path, tmp_path: Path, scenario: Callable[[Workspace], None], check: Callable[[Workspace, int], str]) -> list[str]:
    """Kill `scenario` at each of its points in a fresh copy of `source`; what `check` found each time."""
    found: list[str] = []
    for fatal in range(1, 1000):
        root = tmp_path / f"point{fatal}"
        shutil.copytree(source, root)
        ended = survived(lambda root=root: scenario(Workspace(root, MovableClock())), fatal)  # type: ignore[misc]
        later = Workspace(root, MovableClock())
        found.append(check(later, fatal))
        later.close()
        shutil.rmtree(root)
        if ended:
            return found
    raise AssertionError("the scenario never ended")


def one(workspace: Workspace, request: ActionRequest, key: str, person: str = "mara") -> None:
    desk = workspace.desk(person, elevated=True)
    outcome = desk.execute(desk.plan(request), confirmed(key=key))
    assert outcome.state is ActionState.EFFECTIVE, outcome.message


def settled(workspace: Workspace, key: str, moved: bool, point: int) -> str:
    """Check what is claimed against what is so, settle it, and check again."""
    state = workspace.state
    assert state.problem is None
    action = state.action(key)
    if action is None:
        assert not moved, f"point {point}: moved before the intent was on disk"
        return "not done"
    if action.state is ActionState.EFFECTIVE:
        assert moved, f"point {point}: claimed without being so"
        return "done"
    assert action.state is ActionState.IN_DOUBT, f"point {point}: {action.state}"
    assert outcome_of(action).exit_code == 6
    found = workspace.desk("otto").recheck(action.id)
    assert found.state is (ActionState.EFFECTIVE if moved else ActionState.FAILED), f"point {point}: {found.message}"
    return "in doubt"


def whole(workspace: Workspace, point: int) -> None:
    found = audit.verify(workspace.paths)
    assert found.whole, f"point {point}: {found.findings}"


@pytest.fixture
def source(workspace: Workspace) -> Path:
    return workspace.paths.root


def test_a_rollback_killed_anywhere(source: Path, tmp_path: Path) -> None:
    def check(workspace: Workspace, point: int) -> str:
        assert workspace.moves in (["1", "2"], ["1", "2", "1"])
        found = settled(workspace, "crash", workspace.moves == ["1", "2", "1"], point)
        again = workspace.desk()
        plan = again.plan(rollback(to="1"))
        if plan.allowed:
            again.execute(plan, confirmed(key="crash"))
            outcome = again.execute(again.plan(rollback(to="1")), confirmed(key="second"))
            assert outcome.state in {ActionState.EFFECTIVE, ActionState.REFUSED}
        assert workspace.moves == ["1", "2", "1"], f"point {point}"
        whole(workspace, point)
        return found

    found = every_point(source, tmp_path, lambda workspace: one(workspace, rollback(), "crash"), check)
    assert found[0] == "not done" and found[-1] == "done"
    assert set(found) == {"not done", "in doubt", "done"}
    assert len(found) > 15


def test_a_kill_switch_killed_anywhere(source: Path, tmp_path: Path) -> None:
    def check(workspace: Workspace, point: int) -> str:
        found = settled(workspace, "crash", workspace.switch == "killed", point)
        again = workspace.desk()
        again.execute(again.plan(switch_to(ActionKind.KILL)), confirmed(key="again"))
        assert workspace.switch == "killed"
        whole(workspace, point)
        return found

    found = every_point(source, tmp_path, lambda workspace: one(workspace, switch_to(ActionKind.KILL), "crash"), check)
    assert found[0] == "not done" and found[-1] == "done"
    assert set(found) == {"not done", "in doubt", "done"}


def test_the_very_first_action_of_a_workspace_killed_anywhere(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    def check(workspace: Workspace, point: int) -> str:
        found = settled(workspace, "crash", workspace.switch == "fallback", point)
        again = workspace.desk()
        again.execute(again.plan(switch_to(ActionKind.FALLBACK)), confirmed(key="again"))
        assert workspace.switch == "fallback"
        whole(workspace, point)
        return found

    found = every_point(empty, tmp_path, lambda workspace: one(workspace, switch_to(ActionKind.FALLBACK), "crash"), check)
    assert found[-1] == "done"


def test_an_approved_promotion_killed_anywhere_uses_its_approval_once(workspace: Workspace, source: Path, tmp_path: Path) -> None:
    ines = workspace.desk("ines", elevated=True)
    asked = ines.execute(ines.plan(promotion("3")), confirmed())
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    workspace.close()

    def check(copy: Workspace, point: int) -> str:
        found = settled(copy, "crash", copy.moves[-1] == "3", point)
        desk = copy.desk("ines", elevated=True)
        outcome = desk.execute(desk.plan(promotion("3")), confirmed(key="again"))
        assert copy.moves == ["1", "2", "3"], f"point {point}: {outcome.message}"
        assert copy.state.approvals[approval.id].state_at(copy.clock.now()) is ApprovalState.EXECUTED
        whole(copy, point)
        return found

    found = every_point(source, tmp_path, lambda copy: one(copy, promotion("3"), "crash", "ines"), check)
    assert set(found) == {"not done", "in doubt", "done"}


def test_a_kill_switch_that_goes_through_the_spool_killed_anywhere(source: Path, tmp_path: Path) -> None:
    """The journal is broken meanwhile, and mended afterwards."""

    def broken_journal(workspace: Workspace) -> None:
        workspace.paths.control.rename(workspace.paths.root / "kept.sqlite")
        workspace.paths.control.mkdir()

    def mended(workspace: Workspace) -> None:
        workspace.paths.control.rmdir()
        (workspace.paths.root / "kept.sqlite").rename(workspace.paths.control)

    def check(workspace: Workspace, point: int) -> str:
        mended(workspace)
        moved = workspace.switch == "killed"
        before = workspace.state
        assert before.gap is not None or not moved, f"point {point}: moved without a note"
        found = settled(workspace, "crash", moved, point)
        again = workspace.desk()
        again.execute(again.plan(switch_to(ActionKind.KILL)), confirmed(key="again"))
        assert workspace.switch == "killed"
        assert workspace.state.gap is None
        whole(workspace, point)
        return found

    root = tmp_path / "broken"
    shutil.copytree(source, root)
    broken_journal(Workspace(root, MovableClock()))
    found = every_point(root, tmp_path, lambda workspace: one(workspace, switch_to(ActionKind.KILL), "crash"), check)
    assert set(found) >= {"not done", "done"}


def test_taking_over_the_spool_killed_anywhere_loses_and_doubles_nothing(source: Path, tmp_path: Path) -> None:
    spooling = Workspace(source, MovableClock())
    kept = source / "kept.sqlite"
    spooling.paths.control.rename(kept)
    spooling.paths.control.mkdir()
    one(spooling, switch_to(ActionKind.KILL), "spooled")
    spooling.close()
    spooling.paths.control.rmdir()
    kept.rename(spooling.paths.control)

    def check(workspace: Workspace, point: int) -> str:
        action = workspace.state.action("spooled")
        assert action is not None and action.state is ActionState.EFFECTIVE, f"point {point}"
        desk = workspace.desk()
        desk.execute(desk.plan(ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="after")), confirmed(key=f"note{point}"))
        entries = [entry for entry in audit.log(workspace.paths, limit=None) if entry.subject == action.id]
        assert [entry.kind for entry in entries] == ["action.effective", "action.intended"], f"point {point}"
        assert not any(workspace.paths.spool.iterdir())
        whole(workspace, point)
        return "whole"

    def take_over(workspace: Workspace) -> None:
        desk = workspace.desk()
        desk.execute(desk.plan(ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="before")), confirmed(key="n"))

    assert len(every_point(source, tmp_path, take_over, check)) > 10


def in_doubt(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> str:
    """A kill switch whose caller was interrupted before the call; it was looked at since. The id of the action."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SwitchMovement, "send", interrupted)
    monkeypatch.setattr(SwitchMovement, "forbid", lambda _: None)
    mara = workspace.desk("mara")
    with pytest.raises(KeyboardInterrupt):
        mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed(key="crash"))
    [open_] = workspace.state.open_actions()
    assert mara.recheck(open_.id).state is ActionState.IN_DOUBT
    monkeypatch.undo()
    workspace.close()
    return open_.id


def test_a_word_that_settles_an_action_killed_anywhere_is_never_contradicted_later(
    workspace: Workspace, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = in_doubt(workspace, monkeypatch)

    def called_failed(copy: Workspace) -> None:
        assert copy.desk("otto").resolve(action, effective=False, reason="it never left").state is ActionState.FAILED

    def check(copy: Workspace, point: int) -> str:
        found = copy.state.actions[action].state
        assert found in {ActionState.FAILED, ActionState.IN_DOUBT}, f"point {point}"
        assert copy.desk("otto").resolve(action, effective=False, reason="it never left").state is ActionState.FAILED
        # The call of that time comes all the same, late.
        late = SwitchSetting("production", MODEL, SwitchState.KILLED, copy.clock.now(), "mara", "crash", "late", None)
        with pytest.raises(BackendError, match="was given up"):
            LocalSwitchSetter(copy.paths.switches).set_switch(late, expected=SwitchState.NORMAL)
        assert copy.switch == "normal"
        whole(copy, point)
        return found.value

    assert set(every_point(source, tmp_path, called_failed, check)) == {"in doubt", "failed"}


def test_nobodys_word_calls_failed_what_cannot_be_kept_from_arriving(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    action = in_doubt(workspace, monkeypatch)

    def held(*_: object) -> bool:
        raise BackendError("switches.json.lock has been held by another process for 5 s")

    monkeypatch.setattr(LocalSwitchSetter, "forbid", held)
    otto = workspace.desk("otto")
    with pytest.raises(Refused, match=r"stays in doubt: its call may yet arrive, and could not be forbidden \(switches\.json\.lock"):
        otto.resolve(action, effective=False, reason="it never left")
    assert workspace.state.actions[action].state is ActionState.IN_DOUBT
    monkeypatch.undo()
    assert otto.resolve(action, effective=False, reason="it never left").state is ActionState.FAILED


def test_whoever_may_settle_but_not_do_it_calls_nothing_done_by_their_word(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    action = in_doubt(workspace, monkeypatch)
    settles = RoleRule(id="settler", may=(ActionKind.SETTLE,))
    policy = TEAM.model_copy(update={"roles": (*TEAM.roles, settles), "grants": (*TEAM.grants, Grant(person="sam", roles=("settler",)))})
    sam = workspace.desk("sam", policy=policy)
    with pytest.raises(Refused, match="kill in production needs"):
        sam.resolve(action, effective=False, reason="it never left")
    assert workspace.state.actions[action].state is ActionState.IN_DOUBT
    assert sam.recheck(action).state is ActionState.FAILED, "to look needs no more than that"


def test_holding_a_breaker_killed_anywhere_is_on_record_or_done_and_where_it_is_only_on_record_that_is_said(
    source: Path, tmp_path: Path
) -> None:
    until = MovableClock().real_now() + timedelta(hours=1)

    def hold(copy: Workspace) -> None:
        copy.desk("mara").hold_breaker("notify", open_=True, until=until, reason="r", key="k", environment="production")

    def check(copy: Workspace, point: int) -> str:
        held = "notify" in BreakerFile(copy.paths.breakers, copy.clock.real_now).held()
        recorded = "notify" in copy.state.breakers
        assert recorded or not held, f"point {point}: held before it was on record"
        said = [line for line in audit.verify(copy.paths).warnings if "the breaker notify" in line]
        assert bool(said) == (recorded and not held), f"point {point}: {said}"
        hold(copy)
        assert "notify" in BreakerFile(copy.paths.breakers, copy.clock.real_now).held()
        assert [entry.kind for entry in audit.log(copy.paths)].count("breaker.held") == 1
        assert not any("breaker" in line for line in audit.verify(copy.paths).warnings)
        whole(copy, point)
        return "done" if held else "recorded" if recorded else "nothing"

    assert set(every_point(source, tmp_path, hold, check)) == {"nothing", "recorded", "done"}


def test_a_breaker_that_two_people_hold_and_let_go_at_once_stands_as_was_recorded_last(workspace: Workspace) -> None:
    mara, otto = workspace.desk("mara"), workspace.desk("otto")
    until = workspace.clock.real_now() + timedelta(hours=1)
    hold = BreakerFile.hold

    def overtaken(self: BreakerFile, name: str, forced: Forced) -> None:
        BreakerFile.hold = hold  # type: ignore[method-assign]
        otto.let_breaker_go(name, reason="not now", key="o", environment="production")
        hold(self, name, forced)

    BreakerFile.hold = overtaken  # type: ignore[method-assign]
    try:
        mara.hold_breaker("notify", open_=True, until=until, reason="r", key="m", environment="production")
    finally:
        BreakerFile.hold = hold  # type: ignore[method-assign]
    assert BreakerFile(workspace.paths.breakers, workspace.clock.real_now).held() == {}
    assert [entry.kind for entry in audit.log(workspace.paths)][:2] == ["breaker.let_go", "breaker.held"]


def test_a_breaker_that_was_held_by_hand_is_said_to_be(workspace: Workspace) -> None:
    breakers = BreakerFile(workspace.paths.breakers, workspace.clock.real_now)
    now = workspace.clock.real_now()
    breakers.hold("notify", Forced(True, "eve@bastion", "quiet", now, now + timedelta(hours=1)))
    [said] = audit.verify(workspace.paths).warnings
    assert said == "the breaker notify is held open by eve@bastion, and on record automatic: hold it anew, or let it go"
