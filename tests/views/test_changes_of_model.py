"""What changed for a model: events, aliases, switches and people, each once, nearest to the onset first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from registry_workspace import DAY, MODEL, NOW, PROMOTED, Place, history

from backends.local.acting import LocalAliasSetter, LocalSwitchSetter
from backends.protocol import SwitchSetting
from backends.records import Event, Model, SwitchState
from backends.text import Untrusted
from console.control.actions import ActionKind
from console.render.changes import changes_page
from console.views.incidents.changes import ChangesView


@pytest.fixture
def own(tmp_path: Path) -> Place:
    return history(tmp_path / "w")


def messages(view: ChangesView) -> list[str]:
    return [each.message.raw for each in view.items]


def test_changes_of_all_kinds_are_merged_nearest_to_the_moment_first(own: Place) -> None:
    own.incident(own.alert("ALR-1", NOW - DAY), "late gap")
    own.switch(ActionKind.FALLBACK, "INC-1")
    view = own.lookout().changes(MODEL, NOW - timedelta(days=1.5))
    assert view.onset == NOW - timedelta(days=1.5)
    assert messages(view) == [
        "weather feed moved",
        "carrier VX first seen",
        "promote v1 -> v2, effective: monthly retrain",
        "APR-2 asked: promote v1 -> v2",
        "APR-2 approved: promote v1 -> v2",
        "promote none -> v1, effective: monthly retrain",
        "APR-1 asked: promote none -> v1",
        "APR-1 approved: promote none -> v1",
        "INC-1 opened: late gap",
        "fallback normal -> fallback, effective: INC-1",
    ]
    hours = [each.hours_before_onset for each in view.items]
    before = [each for each in hours if each is not None and each >= 0]
    assert before == sorted(before) and all(each is not None for each in hours)


def test_one_change_told_by_two_sources_is_listed_once(own: Place) -> None:
    done = own.switch(ActionKind.KILL, "stop it")
    told = [each for each in own.lookout().changes(MODEL, NOW).items if each.name == done.action_id]
    assert len(told) == 1
    assert told[0].actor == "mara@bastion" and "stop it" in told[0].message.raw
    promotions = [each for each in messages(own.lookout().changes(MODEL, NOW)) if "effective" in each and "promote" in each]
    assert len(promotions) == 2


def test_what_was_moved_outside_the_console_is_told_with_who_did_it(own: Place) -> None:
    setter = LocalAliasSetter(own.paths.registry)
    setter.set_alias("production", MODEL, "challenger", "3", expected=None, key="hand", actor="eve", now=NOW - DAY)
    setting = SwitchSetting("production", MODEL, SwitchState.KILLED, NOW - DAY, "eve", "hand-2", "by hand")
    LocalSwitchSetter(own.paths.switches).set_switch(setting, expected=SwitchState.NORMAL)
    found = {(each.source, each.actor): each.message.raw for each in own.lookout().changes(MODEL, NOW).items}
    assert found["registry.json", "eve"] == "alias challenger none -> v3, outside this console"
    assert found["switches.json", "eve"] == "switch set to killed, outside this console: by hand"


def test_by_time_lists_the_newest_first(own: Place) -> None:
    view = own.lookout().changes(MODEL, NOW - 3 * DAY)
    page = changes_page(view, by_time=True)
    listed = [row.key.split("|")[2] for row in page.rows if row.key]
    assert listed == sorted(listed, reverse=True)
    assert page.verb == "changes delay --by-time"


def test_every_row_has_a_key_of_its_own(own: Place) -> None:
    keys = [row.key for row in changes_page(own.lookout().changes(MODEL)).rows if row.key]
    assert len(keys) == len(set(keys)) > 5


def test_the_past_hides_what_came_later_and_what_was_learnt_later(own: Place) -> None:
    own.land(Event(event_at=PROMOTED["1"], known_at=NOW, name="late news", topic="data", message=Untrusted("learnt today")))
    then = own.lookout(PROMOTED["1"] + DAY).changes(MODEL)
    assert all(each.at <= PROMOTED["1"] + DAY for each in then.items)
    assert not any("learnt today" in each for each in messages(then))
    assert any("learnt today" in each for each in messages(own.lookout().changes(MODEL)))
    assert not any("APR-2" in each for each in messages(then))


def test_a_model_without_any_change_says_what_brings_them_in(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.land(Model(name=MODEL, task="binary", event_at=NOW - DAY, known_at=NOW - DAY))
    assert "Nothing changed in the last 60 days" in changes_page(place.lookout().changes(MODEL)).plain()
