"""Quality: numbers equal scikit-learn's and counting by hand; what cannot be computed has a reason, never a 0."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
)
from views_workspace import DAY, HOUR, START, Made, days_of_predictions, made

from backends.records import State
from backends.text import Untrusted
from console.analysis.trade_offs import thresholds_around
from console.render import figures
from console.render.quality import quality_page
from console.views.quality.view import NoSuchSlice, QualityAsked

DAYS, ROWS = 40, 120


def noise(day: int, row: int) -> float:
    return float(np.random.default_rng(day * 1000 + row).random())


def score(day: int, row: int) -> float:
    return round(0.2 + 0.6 * noise(day, row), 3)


def label(day: int, row: int) -> float | None:
    """Every tenth outcome never comes."""
    return None if row % 10 == 9 else float(noise(row, day) < score(day, row))


def carrier(_day: int, row: int) -> str:
    return "AA" if row % 4 else "BB" if row % 8 else "CC"


def build(root: Path, **more: object) -> Made:
    place = made(root, START + DAYS * DAY, threshold=0.5, slices=("carrier",), **more)
    days_of_predictions(
        place, DAYS, ROWS, temp=lambda day, row: 100 * noise(day + 500, row), carrier=carrier, score=score, label=label,
        label_after=timedelta(hours=3),
    )  # fmt: skip
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("quality") / "w")


def rows_of(first: int, last: int, hours: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores and outcomes of labelled rows of whole days, as known `hours` before the end of the last of all days."""
    pairs = [
        (score(day, row), label(day, row))
        for day in range(first, last)
        for row in range(ROWS)
        if label(day, row) is not None and day * 24 + row * 24 / ROWS + 3 <= DAYS * 24 - hours
    ]
    return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])


def test_numbers_are_scikit_learns(place: Made) -> None:
    view = place.lookout().quality("delay")
    assert [period.name for period in view.periods] == ["last 24 h", "last 7 days", "reference"]
    for period, (first, last) in zip(view.periods, ((DAYS - 1, DAYS), (DAYS - 7, DAYS), (0, 21)), strict=True):
        scores, labels = rows_of(first, last)
        assert period.labelled == labels.size
        assert period.scored == (last - first) * ROWS
        expected = {
            "auc": roc_auc_score(labels, scores),
            "average_precision": average_precision_score(labels, scores),
            "brier": brier_score_loss(labels, scores),
            "log_loss": log_loss(labels, scores),
            "base_rate": labels.mean(),
            "mean_score": scores.mean(),
            "gap": labels.mean() - scores.mean(),
            "precision": precision_score(labels, scores >= 0.5),
            "recall": recall_score(labels, scores >= 0.5),
        }
        bins = np.minimum((scores * 10).astype(int), 9)
        expected["ece"] = sum(abs((labels - scores)[bins == k].sum()) for k in range(10)) / labels.size
        for name, value in expected.items():
            assert period.measure(name).value == pytest.approx(value, abs=1e-9), name
        assert period.measure("auc").low < period.measure("auc").value < period.measure("auc").high  # type: ignore[operator]


def test_every_bin_of_calibration_is_counted_by_hand(place: Made) -> None:
    view = place.lookout().quality("delay")
    scores, labels = rows_of(DAYS - 1, DAYS)
    assert len(view.calibration) == 10
    assert sum(each.n for each in view.calibration) == labels.size
    for k, each in enumerate(view.calibration):
        held = (scores >= k / 10) & (scores < (k + 1) / 10)
        assert each.n == held.sum()
        assert each.observed == (pytest.approx(labels[held].mean()) if held.any() else None)
        assert each.mean_score == (pytest.approx(scores[held].mean()) if held.any() else None)
        if each.n:
            wilson = stats.binomtest(int(labels[held].sum()), each.n).proportion_ci(method="wilson")
            assert (each.observed_low, each.observed_high) == pytest.approx((wilson.low, wilson.high), abs=1e-6)


def test_precision_and_recall_at_thresholds_around_the_one_in_force_are_scikit_learns(place: Made) -> None:
    view = place.lookout().quality("delay")
    scores, labels = rows_of(DAYS - 1, DAYS)
    scored = np.array([score(DAYS - 1, row) for row in range(ROWS)])
    assert [each.threshold for each in view.trade_offs] == [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert [each.threshold for each in view.trade_offs if each.in_force] == [0.5]
    for each in view.trade_offs:
        chosen = scores >= each.threshold
        assert (each.selected, each.share) == ((scored >= each.threshold).sum(), pytest.approx((scored >= each.threshold).mean()))
        assert each.recall == pytest.approx(recall_score(labels, chosen))
        assert each.precision == (pytest.approx(precision_score(labels, chosen)) if chosen.any() else None)
        assert each.precision is not None or each.reasons["precision"] == f"no labelled row scores {each.threshold:g} or more"
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    assert [each.at_least for each in view.precision_recall] == pytest.approx(np.arange(1, 21) / 20)
    for each in view.precision_recall:
        at = np.flatnonzero(recall[:-1] >= each.at_least - 1e-9)[-1]
        assert (each.recall, each.precision, each.threshold) == pytest.approx((recall[at], precision[at], thresholds[at]))


@pytest.mark.parametrize(
    ("threshold", "around"),
    [
        (0.3, (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)),
        (0.02, (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035)),
        (0.993, (0.99, 0.991, 0.992, 0.993, 0.994, 0.995, 0.996)),
        (None, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
        (1.0, (0.7, 0.8, 0.9, 1.0)),
    ],
)
def test_thresholds_are_round_steps_around_the_one_in_force(threshold: float | None, around: tuple[float, ...]) -> None:
    assert thresholds_around(np.linspace(0, 1, 101), threshold) == around


def test_scores_that_are_no_probabilities_have_thresholds_by_their_own_spread() -> None:
    scores = np.linspace(300, 850, 56)
    assert thresholds_around(scores, 620.0) == (470.0, 520.0, 570.0, 620.0, 670.0, 720.0, 770.0)
    assert thresholds_around(scores, None) == ()


def test_the_course_has_a_period_for_each_day_of_the_models_zone(place: Made) -> None:
    view = place.lookout().quality("delay")
    assert [period.name for period in view.course][-2:] == ["Thu 8 Feb", "Fri 9 Feb"]
    assert len(view.course) == 14
    scores, labels = rows_of(DAYS - 3, DAYS - 2)
    assert view.course[-3].measure("auc").value == pytest.approx(roc_auc_score(labels, scores))
    weeks = place.lookout().quality("delay", QualityAsked(by="week")).course
    assert [period.name for period in weeks] == ["Mon 1 Jan", "Mon 8 Jan", "Mon 15 Jan", "Mon 22 Jan", "Mon 29 Jan", "Mon 5 Feb"]
    assert [period.scored for period in weeks] == [7 * ROWS] * 5 + [5 * ROWS]


def test_slices_come_worst_first_and_small_ones_say_that_they_are_small(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + DAYS * DAY, slices=("carrier",))
    days_of_predictions(
        place, DAYS, 1000, temp=lambda _day, _row: 1.0, score=lambda _day, _row: 0.5,
        carrier=lambda _day, row: "small" if row < 2 else "bad" if row < 400 else "good",
        label=lambda _day, row: 1.0 if row < 400 or row % 2 else 0.0, first=0,
    )  # fmt: skip
    view = place.lookout().quality("delay")
    judged = [each for each in view.slices if each.measures]
    assert [each.value.raw for each in judged if each.value] == ["bad", "good"]
    assert {name.name: name.value for name in judged[0].measures}["gap"] == pytest.approx(0.5)
    said = " ".join(quality_page(view, tabbed=False).plain().split("since it broke")[0].split())
    assert view.state is State.CRITICAL and view.broke_at is not None
    assert f"X CRIT {view.verdict}; since {figures.moment(view.broke_at, ZoneInfo(view.zone))}; worst where carrier is bad: " in said
    assert f"n {judged[0].labelled:,}" in said
    [small] = [each for each in view.slices if not each.measures]
    assert small.reason == f"{small.labelled} labelled rows, fewer than 200"
    assert f"too few labelled: small {small.labelled}" in quality_page(view, tabbed=False).plain()


def test_a_slice_by_numbers_takes_quartiles(place: Made) -> None:
    view = place.lookout().quality("delay", QualityAsked(slice="temp"))
    assert [name.raw for name in view.sliced_by] == ["temp"]
    assert len(view.slices) == 4
    assert sum(each.scored for each in view.slices) == view.periods[0].scored


def test_a_slice_by_what_is_no_input_names_the_nearest(place: Made) -> None:
    with pytest.raises(NoSuchSlice, match="did you mean carrier"):
        place.lookout().quality("delay", QualityAsked(slice="carier"))


def test_outcomes_arrive_three_hours_after_the_score(place: Made) -> None:
    arrivals = {each.hours: each for each in place.lookout().quality("delay").arrivals}
    assert [arrivals[hours].share for hours in (1, 2)] == [0.0, 0.0]
    assert arrivals[4].share == pytest.approx(0.9, abs=0.01)
    assert arrivals[24].share == arrivals[8].share_reference == pytest.approx(0.9)
    assert arrivals[24].n == 6 * ROWS


def test_coverage_and_completeness_stand_beside_every_number(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 20 * DAY)
    days_of_predictions(
        place, 20, ROWS, temp=lambda _day, _row: 1.0, score=score, label=lambda day, row: float(row % 2) if day < 18 else None
    )
    view = place.lookout().quality("delay")
    week = view.periods[1]
    assert week.coverage == pytest.approx(5 / 7)
    assert week.complete_to is not None
    assert START + 18 * DAY <= week.complete_to <= START + 18 * DAY + 2 * HOUR
    assert "71 % of 840" in quality_page(view, tabbed=False).plain()


def test_without_any_outcome_there_is_a_reason_and_no_zero(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 30 * DAY, threshold=0.5)
    days_of_predictions(place, 30, ROWS, temp=lambda _day, _row: 1.0, label=lambda _day, _row: None)
    view = place.lookout().quality("delay")
    for period in view.periods:
        assert period.coverage == 0.0
        assert all(each.value is None and each.reason == "no outcome is known yet" for each in period.measures)
    plain = quality_page(view, tabbed=False).plain()
    assert "no outcome is known: land labels with qd ingest labels FILE --model delay" in plain
    assert "unkn: no outcome is known yet" in plain
    assert view.line.state != State.OK


def test_one_class_only_leaves_auc_out_and_says_why(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 30 * DAY)
    days_of_predictions(place, 30, ROWS, temp=lambda _day, _row: 1.0, score=score, label=lambda _day, _row: 0.0)
    period = place.lookout().quality("delay").periods[0]
    assert period.measure("auc").value is None
    assert period.measure("auc").reason == "only one class among the known outcomes"
    assert period.measure("brier").value is not None


def test_a_regression_has_errors_in_the_unit_of_its_target(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 30 * DAY, task="regression")
    days_of_predictions(
        place, 30, ROWS, temp=lambda _day, _row: 1.0, score=lambda _day, row: 100.0 + row, label=lambda _day, row: 97.0 + row + (row % 3)
    )
    view = place.lookout().quality("delay")
    period = view.periods[1]
    assert period.measure("mae").value == pytest.approx(2.0, abs=0.02)
    assert period.measure("bias").value == pytest.approx(2.0, abs=0.02)
    assert period.measure("rmse").value == pytest.approx(np.sqrt(14 / 3), abs=0.02)
    assert not view.calibration and not view.trade_offs and not view.precision_recall
    view = view.model_copy(update={"target": Untrusted("minutes in the \x1bair")})
    page = quality_page(view, tabbed=False).plain()
    assert "RMSE" in page
    [periods] = [row for row in page.splitlines() if "last 7 days" in row]
    assert periods.startswith(" minutes in the ␛air ")


def test_the_past_uses_only_the_labels_known_then(place: Made) -> None:
    at = START + 30 * DAY
    then = place.lookout(at).quality("delay").periods[0]
    known = [row for row in range(ROWS) if label(29, row) is not None and row * 24 / ROWS + 3 <= 24]
    assert then.until == at
    assert (then.scored, then.labelled) == (ROWS, len(known))


def test_the_page_fits_80_columns(place: Made) -> None:
    for asked in (QualityAsked(), QualityAsked(by="week", slice="temp")):
        page = quality_page(place.lookout().quality("delay", asked))
        assert max(row.line.width for row in page.rows) <= 80
