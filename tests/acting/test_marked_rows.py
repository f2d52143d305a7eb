"""Space marks rows of Fleet, and `K` plans for all that are marked: one count is typed, each model is listed, and all move or none."""

from __future__ import annotations

import re

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import Console, console
from test_several import switches
from textual import events

from backends.local.acting import LocalAliasSetter
from backends.records import Model
from backends.store.compactor import compact
from backends.store.landing import land_records
from console.cli.main import main
from console.control.errors import Refused
from console.control.ledger import read_state
from console.screens.plan import PlanScreen
from console.screens.several import SeveralScreen

OTHERS = ("a'b c", "fares")
ALL = {MODEL, *OTHERS}


@pytest.fixture(autouse=True)
def more_models(place: Place) -> None:
    aliases = LocalAliasSetter(place.paths.registry)
    for name in OTHERS:
        aliases.set_alias("production", name, "production", "1", expected=None, key=f"{name}1", actor="ines", now=NOW)
    land_records(place.paths, [Model(name=name, task="binary", owner="mara", event_at=NOW, known_at=NOW) for name in OTHERS], now=NOW)
    compact(place.paths, now=NOW)
    # What was evaluated before they came is not shown.
    place.paths.summary.unlink()


async def marked(found: Console, *names: str) -> None:
    """Put the cursor on each and press Space."""
    await found.until(lambda: {row.key for row in found.app.screen.content.rows} >= ALL, "every model")  # type: ignore[attr-defined]
    for name in names:
        found.app.screen.content.put_cursor_on(name)  # type: ignore[attr-defined]
        await found.press("space")
    await found.shows(f"{len(names)} marked")


async def planned(found: Console) -> SeveralScreen:
    await found.press("K")
    await found.until(lambda: isinstance(found.app.screen, SeveralScreen), "the plan of several")
    screen = found.app.screen
    assert isinstance(screen, SeveralScreen)
    await found.until(lambda: all(each.facts or each.problem for each in screen.errand.errands), "facts")
    # What is still read may draw the plan anew, which puts the focus back on Cancel.
    await found.all_came_in()
    await found.pilot.pause()
    return screen


async def test_all_that_are_marked_are_listed_their_count_is_typed_and_each_is_on_record(place: Place) -> None:
    async with console(place, size=(120, 40)) as found:
        await marked(found, MODEL, *OTHERS)
        await found.shows("3 models: ")
        await found.shows(", 3 marked")
        assert len([row for row in found.rows if re.match(r".{2}\*(delay|a'b c|fares) ", row)]) == 3
        await found.shows("kill switch of 3")
        screen = await planned(found)
        for name in ALL:
            assert re.search(rf"^ . {re.escape(name)}   normal -> fallback", found.text, re.MULTILINE), found.text
        await found.shows("Type 3 models to enable")
        # The name of one of them is not what is asked for, whoever says so.
        with pytest.raises(Refused, match="type 3 models to confirm: nothing was sent to any"):
            screen.errand.execute(screen._plans(None), reason="r", typed=MODEL)
        assert switches(place) == {}
        await found.signs("3 models")
        await found.until(lambda: len(screen.outcomes) == 3, "three outcomes")
        await found.shows("3 of 3 effective")
        assert switches(place) == dict.fromkeys(ALL, "fallback")
        actions = read_state(place.paths).actions.values()
        assert {action.model for action in actions} == ALL and {str(action.reason) for action in actions} == {screen.drawn.reason}  # type: ignore[union-attr]
        await found.press("q")
        await found.until(lambda: getattr(found.app.screen, "scope", "") == "fleet", "Fleet")
        assert found.app.screen.marked == ()  # type: ignore[attr-defined]


async def test_where_a_guardrail_refuses_so_many_at_once_the_plan_says_so_and_none_moves(place: Place) -> None:
    rail = '{id: few, title: "Two at most", actions: [kill-switch], max_bulk: 2}'
    (place.paths.policies / "few.yaml").write_text(f"format: 1\nguardrails: [{rail}]\n")
    async with console(place, size=(120, 40)) as found:
        await marked(found, MODEL, *OTHERS)
        await planned(found)
        await found.shows("3 models at once are more than the 2 of guardrail few")
        # The button is off, so Tab stays on Cancel and Space presses that.
        await found.signs("3 models")
        await found.until(lambda: getattr(found.app.screen, "scope", "") == "fleet", "Fleet")
        assert switches(place) == {}
        # Nothing was sent, so the marks stand; Space takes one away.
        found.app.screen.content.put_cursor_on("fares")  # type: ignore[attr-defined]
        await found.press("space")
        await found.shows("2 marked")
        screen = await planned(found)
        await found.signs("2 models")
        await found.until(lambda: len(screen.outcomes) == 2, "two outcomes")
        assert switches(place) == {MODEL: "fallback", "a'b c": "fallback"}


async def test_a_model_that_somebody_else_moved_meanwhile_keeps_all_of_them_where_they_are(place: Place) -> None:
    async with console(place, size=(120, 40)) as found:
        await marked(found, MODEL, "fares")
        screen = await planned(found)
        assert main(["-w", str(place.root), "kill", "fares", "--state", "degraded", "--confirm", "fares", "--reason", "otto"]) == 0
        await found.signs("2 models")
        await found.shows("fares changed since the plan was drawn: normal then, degraded now; nothing was sent to any")
        assert switches(place) == {"fares": "degraded"} and screen.outcomes == []


async def test_esc_takes_the_marks_away_and_what_acts_on_one_says_so(place: Place) -> None:
    async with console(place) as found:
        await marked(found, MODEL, "fares")
        screen = found.app.screen
        await found.press("R")
        await found.shows("roll back acts on one model: Esc takes the 2 marks away")
        await found.press("escape")
        await found.shows("no row is marked any more")
        assert found.app.screen.marked == ()  # type: ignore[attr-defined]
        await found.press("space")
        await found.shows("1 marked")
        # What is marked is what is under the cursor: nothing else can be meant.
        await found.opens("R")
        assert found.app.screen.errand.model == screen.content.cursor_key  # type: ignore[attr-defined]
        await found.press("escape")
        await found.until(lambda: found.app.screen is screen, "Fleet")
        await found.opens("K")
        assert not isinstance(found.app.screen, SeveralScreen)


@pytest.mark.parametrize("moving", ["j", "down", "G"])
async def test_keys_that_come_in_one_burst_are_about_the_row_that_the_cursor_went_to(place: Place, moving: str) -> None:
    """Over a slow line keys arrive together: none may overtake the one before it."""
    async with console(place) as found:
        await marked(found, MODEL)
        await found.press("escape")
        screen = found.app.screen
        screen.content.put_cursor_on(MODEL)  # type: ignore[attr-defined]
        await found.pilot.pause()
        # As the driver hands them over: without waiting for what the one before did.
        for key, character in ((moving, "j"), ("space", " "), (moving, "j"), ("space", " ")):
            found.app.post_message(events.Key(key, character))
        order = [row.key for row in screen.content.rows if row.key]  # type: ignore[attr-defined]
        wanted = {order[-1]} - ({order[-1]} if moving == "G" else set()) | ({order[1]} if moving != "G" else set())
        await found.until(lambda: set(screen.marked) == wanted and screen.content.cursor_key == order[-1], f"{wanted} marked")  # type: ignore[attr-defined]
        found.app.post_message(events.Key("k", "k"))
        found.app.post_message(events.Key("escape", None))
        found.app.post_message(events.Key("K", "K"))
        await found.until(lambda: isinstance(found.app.screen, PlanScreen), "a plan")
        assert found.app.screen.errand.model == order[-2]  # type: ignore[attr-defined]
