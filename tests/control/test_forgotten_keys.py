"""Published files keep the keys of recent calls. Of a call further back than that, nobody is told an end that nobody can know."""

from __future__ import annotations

import os
import shutil

import pytest
from control_workspace import MODEL, NOW, TEAM, Workspace, confirmed, rollback, switch_to
from last_writer_registry import LastWriterRegistry

from backends.local.acting import LocalAliasSetter, LocalSwitchSetter, LocalTrafficSetter
from backends.local.documents import REMEMBERED_KEYS
from backends.protocol import BackendError, BackendUnavailable, SwitchSetting
from backends.records import SwitchState
from console.control.actions import ActionKind, ActionState
from console.control.reach import Reach
from console.control.records import ActionRecord


class CutOff(LocalSwitchSetter):
    """The published file behind something that cuts the answer, whether or not the call arrived, and shows nothing afterwards."""

    arrives = True
    sent = False

    def set_switch(self, setting: SwitchSetting, *, expected: SwitchState) -> SwitchSetting:
        self.sent = True
        if self.arrives:
            super().set_switch(setting, expected=expected)
        raise BackendUnavailable("connection reset")

    def switch(self, environment: str, model: str) -> SwitchSetting | None:
        if self.sent:
            raise BackendError("nothing can be read")
        return super().switch(environment, model)


def kill_in_doubt(workspace: Workspace, *, arrives: bool) -> ActionRecord:
    """A kill switch of which nobody knows whether it was set."""
    cut = CutOff(workspace.paths.switches)
    cut.arrives = arrives
    mara = workspace.desk(reach=Reach(Reach.local(workspace.paths).aliases, cut))
    outcome = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    assert outcome.state is ActionState.IN_DOUBT
    return workspace.state.actions[outcome.action_id]


def published(workspace: Workspace, model: str, found: SwitchState, wanted: SwitchState, key: str) -> None:
    setting = SwitchSetting("production", model, wanted, NOW, "otto@bastion", key, "meanwhile", None)
    LocalSwitchSetter(workspace.paths.switches).set_switch(setting, expected=found)


@pytest.fixture
def changed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Lets so many changes of another model's switch come in between."""
    made = 0

    def change(times: int) -> None:
        nonlocal made
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", lambda _: None)
            for _ in range(times):
                states = (SwitchState.NORMAL, SwitchState.DEGRADED)
                published(workspace, "other", states[made % 2], states[1 - made % 2], f"other-{made}")
                made += 1

    return change


@pytest.mark.parametrize("arrives", [True, False])
def test_more_changes_later_than_keys_are_kept_nobody_says_how_a_call_ended(workspace: Workspace, changed, arrives: bool) -> None:  # type: ignore[no-untyped-def]
    action = kill_in_doubt(workspace, arrives=arrives)
    if arrives:
        published(workspace, MODEL, SwitchState.KILLED, SwitchState.NORMAL, "otto-back")
    changed(REMEMBERED_KEYS + 1)
    mara = workspace.desk()
    looked = mara.recheck(action.id)
    assert looked.state is ActionState.IN_DOUBT and looked.exit_code == 6
    assert "normal is in force" in looked.message and "nobody can say whether it took effect" in looked.message
    again = mara.plan_again(action.id)
    assert again.allowed, "whoever makes it again has read that nobody knows"
    settled = mara.resolve(action.id, effective=arrives, reason="the score server's log says so")
    assert settled.state is (ActionState.EFFECTIVE if arrives else ActionState.FAILED)
    assert "settled by mara@bastion" in settled.message


@pytest.mark.parametrize(("arrives", "state"), [(True, ActionState.EFFECTIVE), (False, ActionState.FAILED)])
def test_as_far_back_as_keys_are_kept_the_end_is_said(workspace: Workspace, changed, arrives: bool, state: ActionState) -> None:  # type: ignore[no-untyped-def]
    changed(REMEMBERED_KEYS + 3)
    action = kill_in_doubt(workspace, arrives=arrives)
    if arrives:
        published(workspace, MODEL, SwitchState.KILLED, SwitchState.NORMAL, "otto-back")
    changed(3)
    assert workspace.desk().recheck(action.id).state is state


def test_an_older_file_put_in_its_place_ends_no_action(workspace: Workspace, changed) -> None:  # type: ignore[no-untyped-def]
    kept = workspace.paths.root / "kept.json"
    changed(1)
    shutil.copy(workspace.paths.switches, kept)
    changed(1)
    action = kill_in_doubt(workspace, arrives=True)
    shutil.copy(kept, workspace.paths.switches)
    looked = workspace.desk().recheck(action.id)
    assert looked.state is ActionState.IN_DOUBT and "an older file was put in its place" in looked.message


@pytest.mark.parametrize("kind", [LocalAliasSetter, LocalSwitchSetter, LocalTrafficSetter])
def test_a_call_that_was_given_up_can_never_arrive_however_many_were_given_up_since(workspace: Workspace, kind, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(os, "fsync", lambda _: None)
    backend = kind(workspace.paths.root / "anew.json")
    assert backend.forbid("first") is False
    for number in range(REMEMBERED_KEYS + 1):
        backend.forbid(f"later-{number}")
    if kind is LocalSwitchSetter:
        late = SwitchSetting("production", MODEL, SwitchState.KILLED, NOW, "mara@bastion", "first", "late", None)
        with pytest.raises(BackendError, match="was given up"):
            backend.set_switch(late, expected=SwitchState.NORMAL)
    elif kind is LocalAliasSetter:
        with pytest.raises(BackendError, match="was given up"):
            backend.set_alias("production", MODEL, "production", "1", expected=None, key="first", actor="mara@bastion", now=NOW)
    assert "first" in backend.path.read_text()


def test_a_repetition_that_was_refused_does_not_call_the_first_call_failed(workspace: Workspace, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The first one may sit in a queue: that a second one changed nothing says nothing of it."""

    class Refuses(LastWriterRegistry):
        refusing = False

        def set_alias(self, *words: str, **named: object):  # type: ignore[no-untyped-def]
            if self.refusing:
                raise BackendError("503, nothing was changed")
            return super().set_alias(*words, **named)  # type: ignore[arg-type]

    registry = Refuses(tmp_path / "elsewhere.json")
    registry.write("1", "ines@build", NOW)
    registry.write("2", "ines@build", NOW)
    registry.network = "late"
    policy = TEAM.model_copy(update={"read_back_seconds": 0.05})
    mara = workspace.desk(policy=policy, reach=Reach(registry, Reach.local(workspace.paths).switches))
    action = mara.execute(mara.plan(rollback(to="1")), confirmed()).action_id
    registry.network, registry.refusing = "fine", True
    mara.recheck(action)
    again = mara.retry(mara.plan_again(action), confirmed())
    assert again.state is ActionState.IN_DOUBT and "what became of the first one is not known" in again.message
    registry.arrive()
    assert mara.recheck(action).state is ActionState.EFFECTIVE
    assert registry.version == "1"
