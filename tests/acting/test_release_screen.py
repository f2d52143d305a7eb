"""Release: `W` shows how traffic is divided, and every move from there is a plan that is confirmed like any other."""

from __future__ import annotations

import json

import pytest
from acting_workspace import MODEL, Place
from pilots import Console, console
from test_traffic_verb import begin, entry
from test_verbs_that_act import Verb

from console.control.ledger import read_state
from console.control.rollout import RolloutMove
from console.screens.plan import PlanScreen
from console.screens.shifting import beginning


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


async def released(screen: Console, said: str) -> None:
    await screen.until(lambda: screen.app.screen.scope == "release", "Release")
    await screen.shows(said)


async def stands_on(screen: Console, key: str) -> None:
    """Move the cursor up to a row."""
    await screen.press("G")
    for _ in range(30):
        if screen.app.screen.content.cursor_key == key:
            return
        await screen.press("k")
    raise AssertionError(f"no row {key}\n{screen.text}")


async def test_a_canary_begins_steps_and_ends_from_its_screen(qd: Verb, place: Place) -> None:
    qd.monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    async with console(place) as screen:
        await screen.press("W")
        await released(screen, "no rollout is under way")
        assert "D end it" not in screen.text and "W next step" in screen.rows[-1]
        await screen.press("D")
        await screen.shows("no rollout is under way")
        await screen.press("E", *"April", "enter")
        await screen.shows("ELEVATED")
        await screen.press("W")
        await screen.shows("let in: version, how, shares or hours: 3 canary")
        await screen.press(*"10,50", "enter")
        await screen.until(lambda: isinstance(screen.app.screen, PlanScreen), "a plan")
        await screen.shows("v3 0 % -> 10 %")
        await screen.shows("Would it help?")
        await screen.pilot.pause()
        await screen.signs()
        await screen.shows("APR-1 waits")
        assert not place.paths.traffic.exists()
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0
    qd.monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    async with console(place) as screen:
        await screen.shows("ELEVATED")
        await screen.press("g", "a")
        await screen.shows("P executes it")
        # What was asked is what its request executes: a tenth, never all of it.
        await screen.opens("P")
        await screen.shows("v3 0 % -> 10 %")
        await screen.signs()
        await screen.shows("at 10 % step 1/2, read back")
        assert place.version == "2" and entry(place)["weights"] == {"2": 0.9, "3": 0.1}
        await screen.press("q")
        await screen.press("g", "f")
        await screen.until(lambda: screen.app.screen.scope == "fleet", "Fleet")
        await screen.press("W")
        await released(screen, "[10 %] > 50 % > promote")
        await screen.shows("unjudged, on record")
        await screen.shows("nothing was scored since")
        await screen.shows("D end it")
        await screen.opens("W")
        await screen.shows("v3 10 % -> 50 %")
        await screen.signs()
        await screen.shows("at 50 % step 2/2, read back")
        await screen.shows("nothing was scored since (now)")
        await screen.press("q")
        await screen.shows("10 % > [50 %] > promote")
        await screen.opens("D")
        await screen.shows("END ROLLOUT OF")
        await screen.signs()
        await screen.shows("traffic = none, read back")
    assert entry(place)["state"] == "ended"
    wishes = [(action.plan or {}).get("wish") for action in read_state(place.paths).actions.values()]
    assert [wish["unjudged"] for wish in wishes if wish is not None] == [False, True]


async def test_a_share_is_asked_for_and_the_past_only_looks(qd: Verb, place: Place) -> None:
    begin(qd)
    async with console(place) as screen:
        await screen.press("W")
        await released(screen, "candidate 10 %")
        await screen.until(lambda: "exactly this share" in screen.text, "Next")
        await stands_on(screen, f"traffic {MODEL} shift --percent N")
        await screen.press("enter")
        await screen.shows("its share from now on, in percent")
        await screen.press(*"many", "enter")
        await screen.shows("many is no percentage")
        await screen.press("enter", *"4", "enter")
        await screen.until(lambda: isinstance(screen.app.screen, PlanScreen), "a plan")
        await screen.shows("v3 10 % -> 4 %")
        await screen.pilot.pause()
        await screen.signs()
        await screen.shows("at 4 %")
        await screen.press("q")
        await screen.shows("traffic.json version 2")
        await screen.until(lambda: screen.app.screen.view.version == 2, "the new share")
        await stands_on(screen, f"traffic {MODEL} pause")
        await screen.press("enter")
        await screen.until(lambda: isinstance(screen.app.screen, PlanScreen), "a plan")
        await screen.shows("pause canary of v3")
        await screen.pilot.pause()
        await screen.signs()
        await screen.shows("paused, read back")
    assert entry(place)["paused"]
    assert entry(place)["weights"] == {"2": 0.96, "3": 0.04}
    assert json.loads(place.paths.traffic.read_text())["version"] == 3
    async with console(place, read_only=True) as screen:
        await screen.press("W")
        await released(screen, "candidate 4 %")
        for key in ("W", "D"):
            await screen.press(key)
            await screen.shows("--read-only")
        assert len(read_state(place.paths).actions) == 3


def test_a_beginning_is_typed_in_a_line() -> None:
    version, wish = beginning("v3 canary 10,50%")
    assert (version, wish.move, wish.steps) == ("3", RolloutMove.CANARY, (0.1, 0.5))
    _, wish = beginning("vega ab 40 36h")
    assert (wish.share, wish.hours) == (0.4, 36.0)
    assert beginning("3 shadow")[1].steps == () and beginning("3 blue-green 12h")[1].hours == 12.0
    for words, said in (
        ("3", "write VERSION"),
        ("3 sideways", "write VERSION"),
        ("3 shadow 5", "takes no share"),
        ("3 ab 5,10", "takes no steps"),
        ("3 canary 5h", "takes no hours"),
        ("3 canary x", "is no number"),
        ("3 canary 500", "less than or equal to 1"),
        ("3 ab 50 -3h", "greater than 0"),
    ):
        with pytest.raises(ValueError, match=said):
            beginning(words)
