"""The usual looks at a model are computed by the watch, and shown until anything that they rest on is different."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backends.local.acting import LocalAliasSetter
from backends.store.compactor import compact
from backends.store.landing import land
from backends.text import Untrusted
from console.acting import open_desk
from console.cli.main import main
from console.clock import SimulatedClock
from console.config import open_workspace
from console.simulation import write_clock
from console.views.drift import look as drift_look
from console.views.health import basis
from console.views.health.estimated import Estimates, Telling, keep_estimates
from console.views.health.fleet import FleetView
from console.views.health.kept_look import look_in_force
from console.views.health.model import ModelHealth
from console.views.quality import labels_look
from console.views.quality import look as quality_look
from console.watch.evaluation import evaluate_workspace
from console.watch.looking import LOOKS as KEPT
from console.watch.looking import keep_looks
from widgets.line import Page

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, HOUR, START, Made, days_of_predictions, made

NOW = START + 10 * DAY + 12 * HOUR
MINUTE = HOUR / 60
ASKED = {"drift": "drift delay", "drift-columns": "drift delay -f temp", "quality": "quality delay", "labels": "labels delay"}
"""Each look, and what asks for it."""
LOOKS = tuple(ASKED)

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Ten days of 40 scores, evaluated and looked at."""
    place = made(tmp_path_factory.mktemp("looks") / "w", NOW)
    days_of_predictions(place, 10, 40, temp=lambda _day, row: float(row), label=lambda day, row: row % 2 if day < 9 else None)
    evaluate_workspace(place.lookout().sight(), lambda _: open_desk(place.workspace, "production"))
    assert keep_looks(place.lookout().sight()) == len(LOOKS)
    return place


@pytest.fixture
def place(kept: Made, tmp_path: Path) -> Made:
    shutil.copytree(kept.root, tmp_path / "w")
    return Made(open_workspace(tmp_path / "w"))


@pytest.fixture
def ask(place: Made, capsys: pytest.CaptureFixture[str]) -> Ask:
    def asked(*words: str) -> Any:
        assert main(["-w", str(place.root), *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return asked


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The looks that are computed from here on."""
    found: list[str] = []
    for module, name in zip((drift_look, quality_look, labels_look), ("drift", "quality", "labels"), strict=True):
        true = getattr(module, f"{name}_view")

        def counted(*given: Any, true: Any = true, name: str = name, **more: Any) -> Any:
            found.append(name)
            return true(*given, **more)

        monkeypatch.setattr(module, f"{name}_view", counted)
    return found


def looked(ask: Ask, *more: str) -> dict[str, Any]:
    return {look: ask(*words.split(), *more) for look, words in ASKED.items()}


def in_force(place: Made) -> tuple[str, ...]:
    return tuple(each.what for each in KEPT if look_in_force(place.lookout().sight(), each.what, each.kind, "delay") is not None)


def stand_at(place: Made, moment: datetime) -> None:
    write_clock(place.workspace.paths, SimulatedClock(start=moment, anchored_at=moment, speed=0))


def learn(place: Made) -> None:
    day = (NOW - DAY).date()
    telling = Telling(first=day, last=day, learnt_at=NOW, digest="d", n_reference=9, n_current=9, auc=0.75, low=0.7, high=0.8)
    keep_estimates(place.workspace.paths, Estimates(environment="production", model="delay", version="1", made_at=NOW, telling=telling))


def by_an_older_program(place: Made) -> None:
    for path in place.workspace.paths.store.glob("looks/*/*.json"):
        kept = json.loads(path.read_text())
        kept["judged_by"]["program"] = "0.0.9, form 1"
        path.write_text(json.dumps(kept))


def by_a_program_that_did_not_say(place: Made) -> None:
    for path in place.workspace.paths.store.glob("looks/*/*.json"):
        kept = json.loads(path.read_text())
        del kept["judged_by"]["program"]
        path.write_text(json.dumps(kept))


def land_outcome(place: Made) -> None:
    moment = START + 9 * DAY
    land(place.workspace.paths, "labels", {"event_at": [moment], "model": ["delay"], "key": ["9-0"], "label": [1.0]}, now=NOW)


def take_in_outcome(place: Made) -> None:
    land_outcome(place)
    compact(place.workspace.paths, NOW)


def write_rule(place: Made) -> None:
    (place.workspace.paths.policies / "mine.yaml").write_text("format: 1\nrules: []\n")


def write_contract(place: Made) -> None:
    place.workspace.paths.contracts.mkdir(exist_ok=True)
    (place.workspace.paths.contracts / "delay.yaml").write_text("format: 1\n")


def change_settings(place: Made) -> None:
    os.utime(place.workspace.paths.workspace_toml, (1, 1))


def move_alias(place: Made) -> None:
    LocalAliasSetter(place.workspace.paths.registry).set_alias(
        "production", "delay", "production", "2", expected="1", key="second", actor="ines", now=NOW - HOUR
    )


def set_switch(place: Made) -> None:
    words = ("kill", "delay", "--state", "fallback", "--confirm", "delay", "--reason", "late", "--until", "2h", "--json")
    assert main(["-w", str(place.root), *words]) == 0


def open_incident(place: Made) -> None:
    with open_desk(place.workspace, "production") as desk:
        desk.declare_incident("production", "delay", Untrusted("late"), key="by hand")


def test_what_the_watch_looked_at_is_shown_as_it_would_be_computed(place: Made, ask: Ask, computed: list[str]) -> None:
    shown = looked(ask)
    assert not computed
    assert looked(ask, "--as-of", NOW.isoformat()).keys() == shown.keys()
    anew = ["drift", "drift", "quality", "labels"]
    assert computed == anew, "the past is looked at anew"
    shutil.rmtree(place.workspace.paths.store / "looks")
    assert looked(ask) == shown
    assert computed == [*anew, *anew]


@pytest.mark.parametrize(
    "change",
    [
        land_outcome, take_in_outcome, learn, write_rule, write_contract, change_settings, move_alias, set_switch, open_incident,
        lambda place: stand_at(place, NOW + 11 * MINUTE), lambda place: stand_at(place, NOW - 11 * MINUTE), by_an_older_program,
        by_a_program_that_did_not_say,
    ],
    ids=[
        "an outcome lands", "an outcome is taken in", "something is learnt", "a rule is written", "a contract is written",
        "settings change", "another version serves", "a switch is set", "an incident is opened", "ten minutes pass",
        "the clock is set back", "another program judged", "the program did not say which it was",
    ],
)  # fmt: skip
def test_no_look_is_shown_once_something_that_it_rests_on_has_changed(change: Callable[[Made], None], place: Made) -> None:
    assert in_force(place) == LOOKS
    change(place)
    assert in_force(place) == ()


def test_no_look_is_shown_once_the_rules_that_ship_have_changed(place: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (basis.SHIPPED / "alerts.yaml").is_file()
    shutil.copytree(basis.SHIPPED, tmp_path / "default")
    monkeypatch.setattr(basis, "SHIPPED", tmp_path / "default")
    assert in_force(place) == LOOKS, "the same rules of another installation"
    shutil.copytree(basis.SHIPPED, tmp_path / "changed")
    (tmp_path / "changed" / "alerts.yaml").write_text("format: 1\nrules: []\n")
    monkeypatch.setattr(basis, "SHIPPED", tmp_path / "changed")
    assert in_force(place) == ()


def test_what_is_kept_in_another_form_has_another_number() -> None:
    kinds = (ModelHealth, FleetView, *(each.kind for each in KEPT))
    shapes = json.dumps([_bare(kind.model_json_schema()) for kind in kinds], sort_keys=True)
    # Where this fails: put FORM one up, and the digest beside it.
    assert (basis.FORM, hashlib.sha256(shapes.encode()).hexdigest()[:16]) == (4, "2614dc3d8f4bd8e9")


def _bare(schema: Any) -> Any:
    """A schema without what is only said of it."""
    if isinstance(schema, dict):
        return {name: _bare(value) for name, value in schema.items() if not (name in {"description", "title"} and isinstance(value, str))}
    return [_bare(each) for each in schema] if isinstance(schema, list) else schema


def test_no_look_of_the_day_before_is_shown(place: Made) -> None:
    midnight = START + 11 * DAY
    stand_at(place, midnight - MINUTE)
    assert keep_looks(place.lookout().sight()) == len(LOOKS)
    assert in_force(place) == LOOKS
    stand_at(place, midnight + MINUTE)
    assert in_force(place) == ()


def test_what_is_asked_for_beside_the_model_is_computed(ask: Ask, computed: list[str]) -> None:
    ask("drift", "delay", "--against", "previous")
    ask("drift", "delay", "-f", "temp", "--exact")
    ask("drift", "delay", "-f", "temp", "--against", "weekday")
    ask("quality", "delay", "--by", "week")
    ask("quality", "delay", "--slice", "carrier")
    anew = ["drift"] * 3 + ["quality"] * 2
    assert computed == anew
    ask("quality", "delay", "--by", "day")
    assert computed == anew


def test_a_column_that_is_none_is_said_to_be_none(place: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-w", str(place.root), "drift", "delay", "-f", "tmep"]) == 5
    assert "delay has no input 'tmep'; did you mean temp?" in capsys.readouterr().err


def test_the_watch_computes_only_what_is_not_in_force(place: Made, computed: list[str]) -> None:
    assert keep_looks(place.lookout().sight()) == 0
    shutil.rmtree(place.workspace.paths.store / "looks" / "quality")
    assert keep_looks(place.lookout().sight()) == 1
    assert computed == ["quality"]
    shutil.rmtree(place.workspace.paths.store / "looks" / "drift-columns")
    assert keep_looks(place.lookout().sight()) == 2, "every column comes of the computing that all of them come of"
    assert computed == ["quality", "drift"]


def test_facts_and_what_was_learnt_are_seen_in_the_looks_at_once(place: Made, ask: Ask) -> None:
    before = looked(ask)
    land_outcome(place)
    learn(place)
    after = looked(ask)
    assert before["drift"]["together"]["auc"] is None and after["drift"]["together"]["auc"] == 0.75
    for look in ("quality", "labels"):
        week = [next(each for each in view[look]["periods"] if each["name"] == "last 7 days") for view in (before, after)]
        assert week[1]["labelled"] == week[0]["labelled"] + 1, look


def test_an_answer_in_json_draws_no_page(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(*_given: object, **_more: object) -> None:
        raise AssertionError("a page was drawn")

    monkeypatch.setattr(Page, "__init__", drawn)
    for verb in (
        "fleet", "model delay", "drift delay", "quality delay", "labels delay", "versions delay", "lineage delay", "changes delay",
        "alerts", "incidents", "approvals", "actions", "audit log", "switches", "sources", "breakers", "traffic delay", "playbook list",
        "explain psi", "retention",
    ):  # fmt: skip
        assert ask(*verb.split())["schema"].startswith("quarterdeck/"), verb
