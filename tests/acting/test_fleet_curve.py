"""Where the terminal is high enough, Fleet draws the course of the gap with its limits; elsewhere nothing changes."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from acting_workspace import BROKE, MODEL, Place
from pilots import console

from console.config import open_workspace
from console.lookout import Lookout
from console.render.fleet import fleet_page, gap_curve
from console.views.health.fleet import FleetRow


def row_of(place: Place) -> FleetRow:
    view = Lookout(open_workspace(place.root), "production").fleet()
    return next(row for row in view.rows if row.model == MODEL)


async def test_a_high_terminal_shows_the_curve_once_the_rows_are_live(place: Place) -> None:
    async with console(place, size=(120, 40)) as screen:
        await screen.shows("delay: observed less scored, by 12 h")
        await screen.shows("warn .200 (-)  crit .275 (=)")
        assert screen.rows[-2].startswith("X model."), "line 23 keeps its place"


async def test_the_curve_follows_the_cursor_once_it_rests(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(place, size=(120, 40)) as screen:
        await screen.shows("delay: observed less scored, by 12 h")
        shown = screen.app.screen
        rows = tuple(shown.view.rows[0].model_copy(update={"model": name}) for name in ("first", "second"))
        several = shown.view.model_copy(update={"rows": rows})
        shown.load, shown.at_once = (lambda _lookout: several), (lambda _lookout: None)
        shown.reload()
        await screen.shows("first: observed less scored, by 12 h")
        monkeypatch.setattr("console.screens.glancing.RESTED", 30.0)
        await screen.press("j")
        await screen.shows("-- second v2")
        assert "first: observed less scored" in screen.text, "the curve says whose it is"
        monkeypatch.setattr("console.screens.glancing.RESTED", 0.01)
        await screen.press("k", "j")
        await screen.shows("second: observed less scored, by 12 h")


async def test_at_80x24_there_is_none(place: Place) -> None:
    async with console(place) as screen:
        await screen.shows("Gap by 12 h")
        assert "observed less scored, by" not in screen.text


@pytest.mark.parametrize("height", [12, 16, 30, 36, 56])
def test_the_page_is_never_higher_than_its_room(place: Place, height: int) -> None:
    view = Lookout(open_workspace(place.root), "production").fleet()
    plain = fleet_page(view, width=120, height=height)
    drawn = fleet_page(view, width=120, height=height, curve=True)
    assert len(drawn.rows) <= max(height, len(plain.rows))
    assert (len(drawn.rows) > len(plain.rows)) == (height >= 30)


def test_the_curve_stands_above_its_critical_line_at_the_end_and_below_it_at_the_start(place: Place) -> None:
    row = row_of(place)
    lines = [each.text for each in gap_curve(row, ZoneInfo("UTC"), 120, 20)]
    body = lines[2:-1]
    critical = next(number for number, text in enumerate(body) if text.count("=") > 40)
    stars = [(text.rfind("*"), number) for number, text in enumerate(body) if "*" in text]
    assert max(stars)[1] < critical < next(number for number, text in enumerate(body) if "*" in text.partition("|")[2][:3])
    place_of = (BROKE - row.history_from) / (row.history_to - row.history_from)
    assert row.broke_first_at is not None
    assert abs(lines[-1].index("^ broke") / 118 - (row.broke_first_at - row.history_from) / (row.history_to - row.history_from)) < 0.05
    assert 0.5 < place_of < 1


def test_without_a_course_there_is_no_curve(place: Place) -> None:
    row = row_of(place).model_copy(update={"gap_history": ()})
    assert gap_curve(row, ZoneInfo("UTC"), 120, 20) == []


def test_the_course_names_what_it_is_of(place: Place) -> None:
    view = Lookout(open_workspace(place.root), "production").fleet()
    error = view.model_copy(update={"rows": (row_of(place).model_copy(update={"gap_title": "MAE, times before"}),)})
    text = "\n".join(row.line.text for row in fleet_page(error, width=120, height=36, curve=True).rows)
    assert " MAE by 12 h" in text
    assert f" {MODEL}: MAE, times before, by 12 h" in text
    assert "observed less scored" not in text.split("-- ", 1)[1].split("Waiting")[0]
