"""Gates on what was kept of the run behind a candidate: its rows held against the contract, and searched for leakage."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from acting_workspace import MODEL, Place

from console.cli.main import main

GATES = """format: 1
gates:
  - {id: before-training, title: Validated before training, kind: recorded_check, check: training}
  - {id: leakage, title: Searched for leakage, kind: recorded_check, check: leakage}
"""
CONTRACT = (
    f"format: 1\nname: inputs\nmodel: {MODEL}\nother_columns: ok\ncolumns:\n  - {{name: hour, kind: numeric, minimum: 0, maximum: 23}}\n"
)


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A verb as somebody, in a workspace whose promotions need both gates."""
    place.paths.contracts.mkdir(exist_ok=True)
    (place.paths.policies / "gates.yaml").write_text(GATES)
    (place.paths.contracts / f"{MODEL}.yaml").write_text(CONTRACT)

    def run(*words: str, who: str = "ines") -> tuple[int, str, str]:
        monkeypatch.setenv("QUARTERDECK_ACTOR", f"{who}@desk")
        code = int(main(["--workspace", str(place.root), *words]))
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Three hundred training rows whose hours say little of the outcome."""
    chance = random.Random(3)
    file = tmp_path / "train.csv"
    lines = [f"{chance.randrange(24)},2013-03-0{1 + row % 9}T08:00Z,{chance.randrange(2)}" for row in range(300)]
    file.write_text("\n".join(["hour,scored_at,late", *lines]) + "\n")
    return file


def searched(qd: Any, rows: Path, who: str = "ines") -> int:
    words = ("leakage", str(rows), "--label", "late", "--as-of-key", "scored_at", "--columns", "hour", "--record", MODEL, "--run", "R-3")
    return int(qd(*words, who=who)[0])


def gates(qd: Any) -> dict[str, tuple[str, str]]:
    """Each of the two as a plan of the promotion shows it."""
    plan = json.loads(qd("promote", f"{MODEL}@3", "--dry-run", "--json")[1])
    return {each["name"]: (each["state"], each["detail"]) for each in plan["gates"] if each["name"].startswith(("Validated", "Searched"))}


def test_what_was_never_kept_of_the_run_is_unknown_and_says_which_verb_keeps_it(qd: Any) -> None:
    assert gates(qd) == {
        "Validated before training": ("unknown", "not kept for run R-3; qd contract check MODEL FILE --moment training --run RUN"),
        "Searched for leakage": ("unknown", "not kept for run R-3; qd leakage FILE --record MODEL --run RUN"),
    }


def test_both_pass_once_they_are_kept_for_that_run_and_name_the_rows_and_who_looked(qd: Any, rows: Path) -> None:
    assert qd("contract", "check", MODEL, str(rows), "--moment", "training", "--run", "R-3", who="otto")[0] == 0
    assert searched(qd, rows, who="ada") == 0
    found = gates(qd)
    assert {name: state for name, (state, _) in found.items()} == {"Validated before training": "ok", "Searched for leakage": "ok"}
    assert f"in 300 rows of {rows}, by otto@desk, " in found["Validated before training"][1]
    assert f"nothing found in 300 rows of {rows}, by ada@desk, " in found["Searched for leakage"][1]
    assert "by otto@desk" in " ".join(qd("contract", "check", MODEL)[1].split())


def test_what_was_kept_for_another_run_shows_nothing(qd: Any, rows: Path) -> None:
    assert qd("contract", "check", MODEL, str(rows), "--moment", "training", "--run", "R-2")[0] == 0
    assert qd("contract", "check", MODEL, str(rows), "--moment", "batch", "--run", "R-3")[0] == 0
    assert gates(qd)["Validated before training"][0] == "unknown"


def test_rows_that_know_the_outcome_close_the_gate(qd: Any, rows: Path) -> None:
    rows.write_text("\n".join(["hour,scored_at,late", *(f"{late * 12},2013-03-01T08:00Z,{late}" for late in (0, 1) * 150)]) + "\n")
    searched(qd, rows)
    state, detail = gates(qd)["Searched for leakage"]
    assert state == "critical" and detail.startswith("1 not ok in 300 rows")
    assert qd("contract", "check", MODEL, str(rows), "--moment", "training", "--run", "R-3")[0] == 0
    code, _, err = qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better")
    assert code == 3 and "Searched for leakage" in " ".join(err.split())


@pytest.mark.parametrize("gate", ["{id: g, title: G, kind: recorded_check}", "{id: g, title: G, kind: slo_budget, check: leakage}"])
def test_the_kind_and_what_was_checked_go_together(qd: Any, place: Place, gate: str) -> None:
    (place.paths.policies / "more.yaml").write_text(f"format: 1\ngates: [{gate}]\n")
    code, out, err = qd("config", "validate")
    assert code == 1 and "goes with kind: recorded_check" in " ".join((out + err).split())
