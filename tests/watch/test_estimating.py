"""The estimate step: what scores stand for, and whether the last week is unlike the reference, learnt once and never half."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, Made, days_of_predictions, made

from backends.local.acting import LocalTrafficSetter
from backends.protocol import NO_ROLLOUT, TrafficSetting
from backends.records import Column, State
from backends.store.landing import land
from console.cli.main import main
from console.clock import SimulatedClock, SystemClock
from console.config import open_workspace
from console.lookout import Lookout
from console.render import figures
from console.render.drift import drift_detail_page, drift_page
from console.render.quality import quality_page
from console.views.drift.view import Asked
from console.views.health.estimated import Estimates, kept_estimates
from console.views.quality.view import QualityAsked, QualityView
from console.watch.estimator import calibrations, told_apart
from console.watch.period_inputs import learnable
from console.watch.rounds import Round, watch_once

pytestmark = pytest.mark.learns

DAYS, ROWS, BROKE = 42, 60, 39
CHANCE = np.random.default_rng(11).random((DAYS + 2, ROWS, 3))


def score(day: int, row: int) -> float:
    return round(0.1 + 0.8 * float(CHANCE[day, row, 0]), 3)


def label(day: int, row: int) -> float | None:
    """As often as scored until the last three days, when the opposite happens; the last day's outcomes are not known yet."""
    likely = score(day, row) if day < BROKE else 1 - score(day, row)
    return None if day == DAYS - 1 else float(CHANCE[day, row, 1] < likely)


def temp(day: int, row: int) -> float:
    return float(CHANCE[day, row, 2])


def carrier(day: int, row: int) -> str:
    """Goes with the temperature until the last week, and against it then: each column alone looks as ever."""
    warm = temp(day, row) > 0.5
    return "AA" if warm == (day < DAYS - 7) else "BB"


def round_at(place: Made, hours: float = 0) -> Round:
    clock = SimulatedClock(START + DAYS * DAY + timedelta(hours=hours), SystemClock().real_now(), 0.0)
    return watch_once(open_workspace(place.root), clock)


def learnt(place: Made, hours: float = 0) -> Estimates:
    found = kept_estimates(place.workspace.paths, "production", "delay", "1", START + DAYS * DAY + timedelta(hours=hours))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Made:
    place = made(tmp_path_factory.mktemp("estimates") / "w", START + DAYS * DAY, threshold=0.5)
    days_of_predictions(place, DAYS, ROWS, temp=temp, carrier=carrier, score=score, label=label)
    return place


@pytest.fixture(scope="module")
def place(untouched: Made, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """After one round."""
    root = copytree(untouched.root, tmp_path_factory.mktemp("learnt") / "w")
    found = Made(open_workspace(root))
    assert "estimate production: 1 models learnt anew" in round_at(found).lines
    return found


@pytest.fixture(scope="module")
def view(place: Made) -> QualityView:
    return place.lookout().quality("delay")


def test_the_estimate_stands_beside_what_is_realised_on_the_same_rows(view: QualityView) -> None:
    week = view.periods[1]
    assert week.estimated is not None
    assert (week.estimated.n, week.estimated.labelled) == (7 * ROWS, 6 * ROWS)
    expected = week.estimated.measure("auc")
    assert expected.value is not None and expected.low is not None and expected.high is not None
    assert expected.low < expected.value < expected.high
    realised = {each.name: each for each in week.estimated.realised}
    assert realised["auc"].value == pytest.approx(week.measure("auc").value)
    assert realised["base_rate"].value == pytest.approx(week.measure("base_rate").value)
    assert view.periods[-1].name == "reference" and view.periods[-1].estimated is None


def test_an_outcome_that_turned_is_beyond_what_the_scores_explain(view: QualityView) -> None:
    week = view.periods[1].estimated
    assert week is not None
    found = {each.name: each for each in week.realised}["auc"]
    assert found.usual is not None and found.beyond
    assert found.value + found.usual < found.low < found.expected
    assert view.estimation.state is State.WARNING
    assert view.estimation.conclusion.startswith("Last 7 days: AUC is ")
    assert view.estimation.conclusion.endswith("The scores do not explain it: suspect concept drift.")


def test_before_the_first_outcome_the_estimate_stands_alone_and_says_that_it_is_one(view: QualityView, place: Made) -> None:
    last = view.periods[0]
    assert last.name == "last 24 h" and last.labelled == 0 and last.measure("auc").value is None
    assert last.estimated is not None and not last.estimated.realised
    assert last.estimated.measure("auc").value == pytest.approx(0.75, abs=0.1)
    calm = Made(place.workspace).lookout().quality("delay", QualityAsked(by="week"))
    assert [week.estimated is None for week in calm.course] == [True, True, True, False, False, False]


def test_the_page_says_what_the_estimate_assumes_and_what_it_cannot_see(view: QualityView) -> None:
    page = quality_page(view)
    plain = page.plain()
    said = " ".join(plain.split())
    assert "Estimated before outcomes" in plain and "estimated AUC" in plain and "realised AUC" in plain
    assert "Blind to concept drift" in said and "Assumes: a score means what it meant in the reference" in said
    assert "learnt 12 Feb 00:00 on n 1,260" in plain
    assert max(row.line.width for row in page.rows) <= 80
    assert {"estimated_auc", "estimated_brier", "estimated_base_rate", "estimate"} <= {row.key for row in page.rows}


def test_what_was_learnt_holds_until_its_rows_change(place: Made) -> None:
    before = sorted(place.workspace.paths.store.glob("estimates/*/*.json"))
    assert "estimate production: 0 models learnt anew" in round_at(place, 2).lines
    assert sorted(place.workspace.paths.store.glob("estimates/*/*.json")) == before
    assert place.lookout(START + (DAYS - 1) * DAY).quality("delay").estimation.reason == "nothing had been learnt of this version by then"


def test_a_column_alone_looks_as_ever_and_together_they_do_not(place: Made) -> None:
    telling = learnt(place).telling
    assert telling is not None and telling.auc is not None and telling.low is not None
    assert telling.low > 0.8
    assert all(each.auc < 0.6 for each in telling.earlier) and len(telling.earlier) >= 4
    assert {name.raw for name, _ in telling.by} == {"temp", "carrier"}
    assert (telling.last - telling.first).days == 6
    assert [(name.raw, why) for name, why in telling.left_out] == [("dow", "it follows the calendar")]
    view = place.lookout().drift("delay")
    columns = {each.column.raw: each for each in view.columns}
    assert all((columns[name].psi or 9) < 0.1 and columns[name].state is not State.WARNING for name in ("temp", "carrier"))
    assert view.together.state is State.WARNING
    assert view.together.verdict.startswith("easier to tell from the reference than any of 5 earlier weeks (most .")
    page = drift_page(view)
    assert f"! AUC {figures.share(telling.auc)}" in page.plain() and "Told apart by" in page.plain()
    assert max(row.line.width for row in page.rows) <= 80


def test_the_verb_says_no_when_all_inputs_together_are_unlike(place: Made, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["-w", str(place.root), "drift", "delay", "--fail-on", "warning", "--json"]
    assert main(command) == 1
    said = json.loads(capsys.readouterr().out)["together"]
    assert said["state"] == "warning" and {name for name, _ in said["by"]} == {"temp", "carrier"}
    assert main([*command, "--from", "2024-02-05"]) == 0
    assert json.loads(capsys.readouterr().out)["together"]["state"] == "unknown"


def test_without_a_number_for_all_inputs_together_there_is_a_reason_and_never_ok(untouched: Made, place: Made) -> None:
    never = untouched.lookout().drift("delay").together
    assert (never.state, never.verdict) == (State.UNKNOWN, "the watch has not looked at it yet: qd watch --once")
    then = place.lookout(START + 41 * DAY).drift("delay").together
    assert (then.state, then.verdict) == (State.UNKNOWN, "nothing had been learnt of this version by then")
    asked = place.lookout().drift("delay", Asked(first=date(2024, 2, 5)))
    assert asked.together.state is State.UNKNOWN and "not for periods that are asked for" in asked.together.verdict
    assert "? it is learnt for the last whole week" in " ".join(drift_page(asked).plain().split())
    later = Lookout(place.workspace, "production", START + (DAYS + 5) * DAY).drift("delay").together
    assert later.state is State.STALE and later.verdict.startswith("6 days old; then it was: easier to tell")


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process that learns writes half an answer and is killed."""
    program = "import os, sys; open(sys.argv[2], 'w').write('{\"maps\": [['); os.kill(os.getpid(), 9)"
    monkeypatch.setattr("console.watch.estimating.PROGRAM", ("-c", program))
    yield


@pytest.mark.usefixtures("dying")
def test_a_process_that_is_killed_leaves_no_number_and_says_so(untouched: Made, tmp_path: Path) -> None:
    fresh = Made(open_workspace(copytree(untouched.root, tmp_path / "w")))
    why = "learning failed: killed by signal 9"
    assert f"estimates of delay: {why}" in round_at(fresh).problems
    kept = learnt(fresh)
    assert kept.calibration is None and kept.telling is None
    assert kept.reasons == {"calibration": why, "telling": why}
    view = fresh.lookout().quality("delay")
    assert view.periods[0].estimated is None and view.estimation.reason == why
    assert f"Not estimated: {why}" in quality_page(view).plain()
    # It is not tried again at every round.
    assert not round_at(fresh, 0.5).problems


@pytest.mark.usefixtures("dying")
def test_what_was_learnt_before_a_failure_stays_and_says_that_it_is_old(place: Made, tmp_path: Path) -> None:
    copied = Made(open_workspace(copytree(place.root, tmp_path / "w")))
    days_of_predictions(copied, 1, ROWS, temp=temp, carrier=carrier, score=score, label=label, first=DAYS)
    assert round_at(copied, 24).problems == ["estimates of delay: learning failed: killed by signal 9"]
    kept = learnt(copied, 24)
    assert kept.calibration is not None and kept.telling is not None
    assert kept.telling.last == learnt(place).telling.last  # type: ignore[union-attr]
    assert kept.reasons == {"telling": "learning failed: killed by signal 9"}


def test_without_probabilities_or_labels_there_is_a_reason(tmp_path: Path) -> None:
    number = made(tmp_path / "number", START + 12 * DAY, task="regression")
    days_of_predictions(number, 12, 4, temp=temp, score=score, label=label)
    assert "this model predicts a number" in number.lookout().quality("delay").estimation.reason
    quick = watch_once(number.workspace, number.workspace.clock(), learn=False)
    assert (
        not [line for line in quick.lines if line.startswith("estimate")]
        and not number.workspace.paths.store.joinpath("estimates").exists()
    )
    early = -24 * (DAYS - 12)
    round_at(number, early)
    assert learnt(number, early).reasons["calibration"] == number.lookout().quality("delay").estimation.reason
    unlabelled = made(tmp_path / "unlabelled", START + 12 * DAY)
    days_of_predictions(unlabelled, 12, 4, temp=temp, score=score, label=lambda _day, _row: None)
    assert "qd watch --once" in unlabelled.lookout().quality("delay").estimation.reason
    round_at(unlabelled, hours=-24 * (DAYS - 12))
    reasons = learnt(unlabelled, hours=-24 * (DAYS - 12)).reasons
    assert reasons["calibration"] == "the reference has 0 labelled rows of this version, fewer than 500"
    assert reasons["telling"] == "the last 7 days, or the days of the reference beside them, have fewer than 200 rows"


def test_text_lists_and_times_are_refused_in_words_wherever_columns_are_listed(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + DAYS * DAY)
    at = [START + day * DAY + row * DAY / 30 for day in range(DAYS) for row in range(30)]
    numbers = range(len(at))
    columns = {
        "temp": [temp(number // 30, number % 30) for number in numbers],
        "carrier": [f"[{number}, 0.5]" for number in numbers],
        "dow": ["Mon"] * len(at),
    }
    common = {"event_at": at, "model": ["delay"] * len(at), "version": ["1"] * len(at), "key": [str(number) for number in numbers]}
    land(place.workspace.paths, "predictions", {**common, "score": [0.5] * len(at), **columns}, now=START)
    round_at(place)
    telling = learnt(place).telling
    assert telling is not None
    assert {name.raw: why for name, why in telling.left_out} == {
        "carrier": "lists or structures, such as embeddings, have no order and no categories",
        "dow": "it follows the calendar",
    }
    view = place.lookout().drift("delay")
    [carrier_shift] = [each for each in view.columns if each.column.raw == "carrier"]
    assert (carrier_shift.state, carrier_shift.psi, carrier_shift.refused) == (State.UNKNOWN, None, True)
    assert carrier_shift.verdict.startswith("not compared: lists or structures, such as embeddings, have no order")
    assert "carrier: not compared: lists or structures" in " ".join(drift_page(view).plain().split())
    detail = drift_detail_page(place.lookout().drift_column("delay", "carrier"))
    assert "not compared: lists" in detail.plain() and "PSI" not in detail.plain()


def test_columns_are_given_to_the_classifier_only_as_what_they_are() -> None:
    columns = [Column(name="note", kind="text"), Column(name="at", kind="timestamp"), Column(name="size", kind="numeric"),
               Column(name="code", kind="numeric"), Column(name="gone", kind="numeric")]  # fmt: skip
    taken, left = learnable(columns, {"note": "VARCHAR", "at": "TIMESTAMP", "size": "DOUBLE", "code": "VARCHAR"}, {})
    assert [each.name for each in taken] == ["size"]
    assert {name.raw: why for name, why in left} == {
        "note": "free text has no order and no categories",
        "at": "a time tells every period from every other",
        "code": "it is declared numeric, and logged as text",
        "gone": "it is not logged with the predictions",
    }


def test_equal_data_is_told_apart_no_better_than_by_chance() -> None:
    chance = np.random.default_rng(3)
    columns, current = chance.normal(size=(800, 2)), np.repeat([False, True], 400)
    with threadpool_limits(1):
        found = told_apart(columns, np.array([], dtype=np.int64), current, np.tile(np.arange(8), 100), explain=True)
    assert len(found["scores"]) == 800
    scores, seen = np.array(found["scores"]), np.array(found["current"])
    area = float((scores[seen][:, None] > scores[~seen][None, :]).mean())
    assert area == pytest.approx(0.5, abs=0.05)
    assert max(found["drops"]) < 0.05


def test_the_first_calibration_is_scikit_learns_and_the_others_are_of_resampled_days() -> None:
    chance = np.random.default_rng(4)
    scores = chance.random(600)
    labels = (chance.random(600) < scores).astype(float)
    maps = calibrations(scores, labels, np.arange(600) // 60)
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, labels)
    grid = np.linspace(0, 1, 50)
    assert np.interp(grid, *maps[0]) == pytest.approx(fitted.predict(grid), abs=1e-4)
    assert len(maps) == 61 and len({tuple(map(tuple, each)) for each in maps}) > 50


def test_what_a_candidate_answers_changes_nothing_that_is_learnt(untouched: Made, place: Made, tmp_path: Path) -> None:
    """Its rows are in the last week and in nothing else, with inputs that no other week has."""
    found = Made(open_workspace(copytree(untouched.root, tmp_path / "w")))
    began = START + (DAYS - 3) * DAY
    at = [began + number * DAY / 100 for number in range(250)]
    columns = {"model": ["delay"] * 250, "version": ["2"] * 250, "key": [f"c{number}" for number in range(250)], "event_at": at,
               "score": [0.5] * 250, "temp": [99.0] * 250, "carrier": ["ZZ"] * 250}  # fmt: skip
    land(found.workspace.paths, "predictions", columns, now=at[-1])
    setting = TrafficSetting(
        environment="production", model="delay", state="running", strategy="canary", stable="1", stable_key="first", candidate="2",
        weights={"1": 0.5, "2": 0.5}, salt="salt", started_at=began, step_at=began, set_at=began, set_by="ines", key="k", reason="March",
        steps=(0.5,), step=1,
    )  # fmt: skip
    LocalTrafficSetter(found.workspace.paths.traffic).set_traffic(setting, expected=NO_ROLLOUT)
    round_at(found)
    mine, known = learnt(found), learnt(place)
    assert mine.telling is not None and known.telling is not None
    assert (mine.telling.digest, mine.telling.n_current) == (known.telling.digest, known.telling.n_current)
    assert mine.calibration == known.calibration
