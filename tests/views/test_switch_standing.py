"""A kill switch of which nobody knows how it stands is shown as unknown, with the reason, and never as normal."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from registry_workspace import DAY, MODEL, NOW, Place, history

from backends.local.acting import LocalSwitchSetter
from backends.local.reading import LocalSwitches
from backends.protocol import BackendUnavailable, SwitchSetting
from backends.records import State, SwitchState
from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation
from console.render.fleet import fleet_page
from console.render.switches import switches_page
from console.views.release.switches import SwitchRow


@pytest.fixture
def own(tmp_path: Path) -> Place:
    return history(tmp_path / "w")


def row(own: Place) -> SwitchRow:
    return own.lookout().switches().rows[0]


def by_hand(state: SwitchState, *, minutes: float) -> SwitchSetting:
    return SwitchSetting("production", MODEL, state, NOW + timedelta(minutes=minutes), "eve", f"hand-{minutes}", "by hand")


def broken(own: Place) -> None:
    own.paths.switches.write_text("{")


def closed(own: Place) -> None:
    own.paths.switches.unlink(missing_ok=True)
    own.paths.switches.mkdir()


@pytest.mark.parametrize("spoil", [broken, closed])
def test_an_unreadable_file_is_unknown_in_fleet_switches_and_health_and_says_why(own: Place, spoil: object) -> None:
    own.switch(ActionKind.FALLBACK)
    spoil(own)  # type: ignore[operator]
    fleet = own.lookout().fleet()
    assert fleet.rows[0].switch is SwitchState.UNKNOWN and fleet.switches_version == -1
    text = fleet_page(fleet, width=120).plain()
    assert "switch state unknown" in text and "switches.json" in text and "normal" not in text
    assert own.lookout().model(MODEL).switch is SwitchState.UNKNOWN
    assert (row(own).switch, row(own).state, row(own).published) == (SwitchState.UNKNOWN, State.UNKNOWN, SwitchState.UNKNOWN)


def test_a_lost_answer_leaves_it_unknown_until_somebody_has_looked(own: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        raise BackendUnavailable("no answer")

    with monkeypatch.context() as cut:
        cut.setattr(LocalSwitchSetter, "set_switch", lost)
        with own.desk("mara") as mara:
            request = ActionRequest(kind=ActionKind.KILL, model=MODEL, reason="INC-1")
            outcome = mara.act(request, confirmation=Confirmation(typed_name=MODEL, reason="INC-1"))
    assert outcome.state is ActionState.IN_DOUBT
    assert LocalSwitches(own.paths.switches).switch("production", MODEL) is None
    assert row(own).switch is SwitchState.UNKNOWN
    assert f"{outcome.action_id} (kill by mara@bastion) is in doubt: recheck it" in row(own).why.raw
    assert own.lookout().fleet().rows[0].switch is SwitchState.UNKNOWN
    with own.desk("mara") as mara:
        mara.recheck(outcome.action_id)
    assert row(own).switch is SwitchState.NORMAL


def test_a_file_that_says_something_else_than_control_did_is_not_believed(own: Place) -> None:
    done = own.switch(ActionKind.KILL)
    own.paths.switches.unlink()
    assert (row(own).switch, row(own).published) == (SwitchState.UNKNOWN, SwitchState.NORMAL)
    assert f"control set it to killed ({done.action_id} by mara@bastion), but the file says normal" in row(own).why.raw
    assert "unknown" in switches_page(own.lookout().switches()).plain()
    own.switch(ActionKind.KILL)
    assert row(own).switch is SwitchState.KILLED


def test_an_older_copy_of_the_file_put_back_is_not_believed(own: Place) -> None:
    own.switch(ActionKind.FALLBACK, at=NOW - DAY)
    older = own.paths.switches.read_bytes()
    own.switch(ActionKind.KILL)
    own.paths.switches.write_bytes(older)
    assert row(own).switch is SwitchState.UNKNOWN and "the file says fallback" in row(own).why.raw


def test_what_somebody_set_later_without_the_console_stands_as_it_is(own: Place) -> None:
    own.switch(ActionKind.FALLBACK, at=NOW - DAY)
    setting = by_hand(SwitchState.KILLED, minutes=-5)
    LocalSwitchSetter(own.paths.switches).set_switch(setting, expected=SwitchState.FALLBACK)
    assert (row(own).switch, row(own).who, row(own).action) == (SwitchState.KILLED, "eve", None)


def test_an_action_goes_by_what_is_published_whatever_is_confirmed(own: Place) -> None:
    """An unknown state must not stand in the way of the next kill."""
    own.switch(ActionKind.KILL)
    own.paths.switches.unlink()
    assert own.lookout().sight().published_switch(MODEL) is SwitchState.NORMAL
    own.switch(ActionKind.KILL)
    assert row(own).switch is SwitchState.KILLED


def test_a_group_of_looks_reads_the_file_once(own: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    real = os.open

    def counting(path: object, *args: object, **named: object) -> int:
        if str(path).endswith("switches.json"):
            reads.append(str(path))
        return real(path, *args, **named)  # type: ignore[arg-type]

    sight = own.lookout().sight()
    monkeypatch.setattr(os, "open", counting)
    for model in ("a", "b", MODEL):
        sight.switch(model)
    assert len(reads) == 1
