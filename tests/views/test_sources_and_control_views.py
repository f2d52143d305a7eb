"""Sources, switches, actions, audit, alerts and incidents: what is readable, since when, who, and what still works."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from registry_workspace import DAY, MODEL, NOW, PROMOTED, Place, history

from backends.records import Layer, MetricPoint, State, SwitchState
from backends.text import Untrusted
from console.clock import SimulatedClock
from console.control.actions import MOVING_KINDS, ActionKind
from console.control.audit import AuditFilter
from console.render import figures
from console.render.actions import action_page, actions_page
from console.render.alerts import alerts_page, incidents_page
from console.render.audit import audit_page, chain_page, entry_detail
from console.render.sources import source_page, sources_page
from console.render.switches import switches_page
from console.simulation import write_clock
from console.views.actions import ActionRow, NoSuchAction
from console.views.sources.listing import SourcesView
from console.views.sources.source import Source


@pytest.fixture
def own(tmp_path: Path) -> Place:
    return history(tmp_path / "w")


def source(view: SourcesView, identifier: str) -> Source:
    return next(each for each in view.sources if each.id == identifier)


def works(view: SourcesView, key: str) -> bool:
    return next(each for each in view.still_works if each.key == key).works


def test_a_source_is_judged_by_the_cadence_that_the_policy_expects(own: Place) -> None:
    (own.paths.policies / "mine.yaml").write_text(
        "format: 1\nrules:\n  - {id: data.freshness, title: old, layer: data, signal: age_hours, minimum_n: 0, window: 1h, warning: 1,"
        " critical: 2, playbook: stale-data, severity: page}\n"
    )
    fresh = source(own.lookout().sources(), "facts:local:predictions")
    assert (fresh.state, fresh.age_hours, fresh.expected_hours) == (State.OK, 0.5, 1.0)
    own.land(
        MetricPoint(
            event_at=NOW - timedelta(hours=1), known_at=NOW, layer=Layer.DATA, name="age_hours", value=4.0, labels={"source": "weather"}
        )
    )
    feed = source(own.lookout().sources(), "feed:weather")
    assert (feed.state, feed.age_hours) == (State.STALE, 5.0)
    assert "expected at least every 60m" in feed.why.raw


def test_labels_are_expected_within_the_declared_delay(own: Place) -> None:
    labels = source(own.lookout().sources(), "facts:local:labels")
    assert labels.expected_hours == 8.0
    assert labels.state is State.STALE
    assert labels.age_hours == pytest.approx(10.5)


def test_an_evaluator_that_never_ran_is_unknown_and_one_that_is_late_is_stale(own: Place) -> None:
    assert source(own.lookout().sources(), "evaluator").state is State.UNKNOWN
    own.paths.summary.write_text(json.dumps({"environment": "production", "evaluated_at": (NOW - timedelta(hours=1)).isoformat()}))
    late = source(own.lookout().sources(), "evaluator")
    assert late.state is State.STALE and "qd watch" in late.why.raw


def test_a_broken_registry_leaves_the_kill_switch_working_and_says_so_per_key(own: Place) -> None:
    own.paths.registry.write_text("{")
    view = own.lookout().sources()
    assert [each.id for each in view.down] == ["registry"]
    assert works(view, "K") and not works(view, "R") and not works(view, "P") and works(view, "A")
    text = sources_page(view).plain()
    assert "X CRIT" in text and "no: it needs registry.json" in text


def test_a_broken_journal_lets_only_safer_actions_through(own: Place) -> None:
    own.paths.control.write_bytes(b"not a database" * 200)
    view = own.lookout().sources()
    assert source(view, "journal").state is State.CRITICAL
    assert works(view, "K") and not works(view, "A") and not works(view, "T +")
    assert "safer state only" in next(each.why.raw for each in view.still_works if each.key == "K")


def test_an_unreadable_store_does_not_take_the_other_sources_with_it(own: Place) -> None:
    own.paths.catalog.parent.mkdir(exist_ok=True)
    own.paths.catalog.write_bytes(b"garbage" * 500)
    view = own.lookout().sources()
    assert {each.id for each in view.down} == {"store"}
    assert works(view, "K") and not works(view, "views")
    assert own.lookout().switches().models_unknown is not None


def test_a_source_is_explained_on_a_page_of_its_own(own: Place) -> None:
    view = own.lookout().sources()
    text = source_page(view, "facts:local:labels").plain()
    assert "at least every 8h, from the longest declared label delay" in text.replace("\n" + " " * 14, " ")
    assert "older than expected" in text


def test_the_past_says_nothing_acts_and_counts_only_what_was_known(own: Place) -> None:
    view = own.lookout(PROMOTED["1"] + DAY).sources()
    assert not any(each.id == "facts:local:predictions" for each in view.sources)
    assert not works(view, "K")


def test_a_switch_that_was_never_set_is_normal_and_one_that_is_set_says_who_why_and_until_when(own: Place) -> None:
    assert [(each.model, each.switch, each.why.raw) for each in own.lookout().switches().rows] == [
        (MODEL, SwitchState.NORMAL, "never set, which means normal")
    ]
    done = own.switch(ActionKind.FALLBACK, "INC-1 late gap", until=NOW + timedelta(hours=4))
    view = own.lookout().switches()
    row = view.rows[0]
    assert (row.switch, row.who, row.reason.raw, row.since, row.until) == (
        SwitchState.FALLBACK, "mara@bastion", "INC-1 late gap", NOW, NOW + timedelta(hours=4),
    )  # fmt: skip
    assert (row.state, row.overdue, row.action, view.version) == (State.WARNING, False, done.action_id, 1)


def test_an_overdue_switch_asks_and_never_turns_itself_back_on(own: Place) -> None:
    own.switch(ActionKind.KILL, "stop", until=NOW - timedelta(hours=1), at=NOW - timedelta(hours=5))
    row = own.lookout().switches().rows[0]
    assert (row.overdue, row.state, row.switch) == (True, State.CRITICAL, SwitchState.KILLED)
    assert "asked whether it stays" in row.why.raw
    assert "overdue" in switches_page(own.lookout().switches()).plain()


def test_the_switch_of_the_past_is_the_one_in_force_then(own: Place) -> None:
    own.switch(ActionKind.FALLBACK, "first", at=NOW - 3 * DAY)
    own.switch(ActionKind.KILL, "second", at=NOW - DAY)
    row = own.lookout(NOW - 2 * DAY).switches().rows[0]
    assert (row.switch, row.reason.raw) == (SwitchState.FALLBACK, "first")
    assert own.lookout(NOW - 4 * DAY).switches().rows[0].switch is SwitchState.UNKNOWN


def test_a_broken_switch_file_makes_every_switch_unknown_and_never_normal(own: Place) -> None:
    own.paths.switches.write_text('{"format": "x"}')
    view = own.lookout().switches()
    assert view.problem is not None and view.version is None
    assert {each.switch for each in view.rows} == {SwitchState.UNKNOWN}
    assert "nobody knows how any switch stands" in switches_page(view).plain()


def test_an_action_is_shown_with_its_life_and_its_exact_calls(own: Place) -> None:
    done = own.switch(ActionKind.FALLBACK, "INC-1 late gap")
    view = own.lookout().action(done.action_id[:9])
    assert view.row.life == "effective"
    assert [step.name for step in view.life] == ["planned", "intended", "sent", "ended"]
    assert (view.before, view.wanted, view.after) == ("normal", "fallback", "fallback")
    assert [(call.call.raw, call.ms) for call in view.calls] == [(each.call, each.ms) for each in done.calls]
    text = action_page(view).plain()
    assert "sent is not yet in effect" in text and done.calls[0].call in text
    with pytest.raises(NoSuchAction, match="see: quarterdeck actions"):
        own.lookout().action("A-nothing")


def test_open_actions_are_those_of_which_nobody_knows_the_end(own: Place) -> None:
    assert own.lookout().actions(only_open=True).rows == ()
    assert "of every one it is known how it ended" in actions_page(own.lookout().actions(only_open=True)).plain()
    assert [each.movement for each in own.lookout().actions().rows] == ["v1 -> v2", "none -> v1"]
    assert [each.movement for each in own.lookout(PROMOTED["1"] + DAY).actions().rows] == ["none -> v1"]


def test_the_audit_filters_and_says_how_many_are_not_shown(own: Place) -> None:
    whole = own.lookout().audit()
    assert whole.chain.state == "whole" and whole.total == len(whole.rows) == whole.chain.entries
    assert [each.seq for each in whole.rows] == sorted((each.seq for each in whole.rows), reverse=True)
    some = own.lookout().audit(limit=1, filters=AuditFilter(who="ilse"))
    assert (some.total, len(some.rows)) == (2, 1)
    assert "1 older ones are not shown" in audit_page(some).plain()
    then = own.lookout(PROMOTED["1"] + DAY).audit()
    assert 0 < then.total < whole.total


def test_an_entry_under_the_cursor_is_spelt_out(own: Place) -> None:
    own.switch(ActionKind.FALLBACK, "INC-1 late gap")
    view = own.lookout().audit()
    lines = "\n".join(each.text for each in entry_detail(view, f"#{view.rows[0].seq}", 80))
    assert "mara@bastion" in lines and "read back" in lines and "set_switch" in lines


def test_an_edited_entry_breaks_the_chain_and_the_place_is_named(own: Place) -> None:
    connection = sqlite3.connect(own.paths.control)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    table = next(
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() if name == "events"
    )
    connection.execute(f"UPDATE {table} SET body = replace(body, 'monthly', 'weekly') WHERE seq = 3")
    connection.commit()
    connection.close()
    chain = own.lookout().chain()
    assert chain.state == "broken"
    assert chain.findings[0].seq == 3
    assert "#3 was changed after it was recorded" in chain_page(chain, own.workspace.zone).plain()
    assert "CHAIN BROKEN" in audit_page(own.lookout().audit()).heading.text


def test_alerts_fire_first_with_value_limit_playbook_and_incident(own: Place) -> None:
    own.alert("ALR-old", NOW - 3 * DAY, State.WARNING)
    with own.desk("rule", program=True) as rule:
        rule.close_alert("ALR-old", NOW - 2 * DAY)
    number = own.incident(own.alert("ALR-new", NOW - DAY))
    view = own.lookout().alerts()
    assert [(each.id, each.firing, each.incident) for each in view.rows] == [("ALR-new", True, number), ("ALR-old", False, None)]
    assert (view.rows[0].value, view.rows[0].limit, view.rows[0].n, view.rows[0].playbook) == (0.338, 0.275, 753, "quality-collapse")
    assert ".338, limit .275" in alerts_page(view).plain()
    assert [each.id for each in own.lookout().alerts(only_firing=True).rows] == ["ALR-new"]
    assert [each.id for each in own.lookout(NOW - 2 * DAY - DAY / 2).alerts().rows] == ["ALR-old"]
    assert own.lookout(NOW - 2 * DAY - DAY / 2).alerts().rows[0].firing


def test_no_alert_is_not_said_to_be_all_well(own: Place) -> None:
    assert "nothing of what nobody measures" in alerts_page(own.lookout().alerts()).plain()


def test_incidents_name_their_driver_and_where_the_playbook_stands(own: Place) -> None:
    number = own.incident(own.alert("ALR-1", NOW - DAY), "late gap")
    row = own.lookout().incidents().rows[0]
    assert (row.id, row.state, row.driver, row.playbook, row.run, row.step) == (number, "open", None, "quality-collapse", None, None)
    assert "nobody" in incidents_page(own.lookout().incidents()).plain()
    with own.desk("mara") as mara:
        mara.act(_about(ActionKind.TAKE, number))
    assert own.lookout().incidents().rows[0].driver == "mara"
    assert own.lookout(NOW - 2 * DAY).incidents().rows == ()


def test_a_simulated_clock_that_is_set_back_hides_no_open_incident_from_any_screen(own: Place) -> None:
    own.incident(own.alert("ALR-1", NOW - DAY), "late gap")
    write_clock(own.paths, SimulatedClock(start=NOW - 2 * DAY, anchored_at=NOW))
    lookout = own.lookout()
    [row] = lookout.fleet().rows
    assert row.incidents == ("INC-1",)
    assert [each.id for each in lookout.incidents().rows] == list(row.incidents)
    assert [(each.id, each.firing) for each in lookout.alerts().rows] == [("ALR-1", True)]
    assert "1 open" in incidents_page(lookout.incidents()).plain()


def _about(kind: ActionKind, subject: str):  # type: ignore[no-untyped-def]
    from console.control.actions import ActionRequest

    return ActionRequest(kind=kind, model=MODEL, subject=subject)


def test_hostile_reasons_and_titles_are_visible_marks(own: Place) -> None:
    hostile = "late\x1b[2J\u202e[red]"
    own.incident(own.alert("ALR-1", NOW - DAY, message=hostile), hostile)
    done = own.switch(ActionKind.FALLBACK, hostile)
    lookout = own.lookout()
    assert lookout.switches().rows[0].reason == Untrusted(hostile)
    pages = [
        switches_page(lookout.switches()), action_page(lookout.action(done.action_id)), audit_page(lookout.audit()),
        alerts_page(lookout.alerts()), incidents_page(lookout.incidents()),
    ]  # fmt: skip
    for page in pages:
        whole = page.plain() + "\n".join(row.why.text for row in page.rows)
        assert "\x1b" not in whole and "\u202e" not in whole
    assert "late\u241b[2J" in pages[1].plain()


def test_where_the_clock_is_simulated_the_time_of_the_mirrored_head_is_called_the_real_one(own: Place) -> None:
    view = own.lookout().audit()
    mirrored = view.chain.mirrored_at
    assert mirrored is not None and abs(view.chain.verified_at - view.at) > timedelta(days=1)
    told = figures.clock_time(mirrored, ZoneInfo(view.zone))
    assert f"mirrored {told} (real)" in audit_page(view).heading.text
    chain = view.chain.model_copy(update={"at": view.chain.verified_at})
    assert audit_page(view.model_copy(update={"chain": chain})).heading.text.partition("mirrored ")[2].startswith(f"{told} ")


@pytest.mark.parametrize("width", [80, 99, 100, 120])
def test_every_kind_of_action_can_be_read_in_the_list_and_none_is_wider_than_the_screen(own: Place, width: int) -> None:
    view = own.lookout().actions(only_open=True)
    kinds = sorted(each.value for each in MOVING_KINDS)
    rows = tuple(
        ActionRow(
            id=f"A-{number:012}",
            kind=kind,
            model="arrival-delay",
            movement="",
            who="theodora@a-bastion-with-a-long-name",
            at=view.at,
            life="effective",
            state=State.OK,
            open=False,
            overdue=None,
            asked=None,
            seconds=0.012,
            why=Untrusted(""),
        )
        for number, kind in enumerate(kinds)
    )
    page = actions_page(view.model_copy(update={"rows": rows}), width=width)
    for kind, row in zip(kinds, page.rows[1:], strict=True):
        assert (kind.removeprefix("apply-") if width < 100 else kind) in row.line.text and row.line.width <= width
        assert "theodora" in row.line.text or width >= 100
