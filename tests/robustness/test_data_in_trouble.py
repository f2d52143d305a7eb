"""Data that is not as it should be: every verb answers, and what cannot be computed is unknown, never zero and never fine."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from broken_workspaces import DAY, NOW, Answer, Made, ask, evaluated, every_answer, stand_at, whole
from views_workspace import days_of_predictions, made

from backends.store.landing import land
from backends.store.sql import connect, run
from console.cli.exits import Exit


def without_labels(root: Path) -> Made:
    place = made(root, NOW)
    days_of_predictions(place, 40, 40, temp=lambda _day, row: float(row % 20), label=lambda _day, _row: None)
    return place


def one_class(root: Path) -> Made:
    place = made(root, NOW)
    days_of_predictions(place, 40, 40, temp=lambda _day, row: float(row % 20), label=lambda _day, _row: 0.0)
    return place


def column_vanishes(root: Path) -> Made:
    place = made(root, NOW)
    days_of_predictions(place, 37, 40, temp=lambda _day, row: float(row % 20), compacted=False)
    days_of_predictions(place, 3, 40, temp=lambda _day, _row: None, first=37)
    return place


def infinities(root: Path) -> Made:
    place = made(root, NOW)
    odd = (float("nan"), float("inf"), float("-inf"))
    days_of_predictions(place, 40, 40, temp=lambda day, row: odd[row % 3] if day > 36 else float(row % 20))
    return place


def nothing(root: Path) -> Made:
    from console.config import ClockSettings, init_workspace

    return Made(init_workspace(root, name="empty", clock=ClockSettings(start=NOW)))


def clock_went_back(root: Path) -> Made:
    place = evaluated(whole(root))
    stand_at(place, NOW - 10 * DAY)
    return place


def clock_went_ahead(root: Path) -> Made:
    place = evaluated(whole(root))
    stand_at(place, NOW + 400 * DAY)
    return place


TROUBLES = {
    each.__name__: each for each in (nothing, without_labels, one_class, column_vanishes, infinities, clock_went_back, clock_went_ahead)
}


@pytest.fixture(scope="module", params=sorted(TROUBLES))
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    place = TROUBLES[request.param](tmp_path_factory.mktemp("trouble") / "w")
    return every_answer(place.root)


@pytest.mark.exhaustive
def test_every_verb_answers_with_its_code_and_a_line(answers: dict[str, Answer]) -> None:
    assert {words: answer.problem for words, answer in answers.items() if answer.problem is not None} == {}


@pytest.mark.exhaustive
def test_odd_data_is_no_backend_that_does_not_answer(answers: dict[str, Answer]) -> None:
    assert {words: answer.err for words, answer in answers.items() if answer.code == Exit.UNAVAILABLE} == {}


def states(root: Path) -> dict[str, tuple[str, float | None]]:
    answer = ask(root, "model delay --json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    return {signal["id"]: (signal["state"], signal["value"]) for layer in found["layers"] for signal in layer["signals"]}


def test_without_labels_no_quality_is_claimed(tmp_path: Path) -> None:
    place = evaluated(without_labels(tmp_path / "w"))
    told = states(place.root)
    named = ("model.late_gap", "model.auc", "model.ece", "model.label_coverage")
    assert {name: told[name] for name in named} == dict.fromkeys(named, ("unknown", None))
    page = ask(place.root, "quality delay").out
    assert "land labels with qd ingest labels" in page
    [auc] = [line.split() for line in page.splitlines() if line.startswith(" AUC ")]
    assert auc == ["AUC", "unkn", "unkn", "unkn"]
    [row] = json.loads(ask(place.root, "fleet --json").out)["rows"]
    assert row["state"] == "unknown"


def test_with_one_class_only_the_auc_is_not_computable(tmp_path: Path) -> None:
    place = evaluated(one_class(tmp_path / "w"))
    page = ask(place.root, "quality delay").out
    assert "only one class among the known outcomes" in page
    [auc] = [line.split() for line in page.splitlines() if line.startswith(" AUC ")]
    assert auc == ["AUC", "unkn", "unkn", "unkn"]
    assert states(place.root)["model.auc"] == ("unknown", None)


def test_a_column_that_vanishes_is_critical_and_called_a_bug(tmp_path: Path) -> None:
    place = evaluated(column_vanishes(tmp_path / "w"))
    told = states(place.root)
    assert told["data.schema"] == ("critical", 1.0)
    assert told["data.nulls"][0] == "critical"
    assert "temp lost its values: suspect a data bug" in ask(place.root, "drift delay").out


def test_values_that_are_no_numbers_count_as_missing(tmp_path: Path) -> None:
    place = evaluated(infinities(tmp_path / "w"))
    page = ask(place.root, "drift delay").out
    [temp] = [line for line in page.splitlines() if line.startswith(" X temp ")]
    assert "0 -> 21.0 %" in temp


def test_a_fleet_without_a_model_says_so(tmp_path: Path) -> None:
    place = nothing(tmp_path / "w")
    answer = ask(place.root, "fleet")
    assert answer.code == 0
    assert "qd ingest" in answer.out or "quarterdeck ingest" in answer.out


def test_a_clock_that_went_back_shows_nothing_of_what_is_future_now(tmp_path: Path) -> None:
    place = clock_went_back(tmp_path / "w")
    told = json.loads(ask(place.root, "fleet --json").out)
    assert told["at"] == (NOW - 10 * DAY).isoformat().replace("+00:00", "Z")
    doctor = json.loads(ask(place.root, "doctor --json").out)
    [found] = [each for each in doctor["findings"] if each["id"] == "evaluator.production"]
    assert found["state"] == "stale"
    assert "a clock went back" in found["what"]


def test_a_landing_file_of_another_type_is_refused_whole_and_nothing_else_is_lost(tmp_path: Path) -> None:
    place = whole(tmp_path / "w")
    folder = place.workspace.paths.landing / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    connection = connect()
    run(connection, f"COPY (SELECT 'soon' AS event_at, 'a' AS key, 'much' AS score) TO '{folder / 'bad.parquet'}' (FORMAT parquet)")
    connection.close()
    (folder / "cut.parquet").write_bytes(b"PAR1 and no more")
    rows = {"event_at": [NOW - timedelta(hours=1)], "model": ["delay"], "version": ["1"], "key": ["new"], "score": [0.5]}
    land(place.workspace.paths, "predictions", rows, now=NOW)
    assert ask(place.root, "doctor").out.count("landing files without facts") == 1
    answer = ask(place.root, "watch --once")
    assert answer.code == 1
    assert "refused predictions/bad.parquet" in answer.err
    assert "refused predictions/cut.parquet" in answer.err
    assert sorted(path.name for path in folder.glob("*.parquet")) == []
    assert len(list(place.workspace.paths.rejects.rglob("*.parquet"))) == 2
    found = json.loads(ask(place.root, "doctor --json").out)
    [reading] = [each for each in found["findings"] if each["id"] == "store.reading"]
    assert "1,601 predictions" in reading["what"]


def test_refused_rows_of_an_ingest_are_named_line_by_line(tmp_path: Path) -> None:
    place = nothing(tmp_path / "w")
    file = tmp_path / "rows.csv"
    file.write_text("event_at,key,score\n2024-01-01T00:00:00Z,a,0.5\n2024-01-01T00:00:00Z,b,inf\nlater,c,0.5\n2024-01-01T00:00:00Z,,0.5\n")
    answer = ask(place.root, "ingest predictions", str(file), "--model", "m", "--version", "1")
    assert answer.code == 1
    assert "1 accepted, 0 repeated, 3 refused" in answer.out
    path = Path(answer.out.rpartition("why: ")[2].strip())
    assert [json.loads(line)["line"] for line in path.read_text().splitlines()] == [3, 4, 5]
