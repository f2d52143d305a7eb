"""Labels: counts, delays and what is overdue equal counting by hand; what is not known is said to be unknown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from views_workspace import DAY, START, Made, days_of_predictions, made

from backends.records import State
from backends.store.landing import land
from console.render.labels import labels_page
from console.views.quality.labels import LabelsView

DAYS, ROWS = 40, 120
NOW = START + DAYS * DAY


def noise(day: int, row: int) -> float:
    return float(np.random.default_rng(day * 1000 + row).random())


def label(day: int, row: int) -> float | None:
    """Every tenth outcome never comes."""
    return None if row % 10 == 9 else float(noise(day, row) < 0.3)


def score(day: int, row: int) -> float:
    """Rows whose outcome never comes score higher."""
    return round(0.2 + 0.2 * noise(row, day) + (0.3 if row % 10 == 9 else 0.0), 3)


def build(root: Path, **more: object) -> Made:
    place = made(root, NOW, **more)
    days_of_predictions(place, DAYS, ROWS, temp=lambda _day, _row: 1.0, score=score, label=label, label_after=timedelta(hours=3))
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("labels") / "w")


@pytest.fixture(scope="module")
def view(place: Made) -> LabelsView:
    return place.lookout().labels("delay")


def at(day: int, row: int) -> float:
    """Hours from the start."""
    return day * 24 + row * 24 / ROWS


def test_what_is_known_is_counted_by_period_and_by_day(view: LabelsView) -> None:
    day, week, reference = view.periods
    known = [row for row in range(ROWS) if label(DAYS - 1, row) is not None and at(DAYS - 1, row) + 3 <= DAYS * 24]
    assert (day.scored, day.labelled) == (ROWS, len(known))
    assert day.observed == pytest.approx(np.mean([label(DAYS - 1, row) for row in known]))
    assert week.scored == 7 * ROWS and week.labelled == 6 * ROWS * 9 // 10 + len(known)
    assert reference.coverage == pytest.approx(0.9)
    assert [each.labelled for each in view.days[:-1]] == [ROWS * 9 // 10] * 13 and view.days[-1].labelled == len(known)


def test_outcomes_come_after_three_hours_and_one_in_ten_never(view: LabelsView) -> None:
    shares = {each.hours: (each.share, each.share_reference) for each in view.arrivals}
    assert shares[2] == (0.0, 0.0)
    for share in shares[4]:
        assert share == pytest.approx(0.9, abs=0.005)
    assert shares[168][0] is None, "nobody of the last 7 days has waited for 7 days"
    for period in view.periods:
        assert (period.delay_50, period.delay_90 if period.name == "reference" else 3.0) == (3.0, 3.0)
        assert period.delay_99 is None, "so many never come"


def test_waiting_rows_are_not_due_late_or_overdue_and_what_is_usual_is_said(view: LabelsView) -> None:
    waiting = [
        at(day, row) for day in range(DAYS - 7, DAYS) for row in range(ROWS) if label(day, row) is None or at(day, row) + 3 > DAYS * 24
    ]
    ages = np.array([DAYS * 24 - moment for moment in waiting])
    assert view.waiting.total == len(waiting)
    assert view.waiting.not_due == int((ages < 3).sum()) and view.waiting.overdue == int((ages >= 3).sum())
    assert view.waiting.overdue_usual == pytest.approx(view.waiting.overdue, rel=0.02)
    assert not any("overdue" in note for note in view.notes)


def test_what_is_known_too_early_leans_and_its_interval_says_how_surely(view: LabelsView) -> None:
    week = view.periods[1]
    pairs = [
        (score(day, row), label(day, row) is not None and at(day, row) + 3 <= DAYS * 24) for day in range(33, 40) for row in range(ROWS)
    ]
    known = np.array([value for value, here in pairs if here])
    other = np.array([value for value, here in pairs if not here])
    assert week.lean == pytest.approx(known.mean() - other.mean())
    half = 1.96 * np.sqrt(known.var(ddof=1) / len(known) + other.var(ddof=1) / len(other))
    assert (week.lean_low, week.lean_high) == (pytest.approx(week.lean - half), pytest.approx(week.lean + half))
    text = "\n".join(row.line.text for row in labels_page(view, width=80, tabbed=False).rows)
    assert f"-.{abs(round(week.lean * 1000)):03d} !" in text
    assert max(len(each) for each in text.splitlines()) <= 80


def test_a_feed_that_stopped_is_overdue_and_the_verdict_is_that_of_the_rule(tmp_path: Path) -> None:
    place = made(tmp_path / "w", NOW, label_delay_hours=3)
    days_of_predictions(
        place, DAYS, ROWS, temp=lambda _day, _row: 1.0, score=score, label=lambda day, row: label(day, row) if day < 37 else None,
        label_after=timedelta(hours=3),
    )  # fmt: skip
    view = place.lookout().labels("delay")
    assert view.state is State.CRITICAL and "0 %" in view.verdict
    [note] = [each for each in view.notes if "overdue" in each]
    assert f"{view.waiting.overdue} are overdue" in note
    assert view.evaluable_to is None or view.evaluable_to <= START + 37 * DAY
    assert view.periods[0].delay_50 is None and view.periods[0].observed is None


def test_a_corrected_outcome_keeps_the_delay_of_its_first_version_and_is_counted(tmp_path: Path) -> None:
    place = build(tmp_path / "w")
    before = place.lookout().labels("delay")
    rows = [row for row in range(20) if label(36, row) is not None]
    keys = {row: f"36-{row}" for row in rows}
    changed = {
        "event_at": [START + 36 * DAY + row * DAY / ROWS for row in rows], "known_at": [START + 39 * DAY] * len(rows),
        "model": ["delay"] * len(rows), "key": list(keys.values()), "label": [1.0 - float(label(36, row) or 0) for row in rows],
    }  # fmt: skip
    land(place.workspace.paths, "labels", changed, now=NOW)
    view = place.lookout().labels("delay")
    assert view.days[-4].corrected == len(rows) and sum(each.corrected for each in view.days) == len(rows)
    assert view.days[-4].delay_50 == before.days[-4].delay_50 == 3.0
    assert view.days[-4].observed != before.days[-4].observed


def test_without_any_outcome_nothing_is_claimed(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 14 * DAY)
    days_of_predictions(place, 14, ROWS, temp=lambda _day, _row: 1.0, score=score, label=lambda _day, _row: None)
    view = place.lookout().labels("delay")
    assert view.state is State.UNKNOWN
    assert view.evaluable_to is None and view.complete_by is None
