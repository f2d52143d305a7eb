"""A switch that is not normal has an owner and an end: at the end somebody is asked, it goes on, and renewing it is an action."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import console
from test_verbs_that_act import Verb

from backends.records import State
from console.clock import SimulatedClock, SystemClock
from console.config import open_workspace
from console.control.ledger import read_state
from console.lookout import Lookout
from console.overrides import briefly, open_overrides
from console.render.fleet import fleet_page
from console.simulation import write_clock
from console.watch.rounds import watch_once


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


def published(place: Place) -> dict[str, object]:
    return json.loads(place.paths.switches.read_text())["switches"]["production"][MODEL]


def passes(place: Place, hours: float) -> None:
    """The clock of the workspace moves on."""
    write_clock(place.paths, SimulatedClock(NOW + timedelta(hours=hours), SystemClock().real_now(), 0.0))


def lookout(place: Place) -> Lookout:
    return Lookout(open_workspace(place.root), "production")


def test_the_owner_and_the_end_are_published_with_the_state(qd: Verb, place: Place) -> None:
    assert qd("kill", MODEL, "--confirm", MODEL, "--until", "2h", "--owner", "ilse", who="mara") == 0
    found = published(place)
    assert (found["state"], found["set_by"], found["owner"], found["until"]) == ("fallback", "mara@desk", "ilse", "2013-04-27T00:00:00Z")


def test_the_same_state_with_a_new_end_renews_it_and_since_stays(qd: Verb, place: Place) -> None:
    assert qd("kill", MODEL, "--confirm", MODEL, who="mara") == 0
    passes(place, 5)
    assert qd("kill", MODEL, "--state", "fallback", "--until", "8h", "--dry-run", who="ilse") == 0
    assert f"kill switch {MODEL} fallback, renewed" in qd.out
    assert "fallback goes on" in qd.out
    assert qd("kill", MODEL, "--state", "fallback", "--until", "8h", "--confirm", MODEL, who="ilse") == 0
    found = published(place)
    assert (found["state"], found["set_by"], found["until"]) == ("fallback", "ilse@desk", "2013-04-27T11:00:00Z")
    [row] = [each for each in lookout(place).switches().rows if each.model == MODEL]
    assert (row.since, row.renewed_at, row.owner, row.overdue) == (NOW, NOW + timedelta(hours=5), "ilse@desk", False)


def test_a_renewal_needs_no_second_person_and_no_elevation_and_normal_has_none(qd: Verb, place: Place) -> None:
    qd("kill", MODEL, "--state", "killed", "--confirm", MODEL)
    assert qd("kill", MODEL, "--state", "killed", "--until", "1h", "--confirm", MODEL) == 0
    assert place.switch == "killed"
    assert qd("restore", MODEL, "--reason", "x", "--dry-run", who="ilse") == 0
    assert "renewed" not in qd.out


def test_when_its_time_has_passed_it_goes_on_and_every_place_says_so(qd: Verb, place: Place) -> None:
    qd("kill", MODEL, "--confirm", MODEL, who="mara")
    passes(place, 4.25)
    assert place.switch == "fallback"
    assert open_overrides(place.paths, "production", NOW + timedelta(hours=4.25)) == (f"OVERRIDE {MODEL} fallback overdue 15m",)
    assert briefly(f"OVERRIDE {MODEL} fallback overdue 15m") == f"OVERDUE {MODEL} fallback 15m"
    fleet = lookout(place).fleet()
    assert fleet.rows[0].switch_overdue
    page = fleet_page(fleet)
    assert "fallback! 1" in page.rows[1].line.text
    assert "switch fallback overdue 15m: mara@desk decides, K renews or restores" in page.plain()
    assert qd("switches") == 0
    assert "overdue 15m" in qd.out and "mara@desk: I" in qd.out
    assert qd("switches", "--json") == 0
    [row] = [each for each in qd.data["rows"] if each["model"] == MODEL]
    assert (row["overdue"], row["state"], row["switch"], row["owner"]) == (True, "critical", "fallback", "mara@desk")


def test_the_watch_asks_once_for_each_override_and_stops_when_somebody_has_decided(qd: Verb, place: Place, tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    settings = place.paths.workspace_toml
    settings.write_text(settings.read_text() + f"\n[watch]\nnotify = [{sys.executable!r}, '-c', {json.dumps(script)}]\n")

    def rounds(hours: float) -> list[tuple[str, str]]:
        passes(place, hours)
        workspace = open_workspace(place.root)
        watch_once(workspace, workspace.clock())
        said = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
        return [(each["event"], each["at"][11:16]) for each in said if each["alert"]["rule"] == "switch.overdue"]

    qd("kill", MODEL, "--confirm", MODEL, who="mara")
    assert rounds(3.9) == []
    assert [event for event, _ in rounds(4.5)] == ["opened"]
    assert [event for event, _ in rounds(5)] == ["opened"]
    [alert] = [each for each in read_state(place.paths).alerts.values() if each.rule == "switch.overdue"]
    assert (alert.model, alert.state, alert.opened_at) == (MODEL, State.WARNING, NOW + timedelta(hours=4))
    assert "mara@desk decides" in alert.message.raw and place.switch == "fallback"
    assert alert.id in {each.id for each in lookout(place).alerts(only_firing=True).rows}

    qd("kill", MODEL, "--state", "fallback", "--until", "2h", "--confirm", MODEL, who="mara")
    assert [event for event, _ in rounds(6)] == ["opened", "closed"]
    assert [event for event, _ in rounds(7.5)] == ["opened", "closed", "opened"]
    assert place.switch == "fallback"


def test_owners_are_asked_while_the_store_is_in_trouble(qd: Verb, place: Place) -> None:
    qd("kill", MODEL, "--confirm", MODEL, who="mara")
    place.paths.catalog.write_bytes(b"garbage" * 500)
    passes(place, 5)
    workspace = open_workspace(place.root)
    with pytest.raises(Exception, match="catalog"):
        watch_once(workspace, workspace.clock())
    assert "switch.overdue" in {each.rule for each in read_state(place.paths).firing_alerts()}


def test_a_published_file_that_cannot_be_read_opens_and_ends_nothing(qd: Verb, place: Place) -> None:
    qd("kill", MODEL, "--confirm", MODEL, who="mara")
    passes(place, 5)
    workspace = open_workspace(place.root)
    watch_once(workspace, workspace.clock())
    place.paths.switches.write_text("{")
    done = watch_once(workspace, workspace.clock())
    assert any("nobody knows whose time has passed" in problem for problem in done.problems)
    assert [each.rule for each in read_state(place.paths).firing_alerts() if each.rule == "switch.overdue"] == ["switch.overdue"]


def test_actions_list_what_set_it_as_open_until_somebody_decides(qd: Verb, place: Place) -> None:
    def waits() -> list[tuple[str, str | None, str | None]]:
        assert qd("actions", "--open", "--json") == 0
        return [(row["id"], row["asked"], row["overdue"]) for row in qd.data["rows"]]

    qd("kill", MODEL, "--confirm", MODEL, "--owner", "ilse", who="mara")
    [killed] = [each.id for each in read_state(place.paths).actions.values()]
    passes(place, 3.9)
    assert waits() == []
    passes(place, 4.5)
    assert waits() == [(killed, "ilse", "2013-04-27T02:00:00Z")]
    assert qd("actions") == 0
    assert "1 past its time" in qd.out and "overdue 30m" in qd.out
    assert qd("action", killed) == 0
    assert "fallback is past its time: ilse decides" in " ".join(qd.out.split())

    assert qd("kill", MODEL, "--state", "fallback", "--until", "2h", "--confirm", MODEL, who="mara") == 0
    assert waits() == []
    passes(place, 7)
    [(renewed, asked, _)] = waits()
    assert renewed != killed and asked == "mara@desk"
    assert qd("kill", MODEL, "--state", "killed", "--confirm", MODEL, who="mara") == 0
    assert waits() == []


async def test_from_actions_k_renews_what_is_past_its_time(place: Place, qd: Verb) -> None:
    qd("kill", MODEL, "--confirm", MODEL)
    passes(place, 5)
    async with console(place) as screen:
        await screen.shows("fallback overdue 60m")
        await screen.press("at")
        await screen.shows("1 past its time")
        await screen.opens("K")
        await screen.shows(f"KILL SWITCH {MODEL}")


async def test_k_offers_to_renew_the_state_in_force(place: Place, qd: Verb) -> None:
    qd("kill", MODEL, "--confirm", MODEL)
    passes(place, 5)
    async with console(place) as screen:
        await screen.shows("fallback overdue 60m")
        await screen.opens("K")
        await screen.press("down", "down")
        await screen.shows("Renew fallback")
        await screen.signs()
        await screen.shows("switch = fallback, read back")
    assert published(place)["until"] == "2013-04-27T07:00:00Z"


def test_an_end_that_is_far_away_is_shown_with_its_year(qd: Verb, place: Place) -> None:
    assert qd("kill", MODEL, "--confirm", MODEL, "--until", "365d", who="mara") == 0
    assert qd("switches") == 0 and "26 Apr 2014" in qd.out, "a day and a month alone read like tomorrow"


def test_a_length_of_time_is_written_in_the_digits_that_everybody_reads(qd: Verb, place: Place) -> None:
    assert qd("kill", MODEL, "--confirm", MODEL, "--until", "\u0669h", who="mara") == 2
    assert place.switch == "normal"
