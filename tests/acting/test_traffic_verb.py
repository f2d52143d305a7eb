"""Traffic from the command line: what it plans, what serving processes then do, what it refuses, and its exit codes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import console
from test_verbs_that_act import Verb

from backends.local.reading import LocalAliases, LocalTraffic
from backends.local.routing import answered_by
from console.clock import SimulatedClock, SystemClock
from console.control.ledger import read_state
from console.simulation import write_clock

CANARY = ("traffic", MODEL, "shift", "--to", "v3", "--strategy", "canary", "--steps", "10,50", "--reason", "April", "--confirm", MODEL)


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


def entry(place: Place) -> dict[str, Any]:
    """What serving processes read."""
    found: dict[str, Any] = json.loads(place.paths.traffic.read_text())["traffic"]["production"][MODEL]
    return found


def share_of(place: Place, version: str, requests: int = 3000) -> float:
    """The share of requests that a process which obeys both files answers with `version`."""
    alias = LocalAliases(place.paths.registry).alias("production", MODEL, "production")
    setting = LocalTraffic(place.paths.traffic).traffic("production", MODEL)
    return sum(answered_by(setting, alias, f"r{number}") == version for number in range(requests)) / requests


def begin(qd: Verb, words: tuple[str, ...] = CANARY) -> None:
    assert qd(*words, who="ines") == 0, qd.err
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0, qd.err
    assert qd(*words, "--elevate", who="ines") == 0, qd.err


def test_a_dry_run_names_the_split_the_gates_and_the_calls_and_changes_nothing(qd: Verb, place: Place) -> None:
    assert qd(*CANARY[:-2], "--dry-run", "--json", who="ines") == 0
    plan = qd.data
    assert (plan["from_"], plan["to"], plan["step"]) == ("none", "canary 2 > 3 at 10 % step 1/2", "ask")
    moved = {change["what"]: change["movement"] for change in plan["will_change"]}
    assert moved["traffic to v3"] == "0 % -> 10 %" and moved["traffic to v2"] == "100 % -> 90 %"
    per_day = next(change["note"] for change in plan["will_change"] if change["what"] == "traffic to v3")
    assert per_day == "about 10 of 100 scores a day"
    states = {gate["name"]: (gate["state"], gate["waiver"]) for gate in plan["gates"]}
    assert states["SLO budget left"] == ("critical", "INC-1") and states["AUC not below the champion's"] == ("ok", None)
    assert plan["artifact_digest"].startswith("sha256:") and plan["would_help"]["rows"] > 0
    assert qd(*CANARY[:-2], "--dry-run", who="ines") == 0
    assert "PLAN shift traffic of delay v3 0 % -> 10 %, production" in qd.out
    assert "serving processes, at their next look at traffic.json" in qd.out.replace("\n             ", " ")
    assert max(len(each) for each in qd.out.splitlines()) <= 80
    assert not place.paths.traffic.exists()
    assert not read_state(place.paths).actions


def test_a_canary_goes_from_a_request_to_its_last_step_and_the_promotion(qd: Verb, place: Place) -> None:
    assert qd(*CANARY, who="ines") == 0
    assert "APR-1 waits: 0 of 1" in qd.out and not place.paths.traffic.exists()
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0
    asked = f"qd traffic {MODEL} shift --to 3 --strategy canary --steps 10,50"
    assert f"not executed yet: {asked}\n" in qd.out
    assert (
        "changes    traffic.json none -> canary 2 > 3 at 10 % step 1/2" in qd.err and "covers     every step up to the promotion" in qd.err
    )
    assert qd("promote", "APR-1", "--confirm", MODEL, "--elevate", who="ines") == 2
    assert f"it asks for shift; nothing was sent; use: {asked}" in qd.err.replace("\n", " ") and place.version == "2"
    assert qd("approvals", "--json") == 0
    assert [(row["asked_as"], row["action"], row["execute_with"]) for row in qd.data["rows"]] == [("shift", "promote", asked[3:])]
    assert qd(*CANARY, who="ines") == 3
    assert "elevate" in qd.err
    assert qd(*CANARY, "--elevate", who="ines") == 0
    assert "traffic = canary 2 > 3 at 10 % step 1/2, read back" in qd.out
    assert share_of(place, "3") == pytest.approx(0.1, abs=0.02)
    step = ("traffic", MODEL, "step", "--unjudged", "--reason", "no labels at night", "--elevate", "--confirm", MODEL)
    assert qd(*step, who="ines") == 0
    assert share_of(place, "3") == pytest.approx(0.5, abs=0.03)
    assert qd(*step, who="ines") == 3
    assert "step 2 of 2 was the last one" in qd.err
    assert qd("promote", f"{MODEL}@3", "--reason", "done", "--elevate", "--confirm", MODEL, who="ines") == 0, qd.err
    assert place.version == "3" and share_of(place, "3") == 1.0
    assert qd("traffic", MODEL, "--json") == 0
    assert qd.data["value"] == "none" and qd.data["last"]["candidate"] == "3"


async def test_on_the_screen_a_request_for_a_shift_is_not_executed_as_a_promotion(
    qd: Verb, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert qd(*CANARY, who="ines") == 0
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    async with console(place, size=(120, 40)) as screen:
        await screen.press("g", "a")
        await screen.shows("shift delay v2 -> v3")
        await screen.opens("P")
        await screen.shows("SHIFT TRAFFIC OF delay  v3 0 % -> 10 %")
        await screen.press("escape")
        await screen.shows("nothing was sent")
        await screen.press("enter")
        await screen.shows("Executed with: qd traffic delay shift --to 3 --strategy canary --steps 10,50")
        await screen.shows("traffic to v3 0 % -> 10 %")
    assert place.version == "2"


def test_what_is_under_way_is_shown_with_who_when_and_what_comes_next(qd: Verb, place: Place) -> None:
    assert qd("traffic", MODEL) == 0
    assert "v2 answers every request; no rollout is under way." in qd.out
    begin(qd)
    assert qd("traffic", MODEL, "show", "--json") == 0
    shown = qd.data
    assert [(arm["version"], arm["role"], arm["share"]) for arm in shown["arms"]] == [("2", "stable", 0.9), ("3", "candidate", 0.1)]
    assert (shown["strategy"], shown["step"], shown["steps"], shown["who"]) == ("canary", 1, [0.1, 0.5], "ines@desk")
    assert shown["step_at"] == entry(place)["step_at"] and shown["version"] == 1
    assert [move["verb"].split(MODEL)[1] for move in shown["next"]] == [
        " step --unjudged",
        " shift --percent N",
        " pause",
        "@3",
        " abort",
    ]
    assert shown["action"] in read_state(place.paths).actions
    assert qd("traffic", MODEL) == 0
    assert "steps [10 %] > 50 % > promote" in qd.out
    assert max(len(each) for each in qd.out.splitlines()) <= 80


def test_one_operator_takes_the_candidate_out_and_nobody_is_asked(qd: Verb, place: Place) -> None:
    begin(qd)
    assert qd("traffic", MODEL, "abort", "--confirm", MODEL, who="mara") == 0
    assert "traffic = none, read back" in qd.out
    assert share_of(place, "2") == 1.0 and entry(place)["state"] == "ended"
    assert qd("traffic", MODEL, "abort", "--confirm", MODEL, who="mara") == 3


def test_a_share_is_set_to_a_percentage_and_all_of_it_is_a_promotion(qd: Verb, place: Place) -> None:
    begin(qd)
    less = ("traffic", MODEL, "shift", "--percent", "4", "--confirm", MODEL)
    assert qd(*less, who="mara") == 0
    assert entry(place)["weights"] == {"2": 0.96, "3": 0.04}
    assert qd("traffic", MODEL, "shift", "--percent", "100", "--reason", "all", "--elevate", "--confirm", MODEL, who="ines") == 3
    assert "all of it is a promotion" in qd.err
    assert qd("traffic", MODEL, "shift", "--to", "1", "--percent", "3", "--confirm", MODEL, who="mara") == 3
    assert "a rollout of v3 is under way, not of v1" in qd.err


def test_a_percentage_of_a_version_begins_a_canary_where_none_is_under_way(qd: Verb) -> None:
    assert qd("traffic", MODEL, "shift", "--to", "3", "--percent", "20", "--reason", "April", "--dry-run", "--json", who="ines") == 0
    assert qd.data["terms"]["steps"] == [0.2, 0.25, 0.5] and qd.data["to"] == "canary 2 > 3 at 20 % step 1/3"


@pytest.mark.parametrize(
    ("strategy", "value", "shadow"),
    [("shadow", "shadow 2 > 3 at 0 %", ["3"]), ("blue-green", "blue-green 2 > 3 at 0 %", ["3"])],
)
def test_what_answers_nobody_needs_no_approval_and_is_published_as_a_shadow(
    qd: Verb, place: Place, strategy: str, value: str, shadow: list[str]
) -> None:
    words = ("traffic", MODEL, "shift", "--to", "3", "--strategy", strategy, "--reason", "look", "--confirm", MODEL, "--elevate")
    assert qd(*words, who="ines") == 0, qd.err
    assert value in qd.out and entry(place)["shadow"] == shadow and share_of(place, "2") == 1.0
    assert qd("traffic", MODEL, "show", "--json") == 0
    assert (qd.data["strategy"], [arm["version"] for arm in qd.data["arms"]]) == (strategy, ["2", "3"])
    assert [arm["share"] for arm in qd.data["arms"]] == [1.0, 0.0]
    assert [arm["version"] for arm in qd.data["arms"] if arm["shadow"]] == shadow


def test_swapped_colours_count_down_how_long_the_way_back_is_kept_and_one_operator_takes_it(qd: Verb, place: Place) -> None:
    words = ("traffic", MODEL, "shift", "--to", "3", "--strategy", "blue-green", "--hours", "4", "--reason", "look", "--confirm", MODEL)
    assert qd(*words, "--elevate", who="ines") == 0, qd.err
    promote = ("promote", f"{MODEL}@3", "--reason", "better", "--elevate", "--confirm", MODEL)
    assert qd(*promote, who="ines") == 0 and qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0, qd.err
    assert qd(*promote, who="ines") == 0, qd.err
    assert place.version == "3" and share_of(place, "3") == 1.0
    write_clock(place.paths, SimulatedClock(NOW + timedelta(hours=1), SystemClock().real_now(), 0.0))
    assert qd("traffic", MODEL) == 0
    assert "the other colour is kept until 2013-04-27 02:00 UTC, 3h left" in qd.out
    assert f"qd rollback {MODEL} --to 2  swap back, 1 operator" in qd.out
    assert qd("model", MODEL, "--json") == 0
    # What version 2 answered before the swap was the model's own, and stays so.
    assert qd.data["beside"] == [] and qd.data["scored_last_day"] > 90
    assert qd("rollback", MODEL, "--to", "2", "--confirm", MODEL, who="mara") == 0, qd.err
    assert place.version == "2" and share_of(place, "2") == 1.0


def test_an_experiment_has_a_share_and_an_end_before_which_nothing_is_said(qd: Verb, place: Place) -> None:
    words = ("--percent", "40", "--hours", "36", "--reason", "which", "--confirm", MODEL)
    begin(qd, ("traffic", MODEL, "shift", "--to", "3", "--strategy", "ab", *words))
    assert entry(place)["weights"]["3"] == 0.4 and entry(place)["until"] == "2013-04-28T10:00:00Z"
    assert share_of(place, "3") == pytest.approx(0.4, abs=0.03)
    assert qd("traffic", MODEL) == 0
    assert "no verdict before 2013-04-28 10:00" in qd.out


def test_words_that_do_not_fit_together_are_refused_before_anything_is_planned(qd: Verb) -> None:
    for words, said in (
        (("shift",), "--percent N, or how with --strategy"),
        (("shift", "--percent", "5"), "name the version to let in"),
        (("shift", "--percent", "120"), "not between 0 and 100"),
        (("shift", "--to", "3", "--strategy", "shadow", "--percent", "5"), "answers nobody with the other version"),
        (("shift", "--to", "3", "--strategy", "ab", "--steps", "5,10"), "--steps belong to a canary"),
        (("shift", "--to", "3", "--strategy", "canary", "--hours", "5"), "--hours belong to"),
        (("abort", "--to", "3"), "takes no version"),
        (("sideways",), "invalid choice"),
    ):
        assert qd("traffic", MODEL, *words, "--confirm", MODEL) == 2, words
        assert said in qd.err, (words, qd.err)
    assert qd("traffic", "dealy", "abort", "--confirm", "dealy") == 5
    assert qd("traffic", "dealy") == 5


def test_the_same_key_shifts_once_even_after_the_rollout_went_on(qd: Verb, place: Place) -> None:
    begin(qd)
    words = ("traffic", MODEL, "step", "--unjudged", "--reason", "on", "--elevate", "--confirm", MODEL, "--key", "step-2")
    assert qd(*words, who="ines") == 0
    assert qd("traffic", MODEL, "shift", "--percent", "2", "--confirm", MODEL, who="mara") == 0
    version = json.loads(place.paths.traffic.read_text())["version"]
    assert qd(*words, who="ines") == 0
    assert "the first time" in qd.out
    assert json.loads(place.paths.traffic.read_text())["version"] == version and entry(place)["weights"]["3"] == 0.02
    other = ("traffic", MODEL, "shift", "--percent", "1", "--confirm", MODEL, "--key", "step-2")
    assert qd(*other, who="mara") == 3
    assert "was used for" in qd.err


def test_gates_stand_in_the_way_of_answers_and_not_of_a_shadow(qd: Verb, place: Place) -> None:
    (place.root / "artifacts" / "3.bin").write_bytes(b"something else")
    assert qd(*CANARY, who="ines") == 3
    assert "artifact" in qd.err
    assert not place.paths.traffic.exists()


def test_without_the_store_nothing_is_let_in_and_what_is_in_is_taken_out(qd: Verb, place: Place) -> None:
    begin(qd)
    place.without_store()
    step = ("traffic", MODEL, "step", "--unjudged", "--reason", "x", "--elevate", "--confirm", MODEL)
    assert qd(*step, who="ines") == 3
    assert "gates cannot be judged" in qd.err
    assert qd("traffic", MODEL, "pause", "--confirm", MODEL, who="mara") == 0
    assert qd("traffic", MODEL, "abort", "--confirm", MODEL, who="mara") == 0
    assert share_of(place, "2") == 1.0


def test_a_broken_file_is_named_and_left_alone(qd: Verb, place: Place) -> None:
    begin(qd)
    place.paths.traffic.write_text('{"format": "quarterdeck/traffic/1", "traffic": 7}')
    assert qd("traffic", MODEL) == 4
    assert "nobody knows how the traffic is divided" in qd.out and "is broken (traffic: Input" in qd.out
    assert qd("traffic", MODEL, "abort", "--confirm", MODEL, who="mara") != 0
    assert place.paths.traffic.read_text().endswith('"traffic": 7}')


def test_the_past_shows_the_split_of_that_time(qd: Verb, place: Place) -> None:
    begin(qd)
    assert qd("--as-of", "2013-04-26T21:00Z", "traffic", MODEL, "--json") == 0
    assert qd.data["value"] == "none" and qd.data["past"] and qd.data["next"] == []
    assert qd("--as-of", "2013-04-26T21:00Z", "traffic", MODEL, "abort", "--confirm", MODEL) == 3


def test_a_pause_ends_no_effect_and_another_share_does(qd: Verb, place: Place) -> None:
    begin(qd)
    assert qd("traffic", MODEL, "pause", "--confirm", MODEL, who="mara") == 0
    first, paused = read_state(place.paths).actions.values()
    assert qd("action", first.id, "--json") == 0
    assert qd.data["effect"]["ended_by"] is None, f"{paused.id} changed nothing of who answers"
    assert qd("traffic", MODEL, "abort", "--confirm", MODEL, who="mara") == 0
    *_, ended = read_state(place.paths).actions.values()
    assert qd("action", first.id, "--json") == 0
    assert qd.data["effect"]["ended_by"] == ended.id


def test_of_two_changes_of_one_moment_the_past_shows_the_last(qd: Verb, place: Place) -> None:
    """A simulated clock may stand still between them."""
    begin(qd)
    assert qd("traffic", MODEL, "pause", "--confirm", MODEL, who="mara") == 0
    write_clock(place.paths, SimulatedClock(NOW + timedelta(hours=1), SystemClock().real_now(), 0.0))
    assert qd("traffic", MODEL, "abort", "--confirm", MODEL, who="mara") == 0
    assert qd("--as-of", f"{NOW + timedelta(minutes=1):%Y-%m-%dT%H:%M}Z", "traffic", MODEL, "--json") == 0
    assert qd.data["value"] == "canary 2 > 3 at 10 % step 1/2 paused"


def test_changes_and_actions_tell_of_it_in_its_own_words(qd: Verb, place: Place) -> None:
    begin(qd)
    qd("traffic", MODEL, "abort", "--reason", "worse", "--confirm", MODEL, who="mara")
    assert qd("changes", MODEL, "--json") == 0
    told = [item for item in qd.data["items"] if item["topic"] == "traffic"]
    assert sorted(item["message"] for item in told) == [
        "abort canary 2 > 3 at 10 % step 1/2 -> none, effective: worse",
        "shift none -> canary 2 > 3 at 10 % step 1/2, effective: April",
    ]
    assert qd("actions", "--json") == 0
    assert {(row["kind"], row["movement"]) for row in qd.data["rows"]} == {
        ("abort", "canary 2 > 3 at 10 % step 1/2 -> none"),
        ("shift", "none -> canary 2 > 3 at 10 % step 1/2"),
    }


def test_an_entry_made_by_somebody_else_is_told_as_a_change_from_outside(qd: Verb, place: Place) -> None:
    begin(qd)
    raw = json.loads(place.paths.traffic.read_text())
    raw["traffic"]["production"][MODEL] |= {"weights": {"2": 0.5, "3": 0.5}, "key": "by hand", "set_by": "otto", "reason": "more"}
    place.paths.traffic.write_text(json.dumps(raw))
    assert qd("changes", MODEL, "--json") == 0
    assert any("outside this console: more" in item["message"] for item in qd.data["items"] if item["topic"] == "traffic")
    assert qd("traffic", MODEL, "--json") == 0
    assert qd.data["action"] is None and qd.data["who"] == "otto"
