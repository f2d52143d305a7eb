"""Whether it helped stands with the action itself: until when it was its effect, and what to try where it was none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import console
from test_effect_and_facts import after_the_fallback

from backends.records import Model
from backends.store.landing import land, land_records
from console.acting import open_desk
from console.cli.main import main
from console.clock import SimulatedClock, SystemClock
from console.config import open_workspace
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, Confirmation
from console.lookout import Lookout
from console.simulation import write_clock
from console.views.incidents.effect_view import EffectView


def acted(place: Place, kind: ActionKind) -> ActionOutcome:
    with open_desk(open_workspace(place.root), "production", elevated=True) as desk:
        plan = desk.plan(ActionRequest(kind=kind, model=MODEL, reason="it broke"))
        outcome = desk.execute(plan, Confirmation(typed_name=MODEL, reason="it broke"))
    assert outcome.exit_code == 0, outcome.message
    return outcome


def at(place: Place, **after: float) -> None:
    write_clock(place.paths, SimulatedClock(NOW + timedelta(**after), SystemClock().real_now(), 0.0))


def scored(place: Place, served_by: str, *, minute: int, labels: bool = False, version: str = "2", score: float = 0.5) -> None:
    """Forty scores, one a minute, whose outcomes are all 1."""
    keys, moments = [f"m{minute}-{row}" for row in range(40)], [NOW + timedelta(minutes=minute + row) for row in range(40)]
    same = {"model": [MODEL] * 40, "key": keys, "event_at": moments}
    land(place.paths, "predictions", {**same, "version": [version] * 40, "score": [score] * 40, "served_by": [served_by] * 40}, now=NOW)
    if labels:
        land(place.paths, "labels", {**same, "label": [1.0] * 40, "known_at": moments}, now=NOW)


def newest(place: Place) -> str:
    return list(Lookout(open_workspace(place.root), "production").sight().control.actions)[-1]


def effect(place: Place, outcome: ActionOutcome) -> EffectView:
    return Lookout(open_workspace(place.root), "production").effect(outcome.action_id)


def test_an_action_says_whether_it_helped(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    after_the_fallback(place, 0.04)
    action = newest(place)
    assert main(["-w", str(place.root), "action", action]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "helped: it helps: .040 against .250 without it, on the same 240 rows" in said
    assert "before, 24 h gap" in said and "since then gap" in said


async def test_the_page_of_an_action_says_it_too(place: Place) -> None:
    after_the_fallback(place, 0.49)
    action = newest(place)
    async with console(place, size=(100, 40)) as screen:
        screen.app.go("action", action)
        await screen.shows("X worse: it made things worse")
        assert "Next: the next choice of the playbook" in screen.text


def test_where_nothing_can_be_measured_it_says_why(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = acted(place, ActionKind.FALLBACK)
    (place.root / "store" / "catalog.sqlite").write_bytes(b"no database")
    assert main(["-w", str(place.root), "action", outcome.action_id]) == 0
    said = capsys.readouterr().out
    assert "the effect cannot be measured" in said
    assert "set_switch" in said, "its life and calls are shown all the same"


def test_what_was_scored_after_the_next_action_is_no_effect_of_this_one(place: Place) -> None:
    fallback = acted(place, ActionKind.FALLBACK)
    scored(place, "fallback", minute=1)
    at(place, hours=1)
    back = acted(place, ActionKind.ROLLBACK)
    scored(place, "model", minute=61, version="1")
    at(place, hours=3)
    first, second = effect(place, fallback), effect(place, back)
    assert (first.scored_since, first.as_wanted, first.ended_by) == (40, 40, back.action_id)
    assert (second.scored_since, second.as_wanted, second.ended_by) == (40, 40, None)


@pytest.mark.parametrize(("minutes", "verdict"), [(59, "watching"), (61, "no effect")])
def test_without_a_score_for_an_hour_there_was_no_effect(place: Place, minutes: int, verdict: str) -> None:
    outcome = acted(place, ActionKind.FALLBACK)
    at(place, minutes=minutes)
    assert effect(place, outcome).verdict == verdict


def test_hours_at_which_nothing_is_ever_scored_are_no_failure_of_the_action(place: Place) -> None:
    """Fares are asked for from noon to ten in the evening; the fallback was set as the last one was scored."""
    asked = [NOW - timedelta(days=day, minutes=20 * row + 1) for day in range(8) for row in range(30)]
    land_records(place.paths, [Model(name="fares", task="binary", event_at=asked[-1], known_at=asked[-1])], now=NOW)
    keys, many = [f"f{row}" for row in range(len(asked))], len(asked)
    columns = {"model": ["fares"] * many, "version": ["1"] * many, "key": keys, "event_at": asked, "score": [0.5] * many}
    land(place.paths, "predictions", columns, now=NOW)
    assert main(["-w", str(place.root), "kill", "fares", "--state", "fallback", "--confirm", "fares", "--reason", "it broke"]) == 0
    [action] = Lookout(open_workspace(place.root), "production").sight().control.actions
    at(place, hours=3)
    night = Lookout(open_workspace(place.root), "production").effect(action)
    assert (night.verdict, night.scored_since) == ("watching", 0)
    assert "nothing was scored since (3h), nor was anything at these hours on 7 of the 7 days before" in night.message
    at(place, hours=16)
    day = Lookout(open_workspace(place.root), "production").effect(action)
    assert day.verdict == "no effect", "by now something was scored on every other day"


def test_whoever_is_answered_although_it_was_killed_is_counted(place: Place) -> None:
    outcome = acted(place, ActionKind.KILL)
    at(place, hours=1)
    assert effect(place, outcome).verdict == "unknown", "nobody was answered, which is what was wanted"
    scored(place, "model", minute=1)
    found = effect(place, outcome)
    assert found.verdict == "no effect"
    assert "40 of 40 requests since were answered all the same" in found.message


@pytest.mark.parametrize(
    ("kind", "score", "verdict", "following"),
    [
        (ActionKind.ROLLBACK, 0.05, "worse", "Next: set fallback: K"),
        (ActionKind.ROLLBACK, 0.95, "helped", "Next: keep watching"),
        (ActionKind.ROLLBACK, None, "unknown", "Next: keep watching"),
    ],
)
def test_a_rollback_is_judged_by_the_error_before_it_and_since(
    place: Place, capsys: pytest.CaptureFixture[str], kind: ActionKind, score: float | None, verdict: str, following: str
) -> None:
    outcome = acted(place, kind)
    scored(place, "model", minute=1, labels=score is not None, version="1", score=score or 0.5)
    at(place, hours=5)
    found = effect(place, outcome)
    assert found.verdict == verdict, found.message
    if score is None:
        assert "though the first were due" in found.message
    assert main(["-w", str(place.root), "action", outcome.action_id]) == 0
    assert following in capsys.readouterr().out
