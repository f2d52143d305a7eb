"""Drift: verdicts come from the column's own past, numbers equal their oracles, and the closing sentence says where to look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from views_workspace import DAY, HOUR, START, Made, days_of_predictions, made

from backends.local.acting import LocalAliasSetter
from backends.records import Layer, State
from backends.store.compactor import compact
from backends.store.landing import land
from backends.text import Untrusted
from console.cli.main import main
from console.render.distances import distance
from console.render.drift import drift_detail_page, drift_page
from console.views.drift.bins import edge_labels
from console.views.drift.column import ColumnShift
from console.views.drift.ranking import ranked
from console.views.drift.view import Asked, DriftView
from console.views.not_found import NoSuchColumn

DAYS, ROWS = 90, 150


def noise(day: int, row: int) -> float:
    """A value that looks random and is the same every time."""
    return float(np.random.default_rng(day * 1000 + row).normal())


def steady(day: int, row: int) -> float:
    return 50.0 + 10 * noise(day, row)


def rising(day: int, row: int) -> float:
    return steady(day, row) + (40.0 if day >= DAYS - 5 else 0.0)


def seasonal(day: int, row: int) -> float:
    return steady(day, row) + (40.0 if (day // 5) % 2 else 0.0)


def honest(day: int, row: int) -> float:
    return 0.9 if row % 10 < 3 else 0.1


def happens(day: int, row: int) -> float:
    return 1.0 if row % 10 < 3 else 0.0


def workspace(
    root: Path, temp: Callable[[int, int], float | None], label: Callable[[int, int], float | None] = happens, zone: str = "UTC"
) -> Made:
    place = made(root, START + DAYS * DAY, zone=zone)
    days_of_predictions(place, DAYS, ROWS, temp=temp, score=honest, label=label)
    return place


@pytest.fixture(scope="module")
def risen(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return workspace(tmp_path_factory.mktemp("risen") / "w", rising)


def column(view: DriftView, name: str) -> ColumnShift:
    return next(each for each in view.columns if each.column.raw == name)


def test_what_moved_beyond_its_past_is_first_and_critical(risen: Made) -> None:
    view = risen.lookout().drift("delay")
    assert view.columns[0].column.raw == "temp"
    assert view.columns[0].state == State.CRITICAL
    assert view.columns[0].further == 0
    assert (view.first, view.last) == (date(2024, 3, 26), date(2024, 3, 30))
    assert (view.reference_first, view.reference_last) == (date(2024, 1, 1), date(2024, 1, 21))


def test_numbers_equal_those_of_the_rows(risen: Made) -> None:
    shift = risen.lookout().drift_column("delay", "temp", exact=True).shift
    before = np.array([rising(day, row) for day in range(21) for row in range(ROWS)])
    now = np.array([rising(day, row) for day in range(DAYS - 5, DAYS) for row in range(ROWS)])
    assert (shift.n_reference, shift.n_current) == (before.size, now.size)
    assert shift.ks == pytest.approx(stats.ks_2samp(before, now).statistic, abs=1e-12)
    assert shift.ks_p_value == pytest.approx(stats.ks_2samp(before, now).pvalue, rel=1e-6)
    assert shift.wasserstein == pytest.approx(stats.wasserstein_distance(before, now), rel=1e-9)
    assert shift.mean_current == pytest.approx(now.mean())
    edges = np.unique(np.quantile(before, np.arange(11) / 10))[1:-1]
    r = np.maximum(np.bincount(np.searchsorted(edges, before, side="right"), minlength=10) / before.size, 1e-4)
    c = np.maximum(np.bincount(np.searchsorted(edges, now, side="right"), minlength=10) / now.size, 1e-4)
    assert shift.psi == pytest.approx(float(np.sum((c - r) * np.log(c / r))), rel=1e-9)
    counted = [np.bincount(np.searchsorted(edges, values, side="right"), minlength=10) / values.size for values in (before, now)]
    assert shift.js == pytest.approx(jensenshannon(*counted), rel=1e-9)
    assert [each.reference for each in shift.bins] == pytest.approx(list(counted[0]))
    assert [each.current for each in shift.bins] == pytest.approx(list(counted[1]))


def test_a_code_that_is_used_no_more_is_seen_although_it_was_the_largest(tmp_path: Path) -> None:
    def code(day: int, row: int) -> float:
        return float(min(row % 3, 1)) if day >= DAYS - 5 else float(row % 3)

    view = workspace(tmp_path / "w", code).lookout().drift("delay")
    shift = column(view, "temp")
    assert (shift.state, shift.psi is not None and shift.psi > 1) == (State.CRITICAL, True)
    assert "the largest value, 2, has a bin of its own" in shift.bins_from
    assert {each.name: each.state for each in view.bug.checks}["units"] is State.OK


def test_profiles_bound_what_the_rows_say(risen: Made) -> None:
    exact = risen.lookout().drift_column("delay", "temp", exact=True).shift
    stored = risen.lookout().drift_column("delay", "temp").shift
    assert stored.method == "profiles"
    assert stored.ks is not None
    assert stored.ks_high is not None
    assert stored.ks <= exact.ks <= stored.ks_high  # type: ignore[operator]
    assert stored.wasserstein_low <= exact.wasserstein <= stored.wasserstein_high  # type: ignore[operator]
    assert stored.psi == exact.psi


def test_tails_and_different_values_stand_beside_the_distances_with_who_counted(risen: Made) -> None:
    view = risen.lookout().drift_column("delay", "temp")
    before = np.array([rising(day, row) for day in range(21) for row in range(ROWS)])
    now = np.array([rising(day, row) for day in range(DAYS - 5, DAYS) for row in range(ROWS)])
    tails, different = view.shift.tails, view.shift.different_current
    assert tails is not None and different is not None and view.counted is not None and different.high is not None
    low, high = np.quantile(before, [0.01, 0.99])
    assert (tails.low, tails.high) == pytest.approx((low, high))
    assert (tails.below_reference, tails.above_reference) == pytest.approx(((before < low).mean(), (before >= high).mean()))
    assert (tails.below_current, tails.above_current) == pytest.approx(((now < low).mean(), (now >= high).mean()))
    assert abs(different.value - np.unique(now).size) <= different.high - different.low
    assert view.counted.engines == (f"duckdb {duckdb.__version__}",)
    assert view.counted.schemas_reference == view.counted.schemas_current != ()
    page = drift_detail_page(view).plain()
    assert f"from {high:.1f}" in page and f"1.0 -> {(now >= high).mean() * 100:.1f} %" in page
    assert f"counted by duckdb {duckdb.__version__}" in page
    carrier = risen.lookout().drift_column("delay", "carrier")
    assert " Different   2 values -> 2" in drift_detail_page(carrier).plain()


def test_bins_of_a_reference_that_begins_within_a_day_are_said_to_be_of_its_hours(risen: Made, tmp_path: Path) -> None:
    assert "whole days" not in drift_detail_page(risen.lookout().drift_column("delay", "temp")).plain()
    view = workspace(tmp_path / "w", steady, zone="America/New_York").lookout().drift_column("delay", "temp")
    assert view.shift.bins_from == f"deciles of {21 * ROWS} rows" and view.shift.n_reference != 21 * ROWS
    page = " ".join(drift_detail_page(view).plain().split())
    assert "; they are of 31 Dec 19:00 to 21 Jan 19:00, r and c of whole days" in page


def test_inputs_of_another_shape_than_in_the_reference_are_said_to_be(tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", steady)
    assert "Schema" not in drift_detail_page(place.lookout().drift_column("delay", "temp")).plain()
    shape = {"event_at": [START + (DAYS - 1) * DAY], "model": ["delay"], "version": ["1"], "key": ["new"], "score": [0.5], "gust": [1.0]}
    land(place.workspace.paths, "predictions", shape, now=START)
    compact(place.workspace.paths, START + DAYS * DAY)
    page = drift_detail_page(place.lookout().drift_column("delay", "temp")).plain()
    assert "Schema      inputs have other names or types than in the reference: qd" in page


def test_a_large_difference_that_was_there_before_is_big_but_usual(tmp_path: Path) -> None:
    view = workspace(tmp_path / "w", seasonal).lookout().drift("delay")
    shift = column(view, "temp")
    assert shift.psi > 1
    assert shift.state == State.OK
    assert shift.verdict.startswith("big but usual")
    assert sum(each.psi > shift.psi for each in shift.earlier if each.psi is not None) == shift.further


def test_since_when_is_the_first_window_beyond_its_limit(risen: Made) -> None:
    shift = risen.lookout().drift_column("delay", "temp").shift
    assert shift.high_since is not None
    assert date(2024, 3, 26) <= shift.high_since <= date(2024, 3, 28)
    page = drift_detail_page(risen.lookout().drift_column("delay", "temp"), width=80, tabbed=False).plain()
    verdict = " ".join(page.split(" VERDICT ")[1].split(" reference r")[0].split())
    assert verdict.endswith(f". Since {shift.high_since.day} Mar. To v1 shuffling it costs .020.")
    usual = drift_detail_page(risen.lookout().drift_column("delay", "carrier"), width=80, tabbed=False).plain()
    assert "Since" not in usual.split(" VERDICT ")[1].split(" reference r")[0]


@pytest.mark.parametrize("width", [80, 120])
def test_the_ranked_table_says_since_when_a_column_is_beyond_its_limit_and_of_no_other(risen: Made, width: int) -> None:
    view = risen.lookout().drift("delay")
    since = risen.lookout().drift_column("delay", "temp").shift.high_since
    assert since is not None and {each.column.raw: each.high_since for each in view.columns if each.high_since} == {"temp": since}
    page, names = drift_page(view, width=width, tabbed=False), {each.column.raw for each in view.columns}
    rows = page.plain().splitlines()
    head = next(each for each in rows if "SINCE" in each)
    ends = head.index("SINCE") + len("SINCE")
    cells = {each.key: each.line.text[:ends].split("  ")[-1].strip() for each in page.rows if each.key in names}
    assert cells["temp"].endswith(f"{since.day} Mar") and all(cell.endswith("-") for key, cell in cells.items() if key != "temp")
    assert max(map(len, rows)) <= width


def test_small_samples_are_not_judged(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 60 * DAY)
    days_of_predictions(place, 60, 20, temp=lambda day, row: noise(day, row) + (9 if day > 54 else 0))
    shift = column(place.lookout().drift("delay"), "temp")
    assert shift.state == State.UNKNOWN
    assert "only 100 rows" in shift.verdict


def test_a_column_that_lost_its_values_is_a_data_bug(tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", lambda day, row: None if day >= DAYS - 5 else steady(day, row))
    view = place.lookout().drift("delay")
    assert (view.columns[0].column.raw, view.columns[0].state) == ("temp", State.CRITICAL)
    assert view.columns[0].verdict.startswith("gone: every value is missing now")
    assert "suspect a data bug" in view.closing
    assert view.columns[0].psi is None
    assert "unkn" in drift_page(view, tabbed=False).plain()


def test_a_rise_of_missing_values_is_a_data_bug_although_the_rest_looks_the_same(tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", lambda day, row: None if day >= DAYS - 5 and row % 3 == 0 else steady(day, row))
    view = place.lookout().drift("delay")
    assert view.columns[0].verdict == "missing values rose from 0.0% to 33.3%: look at the pipeline first"
    assert "suspect a data bug" in view.closing


def test_a_column_in_another_unit_is_a_bug_before_it_is_the_world(tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", lambda day, row: (steady(day, row) - 32) / 1.8 if day >= DAYS - 5 else steady(day, row))
    view = place.lookout().drift("delay")
    units = {each.name: each for each in view.bug.checks}["units"]
    assert (units.state, units.why) == (State.CRITICAL, "temp looks converted (Fahrenheit to Celsius)")
    assert view.bug.verdict == "suspect a bug before the world: units: temp looks converted (Fahrenheit to Celsius)"
    assert view.closing.startswith("Look at the data before a retrain: units, temp looks converted")
    plain = drift_page(view).plain()
    assert plain.index("X Real or a bug? suspect a bug") < plain.index("COLUMN")


def test_half_the_rows_and_columns_that_moved_are_two_different_things(risen: Made, tmp_path: Path) -> None:
    bug = risen.lookout().drift("delay").bug
    assert {each.name: each.state for each in bug.checks if each.name in {"nulls", "units", "volume"}} == dict.fromkeys(
        ("nulls", "units", "volume"), State.OK
    )
    assert "Real or a bug? no bug seen in " in drift_page(risen.lookout().drift("delay")).plain()
    place = made(tmp_path / "w", START + 60 * DAY)
    days_of_predictions(place, 55, 60, temp=steady)
    days_of_predictions(place, 5, 15, temp=steady, first=55)
    fewer = {each.name: each for each in place.lookout().drift("delay").bug.checks}["volume"]
    assert (fewer.state, fewer.why) == (State.WARNING, "0.25 times the rows a day of the reference")


def test_what_is_not_known_of_past_days_is_never_in_order(risen: Made) -> None:
    bug = risen.lookout().drift("delay", Asked(date(2024, 3, 10), date(2024, 3, 14))).bug
    assert bug.state == State.UNKNOWN
    assert bug.verdict == "no bug seen in nulls, units, volume; schema, freshness not known"
    assert {each.why for each in bug.checks if each.name == "schema"} == {"judged for now only, not for the days asked for"}


def test_a_slow_rise_that_no_window_shows_is_a_trend(risen: Made, tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", lambda day, row: steady(day, row) + 0.2 * day)
    shift = column(place.lookout().drift("delay"), "temp")
    slow = shift.trend
    assert slow is not None and slow.found
    means = [
        (last, np.mean([steady(day, row) + 0.2 * day for day in range(last - 4, last + 1) for row in range(ROWS)]))
        for last in range(DAYS - 1 - 5 * (slow.windows - 1), DAYS, 5)
    ]
    expected = stats.theilslopes([mean for _, mean in means], [last / 7 for last, _ in means])
    assert slow.per_week == pytest.approx(expected.slope)
    assert slow.low < 1.4 < slow.high
    assert (slow.low, slow.high) == pytest.approx((expected.low_slope, expected.high_slope))
    assert slow.p_value == pytest.approx(stats.kendalltau([last for last, _ in means], [mean for _, mean in means]).pvalue)
    assert slow.columns == 2 and slow.p_needed == pytest.approx(0.005)
    assert f"Slow trend: temp +{slow.per_week:.3g} a week" in drift_page(place.lookout().drift("delay")).plain()
    assert column(place.lookout().drift("delay"), "carrier").reasons["trend"] == "only numbers rise or fall"
    jump = column(risen.lookout().drift("delay"), "temp").trend
    assert jump is not None and not jump.found
    assert "Slow trend  none; " in drift_detail_page(risen.lookout().drift_column("delay", "temp")).plain()


def test_usual_inputs_and_an_outcome_that_is_not_say_concept_drift(tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", steady, label=lambda day, row: happens(day, row) if day < DAYS - 3 else 1.0)
    lookout = place.lookout()
    assert lookout.model("delay").layer(Layer.MODEL).state == State.CRITICAL
    view = lookout.drift("delay")
    assert view.closing == "Inputs usual, outcome not: suspect concept drift, not a data bug."
    page = drift_page(view, width=80, tabbed=False).plain()
    assert page.index("Real or a bug?") < page.index("share observed") < page.index(view.closing) < page.index("COLUMN")
    assert view.quality is not None
    assert view.quality.observed == pytest.approx((2 * 0.3 + 3 * 1.0) / 5, abs=0.01)


def test_trouble_that_began_with_a_new_version_is_first_the_versions(tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", steady, label=lambda day, row: happens(day, row) if day < DAYS - 3 else 1.0)
    LocalAliasSetter(place.workspace.paths.registry).set_alias(
        "production", "delay", "production", "2", expected="1", key="second", actor="ines", now=START + (DAYS - 3) * DAY
    )
    view = place.lookout().drift("delay")
    assert "since delay@2 serves: suspect the version" in view.closing


def test_nothing_known_of_the_outcome_is_no_clean_bill(tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", steady, label=lambda _day, _row: None)
    view = place.lookout().drift("delay")
    assert view.closing.startswith("Nothing is known of the outcome")
    assert view.closing_state == State.UNKNOWN
    assert "no outcome is known of the 750 scored" in drift_page(view, tabbed=False).plain()


def test_new_and_vanished_categories_are_named(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 60 * DAY)
    days_of_predictions(
        place, 60, ROWS, temp=steady, carrier=lambda day, row: ("VX" if day >= 55 else "WN") if row % 5 == 0 else "AA"
    )  # fmt: skip
    shift = place.lookout().drift_column("delay", "carrier").shift
    assert [name.raw for name in shift.new_categories] == ["VX"]
    assert [name.raw for name in shift.vanished_categories] == ["WN"]
    assert shift.chi2 is not None
    assert shift.ks is None
    assert shift.reasons["ks"] == "categories have no order"


def test_a_calendar_column_is_compared_with_equal_weekdays(risen: Made) -> None:
    shift = column(risen.lookout().drift("delay"), "dow")
    assert shift.calendar
    assert shift.psi == pytest.approx(0.0, abs=1e-9)
    assert shift.n_reference == 15 * ROWS


@pytest.mark.parametrize("hours", [1, 6, 18, 24])
def test_the_first_hours_of_a_day_do_not_make_the_calendar_look_strange(risen: Made, hours: int) -> None:
    """On Tuesday, 6 February 2024 a window of five days holds a Friday to a Monday and some hours of a Tuesday."""
    shift = column(risen.lookout(START + 36 * DAY + hours * HOUR).drift("delay"), "dow")
    assert shift.psi == pytest.approx(0.0, abs=1e-9)
    assert shift.n_current == (5 if hours == 24 else 4) * ROWS


def test_any_two_periods_can_be_asked_for(risen: Made) -> None:
    asked = Asked(date(2024, 2, 5), date(2024, 2, 11), date(2024, 1, 29), date(2024, 2, 4))
    view = risen.lookout().drift("delay", asked)
    assert (view.first, view.last, view.reference_first, view.reference_last) == (
        date(2024, 2, 5), date(2024, 2, 11), date(2024, 1, 29), date(2024, 2, 4),
    )  # fmt: skip
    shift = column(view, "temp")
    assert (shift.n_reference, shift.n_current) == (7 * ROWS, 7 * ROWS)
    assert shift.psi < 0.1
    assert view.bins_from == "deciles of the version's own reference, not of the one asked for"


def test_against_the_days_right_before_each_earlier_window_is_judged_by_the_days_before_it(risen: Made) -> None:
    view = risen.lookout().drift("delay", Asked(against="previous"))
    assert (view.reference_first, view.reference_last) == (date(2024, 3, 21), date(2024, 3, 25))
    shift = column(view, "temp")
    assert shift.state == State.CRITICAL and shift.n_reference == shift.n_current == 5 * ROWS
    assert column(view, "dow").psi == pytest.approx(0, abs=0.01)
    for number, window in enumerate(shift.earlier):
        if number % 5 == 0:
            before = Asked(window.first, window.last, window.first - 5 * DAY, window.last - 5 * DAY)
            assert window.psi == column(risen.lookout().drift("delay", before), "temp").psi
    assert "drift delay --against previous" in drift_page(view).verb


def test_against_weekdays_every_column_is_compared_with_the_weekdays_it_has_now(tmp_path: Path) -> None:
    place = workspace(tmp_path / "w", lambda day, row: steady(day, row) + 30.0 * (day % 7 >= 5))
    monday, friday = date(2024, 3, 25), date(2024, 3, 29)
    usual = column(place.lookout().drift("delay", Asked(monday, friday)), "temp")
    view = place.lookout().drift("delay", Asked(monday, friday, against="weekday"))
    weekdays = column(view, "temp")
    assert usual.psi is not None and usual.psi > 0.3 and usual.n_reference == 21 * ROWS
    assert weekdays.psi is not None and weekdays.psi < 0.05 and weekdays.n_reference == 15 * ROWS
    assert "against weekdays of 1-21 Jan (n 2,250)" in drift_page(view).plain()


def test_against_a_season_that_nobody_recorded_is_unknown(risen: Made) -> None:
    view = risen.lookout().drift("delay", Asked(against="season"))
    assert (view.reference_first, view.reference_last) == (date(2023, 3, 28), date(2023, 4, 1))
    assert {each.state for each in view.columns} == {State.UNKNOWN}
    assert main(["-w", str(risen.root), "drift", "delay", "--against", "season", "--reference-from", "2024-01-01",
                 "--reference-to", "2024-01-07"]) == 2  # fmt: skip


def test_a_period_without_facts_is_unknown_not_ok(risen: Made) -> None:
    view = risen.lookout().drift("delay", Asked(date(2023, 2, 5), date(2023, 2, 11)))
    assert {each.state for each in view.columns} == {State.UNKNOWN}
    assert view.quality is None


def test_less_than_a_week_of_history_says_so(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 3 * DAY)
    days_of_predictions(place, 3, 30, temp=steady)
    view = place.lookout().drift("delay")
    assert not view.columns
    assert "no week of history" in view.why_not
    assert "Nothing to show" in drift_page(view).plain()


def test_the_past_shows_nothing_later(risen: Made) -> None:
    view = risen.lookout(START + 80 * DAY + 12 * HOUR).drift("delay")
    assert view.last == date(2024, 3, 21)
    assert column(view, "temp").state == State.OK
    assert column(view, "temp").n_current == 4 * ROWS + ROWS // 2


def test_a_column_that_is_none_names_the_nearest(risen: Made) -> None:
    with pytest.raises(NoSuchColumn, match="did you mean temp"):
        risen.lookout().drift_column("delay", "tmp")


def test_pages_fit_80_columns_and_put_the_verdict_first(risen: Made) -> None:
    lookout = risen.lookout()
    page = drift_page(lookout.drift("delay"))
    detail = drift_detail_page(lookout.drift_column("delay", "temp"))
    for each in (
        page,
        detail,
        drift_page(lookout.drift("delay"), tabbed=False),
        drift_detail_page(lookout.drift_column("delay", "carrier")),
    ):
        assert max(row.line.width for row in each.rows) <= 80
    assert detail.rows[0].line.text.startswith(" VERDICT  far beyond all 15 earlier 5-day windows")
    assert next(row.key for row in page.rows if row.key) == "temp"


def test_a_wide_page_has_the_course_of_each_column_on_its_own_scale(risen: Made) -> None:
    view = risen.lookout().drift("delay")
    shown = {row.key: row.line.text for row in drift_page(view, width=120).rows if row.key}
    temp, carrier = column(view, "temp"), column(view, "carrier")
    assert temp.psi is not None and temp.limit is not None and temp.psi > temp.limit
    assert shown["temp"][-1] == "#" and "#" not in shown["temp"][-16:-1], "only now it reached what it is judged by"
    assert carrier.psi is not None and carrier.limit is not None and carrier.psi < carrier.limit / 6
    assert shown["carrier"][-1] == "_"
    assert all(len(text) <= 120 for text in shown.values())


def test_a_high_page_draws_how_far_each_earlier_window_was_and_where_the_limit_lies(risen: Made) -> None:
    detail = risen.lookout().drift_column("delay", "temp")
    text = drift_detail_page(detail, width=120, height=60, curves=True).plain().splitlines()
    title = next(index for index, each in enumerate(text) if each.startswith(" PSI in windows of 5 days, now "))
    assert distance(detail.shift.psi) in text[title] and f"usual to {distance(detail.shift.limit)} (-)" in text[title]
    drawn = text[title + 1 : title + 16]
    peak = next(index for index, each in enumerate(drawn) if "*" in each)
    limit = next(index for index, each in enumerate(drawn) if "----" in each)
    assert peak < limit, "what is beyond its limit stands above it"
    assert drawn[peak].rstrip().endswith("*"), "and now is at the right end"
    low = drift_detail_page(detail, width=120, height=30, curves=True).plain()
    assert "PSI in windows" not in low, "where there is no room there is no stump of a curve"


def test_importance_ranks_what_is_ok(risen: Made) -> None:
    ok = [each.column.raw for each in risen.lookout().drift("delay").columns if each.state == State.OK and not each.is_score]
    assert ok.index("carrier") < ok.index("dow")
    assert risen.lookout().drift_column("delay", "carrier").place == 1


def test_what_is_not_ok_is_ranked_by_importance_times_effect(risen: Made) -> None:
    temp, carrier, dow, scores = (column(risen.lookout().drift("delay"), name) for name in ("temp", "carrier", "dow", "score"))
    far = {"state": State.CRITICAL}
    found = ranked([
        dow.model_copy(update={**far, "js": 0.3, "importance": None}),
        temp.model_copy(update={**far, "js": 0.4, "importance": 0.02}),
        carrier.model_copy(update={**far, "js": 0.2, "importance": 0.05}),
        scores.model_copy(update={"state": State.OK}),
        temp.model_copy(update={**far, "js": None, "psi": None, "importance": 0.02, "column": Untrusted("gone")}),
    ])  # fmt: skip
    assert [each.column.raw for each in found] == ["gone", "carrier", "temp", "dow", "score"]
    warned = carrier.model_copy(update={"state": State.WARNING, "js": 0.8})
    assert [each.column.raw for each in ranked([warned, temp.model_copy(update={**far, "js": 0.1})])] == ["temp", "carrier"]


def test_labels_of_bins_tell_edges_apart() -> None:
    assert edge_labels([1.0, 2.5, 100.25]) == ["to 1", "1-2.5", "2.5-100", "100 up"]
    assert edge_labels([-2.0, 3.0]) == ["to -2", "-2 to 3", "3 up"]
    assert edge_labels([0.0, float(np.nextafter(0.0, 1.0))]) == ["under 0", "= 0", "over 0"]
    assert edge_labels([1000.001, 1000.002]) == ["to 1000.001", "1000.001-1000.002", "1000.002 up"]
    assert edge_labels([]) == ["all"]
