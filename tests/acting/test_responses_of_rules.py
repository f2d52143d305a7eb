"""Four answers of a rule that fires: a record alone, an alert, a proposed retrain, a proposed roll back. None of them acts by itself."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from acting_workspace import BROKE, MODEL, NOW, Place, recorded
from pilots import console
from test_verbs_that_act import Verb

from backends.records import Pipeline, PipelineStage
from backends.store.landing import land, land_records
from console.clock import SimulatedClock, SystemClock
from console.config import open_workspace
from console.control.ledger import read_state
from console.watch.rounds import Round, watch_once

FOUR = {"log": "log", "alert": "alert", "retrain": "retrain", "back": "roll back"}


def rules(place: Place, responses: dict[str, str], signal: str = "late_gap") -> None:
    """One rule of each name, all of them about the same number."""
    text = "format: 1\nrules:\n"
    for name, response in responses.items():
        text += f"  - {{id: own.{name}, title: Gap, layer: model, signal: {signal}, window: 72h, warning: 0.1, critical: 0.2,\n"
        text += f"     playbook: quality-collapse, severity: page, response: {response}}}\n"
    (place.paths.policies / "own.yaml").write_text(text)


def round_of(place: Place, hours: float = 0) -> Round:
    clock = SimulatedClock(NOW + timedelta(hours=hours), SystemClock().real_now(), 0.0)
    return watch_once(open_workspace(place.root), clock, learn=False)


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


def critical(qd: Verb, section: str = "rows") -> dict[str, Any]:
    """What the critical limits of own rules opened, by rule."""
    assert qd("alerts", "--json") == 0
    return {row["rule"]: row for row in qd.data[section] if row["rule"].startswith("own.") and row["state"] == "critical"}


def test_each_rule_answers_as_its_policy_says_and_nothing_is_moved(qd: Verb, place: Place) -> None:
    told = place.root / "told.jsonl"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    settings = place.paths.workspace_toml
    settings.write_text(settings.read_text() + f"\n[watch]\nnotify = [{sys.executable!r}, '-c', {json.dumps(script)}]\n")
    named = Pipeline(name="nightly-fit", model=MODEL, stage=PipelineStage.TRAINING, schedule="monthly", event_at=BROKE, known_at=BROKE)
    land_records(place.paths, [named], now=NOW)
    rules(place, FOUR)
    before = (place.paths.registry.read_bytes(), place.switch)
    done = round_of(place)
    assert any("2 only logged, 2 proposals" in line for line in done.lines), done.lines
    assert (place.paths.registry.read_bytes(), place.switch) == before and not read_state(place.paths).actions

    # Log: a record in the journal, and no alert, no incident, nobody told.
    found, logged = critical(qd), critical(qd, "logged")
    assert set(found) == {"own.alert", "own.retrain", "own.back"} and set(logged) == {"own.log"}
    assert logged["own.log"]["firing"] and logged["own.log"]["incident"] is None
    bodies = [json.loads(line)["alert"]["rule"] for line in told.read_text().splitlines()]
    assert "own.alert" in bodies and "own.log" not in bodies
    assert qd("audit", "log", "--json", "--limit", "500") == 0
    kinds = {entry["kind"]: entry for entry in qd.data["rows"] if entry["subject"] == logged["own.log"]["id"]}
    assert set(kinds) == {"rule.responded"} and "Gap" in kinds["rule.responded"]["detail"]
    assert found["own.alert"]["proposal"] is None and found["own.alert"]["incident"] == "INC-1"

    # Retrain: is it a bug first, then which rows; and it says that nothing was started.
    retrain = found["own.retrain"]["proposal"]
    rows = recorded()
    first, last = datetime.fromisoformat(retrain["first"]), datetime.fromisoformat(retrain["last"])
    inside = np.array([first <= at <= last for at in rows.at])
    after = np.array([at >= datetime.fromisoformat(found["own.retrain"]["since"]) for at in rows.at])
    assert (retrain["scored"], retrain["labelled"]) == (int(inside.sum()), int((inside & rows.known).sum()))
    assert 0 < retrain["since_alert"] == int((inside & after & rows.known).sum()) < retrain["labelled"]
    assert timedelta(0) < NOW - last < timedelta(days=1)
    assert qd("drift", MODEL, "--json") == 0
    bug = qd.data["bug"]
    assert (retrain["state"], retrain["verb"]) == (bug["state"], f"retrain {MODEL}") and bug["verdict"] in retrain["text"]
    started = f"Nothing was started; a person asks nightly-fit (monthly) for it: retrain {MODEL}"
    assert retrain["text"].endswith(started)
    assert found["own.retrain"]["playbook"] == "quality-collapse"

    # Roll back: the plan that a person confirms, and that it is not better on the rows at hand.
    back = found["own.back"]["proposal"]
    assert qd("rollback", MODEL, "--dry-run", "--json") in {0, 3}
    helps = qd.data["would_help"]
    assert (back["state"], back["verb"]) == (helps["state"], f"rollback {MODEL}") and back["state"] == "warning"
    assert f"roll back v2 -> v1 proposed: {helps['verdict']}" in back["text"] and "a person confirms it" in back["text"]
    assert qd("traffic", MODEL, "--json") == 0
    triggers = {each["id"]: each for each in qd.data["triggers"]}
    assert (triggers["own.back"]["state"], triggers["own.back"]["verb"]) == ("would fire", f"rollback {MODEL}")
    assert not {"own.log", "own.alert", "own.retrain"} & set(triggers)

    assert qd("alerts") == 0
    assert "Only logged: no alert, nobody is told" in qd.out and f"Next: qd rollback {MODEL}" in qd.out
    assert max(len(each) for each in qd.out.splitlines()) <= 80
    assert qd("incident", "INC-1", "--json") == 0
    assert {back["text"], retrain["text"]} <= {entry["text"] for entry in qd.data["timeline"]}


def test_a_proposal_and_a_record_are_made_once_however_often_it_is_evaluated(qd: Verb, place: Place) -> None:
    rules(place, FOUR)
    round_of(place)
    first = read_state(place.paths)
    for hours in (0, 0.2, 1):
        (place.paths.store / "evaluated.json").unlink()
        round_of(place, hours)
    later = read_state(place.paths)
    mine = {name: each for name, each in later.responses.items() if each.alert.rule.startswith("own.")}
    assert mine and set(mine) == {name for name, each in first.responses.items() if each.alert.rule.startswith("own.")}
    # A rule that begins to alert does so although it was logged before; what was an alert ends as one when its rule only logs.
    rules(place, {**FOUR, "log": "alert", "alert": "log"})
    round_of(place, 1.2)
    found = critical(qd)
    assert found["own.log"]["firing"] and found["own.alert"]["firing"] and set(critical(qd, "logged")) == {"own.log"}


def test_no_retrain_is_proposed_while_a_bug_is_suspected(qd: Verb, place: Place) -> None:
    """Ten times the rows a day, and an input that lost every value."""
    rules(place, {"retrain": "retrain"})
    n = 4000
    columns: dict[str, Any] = {
        "model": [MODEL] * n, "version": ["2"] * n, "key": [f"more{number}" for number in range(n)], "score": [0.2] * n,
        "event_at": [BROKE + number * (NOW - BROKE) / n for number in range(n)], "origin": ["LGA"] * n,
    }  # fmt: skip
    land(place.paths, "predictions", columns, now=NOW)
    round_of(place)
    proposal = critical(qd)["own.retrain"]["proposal"]
    assert (proposal["state"], proposal["verb"]) == ("warning", f"changes {MODEL}")
    assert proposal["text"].startswith("no retrain before this is cleared: suspect a bug before the world")


def test_a_roll_back_that_nobody_could_carry_out_says_why(qd: Verb, place: Place) -> None:
    rules(place, {"back": "roll back"})
    assert qd("kill", MODEL, "--confirm", MODEL) == 0
    round_of(place)
    proposal = critical(qd)["own.back"]["proposal"]
    assert (proposal["state"], proposal["verb"]) == ("unknown", None)
    assert proposal["text"] == "no roll back can be proposed: the switch stands at fallback: no version answers"


async def test_the_alerts_screen_shows_the_proposal_under_its_alert(place: Place) -> None:
    rules(place, {"log": "log", "back": "roll back"})
    round_of(place)
    async with console(place, size=(120, 40)) as screen:
        await screen.press("g", "l")
        await screen.shows("roll back v2 -> v1 proposed")
        await screen.shows("Only logged: no alert, nobody is told")
