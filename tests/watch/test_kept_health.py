"""Health that was evaluated is shown again without judging anew, for as long as facts, rules and what people did are still the same."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends.local.acting import LocalAliasSetter
from backends.records import Event
from backends.store.compactor import compact
from backends.store.landing import land, land_records
from backends.text import Untrusted
from console.acting import open_desk
from console.cli.main import main
from console.watch.evaluation import evaluate_workspace

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, HOUR, START, Made, days_of_predictions, made

NOW = START + 10 * DAY
RULE = """format: 1
rules:
  - id: mine.volume
    title: There are too few
    layer: system
    signal: volume_ratio
    window: 24h
    warning: 5
    critical: 4
    playbook: slow-or-failing
    severity: page
"""

Ask = Callable[..., Any]


@pytest.fixture
def place(tmp_path: Path) -> Made:
    """Ten days of 40 scores; the outcomes of the last day are not known yet."""
    place = made(tmp_path / "w", NOW)
    days_of_predictions(place, 10, 40, temp=lambda _day, row: float(row), label=lambda day, row: row % 2 if day < 9 else None)
    evaluated(place)
    return place


@pytest.fixture
def ask(place: Made, capsys: pytest.CaptureFixture[str]) -> Ask:
    def asked(*words: str) -> Any:
        assert main(["-w", str(place.root), *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return asked


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that are judged from here on."""
    from console.views.health import assessment

    found: list[str] = []
    true = assessment.evaluate

    def counted(reader: Any, policies: Any, subject: Any, at: Any) -> Any:
        found.append(subject.model.name)
        return true(reader, policies, subject, at)

    monkeypatch.setattr(assessment, "evaluate", counted)
    return found


def evaluated(place: Made) -> None:
    workspace = place.workspace
    evaluate_workspace(place.lookout().sight(), lambda _: open_desk(workspace, "production"))


def outcomes(place: Made, *rows: int, model: str = "delay") -> None:
    at = [START + 9 * DAY + row * DAY / 40 for row in rows]
    known = {"event_at": at, "known_at": [NOW - HOUR] * len(rows), "key": [f"9-{row}" for row in rows], "label": [1.0] * len(rows)}
    land(place.workspace.paths, "labels", {"model": [model] * len(rows), **known}, now=NOW)


def test_facts_that_arrive_after_an_evaluation_are_seen_at_once(place: Made, ask: Ask) -> None:
    assert ask("model", "delay")["labels"]["labelled"] == ask("fleet")["rows"][0]["labels_share"] == 0
    outcomes(place, *range(10))
    assert ask("model", "delay")["labels"]["labelled"] == 10
    assert ask("fleet")["rows"][0]["labels_share"] == 0.25
    outcomes(place, *range(10, 20))
    compact(place.workspace.paths, NOW)
    assert ask("model", "delay")["labels"]["labelled"] == 20
    assert ask("fleet")["rows"][0]["labels_share"] == 0.5


def test_a_correction_that_arrives_after_an_evaluation_is_seen_at_once(place: Made, ask: Ask) -> None:
    outcomes(place, *range(20))
    compact(place.workspace.paths, NOW)
    evaluated(place)
    assert ask("model", "delay")["last_day"]["observed"] == ask("fleet")["rows"][0]["last_day"]["observed"] == 1
    corrected = {"event_at": [START + 9 * DAY], "known_at": [NOW], "key": ["9-0"], "label": [0.0]}
    land(place.workspace.paths, "labels", {"model": ["delay"], **corrected}, now=NOW)
    assert ask("model", "delay")["last_day"]["observed"] == ask("fleet")["rows"][0]["last_day"]["observed"] == 0.95


def test_nothing_is_judged_again_while_nothing_has_changed(place: Made, ask: Ask, judged: list[str]) -> None:
    for _ in range(2):
        ask("model", "delay")
        ask("fleet")
        ask("drift", "delay")
    assert not judged
    outcomes(place, 0)
    ask("model", "delay")
    assert judged == ["delay"]
    compact(place.workspace.paths, NOW)
    evaluated(place)
    judged.clear()
    ask("model", "delay")
    ask("fleet")
    assert not judged


def test_facts_of_another_model_make_nobody_judge_this_one(place: Made, ask: Ask, judged: list[str]) -> None:
    at = [START + 9 * DAY + HOUR * hour for hour in range(5)]
    of_other = {"event_at": at, "model": ["other"] * 5, "version": ["1"] * 5, "key": list("abcde"), "score": [0.5] * 5}
    land(place.workspace.paths, "predictions", of_other, now=NOW)
    compact(place.workspace.paths, NOW)
    ask("model", "delay")
    assert not judged
    assert [row["model"] for row in ask("fleet")["rows"]].count("other") == 1


def test_a_version_put_into_service_is_seen_at_once(place: Made, ask: Ask) -> None:
    assert ask("model", "delay")["version"] == ask("fleet")["rows"][0]["version"] == "1"
    LocalAliasSetter(place.workspace.paths.registry).set_alias(
        "production", "delay", "production", "2", expected="1", key="second", actor="ines", now=NOW - HOUR
    )
    assert ask("model", "delay")["version"] == ask("fleet")["rows"][0]["version"] == "2"


def test_an_incident_that_a_person_opened_is_judged_with(place: Made, ask: Ask, judged: list[str]) -> None:
    with open_desk(place.workspace, "production") as desk:
        incident = desk.declare_incident("production", "delay", Untrusted("late"), key="by hand")
    assert ask("model", "delay")["incidents"] == ask("fleet")["rows"][0]["incidents"] == [incident.id]
    assert judged == ["delay", "delay"]


def test_what_answers_while_a_switch_is_set_is_judged_as_meant(place: Made, ask: Ask, judged: list[str]) -> None:
    ask("kill", "delay", "--state", "fallback", "--confirm", "delay", "--reason", "late", "--until", "2h")
    judged.clear()
    assert ask("model", "delay")["switch"] == ask("fleet")["rows"][0]["switch"] == "fallback"
    assert judged == ["delay", "delay"]


def test_a_changed_rule_makes_what_was_judged_before_it_count_no_more(place: Made, ask: Ask, judged: list[str]) -> None:
    def again() -> bool:
        judged.clear()
        ask("model", "delay")
        ask("fleet")
        return judged == ["delay", "delay"]

    assert not again()
    own, contract = place.workspace.paths.policies / "mine.yaml", place.workspace.paths.contracts / "delay.yaml"
    own.write_text(RULE)
    assert again()
    [ruled] = [each for layer in ask("model", "delay")["layers"] for each in layer["signals"] if each["id"] == "mine.volume"]
    assert ruled["state"] == "critical"
    own.unlink()
    assert not again()
    contract.parent.mkdir(exist_ok=True)
    contract.write_text("format: 1\n")
    assert again()
    contract.unlink()
    assert not again()
    os.utime(place.workspace.paths.workspace_toml, (1, 1))
    assert again()


def test_what_waits_and_is_about_another_model_makes_nobody_judge_this_one(place: Made, ask: Ask, judged: list[str]) -> None:
    outcomes(place, 0, 1, model="other")
    before = ask("model", "delay")
    assert not judged
    outcomes(place, 2)
    assert ask("model", "delay")["labels"]["labelled"] == before["labels"]["labelled"] + 1
    assert judged == ["delay"]


def test_an_event_is_told_and_makes_nobody_judge(place: Made, ask: Ask, judged: list[str]) -> None:
    event = Event(topic="deploy", name="d", model="delay", message=Untrusted("rolled out"), event_at=NOW - HOUR, known_at=NOW - HOUR)
    land_records(place.workspace.paths, [event], now=NOW)
    ask("model", "delay")
    assert any("rolled out" in each for each in ask("fleet")["rows"][0]["changed"])
    assert not judged
