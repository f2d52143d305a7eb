"""A gate that asks for a complete model card, and the way to the card on the screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from acting_workspace import DAY, MODEL, NOW, Place
from pilots import console

from backends.records import Model
from backends.store.landing import land_records
from console.cli.main import main

GATE = """format: 1
gates: [{id: card, title: Its card is complete, kind: documented}]
documentation:
  - {id: model-card, title: Uses and limits, card: model, requires: [intended_use, owner, training_data]}
"""


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A verb in a workspace whose promotions need a card."""
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    (place.paths.policies / "card.yaml").write_text(GATE)

    def run(*words: str) -> tuple[int, str, str]:
        return int(main(["--workspace", str(place.root), *words])), *capsys.readouterr()

    return run


def gate(qd: Any) -> tuple[str, str]:
    plan = json.loads(qd("promote", f"{MODEL}@3", "--dry-run", "--json")[1])
    return next((each["state"], each["detail"]) for each in plan["gates"] if each["name"] == "Its card is complete")


def documents(place: Place) -> None:
    """Somebody writes down what the model is for."""
    told = {"name": MODEL, "task": "binary", "owner": "delays", "slices": ["origin"], "threshold": 0.3, "intended_use": "gates"}
    land_records(place.paths, [Model.model_validate({**told, "event_at": NOW - DAY, "known_at": NOW - DAY})], now=NOW)


def test_a_promotion_waits_until_what_is_required_is_documented(qd: Any, place: Place) -> None:
    assert gate(qd) == ("critical", f"2 of 3 fields documented, missing intended_use; qd card {MODEL}@3")
    code, _, err = qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better")
    assert code == 3 and "Its card is complete" in " ".join(err.split())
    assert qd("card", f"{MODEL}@3", "--check")[0] == 1
    documents(place)
    assert gate(qd) == ("ok", "3 of 3 fields documented")
    assert qd("card", f"{MODEL}@3", "--check")[0] == 0


def test_where_nothing_is_required_the_gate_shows_nothing_which_is_no_pass(qd: Any, place: Place) -> None:
    (place.paths.policies / "card.yaml").write_text(GATE.replace("requires: [intended_use, owner, training_data]", "requires: []"))
    assert gate(qd) == ("unknown", "no documentation standard in policies/ is about this model")
    assert qd("card", f"{MODEL}@3", "--check")[0] == 1


@pytest.mark.parametrize(
    ("standard", "said"),
    [
        ("{id: s, title: S, card: model, requires: [license]}", "the card of a model has no field license"),
        ("{id: s, title: S, card: dataset, requires: [colour]}", "colour"),
        ("{id: s, title: S, card: dataset, where: {models: [a]}, requires: [license]}", "a data sheet is chosen by datasets"),
        ("{id: s, title: S, card: model, datasets: [a], requires: [owner]}", "datasets goes with card: dataset"),
    ],
)
def test_a_standard_that_asks_for_what_there_is_not_is_refused_with_its_line(qd: Any, place: Place, standard: str, said: str) -> None:
    (place.paths.policies / "card.yaml").write_text(f"format: 1\ndocumentation:\n  - {standard}\n")
    code, out, err = qd("config", "validate")
    told = " ".join((out + err).split())
    assert code == 1 and said in told and "card.yaml:3" in told


def test_a_card_is_printed_in_one_form_at_a_time_and_needs_something_to_be_of(qd: Any) -> None:
    assert qd("card", MODEL, "--json", "--markdown")[0] == 2
    assert qd("card")[0] == 2 and qd("card", MODEL, "--dataset", "train-2")[0] == 2
    assert qd("card", "--dataset", "trian-2")[0] == 5
    assert qd("card", f"{MODEL}@2", "--markdown")[1].startswith(f"# Model card: {MODEL} v2\n")


async def test_c_opens_the_card_of_the_version_under_the_cursor_and_enter_the_sheet_of_its_data(place: Place, tmp_path: Path) -> None:
    async with console(place) as found:
        app: Any = found.app
        app.go("versions", MODEL)
        await found.until(lambda: app.screen.scope == "versions" and app.screen.view is not None, "versions")
        await found.until(lambda: "c card" in found.rows[-1], "line 24 names it")
        await found.press("j")
        await found.until(lambda: app.screen.content.cursor_key == "2", "the second version")
        await found.press("c")
        await found.until(lambda: app.screen.scope == "card" and app.screen.view is not None, "the card")
        assert app.screen.view.version == "2" and "qd card" in found.rows[-2]
        while app.screen.content.cursor_key != "dataset:train-2":
            await found.press("j")
        await found.press("enter")
        await found.until(lambda: app.screen.scope == "sheet" and app.screen.view is not None, "the data sheet")
        assert app.screen.view.dataset.raw == "train-2"
        await found.press("q", *":sheet train-1", "enter")
        await found.until(lambda: app.screen.scope == "sheet" and app.screen.target == "train-1", "the sheet that was named")
