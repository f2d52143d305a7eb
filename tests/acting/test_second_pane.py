"""At 200x60 a second pane shows what Enter would open; it follows the cursor, and looking changes nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from acting_workspace import MODEL, Place
from pilots import Console, console

from backends.store.paths import WorkspacePaths
from console.control.ledger import read_state
from console.lookout import Lookout
from widgets.line import Line

WIDE = (200, 60)


def pane(found: Console) -> str:
    """What stands right of the list."""
    return "\n".join(row[120:] for row in found.rows[2:-2])


async def rested(found: Console) -> None:
    app: Any = found.app
    await found.until(lambda: not app.screen._pending and app.screen.glanced == app.screen.content.cursor_key, "the pane is read")
    await found.pilot.pause()


async def test_it_shows_what_enter_opens_and_follows_the_cursor(place: Place) -> None:
    async with console(place, size=WIDE) as found:
        found.app.go("versions", MODEL)
        await found.until(lambda: getattr(found.app.screen, "scope", "") == "versions" and found.app.screen.view, "versions")
        seen = []
        for key in ("", "j"):
            await found.press(*key)
            await rested(found)
            seen.append(pane(found))
            assert f"{MODEL} > v{found.app.screen.content.cursor_key} " in seen[-1]
        assert seen[0] != seen[1]
        said = [row.removeprefix("|").strip() for row in seen[1].split("\n")]
        await found.press("enter")
        await found.until(lambda: getattr(found.app.screen, "scope", "") == "version" and found.app.screen.view, "the version")
        assert all(word in found.text for row in said[2:] for word in row.split())


async def test_beside_the_fleet_stands_the_incident_below_the_health(place: Place) -> None:
    async with console(place, size=WIDE) as found:
        await rested(found)
        drawn = pane(found)
        assert drawn.index("MODEL    CRITICAL") < drawn.index("INC-1: i opens it") < drawn.index("Timeline")
        assert "model.late_gap critical" in drawn and "2 readers" in drawn
        assert read_state(place.paths).incidents["INC-1"].run is None, "looking begins no playbook"


async def test_the_cursor_stays_in_the_list_and_the_pane_takes_no_key(place: Place) -> None:
    async with console(place, size=WIDE) as found:
        await rested(found)
        for key in ("tab", "right", "j", "k"):
            await found.press(key)
            assert found.app.focused is found.app.screen.content


async def test_while_keys_come_nothing_is_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = Lookout.model
    monkeypatch.setattr(Lookout, "model", lambda self, model: read.append(model) or whole(self, model))
    monkeypatch.setattr("console.screens.glancing.RESTED", 30.0)
    async with console(place, size=WIDE) as found:
        await found.until(lambda: not found.app.screen._pending, "the fleet")
        await found.press(*"jkjkjkjk")
        assert read == []
        found.app.screen._glance_now()
        await rested(found)
        assert read == [MODEL]


async def test_one_read_is_under_way_at_a_time_and_the_last_row_is_shown_in_the_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, under_way, most = threading.Event(), [0], [0]
    whole = Lookout.version

    def slow(self: Lookout, *named: str) -> Any:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        goes_on.wait(20)
        under_way[0] -= 1
        return whole(self, *named)

    monkeypatch.setattr(Lookout, "version", slow)
    monkeypatch.setattr("console.screens.glancing.RESTED", 0.001)
    async with console(place, size=WIDE) as found:
        found.app.go("versions", MODEL)
        await found.until(lambda: under_way[0] == 1, "the first read")
        await found.until(lambda: pane(found).startswith(f"|reading {found.app.screen.content.cursor_key} ..."), "what is being read")
        for key in "jkj":
            await found.press(key)
            await found.pilot.pause(0.02)
        assert most[0] == 1
        goes_on.set()
        await rested(found)
        assert most[0] == 1 and f"{MODEL} > v{found.app.screen.content.cursor_key} " in pane(found)


async def test_a_look_at_an_incident_starts_no_playbook(place: Place) -> None:
    before = read_state(WorkspacePaths(place.root)).last_seq
    async with console(place, size=WIDE) as found:
        found.app.go("incidents")
        await found.until(lambda: getattr(found.app.screen, "scope", "") == "incidents" and found.app.screen.view, "incidents")
        await rested(found)
        assert "INC-1" in pane(found)
    assert read_state(WorkspacePaths(place.root)).last_seq == before


@pytest.mark.parametrize("size", [(120, 40), WIDE])
async def test_an_entry_of_the_audit_is_spelt_out_once(place: Place, size: tuple[int, int]) -> None:
    async with console(place, size=size) as found:
        found.app.go("audit")
        await found.until(lambda: getattr(found.app.screen, "scope", "") == "audit" and found.app.screen.view, "the audit")
        await found.until(lambda: found.text.count("   previous ") == 1, "its hash and that of the one before it")
        if size == WIDE:
            await rested(found)
            assert found.text.count("   previous ") == 1


async def test_the_list_keeps_its_height_whatever_is_said_of_a_row(place: Place) -> None:
    async with console(place, size=(120, 40)) as found:
        found.app.go("audit")
        await found.until(lambda: getattr(found.app.screen, "scope", "") == "audit" and found.app.screen.view, "the audit")
        screen = found.app.screen
        await found.until(lambda: screen.detail.size.height, "the entry")
        told: dict[str, int] = {"#1": 3, "#2": 9}
        screen.detail_of = lambda _view, key, _width: [Line()] * told.get(key or "", 3)
        heights = []
        for key in "GkGkG":
            await found.press(key)
            await found.pilot.pause()
            heights.append(screen.content.size.height)
        assert len(set(heights[1:])) == 1, "once it has given way, it stays"


@pytest.mark.parametrize("size", [(80, 24), (199, 60)])
async def test_a_narrower_terminal_has_no_second_pane(place: Place, size: tuple[int, int]) -> None:
    async with console(place, size=size) as found:
        assert not found.app.screen.glance.display
        assert MODEL in found.text
        await found.pilot.resize_terminal(*WIDE)
        await rested(found)
        assert found.app.screen.glance.display and "SIGNAL" in pane(found) and "1 Health" not in pane(found)
        await found.pilot.resize_terminal(*size)
        await found.until(lambda: not found.app.screen.glance.display, "no pane")
        assert "SIGNAL" not in found.text
