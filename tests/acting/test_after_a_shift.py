"""After a shift of traffic: what was scored since says whether it helped, and one that a crash left in doubt is found out and repeated."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from typing import Any

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import console
from test_traffic_verb import begin, entry
from test_verbs_that_act import Verb

from backends.store.landing import land
from console.cli.main import main
from console.clock import SimulatedClock, SystemClock
from console.config import open_workspace
from console.control.actions import ActionState
from console.control.ledger import read_state
from console.lookout import Lookout
from console.simulation import write_clock

ROWS = 200
KEY = "lost-shift"
SHADOW = ("traffic", MODEL, "shift", "--to", "3", "--strategy", "shadow", "--reason", "look", "--elevate", "--confirm", MODEL)


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


def scored(place: Place, hours: float, *rows: tuple[str, str, float], labelled: bool = True) -> None:
    """So many hours pass; each of the same requests gets the scores of `rows`: version, role, score. Every outcome is 1."""
    at = [NOW + timedelta(seconds=30 + row * 25) for row in range(ROWS)]
    keys = [f"later{row}" for row in range(ROWS)]
    for version, role, score in rows:
        columns = {
            "model": [MODEL] * ROWS, "version": [version] * ROWS, "key": keys, "event_at": at, "score": [score] * ROWS,
            "role": [role] * ROWS, "served_by": ["model"] * ROWS, "source": [version] * ROWS,
        }  # fmt: skip
        land(place.paths, "predictions", columns, now=NOW)
    if labelled:
        labels = {"model": [MODEL] * ROWS, "key": keys, "label": [1.0] * ROWS, "event_at": at, "known_at": at}
        land(place.paths, "labels", labels, now=NOW)
    write_clock(place.paths, SimulatedClock(NOW + timedelta(hours=hours), SystemClock().real_now(), 0.0))


def effect(place: Place) -> Any:
    found = Lookout(open_workspace(place.root), "production").latest_effect(MODEL)
    assert found is not None
    return found


@pytest.mark.parametrize(("score", "verdict"), [(0.8, "helped"), (0.3, "worse"), (0.5, "no effect")])
def test_what_the_candidate_answered_is_held_against_what_the_other_one_says_of_the_same_requests(
    qd: Verb, place: Place, score: float, verdict: str
) -> None:
    begin(qd)
    assert effect(place).verdict == "watching"
    scored(place, 2, ("3", "live", score), ("2", "shadow", 0.5))
    found = effect(place)
    assert (found.kind, found.scored_since, found.as_wanted, found.same_rows) == ("shift", ROWS, ROWS, ROWS)
    assert found.loss == pytest.approx((1 - score) ** 2) and found.loss_otherwise == pytest.approx(0.25)
    assert found.verdict == verdict, found.message
    if verdict == "no effect":
        assert found.message.startswith("no effect after 2h: no difference can be told: .250 against .250")


def test_serving_that_has_not_followed_is_no_effect_and_outcomes_to_come_are_waited_for(qd: Verb, place: Place) -> None:
    begin(qd)
    scored(place, 2, ("2", "live", 0.5), labelled=False)
    found = effect(place)
    assert found.verdict == "no effect" and f"none of {ROWS} scores since came from 3: serving has not followed" in found.message
    scored(place, 2, ("3", "live", 0.5), labelled=False)
    assert effect(place).verdict == "watching" and effect(place).message == f"no labels yet for {ROWS} scores since"


async def test_the_receipt_of_a_shift_goes_on_to_say_whether_it_helped(qd: Verb, place: Place) -> None:
    begin(qd)
    async with console(place) as screen:
        await screen.press("W")
        await screen.shows("D end it")
        await screen.opens("D")
        await screen.shows("END ROLLOUT")
        await screen.signs()
        await screen.shows("traffic = none, read back")
        await screen.shows("nothing was scored since")
        scored(place, 2, ("2", "live", 0.9), ("3", "shadow", 0.5))
        # The receipt stands there and looks again by itself when something landed.
        await screen.shows("it helps: .010 against .250 without it")


def killed_while_shifting(place: Place, *, applied: bool) -> str:
    """A shift in a process that is ended just before or just after it is published; the id of the action."""
    child = os.fork()
    if child == 0:
        try:
            from backends.local import acting

            real = acting.LocalTrafficSetter.set_traffic

            def dies(self: Any, *words: Any, **named: Any) -> None:
                if applied:
                    real(self, *words, **named)
                os.kill(os.getpid(), signal.SIGKILL)

            acting.LocalTrafficSetter.set_traffic = dies  # type: ignore[method-assign,assignment]
            main(["-w", str(place.root), *SHADOW, "--key", KEY])
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    action = read_state(place.paths).action(KEY)
    assert action is not None and action.state is ActionState.IN_DOUBT
    return action.id


def test_a_shift_that_was_published_before_the_crash_is_found_by_looking(qd: Verb, place: Place) -> None:
    action = killed_while_shifting(place, applied=True)
    assert qd("action", "recheck", action, "--json") == 0
    assert qd.data["state"] == "effective" and entry(place)["key"] == KEY
    assert qd("action", "retry", action, "--confirm", MODEL, "--elevate") == 3
    assert json.loads(place.paths.traffic.read_text())["version"] == 1


def test_a_shift_that_was_not_published_is_made_again_once_with_the_same_key(qd: Verb, place: Place) -> None:
    action = killed_while_shifting(place, applied=False)
    retry = ("action", "retry", action, "--confirm", MODEL, "--elevate", "--reason", "still wanted")
    assert qd(*retry) == 3 and f"recheck {action} first" in qd.err
    place.paths.traffic.write_text("{ broken by hand")
    assert qd("action", "recheck", action) == 6
    place.paths.traffic.unlink()
    assert qd(*retry[:3], "--elevate", "--dry-run", "--json") == 0
    assert qd.data["allowed"] and qd.data["key"] == KEY and qd.data["undo"] == "end the rollout, 1 operator"
    assert qd(*retry, "--json") == 0, qd.err
    assert (qd.data["state"], qd.data["key"], qd.data["action_id"]) == ("effective", KEY, action)
    assert entry(place)["key"] == KEY and entry(place)["shadow"] == ["3"]
    assert read_state(place.paths).actions[action].retries == 1
    assert qd(*retry) == 3
    assert json.loads(place.paths.traffic.read_text())["version"] == 1


def test_a_repetition_that_is_refused_promises_no_way_back(qd: Verb, place: Place) -> None:
    action = killed_while_shifting(place, applied=False)
    place.paths.traffic.write_text("{ broken by hand")
    assert qd("action", "recheck", action) == 6
    place.paths.traffic.unlink()
    other = [word if word != "shadow" else "blue-green" for word in SHADOW]
    assert qd(*other) == 0, qd.err
    assert qd("action", "retry", action, "--elevate", "--dry-run", "--json") == 3
    assert "is in force, not none from which it started" in qd.data["refusal"]
    assert qd.data["undo"] == "the call is not made again, so there is nothing to take back"
    assert entry(place)["strategy"] == "blue-green"
