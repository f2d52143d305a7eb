"""Somebody is told once, however long the way to them is out of order; and a way that is out of order is left alone for a while."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.breaker import BreakerState, Forced
from backends.breaker_file import BreakerFile
from backends.durable import locked
from backends.records import Alert, Layer, State
from backends.text import Untrusted
from console.clock import SystemClock
from console.config import Workspace, init_workspace, open_workspace
from console.guards import NOTIFY, NOTIFY_RULE
from console.watch.alerting import Transition
from console.watch.notifying import notify

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Wall(SystemClock):
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def real_now(self) -> datetime:
        return self.at


class Way:
    """A workspace with a command that tells, which works while a file is there."""

    def __init__(self, folder: Path) -> None:
        self.calls, self.up, self.clock = folder / "calls", folder / "up", Wall()
        init_workspace(folder / "w", name="small")
        script = (
            "import os, pathlib, sys; said = sys.stdin.read(); "
            f"open({str(self.calls)!r}, 'a').write(said + chr(10)); "
            f"sys.exit(0 if pathlib.Path({str(self.up)!r}).exists() else 3)"
        )
        settings = folder / "w" / "workspace.toml"
        settings.write_text(settings.read_text() + f"\n[watch]\nnotify = [{sys.executable!r}, '-c', {json.dumps(script)}]\n")
        self.workspace: Workspace = open_workspace(folder / "w")
        self.told: list[str] = []

    def works(self, does: bool) -> None:
        self.up.write_text("") if does else self.up.unlink(missing_ok=True)

    def round(self, *alerts: str) -> list[str]:
        """What could not be told; `told` grows by what the command took."""
        before = self.made()
        problems = notify(self.workspace, self.clock, [transition(each, self.clock.at) for each in alerts])
        if self.up.exists():
            self.told += self.made()[len(before) :]
        return problems

    def made(self) -> list[str]:
        """Ids of the alerts that the command was called with."""
        return [json.loads(line)["alert"]["id"] for line in self.calls.read_text().splitlines()] if self.calls.exists() else []

    @property
    def waits(self) -> list[str]:
        return sorted(path.name for path in self.workspace.paths.spool.glob("untold-*.json"))

    @property
    def breaker(self) -> BreakerState:
        return BreakerFile(self.workspace.paths.breakers, self.clock.real_now).told(NOTIFY, NOTIFY_RULE).state


def transition(identifier: str, at: datetime) -> Transition:
    alert = Alert(
        id=identifier, rule="r", model="m", environment="production", layer=Layer.MODEL, state=State.WARNING, opened_at=at,
        message=Untrusted("late"),
    )  # fmt: skip
    return Transition(at, alert, True, Untrusted("late"), False)


@pytest.fixture
def way(tmp_path: Path) -> Way:
    return Way(tmp_path)


def test_what_could_be_told_is_told_once_and_forgotten(way: Way) -> None:
    way.works(True)
    assert way.round("ALR-1", "ALR-2") == []
    assert way.round() == []
    assert (way.made(), way.waits) == (["ALR-1", "ALR-2"], [])


def test_what_could_not_be_told_waits_and_is_told_in_order_once_it_can_be(way: Way) -> None:
    [said] = way.round("ALR-1")
    assert "ALR-1 was not told" in said and "waits for the next round" in said
    way.clock.at += timedelta(minutes=1)
    assert len(way.round("ALR-2")) == 2
    assert len(way.waits) == 2
    way.clock.at += timedelta(minutes=1)
    way.works(True)
    assert way.round("ALR-3") == []
    assert (way.told, way.waits) == (["ALR-1", "ALR-2", "ALR-3"], [])


def test_after_three_failures_it_is_left_alone_until_the_cool_down_and_then_tried_once(way: Way) -> None:
    said = way.round(*(f"ALR-{number}" for number in range(1, 21)))
    assert len(way.made()) == 3 and way.breaker is BreakerState.OPEN
    assert "17 alerts wait to be told" in said[-1] and "its breaker is open" in said[-1]
    way.clock.at += timedelta(seconds=30)
    [said_again] = way.round()
    assert len(way.made()) == 3 and "20 alerts wait" in said_again
    way.clock.at += timedelta(seconds=30)
    assert way.breaker is BreakerState.HALF_OPEN
    way.round()
    assert way.made()[3:] == ["ALR-1"] and way.breaker is BreakerState.OPEN
    way.clock.at += timedelta(seconds=61)
    way.works(True)
    assert way.round() == []
    assert len(way.told) == 20 and len(set(way.told)) == 20 and way.breaker is BreakerState.CLOSED


def test_held_open_by_a_person_nothing_is_called_and_nothing_is_lost(way: Way) -> None:
    way.works(True)
    file = BreakerFile(way.workspace.paths.breakers, way.clock.real_now)
    file.hold(NOTIFY, Forced(True, "mara@bastion", "the pager is being moved", NOW, NOW + timedelta(hours=1)))
    [said] = way.round("ALR-1")
    assert "mara@bastion holds its breaker open: the pager is being moved" in said
    way.clock.at += timedelta(days=1)
    assert len(way.round("ALR-2")) == 1 and way.made() == []
    file.let_go(NOTIFY)
    assert way.round() == []
    assert way.told == ["ALR-1", "ALR-2"]


def test_a_breaker_that_cannot_be_read_or_written_does_not_keep_anybody_from_being_told(way: Way) -> None:
    way.works(True)
    way.workspace.paths.breakers.write_text("{")
    assert way.round("ALR-1") == []
    way.workspace.paths.breakers.unlink()
    way.workspace.paths.breakers.mkdir()
    assert way.round("ALR-2") == []
    assert way.told == ["ALR-1", "ALR-2"]


def test_without_room_for_an_outbox_it_is_told_now_or_said_to_be_lost(way: Way) -> None:
    spool = way.workspace.paths.spool
    spool.rmdir()
    spool.write_text("no folder")
    way.works(True)
    assert way.round("ALR-1") == []
    way.works(False)
    [said] = way.round("ALR-2")
    assert "is lost" in said
    assert way.told == ["ALR-1"]


def test_two_watches_do_not_tell_the_same(way: Way) -> None:
    way.works(True)
    spool = way.workspace.paths.spool
    with locked(spool / "untold", 0o600, tries=1):
        assert way.round("ALR-1") == []
        assert (way.made(), len(way.waits)) == ([], 1)
    way.round()
    assert way.told == ["ALR-1"]


def test_a_file_that_is_no_message_is_said_and_holds_nobody_up(way: Way) -> None:
    way.works(True)
    spool = way.workspace.paths.spool
    (spool / "untold-0.json").write_text("{")
    os.mkfifo(spool / "untold-1.json")
    said = way.round("ALR-1")
    assert len(said) == 2 and all("cannot be read" in each for each in said)
    assert way.told == ["ALR-1"]


def test_the_command_is_given_no_secret_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "environment"
    monkeypatch.setenv("QUARTERDECK_SECRET_OFREP_TOKEN", "a-secret-of-the-tests")
    monkeypatch.setenv("PAGER_ADDRESS", "bastion")
    init_workspace(tmp_path / "w", name="small")
    settings = tmp_path / "w" / "workspace.toml"
    script = f"import json, os; open({str(kept)!r}, 'w').write(json.dumps(dict(os.environ)))"
    settings.write_text(settings.read_text() + f"\n[watch]\nnotify = [{sys.executable!r}, '-c', {json.dumps(script)}]\n")
    assert notify(open_workspace(tmp_path / "w"), Wall(), [transition("ALR-1", NOW)]) == []
    assert "a-secret-of-the-tests" not in kept.read_text() and json.loads(kept.read_text())["PAGER_ADDRESS"] == "bastion"
