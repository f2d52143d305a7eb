"""Alerts open incidents once; people take them, hand them over and close them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from control_workspace import MODEL, NOW, Workspace, confirmed

from backends.journal.entries import JournalConflict
from backends.records import Alert, Layer, State
from backends.text import Untrusted
from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation
from console.control.desk import Desk
from console.control.errors import NotFound, Refused
from console.control.identity import Actor
from console.control.roles import Policy


def alert(identifier: str = "ALR-1", **changes: object) -> Alert:
    fields: dict[str, object] = {
        "id": identifier,
        "rule": "model.late_gap",
        "model": MODEL,
        "environment": "production",
        "layer": Layer.MODEL,
        "state": State.WARNING,
        "opened_at": NOW,
        "value": 0.338,
        "limit": 0.275,
        "n": 753,
        "message": Untrusted("late gap over its limit"),
        "playbook": "quality-collapse",
    }
    return Alert.model_validate({**fields, **changes})


@pytest.fixture
def rule(empty: Workspace) -> Desk:
    return Desk(empty.paths, empty.clock, Actor.of_program("rule"), policy=Policy())


def about(kind: ActionKind, subject: str, **more: object) -> ActionRequest:
    return ActionRequest(kind=kind, model=MODEL, subject=subject, **more)  # type: ignore[arg-type]


def test_an_alert_opens_one_incident_however_often_it_is_evaluated(empty: Workspace, rule: Desk) -> None:
    first = rule.open_incident(alert(), Untrusted("late gap over its limit"))
    again = rule.open_incident(alert(value=0.4), Untrusted("late gap over its limit"))
    assert first == again and first.id == "INC-1"
    assert first.opened_by == "rule" and first.playbook == "quality-collapse" and first.alerts == ("ALR-1",)
    assert empty.state.alerts["ALR-1"].incident == "INC-1"
    assert empty.state.alerts["ALR-1"].value == 0.338


def test_a_second_alert_of_the_model_joins_the_open_incident_and_raises_it(rule: Desk) -> None:
    rule.open_incident(alert(), Untrusted("late gap"))
    joined = rule.open_incident(alert("ALR-2", rule="model.ece", state=State.CRITICAL), Untrusted("calibration"))
    assert joined.id == "INC-1" and joined.alerts == ("ALR-1", "ALR-2") and joined.severity is State.CRITICAL
    other = rule.open_incident(alert("ALR-3", model="cancellation"), Untrusted("other"))
    assert other.id == "INC-2"


def test_an_alert_ends_and_stays_on_record(empty: Workspace, rule: Desk) -> None:
    rule.open_alert(alert())
    assert [found.id for found in empty.state.firing_alerts()] == ["ALR-1"]
    rule.close_alert("ALR-1", NOW + timedelta(hours=2))
    rule.close_alert("ALR-1", NOW + timedelta(hours=3))
    assert empty.state.firing_alerts() == []
    assert empty.state.alerts["ALR-1"].closed_at == NOW + timedelta(hours=2)
    with pytest.raises(NotFound):
        rule.close_alert("ALR-9", NOW)


def test_people_take_hand_over_and_close(empty: Workspace, rule: Desk) -> None:
    incident = rule.open_incident(alert(), Untrusted("late gap"))
    mara, otto = empty.desk("mara"), empty.desk("otto")
    taken = mara.execute(mara.plan(about(ActionKind.TAKE, incident.id)), Confirmation())
    assert taken.state is ActionState.DONE and taken.message == "INC-1 taken by mara@bastion" and taken.exit_code == 0
    assert empty.state.incidents["INC-1"].driver == "mara"
    handed = mara.execute(mara.plan(about(ActionKind.HAND_OVER, incident.id, to="otto", reason="end of shift")), Confirmation())
    assert handed.state is ActionState.DONE
    assert empty.state.incidents["INC-1"].driver == "otto"
    closed = otto.execute(otto.plan(about(ActionKind.CLOSE, incident.id, reason="storm is over")), Confirmation())
    assert closed.state is ActionState.DONE
    found = empty.state.incidents["INC-1"]
    assert found.state == "closed" and found.closed_at == NOW
    assert empty.state.open_incidents() == []
    assert [note.text for note in empty.state.notes_about("INC-1")] == ["end of shift", "storm is over"]
    late = mara.plan(about(ActionKind.TAKE, incident.id))
    assert not late.allowed and late.refusal == "INC-1 is closed already"


def test_a_closed_incident_is_not_reopened_a_new_one_is_opened(empty: Workspace, rule: Desk) -> None:
    rule.open_incident(alert(), Untrusted("late gap"))
    mara = empty.desk("mara")
    mara.execute(mara.plan(about(ActionKind.CLOSE, "INC-1")), Confirmation())
    assert rule.open_incident(alert(), Untrusted("late gap")).id == "INC-1"
    assert rule.open_incident(alert("ALR-2"), Untrusted("late gap")).id == "INC-2"


def test_notes_and_acknowledgements_are_kept_once_for_each_key(empty: Workspace, rule: Desk) -> None:
    rule.open_alert(alert())
    mara = empty.desk("mara")
    plan = mara.plan(about(ActionKind.NOTE, "ALR-1", reason="rain since noon \x1b[31m"))
    mara.execute(plan, Confirmation())
    mara.execute(plan, Confirmation())
    assert [note.text for note in empty.state.notes_about("ALR-1")] == ["rain since noon \x1b[31m"]
    assert mara.execute(mara.plan(about(ActionKind.ACKNOWLEDGE, "ALR-1")), Confirmation()).state is ActionState.DONE
    assert empty.state.acknowledged["ALR-1"].actor.name == "mara"
    assert mara.plan(about(ActionKind.NOTE, "ALR-1")).refusal == "a note needs words"
    unknown = mara.plan(about(ActionKind.ACKNOWLEDGE, "ALR-9")).refusal
    assert unknown is not None and "no alert or incident ALR-9" in unknown


def test_taking_and_noting_need_no_elevation_in_production(empty: Workspace, rule: Desk) -> None:
    rule.open_incident(alert(), Untrusted("late gap"))
    assert empty.desk("mara").plan(about(ActionKind.TAKE, "INC-1")).typed_name is None
    viewer = empty.desk("nobody").plan(about(ActionKind.TAKE, "INC-1"))
    assert not viewer.allowed


def test_a_person_declares_an_incident_once(empty: Workspace) -> None:
    mara = empty.desk("mara")
    first = mara.declare_incident("production", MODEL, Untrusted("scores look odd"), key="k")
    assert mara.declare_incident("production", MODEL, Untrusted("scores look odd"), key="k") == first
    with pytest.raises(Refused):
        empty.desk("nobody").declare_incident("production", MODEL, Untrusted("x"), key="k2")


def test_a_run_keeps_its_events_in_order_and_each_key_once(empty: Workspace, rule: Desk) -> None:
    incident = rule.open_incident(alert(), Untrusted("late gap"))
    mara, otto = empty.desk("mara"), empty.desk("otto")
    run = mara.open_run("quality-collapse", {"digest": "8c1f2e"}, environment="production", model=MODEL, incident=incident.id, key="r")
    assert (
        mara.open_run("quality-collapse", {"digest": "8c1f2e"}, environment="production", model=MODEL, incident=incident.id, key="r") == run
    )
    mara.append_run_event(run, "step", {"n": 1}, key="1")
    mara.append_run_event(run, "step", {"n": 1}, key="1")
    with pytest.raises(JournalConflict):
        otto.append_run_event(run, "step", {"n": 1, "other": True}, key="1")
    otto.append_run_event(run, "step", {"n": 2}, key="2")
    events = empty.state.runs[run]
    assert [(event.name, event.actor.name) for event in events] == [("opened", "mara"), ("step", "mara"), ("step", "otto")]
    assert [event.body.get("n") for event in events] == [None, 1, 2]
    assert empty.state.incidents[incident.id].run == run


def test_programs_open_alerts_and_may_not_act(empty: Workspace, rule: Desk) -> None:
    plan = rule.plan(ActionRequest(kind=ActionKind.KILL, model=MODEL))
    assert not plan.allowed
    assert rule.execute(plan, confirmed()).state is ActionState.REFUSED
    assert empty.switch == "normal"


def test_two_evaluators_at_once_open_one_incident(empty: Workspace) -> None:
    import os

    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                desk = Desk(empty.paths, empty.clock, Actor.of_program("rule"), policy=Policy())
                for number in range(10):
                    desk.open_incident(alert(f"ALR-{number}", model=f"m{number}"), Untrusted("x"))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    assert sorted(empty.state.incidents) == sorted(f"INC-{n + 1}" for n in range(10))
    assert {incident.model for incident in empty.state.incidents.values()} == {f"m{n}" for n in range(10)}
