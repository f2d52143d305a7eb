"""`leakage`: a column that knows the outcome is found, an honest one is not, and times are held against each other row by row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published_schemas import assert_fits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from backends.data_files.leakage_counts import drawn_by_outcome
from backends.data_files.table import opened
from console.cli.exits import Exit
from console.cli.main import main
from console.render.leakage import leakage_page
from console.views.data.leakage import LeakageAsked, leakage
from console.views.data.leakage_checks import standard_error

Ask = Callable[..., tuple[int, str, str]]

ROWS = 4000


@pytest.fixture(scope="module")
def frame() -> dict[str, Any]:
    random = np.random.default_rng(5)
    late = random.random(ROWS) < 0.3
    honest = random.normal(size=ROWS) + 0.8 * late
    honest[random.random(ROWS) < 0.05] = np.nan
    return {
        "id": np.arange(ROWS),
        "late": late,
        "honest": honest,
        "turned": np.where(late, -1.0, 1.0) + random.normal(size=ROWS) * 0.1,
        "steps": np.floor(honest * 2),
        "gate": np.array([f"g{number}" for number in random.integers(0, 2000, ROWS)]),
        "carrier": np.where(late, "AA", np.where(random.random(ROWS) < 0.9, "BB", "AA")),
        "refund": np.where(late, random.normal(size=ROWS), np.nan),
    }


@pytest.fixture(scope="module")
def file(frame: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Besides: `scored` every minute; `weather` a minute before it but for ten rows after it; `landed` an hour later, `bare` as text."""
    path = tmp_path_factory.mktemp("leakage") / "train.parquet"
    connection = duckdb.connect()
    connection.register("frame", frame)
    at = "TIMESTAMP '2024-01-01' + to_seconds(60 * id)"
    times = f"{at} AS scored, {at} + to_seconds(CASE WHEN id % 400 = 7 THEN 30 ELSE -60 END) AS weather, {at} + to_seconds(3600) AS landed"
    connection.execute(f"COPY (SELECT *, {times}, CASE WHEN id > 4 THEN {at} END AS gaps FROM frame) TO '{path}'")
    return path


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Ask:
    def asked(*words: object) -> tuple[int, str, str]:
        code = main(["-w", str(tmp_path / "none"), "leakage", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked


TIMES = ("--as-of-key", "scored", "--label-time", "landed", "--feature-time", "weather", "--key", "id", "--key", "gaps")


def checks(ask: Ask, file: Path, *words: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    code, out, err = ask(file, "--label", "late", *words, "--json")
    assert (code, err) == (Exit.OK, "")
    said = json.loads(out)
    assert_fits(said, "leakage")
    return {(each["check"], each["column"]): each for each in said["checks"]}


def test_each_column_alone_has_the_auc_that_scikit_learn_gives_it(ask: Ask, file: Path, frame: dict[str, Any]) -> None:
    found = checks(ask, file, *TIMES)
    for name in ("honest", "turned", "steps"):
        known = ~np.isnan(frame[name])
        expected = roc_auc_score(frame["late"][known], frame[name][known])
        assert found["alone", name]["auc"] == pytest.approx(max(expected, 1 - expected), abs=1e-12)
        assert found["alone", name]["rows"] == known.sum()
    absent = roc_auc_score(frame["late"], np.isnan(frame["refund"]))
    assert found["absence", "refund"]["auc"] == pytest.approx(max(absent, 1 - absent), abs=1e-12)


def test_a_category_is_scored_by_the_outcomes_of_the_other_folds(ask: Ask, file: Path, frame: dict[str, Any]) -> None:
    found, late = checks(ask, file, *TIMES), frame["late"].astype(float)
    fold = (np.arange(ROWS) + 1) % 5
    for name in ("carrier", "gate"):
        score = np.empty(ROWS)
        for row in range(ROWS):
            others = fold != fold[row]
            same = others & (frame[name] == frame[name][row])
            score[row] = (late[same].sum() + 10 * late[others].mean()) / (same.sum() + 10)
        expected = roc_auc_score(late, np.round(score, 12))
        assert found["alone", name]["auc"] == pytest.approx(max(expected, 0.5), abs=1e-9)
    # 2,000 gates of two rows each: by their own outcomes they would tell nearly everything.
    assert found["alone", "gate"]["auc"] < 0.56


def test_what_knows_the_outcome_is_critical_and_what_only_helps_is_ok(ask: Ask, file: Path) -> None:
    found = checks(ask, file, *TIMES)
    alone = {column: each["state"] for (check, column), each in found.items() if check == "alone"}
    # The refunds that are there are all of one outcome, so their values say nothing.
    assert alone == {"honest": "ok", "turned": "critical", "steps": "ok", "gate": "ok", "carrier": "warning", "refund": "unknown"}
    assert (found["absence", "refund"]["auc"], found["absence", "refund"]["state"]) == (1.0, "critical")
    assert found["alone", "turned"]["low"] > 0.98


def test_the_standard_error_is_the_spread_of_samples_of_the_law_that_it_is_made_for() -> None:
    # Exponential scores with means 3 and 1: one of each is in order with probability 3/4.
    random = np.random.default_rng(3)
    drawn = [(random.exponential(3, (60, 1)) > random.exponential(1, (1, 80))).mean() for _ in range(3000)]
    assert np.mean(drawn) == pytest.approx(0.75, abs=0.005)
    assert standard_error(0.75, 60, 80) == pytest.approx(np.std(drawn), rel=0.06)


def test_a_feature_from_after_its_as_of_time_is_shown_with_both_times(ask: Ask, file: Path) -> None:
    found = checks(ask, file, *TIMES)["time", "weather"]
    assert (found["state"], found["count"], found["rows"]) == ("ok", 0, ROWS), "the last of two checks is against the outcome's time"
    first = checks(ask, file, "--as-of-key", "scored", "--feature-time", "weather", "--columns", "honest")["time", "weather"]
    assert (first["state"], first["count"], first["rows"]) == ("critical", 10, ROWS)
    assert [each["row"] for each in first["sample"]] == [8, 408, 808]
    assert first["sample"][0] == {"row": 8, "time": "2024-01-01 00:07:30", "limit": "2024-01-01 00:07:00"}


def test_without_an_as_of_key_features_are_held_against_the_time_of_the_outcome(ask: Ask, file: Path) -> None:
    found = checks(ask, file, "--label-time", "scored", "--feature-time", "weather", "--columns", "honest")
    assert (found["as-of key", None]["state"], found["time", "weather"]["count"]) == ("unknown", 10)


def test_rows_that_do_not_say_as_of_when_are_counted_and_a_key_that_is_not_there_is_critical(ask: Ask, file: Path) -> None:
    found = checks(ask, file, "--as-of-key", "gaps", "--columns", "honest")["as-of key", "gaps"]
    assert (found["state"], found["count"]) == ("critical", 5)
    gone = checks(ask, file, "--as-of-key", "asof", "--columns", "honest")["as-of key", "asof"]
    assert (gone["state"], gone["count"]) == ("critical", ROWS)
    assert checks(ask, file, "--as-of-key", "scored", "--columns", "honest")["as-of key", "scored"]["state"] == "ok"


def test_few_rows_of_an_outcome_have_no_verdict(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("late,leak\n" + "1,1\n" * 29 + "0,0\n" * 300)
    assert checks(ask, path)["alone", "leak"]["state"] == "unknown"
    path.write_text("late,leak\n" + "1,1\n" * 30 + "0,0\n" * 300)
    assert checks(ask, path)["alone", "leak"]["state"] == "critical"


def test_a_pipeline_is_stopped_and_the_page_says_why(ask: Ask, file: Path) -> None:
    code, out, _ = ask(file, "--label", "late", *TIMES, "--fail-on", "critical")
    lines = out.splitlines()
    assert code == Exit.NO and max(map(len, lines)) <= 80
    assert any("tells the outcome alone with AUC 1.000" in line for line in lines)
    assert ask(file, "--label", "late", *TIMES, "--columns", "honest", "--feature-time", "landed", "--fail-on", "critical")[0] == Exit.NO
    assert ask(file, "--label", "late", "--columns", "honest", "--fail-on", "warning")[0] == Exit.OK


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--label", "gate"), "must be 0 and 1"),
        (("--label", "id"), "neither 0 nor 1"),
        (("--label", "nosuch"), "no column 'nosuch'"),
        (("--label", "late", "--label-time", "honest"), "not a time"),
        (("--label", "late", "--columns", "nosuch"), "no column 'nosuch'"),
    ],
)
def test_what_cannot_be_checked_is_one_line(ask: Ask, file: Path, words: tuple[str, ...], said: str) -> None:
    code, out, err = ask(file, *words)
    assert (code, out, err.count("\n")) == (Exit.USAGE, "", 1)
    assert said in err


@pytest.fixture(scope="module")
def secretly(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Rows whose outcome is whether two columns are unlike, but for 1 in 200; neither tells anything alone. Two others are honest."""
    random = np.random.default_rng(1)
    number = 3000
    left, right = random.random(number) < 0.5, random.random(number) < 0.5
    late = (left ^ right) ^ (random.random(number) < 0.005)
    weak, noise = random.normal(size=number) + 0.5 * late, random.normal(size=number)
    noise[random.random(number) < 0.1] = np.nan
    frame = {"left": left, "right": np.where(right, "in", "out"), "weak": weak, "noise": noise, "late": late}
    path = tmp_path_factory.mktemp("secretly") / "train.parquet"
    connection = duckdb.connect()
    connection.register("frame", frame)
    connection.execute(f"COPY (SELECT * FROM frame) TO '{path}'")
    return path, frame


def test_columns_that_tell_the_outcome_only_together_are_found_by_shuffling_one(ask: Ask, secretly: tuple[Path, dict[str, Any]]) -> None:
    path, frame = secretly
    found = checks(ask, path, "--together")
    assert {column: found["alone", column]["state"] for column in ("left", "right", "weak")} == dict.fromkeys(
        ("left", "right", "weak"), "ok"
    )
    assert {column: found["shuffled", column]["state"] for column in ("left", "right", "weak", "noise")} == {
        "left": "critical", "right": "critical", "weak": "ok", "noise": "ok",
    }  # fmt: skip
    assert (found["together", None]["state"], found["together", None]["rows"]) == ("warning", 3000)
    # Computed here from the same rows, with another shuffling of the column.
    matrix = np.column_stack([frame["left"], frame["right"] == "in", frame["weak"], frame["noise"]]).astype(float)
    half = np.arange(3000) % 2 == 0
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(matrix[half], frame["late"][half])
    rest, late = matrix[~half], frame["late"][~half]
    assert found["together", None]["auc"] == pytest.approx(roc_auc_score(late, model.predict_proba(rest)[:, 1]), abs=0.01)
    for at, column in enumerate(("left", "right", "weak", "noise")):
        turned = rest.copy()
        turned[:, at] = np.random.default_rng(at).permutation(turned[:, at])
        each = found["shuffled", column]
        assert each["left"] == pytest.approx(roc_auc_score(late, model.predict_proba(turned)[:, 1]), abs=0.03)
        assert each["lost"] == pytest.approx(max(0, (each["auc"] - each["left"]) / (each["auc"] - 0.5)))


def test_the_same_rows_are_drawn_and_shuffled_at_every_call_and_the_answer_says_how(
    ask: Ask, secretly: tuple[Path, dict[str, Any]]
) -> None:
    path = secretly[0]
    view = leakage(str(path), LeakageAsked(label="late", features=("left", "right"), together=True))
    first = json.loads(ask(path, "--label", "late", "--columns", "left,right", "--together", "--json")[1])
    assert json.loads(view.model_dump_json()).items() <= first.items()
    how = first["together"]
    assert (how["seed"], how["columns"], how["positives"] + how["negatives"]) == (20130426, 2, 3000)
    assert (how["positives"], how["folds"], how["repeats"]) == (first["positives"], 5, 3)
    page = " ".join(leakage_page(view).plain().split())
    assert "seed 20130426" in page and "nearly all goes with it: shuffled, it leaves" in page


def test_without_asking_nothing_is_said_of_columns_together_but_that_they_were_not_tried(ask: Ask, file: Path) -> None:
    code, out, _ = ask(file, "--label", "late", "--columns", "honest")
    assert code == Exit.OK and "columns were not tried together" in out
    assert json.loads(ask(file, "--label", "late", "--columns", "honest", "--json")[1])["together"] is None


def test_few_rows_of_an_outcome_are_not_learnt_from(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("late,leak\n" + "1,1\n" * 29 + "0,0\n" * 300)
    found = checks(ask, path, "--together")["together", None]
    assert (found["state"], found["auc"]) == ("unknown", None) and "30 of each are needed" in found["why"]


def test_rows_are_drawn_alike_from_both_outcomes_and_all_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    duckdb.connect().execute(f"COPY (SELECT i AS place, i % 50 = 0 AS late FROM range(50000) t(i)) TO '{path}'")
    with opened(str(path)) as table:
        outcome, [place] = drawn_by_outcome(table, [table.column("place")], table.column("late"), 600)
    assert (int(outcome.sum()), len(outcome)) == (600, 1200)
    assert ((place % 50 == 0) == (outcome == 1)).all() and (np.diff(place) > 0).all()
    for drawn in (place[outcome == 1], place[outcome == 0]):
        assert np.histogram(drawn, bins=10, range=(0, 50_000))[0] == pytest.approx(60, abs=25)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.booleans(), st.one_of(st.none(), st.sampled_from([-1e300, -1.0, 0.0, 0.5, 1e300, float("inf")]))), min_size=60)
)
def test_ties_infinities_and_missing_values_count_as_scikit_learn_counts_them(
    tmp_path: Path, rows: list[tuple[bool, float | None]]
) -> None:
    rows = [*rows, (True, 0.5), (False, 0.5)]
    values = ", ".join(f"({y}, {'NULL' if v is None else repr(str(v))}::DOUBLE)" for y, v in rows)
    path = tmp_path / "any.parquet"
    duckdb.connect().execute(f"COPY (SELECT * FROM (VALUES {values}) t(y, v)) TO '{path}'")
    [found] = [each for each in leakage(str(path), LeakageAsked(label="y")).checks if each.check == "alone"]
    known = [(y, max(min(v, 1.7e308), -1.7e308)) for y, v in rows if v is not None]
    if found.auc is not None:
        expected = roc_auc_score([y for y, _ in known], [v for _, v in known])
        assert found.auc == pytest.approx(max(expected, 1 - expected), abs=1e-12)
    assert found.rows == len(known)
