"""What somebody did is on the next screen at once, while the numbers that take longer are still being read."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from acting_workspace import MODEL, Place
from pilots import Console, console

from backends.local.acting import LocalAliasSetter
from console.cli.main import main
from console.config import open_workspace
from console.control.ledger import read_state
from console.lookout import Lookout

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def slow_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Once this is cleared, judging the fleet or an incident anew waits until it is set again."""
    gate = threading.Event()
    gate.set()
    for name in ("fleet", "incident"):
        read = getattr(Lookout, name)

        def waiting(self: Lookout, *args: Any, read: Any = read) -> Any:
            assert gate.wait(60)
            return read(self, *args)

        monkeypatch.setattr(Lookout, name, waiting)
    yield gate
    gate.set()


def rolled_back(place: Place) -> None:
    aliases = LocalAliasSetter(place.paths.registry)
    now = open_workspace(place.root).clock().now()
    aliases.set_alias("production", MODEL, "production", "1", expected="2", key="elsewhere", actor="omar", now=now)


def fleet_row(screen: Console) -> str:
    return next(line for line in screen.rows[3:] if f" {MODEL} " in line)


def test_fleet_and_health_name_the_version_that_serves_however_fresh_the_evaluation_is(place: Place, capsys: Capture) -> None:
    rolled_back(place)
    assert main(["-w", str(place.root), "fleet", "--json"]) == 0
    assert [row["version"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["1"]
    assert main(["-w", str(place.root), "model", MODEL, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "1"


async def test_fleet_shows_switch_driver_and_version_before_anything_is_judged_anew(place: Place, slow_store: threading.Event) -> None:
    async with console(place) as screen:
        assert " v2 " in fleet_row(screen)
        assert "K kill switch" in screen.rows[-1]
        await screen.opens("K")
        await screen.signs()
        await screen.shows("switch = fallback, read back")
        rolled_back(place)
        slow_store.clear()
        await screen.press("q")
        await screen.until(lambda: " fallback " in fleet_row(screen), "the switch")
        assert " v1 " in fleet_row(screen)
        assert screen.rows[1].endswith("reading ...")
        assert "the switch stands at fallback" in screen.text
        assert "would help" not in screen.text, "what was advised before somebody acted is not advised any more"
        slow_store.set()
        await screen.until(lambda: not screen.rows[1].endswith("reading ..."), "everything is read")


async def test_the_incident_stands_at_its_next_step_before_anything_is_counted(place: Place, slow_store: threading.Event) -> None:
    assert main(["-w", str(place.root), "playbook", "run", "quality-collapse", "--incident", "INC-1"]) == 0
    assert main(["-w", str(place.root), "playbook", "step", "RUN-1", "--choose", "fallback"]) == 0
    async with console(place) as screen:
        await screen.press("i")
        await screen.shows("step 5 of 8")
        await screen.until(lambda: not screen.app.screen._pending, "the incident")
        assert screen.rows[-1].startswith("Enter open plan"), "line 24 says what Enter does at this step"
        await screen.opens("enter")
        assert screen.rows[-1].startswith("PgDn more"), "the plan is longer than its room"
        await screen.press("escape")
        await screen.shows("nothing was sent")
        await screen.opens("enter")
        await screen.signs()
        await screen.shows("switch = fallback, read back")
        assert "Choose a state" not in screen.text
        assert "outcome" in [event.name for event in read_state(place.paths).runs["RUN-1"]], "kept in the run before the receipt is left"
        slow_store.clear()
        await screen.press("q")
        await screen.shows("step 6 of 8")
        assert "nothing was sent" not in screen.text
        slow_store.set()


async def test_t_is_named_to_whoever_does_not_drive_yet(place: Place) -> None:
    async with console(place) as screen:
        await screen.press("i")
        await screen.until(lambda: screen.app.screen.scope == "incident" and screen.app.screen.view is not None, "the incident")
        assert "T take" in screen.rows[-1], "nobody drives"
        await screen.press("T")
        await screen.until(lambda: "T take" not in screen.rows[-1], "this person does")


async def test_rows_keep_their_place_until_r_takes_the_better_order(place: Place) -> None:
    async with console(place) as screen:
        view = screen.app.screen.view
        row = view.rows[0]
        both = (row.model_copy(update={"model": "first"}), row.model_copy(update={"model": "second"}))
        shown = screen.app.screen
        shown.load = lambda _lookout: view.model_copy(update={"rows": both})
        shown.at_once = lambda _lookout: None
        shown.reload()
        await screen.until(lambda: " second " in screen.text and not shown._pending, "both")
        shown.load = lambda _lookout: view.model_copy(update={"rows": both[::-1]})
        shown.reload()
        await screen.until(lambda: screen.rows[1].endswith("*sort"), "another order is better")
        assert screen.text.index(" first ") < screen.text.index(" second ")
        await screen.press("r")
        await screen.until(lambda: not shown._pending and not screen.rows[1].endswith("*sort"), "the better order")
        assert screen.text.index(" second ") < screen.text.index(" first ")
        assert screen.rows[1].endswith("sort: worst first")


async def test_reads_that_hang_take_no_thread_from_who_acts(place: Place, slow_store: threading.Event) -> None:
    """A store may answer late or never, and every screen that is opened asks it again; a kill switch is set all the same."""
    async with console(place) as screen:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        slow_store.clear()
        for _ in range(4):
            await screen.press("r")
        await screen.until(lambda: screen.app.screen._pending, "the reads hang")
        await screen.opens("K", facts=False)
        await screen.signs()
        await screen.shows("switch = fallback, read back")
        assert not slow_store.is_set()
        slow_store.set()
