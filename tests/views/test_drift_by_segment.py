"""Drift by segment: the mix of a column's values, and within each the scores and the worst input, equal to counting by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from views_workspace import DAY, START, Made, days_of_predictions, made

from backends.records import State
from console.cli.exits import Exit
from console.cli.main import main
from console.render.drift_segments import segments_page
from console.views.drift.segments import SegmentRow, SegmentsView
from console.views.not_found import NoSuchColumn

DAYS, ROWS = 60, 200
NOW, BEFORE = range(DAYS - 5, DAYS), range(21)


def carrier(day: int, row: int) -> str | None:
    """CC has two rows a day; lately AA has three quarters of the others, before it had half."""
    if row < 2:
        return "CC"
    return "AA" if row % 4 < (3 if day in NOW else 2) else "BB"


def score(day: int, row: int) -> float:
    """Lately those of AA are higher."""
    noise = float(np.random.default_rng(day * 1000 + row).random())
    return round(0.3 * noise + (0.4 if day in NOW and carrier(day, row) == "AA" else 0.2), 4)


def temp(day: int, row: int) -> float:
    """Lately those of BB are higher."""
    return float(row % 50) + (30 if day in NOW and carrier(day, row) == "BB" else 0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Made:
    place = made(tmp_path_factory.mktemp("segments") / "w", START + DAYS * DAY)
    days_of_predictions(place, DAYS, ROWS, temp=temp, carrier=carrier, score=score)
    return place


def of(value: str, days: range) -> list[tuple[int, int]]:
    return [(day, row) for day in days for row in range(ROWS) if carrier(day, row) == value]


def psi(before: list[float], now: list[float]) -> float:
    """By deciles of what was before."""
    edges = [-math.inf, *np.unique(np.quantile(before, np.arange(1, 10) / 10)), math.inf]
    r, c = (np.maximum(np.histogram(side, edges)[0] / len(side), 1e-4) for side in (before, now))
    return float(((c - r) * np.log(c / r)).sum())


def by_value(view: SegmentsView) -> dict[str, SegmentRow]:
    return {each.value.raw: each for each in view.segments if each.value is not None}


def test_each_segment_has_its_share_scores_and_worst_input_as_counted_by_hand(place: Made) -> None:
    view = place.lookout().drift_segments("delay", "carrier")
    assert (view.rows_reference, view.rows_current) == (21 * ROWS, 5 * ROWS)
    found = by_value(view)
    for value in ("AA", "BB"):
        before, now = of(value, BEFORE), of(value, NOW)
        each = found[value]
        assert (each.rows_reference, each.rows_current) == (len(before), len(now))
        assert (each.share_reference, each.share_current) == pytest.approx((len(before) / (21 * ROWS), len(now) / (5 * ROWS)))
        sides = [[score(*where) for where in side] for side in (before, now)]
        assert (each.mean_reference, each.mean_current) == pytest.approx(tuple(map(np.mean, sides)))
        assert each.score_psi == pytest.approx(psi(*sides), rel=1e-6)
    assert [each.value.raw for each in view.segments if each.value] == ["AA", "BB", "CC"]
    assert (found["AA"].state, found["BB"].state) == (State.CRITICAL, State.OK)
    assert found["BB"].worst_input is not None and found["BB"].worst_input.raw == "temp"
    assert found["BB"].worst_psi == pytest.approx(psi(*[[temp(*where) for where in of("BB", days)] for days in (BEFORE, NOW)]), rel=1e-6)
    shares = [[len(of(value, days)) / len(days) / ROWS for value in ("AA", "BB", "CC")] for days in (BEFORE, NOW)]
    assert view.mix_psi == pytest.approx(sum((c - r) * math.log(c / r) for r, c in zip(*shares, strict=True)))


def test_the_worst_input_of_a_segment_is_the_one_with_the_largest_distance(place: Made) -> None:
    for each in place.lookout().drift_segments("delay", "dow").segments:
        assert each.value is not None
        before, now = ([day for day in days if (START + day * DAY).strftime("%a") == each.value.raw] for days in (BEFORE, NOW))
        if not now:
            continue
        found = {"temp": psi(*[[temp(day, row) for day in side for row in range(ROWS)] for side in (before, now)])}
        shares = [[sum(carrier(day, row) == name for day in side for row in range(ROWS)) / len(side) / ROWS for name in ("AA", "BB", "CC")]
                  for side in (before, now)]  # fmt: skip
        found["carrier"] = sum((c - r) * math.log(c / r) for r, c in zip(*shares, strict=True))
        worst = max(found, key=lambda name: found[name])
        assert each.worst_input is not None
        assert (each.worst_input.raw, each.worst_psi) == (worst, pytest.approx(found[worst], rel=1e-6))


def test_a_segment_of_few_rows_is_named_with_them_and_not_judged(place: Made) -> None:
    view = place.lookout().drift_segments("delay", "carrier")
    few = by_value(view)["CC"]
    assert (few.state, few.score_psi, few.worst_input, few.verdict) == (State.UNKNOWN, None, None, "10 rows now, fewer than 200")
    page = segments_page(view, width=80)
    assert "not judged: CC 42 -> 10" in page.plain() and max(row.line.width for row in page.rows) <= 80


def test_a_column_of_many_values_or_of_no_model_is_no_segmentation(place: Made) -> None:
    with pytest.raises(NoSuchColumn, match="'temp' of delay has too many values to segment by"):
        place.lookout().drift_segments("delay", "temp")
    with pytest.raises(NoSuchColumn, match="did you mean carrier"):
        place.lookout().drift_segments("delay", "carier")


def test_fail_on_holds_the_segments_and_what_does_not_go_together_is_refused(place: Made, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["-w", str(Path(place.root)), "drift", "delay", "--segment", "carrier"]
    assert main([*words, "--fail-on", "critical"]) == Exit.NO
    assert main([*words, "--against", "previous"]) == main([*words, "-f", "temp"]) == Exit.USAGE
    assert "leave --against and --exact out" in capsys.readouterr().err
