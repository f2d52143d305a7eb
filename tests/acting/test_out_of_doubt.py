"""A process that was killed in the middle of an action, and the ways out of doubt: as verbs, and with the keys of the console."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from typing import Any

import pytest
from acting_workspace import MODEL, Place
from pilots import console

from backends.local.acting import LocalSwitchSetter
from backends.protocol import BackendError, SwitchSetting
from backends.records import SwitchState
from console.cli.main import main
from console.control.actions import ActionState
from console.control.ledger import read_state

KEY = "lost"


def killed_while_setting_the_fallback(place: Place, *, applied: bool) -> str:
    """`kill` in a process that is ended just before or just after the switch is set; the id of the action."""
    child = os.fork()
    if child == 0:
        try:
            from backends.local import acting

            real = acting.LocalSwitchSetter.set_switch

            def dies(self: Any, *words: Any, **named: Any) -> None:
                if applied:
                    real(self, *words, **named)
                os.kill(os.getpid(), signal.SIGKILL)

            acting.LocalSwitchSetter.set_switch = dies  # type: ignore[method-assign,assignment]
            main(["-w", str(place.root), "kill", MODEL, "--confirm", MODEL, "--reason", "drill", "--key", KEY])
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    action = read_state(place.paths).action(KEY)
    assert action is not None and action.state is ActionState.IN_DOUBT
    return action.id


def qd(capsys: pytest.CaptureFixture[str], place: Place, *words: str) -> tuple[int, str, str]:
    code = main(["-w", str(place.root), *words])
    told = capsys.readouterr()
    return int(code), told.out, told.err


def rechecked_while_the_switches_cannot_be_read(capsys: pytest.CaptureFixture[str], place: Place) -> str:
    action = killed_while_setting_the_fallback(place, applied=False)
    place.paths.switches.write_text("{ broken by hand")
    code, out, _ = qd(capsys, place, "action", "recheck", action, "--json")
    assert code == 6 and json.loads(out)["state"] == "in doubt" and "switches.json is broken" in json.loads(out)["message"]
    place.paths.switches.unlink()
    return action


def test_the_list_names_it_and_the_action_says_what_to_do(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=False)
    listed = json.loads(qd(capsys, place, "actions", "--open", "--json")[1])
    assert [(row["id"], row["life"], row["open"]) for row in listed["rows"]] == [(action, "in doubt", True)]
    for words in (("action", action), ("action", "show", action), ("action", KEY)):
        code, out, _ = qd(capsys, place, *words, "--json")
        shown = json.loads(out)
        assert code == 0 and shown["row"]["id"] == action
        assert shown["next"] == [f"action recheck {action}", f"action resolve {action} --done|--failed --reason TEXT"]
    assert f"qd action recheck {action}" in qd(capsys, place, "action", action)[1]


@pytest.mark.parametrize(("applied", "state"), [(True, "effective"), (False, "failed")])
def test_a_recheck_finds_out_by_looking(capsys: pytest.CaptureFixture[str], place: Place, applied: bool, state: str) -> None:
    action = killed_while_setting_the_fallback(place, applied=applied)
    code, out, _ = qd(capsys, place, "action", "recheck", action, "--json")
    found = json.loads(out)
    assert code == 0 and found["schema"] == "quarterdeck/outcome/1"
    assert (found["state"], found["action_id"]) == (state, action) and found["calls"]
    assert place.switch == ("fallback" if applied else "normal")
    assert json.loads(qd(capsys, place, "actions", "--open", "--json")[1])["rows"] == []


@pytest.mark.parametrize(("word", "state"), [("--done", "effective"), ("--failed", "failed")])
def test_somebodys_word_settles_it_with_the_reason_on_record(
    capsys: pytest.CaptureFixture[str], place: Place, word: str, state: str
) -> None:
    action = killed_while_setting_the_fallback(place, applied=word == "--done")
    assert qd(capsys, place, "action", "resolve", action)[0] == 2
    assert qd(capsys, place, "action", "resolve", action, word)[0] == 2
    assert qd(capsys, place, "action", "resolve", action, word, "--reason", " ")[0] == 2
    code, out, _ = qd(capsys, place, "action", "resolve", action, word, "--reason", "seen on the serving host")
    assert code == 0 and state in out
    shown = json.loads(qd(capsys, place, "action", action, "--json")[1])
    assert shown["row"]["life"] == state and shown["settled_by"] and shown["next"] == []
    in_force = "fallback" if word == "--done" else "normal"
    assert f"seen on the serving host; read back: {in_force} is in force" in shown["row"]["why"]


def test_nobodys_word_calls_failed_what_is_in_force_by_this_very_call(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=True)
    code, _, err = qd(capsys, place, "action", "resolve", action, "--failed", "--reason", "it looked so")
    assert code == 3 and f"{action} did take effect: fallback is in force by its own call" in err
    assert read_state(place.paths).actions[action].state is ActionState.IN_DOUBT
    assert qd(capsys, place, "action", "resolve", action, "--done", "--reason", "seen")[0] == 0
    assert read_state(place.paths).actions[action].state is ActionState.EFFECTIVE


def test_nobodys_word_calls_done_what_never_arrived(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=False)
    code, _, err = qd(capsys, place, "action", "resolve", action, "--done", "--reason", "it must have")
    assert code == 3 and f"{action} has not taken effect: normal is in force, and its call never arrived; recheck it" in err
    assert read_state(place.paths).actions[action].state is ActionState.IN_DOUBT
    code, out, _ = qd(capsys, place, "action", "recheck", action, "--json")
    assert code == 0 and json.loads(out)["state"] == "failed"


def test_where_nothing_can_be_read_back_a_word_stands_and_says_so(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=False)
    place.paths.switches.write_text("{ broken by hand")
    code, out, _ = qd(capsys, place, "action", "resolve", action, "--done", "--reason", "seen on the serving host", "--json")
    told = json.loads(out)
    assert code == 0 and told["state"] == "effective" and told["after"] is None
    assert "seen on the serving host; it could not be read back: " in told["message"] and "switches.json is broken" in told["message"]


def test_what_was_called_failed_by_a_word_cannot_arrive_afterwards(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=False)
    assert qd(capsys, place, "action", "resolve", action, "--failed", "--reason", "the host is gone")[0] == 0
    late = SwitchSetting("production", MODEL, SwitchState.FALLBACK, datetime(2013, 4, 26, tzinfo=UTC), "mara@bastion", KEY, "drill")
    with pytest.raises(BackendError, match="was given up after a check"):
        LocalSwitchSetter(place.paths.switches).set_switch(late, expected=SwitchState.NORMAL)
    assert place.switch == "normal"


def test_a_retry_comes_after_a_recheck_shows_its_plan_and_keeps_the_key(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=False)
    code, _, err = qd(capsys, place, "action", "retry", action, "--confirm", MODEL)
    assert code == 3 and f"recheck {action} first" in err
    place.paths.switches.write_text("{ broken by hand")
    assert qd(capsys, place, "action", "recheck", action)[0] == 6
    place.paths.switches.unlink()
    code, out, _ = qd(capsys, place, "action", "retry", action, "--dry-run", "--json")
    plan = json.loads(out)
    assert code == 0 and plan["allowed"] and plan["key"] == KEY and plan["verb"] == f"action retry {action}"
    assert place.switch == "normal"
    assert qd(capsys, place, "action", "retry", action, "--confirm", "delays")[0] == 2
    assert place.switch == "normal"
    code, out, _ = qd(capsys, place, "action", "retry", action, "--confirm", MODEL, "--json")
    told = json.loads(out)
    assert code == 0 and (told["state"], told["key"], told["action_id"]) == ("effective", KEY, action)
    assert place.switch == "fallback"
    shown = json.loads(qd(capsys, place, "action", action, "--json")[1])
    assert shown["retries"] == 1
    assert qd(capsys, place, "action", "retry", action, "--confirm", MODEL)[0] == 3


@pytest.mark.parametrize(
    "words", [("action",), ("action", "recheck"), ("action", "a", "b"), ("action", "show", "a", "b"), ("action", "show", "a", "--done")]
)
def test_what_is_not_understood_is_a_usage_error(capsys: pytest.CaptureFixture[str], place: Place, words: tuple[str, ...]) -> None:
    try:
        code = main(["-w", str(place.root), *words])
    except SystemExit as left:
        code = left.code  # type: ignore[assignment]
    assert code == 2
    capsys.readouterr()


@pytest.mark.parametrize("what", ["recheck", "retry"])
def test_an_action_that_nobody_knows_is_not_found(capsys: pytest.CaptureFixture[str], place: Place, what: str) -> None:
    assert qd(capsys, place, "action", what, "A-nothing")[0] == 5


async def test_v_looks_again_from_the_list(place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=True)
    async with console(place) as screen:
        await screen.press("at")
        await screen.shows(action[:10])
        await screen.press("V")
        await screen.shows("found in effect")
        await screen.shows("none open")
    assert read_state(place.paths).open_actions() == []


async def test_s_asks_how_it_ended_and_how_that_is_known(place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=True)
    async with console(place) as screen:
        await screen.press("at")
        await screen.shows(action[:10])
        await screen.press("enter")
        await screen.shows("Nobody knows yet how it ended")
        await screen.press("S")
        await screen.shows("how you know")
        await screen.press("enter")
        await screen.shows("write how it ended and how you know")
        assert read_state(place.paths).actions[action].open
        await screen.press("S")
        await screen.press(*"seen")
        await screen.press("enter")
        await screen.until(lambda: not read_state(place.paths).actions[action].open, "settled")
    assert read_state(place.paths).actions[action].state is ActionState.EFFECTIVE


async def test_a_opens_the_plan_of_the_same_call_and_the_name_and_space_send_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    action = rechecked_while_the_switches_cannot_be_read(capsys, place)
    async with console(place) as screen:
        await screen.press("at")
        await screen.shows(action[:10])
        await screen.opens("A")
        await screen.shows("AGAIN: KILL SWITCH delay")
        assert place.switch == "normal"
        await screen.signs()
        await screen.shows("switch = fallback, read back")
    assert place.switch == "fallback"
    record = read_state(place.paths).actions[action]
    assert (record.state, record.key, record.retries) == (ActionState.EFFECTIVE, KEY, 1)


@pytest.mark.parametrize("key", ["S", "A"])
async def test_what_has_ended_is_not_settled_again(place: Place, capsys: pytest.CaptureFixture[str], key: str) -> None:
    assert qd(capsys, place, "kill", MODEL, "--confirm", MODEL)[0] == 0
    async with console(place) as screen:
        await screen.press("at")
        await screen.shows("effective")
        await screen.press(key)
        await screen.shows("nothing is in doubt")
        assert screen.app.screen.scope == "actions"
