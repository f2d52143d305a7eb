"""Whoever types a credential into a reason has not put it into the audit: what is recorded once is kept for ever, and exported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from control_workspace import MODEL, MovableClock, Workspace, promotion, rollback, switch_to

from backends.records import SwitchState
from backends.text import Untrusted
from console.control import audit
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, Confirmation
from console.control.roles import Policy
from console.control.terms import Terms

SECRET = "S3cretValue-xyz.0"
SAID = f"asked by hand: curl -H 'Authorization: Bearer {SECRET}' https://mara:{SECRET}@host/x?token={SECRET} because it is late"
ALL_WAIT = {"terms": {ActionKind.PROMOTE: Terms(), ActionKind.KILL: Terms()}}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "workspace"
    (root / "landing").mkdir(parents=True)
    made = Workspace(root, MovableClock())
    made.promote("1")
    made.promote("2")
    yield made
    made.close()


def done(workspace: Workspace, person: str, request: ActionRequest, policy: Policy | None = None) -> ActionOutcome:
    desk = workspace.desk(person, elevated=True, **({} if policy is None else {"policy": policy}))
    outcome = desk.execute(desk.plan(request.model_copy(update={"reason": SAID})), Confirmation(typed_name=MODEL, reason=SAID))
    assert outcome.state in {ActionState.EFFECTIVE, ActionState.DONE, ActionState.WAITING}, outcome.message
    return outcome


def leaks(workspace: Workspace) -> list[str]:
    """Which entries of the journal, and which files, have it."""
    found = [f"#{entry.seq} {entry.kind}: {entry.body}" for entry in audit.log(workspace.paths) if SECRET in str(entry.body)]
    files = [path for path in workspace.paths.root.rglob("*") if path.is_file()]
    return found + [path.name for path in files if SECRET.encode() in path.read_bytes()]


def everything(workspace: Workspace) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(workspace.paths.root.rglob("*")) if path.is_file())


def test_no_reason_title_or_note_carries_one_into_any_file_of_the_workspace(workspace: Workspace) -> None:
    mara, ada = workspace.desk("mara"), workspace.desk("ada")
    incident = mara.declare_incident("production", MODEL, Untrusted(SAID), key="i")
    for kind in (ActionKind.TAKE, ActionKind.NOTE, ActionKind.ACKNOWLEDGE, ActionKind.CLOSE):
        done(workspace, "mara", ActionRequest(kind=kind, model=MODEL, subject=incident.id))
    done(workspace, "mara", rollback(to="1"))
    done(workspace, "mara", switch_to(ActionKind.KILL))
    done(workspace, "ada", switch_to(ActionKind.RESTORE))
    for vote in ("approve", "reject"):
        waiting = done(workspace, "ines", promotion("2" if vote == "approve" else "3"))
        asked = workspace.state.approvals[waiting.approval or ""]
        ilse = workspace.desk("ilse")
        if vote == "approve":
            ilse.approve(asked.id, seen_digest=asked.payload_digest, typed_name=MODEL, reason=SAID)
            done(workspace, "ines", promotion("2"))
        else:
            ilse.reject(asked.id, reason=SAID)
    waits = mara.policy.model_copy(update=ALL_WAIT)
    broken = done(workspace, "mara", switch_to(ActionKind.KILL, break_glass=True), waits)
    ada.review(broken.action_id, verdict="justified", reason=SAID)
    run = mara.open_run("p", {"why": SAID}, environment="production", model=MODEL, incident=None, key="r")
    mara.append_run_event(run, "noted", {"steps": [{"text": SAID}]}, key="n")
    until = workspace.clock.real_now() + timedelta(hours=1)
    mara.hold_breaker("notify", open_=True, until=until, reason=SAID, key="b", environment="production")
    mara.let_breaker_go("notify", reason=SAID, key="c", environment="production")
    workspace.close()
    kept = everything(workspace)
    assert kept.count(b"because it is late") > 20, "the words around it are kept"
    assert not leaks(workspace)
    assert audit.verify(workspace.paths).whole


def test_neither_does_a_word_that_settles_what_is_in_doubt(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.control.switches import SwitchMovement

    def lost(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SwitchMovement, "send", lost)
    mara = workspace.desk("mara")
    with pytest.raises(KeyboardInterrupt):
        mara.execute(mara.plan(switch_to(ActionKind.KILL)), Confirmation(typed_name=MODEL, reason=SAID))
    monkeypatch.undo()
    [open_] = workspace.state.open_actions()
    assert mara.resolve(open_.id, effective=False, reason=SAID).state is ActionState.FAILED
    workspace.close()
    assert SECRET.encode() not in everything(workspace) and workspace.switch == SwitchState.NORMAL.value


def test_words_about_tokens_and_passwords_stay_as_they_were_said(workspace: Workspace) -> None:
    said = "the token service is down since the password of the database was changed"
    desk = workspace.desk("mara")
    request = ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason=said)
    assert desk.execute(desk.plan(request), Confirmation(reason=said)).state is ActionState.DONE
    assert [note.text for note in workspace.state.notes_about(MODEL)] == [said]
