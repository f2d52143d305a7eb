"""Stored profiles: any two stored periods compare without a row; a missing, broken or outdated store is computed, never believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from views_workspace import DAY, HOUR, START, Made, days_of_predictions, made

from backends.profile.profile import Profile
from backends.records import ModelVersion
from backends.store import queries
from backends.store.compactor import compact
from backends.store.errors import StoreError
from backends.store.landing import land
from backends.store.reader import open_reader
from console.views.drift.input_days import InputDays, input_days, profile_days
from console.views.health.subject import LetIn
from console.views.health.windows import Reference

AT = START + 40 * DAY
REFERENCE = Reference(START, START + 21 * DAY, "the first three weeks")


def temp(day: int, row: int) -> float | None:
    return None if row % 10 == 0 else float(row + day)


@pytest.fixture
def place(tmp_path: Path) -> Made:
    place = made(tmp_path / "w", AT)
    days_of_predictions(place, 40, 30, temp=temp)
    return place


def look(place: Made, at: datetime = AT, zone: str = "UTC") -> InputDays:
    with open_reader(place.workspace.paths, at=at) as reader:
        [version] = [each for each in queries.records_of(reader) if isinstance(each, ModelVersion)]
        return input_days(reader, "production", "delay", version.signature, REFERENCE, at, zone)


def fill(place: Made, at: datetime = AT, zone: str = "UTC") -> int:
    with open_reader(place.workspace.paths, at=at) as reader:
        [version] = [each for each in queries.records_of(reader) if isinstance(each, ModelVersion)]
        return profile_days(reader, "production", "delay", version.signature, REFERENCE, at, zone)


def test_stored_days_hold_the_scores_without_those_of_a_candidate_only_where_it_was_let_in(tmp_path: Path) -> None:
    place = made(tmp_path / "w", AT)
    days_of_predictions(place, 40, 30, temp=temp, score=lambda _day, row: row / 30)
    half = {"event_at": [START + 38 * DAY + row * DAY / 30 for row in range(30)], "model": ["delay"] * 30, "version": ["2"] * 30}
    land(place.workspace.paths, "predictions", {**half, "key": [f"c{row}" for row in range(30)], "score": [1.0] * 30}, now=START)
    compact(place.workspace.paths, AT)
    let_in = [LetIn("2", START + 38 * DAY + 12 * HOUR, AT)]
    day = (START + 38 * DAY).date()
    for beside, scores in (([], 60), (let_in, 45), (let_in, 45), ([], 60), ([LetIn("2", START + 38 * DAY, AT)], 30)):
        with open_reader(place.workspace.paths, at=AT) as reader:
            fresh = input_days(reader, "production", "delay", None, REFERENCE, AT, let_in=beside)
            profile_days(reader, "production", "delay", None, REFERENCE, AT, let_in=beside)
            kept = input_days(reader, "production", "delay", None, REFERENCE, AT, let_in=beside)
        assert_same_days(kept.days, fresh.days)
        assert kept.days[day]["score"].rows == scores and kept.days[day]["temp"].rows == 60
        assert kept.days[day - DAY]["score"].rows == 30
        assert kept.answered([day - DAY, day]) == 90


def remove_prediction_files(place: Made, before: str = "9999") -> int:
    """Delete the stored rows of days before a day: who opens one afterwards fails."""
    with open_reader(place.workspace.paths) as reader:
        gone = [segment.path for segment in reader.segments("predictions") if segment.day < before and segment.path.exists()]
    for path in gone:
        path.unlink()
    return len(gone)


def assert_same_day(day: Mapping[str, Profile], expected: Mapping[str, Profile]) -> None:
    """Every count, bound and category alike; sums to the last bits, which depend on the order in which rows were added."""
    assert {column: replace(profile, sum=0.0) for column, profile in day.items()} == {
        column: replace(profile, sum=0.0) for column, profile in expected.items()
    }
    assert {column: profile.sum for column, profile in day.items()} == pytest.approx(
        {column: profile.sum for column, profile in expected.items()}, rel=1e-13, abs=0
    )


def assert_same_days(days: Mapping[date, Mapping[str, Profile]], expected: Mapping[date, Mapping[str, Profile]]) -> None:
    assert days.keys() == expected.keys()
    for day, profiles in expected.items():
        assert_same_day(days[day], profiles)


def test_once_stored_two_periods_compare_although_every_row_is_gone(place: Made) -> None:
    computed = look(place)
    assert fill(place) == 40
    assert remove_prediction_files(place) == 40
    stored = look(place)
    assert stored.specs == computed.specs
    assert_same_days(stored.days, computed.days)
    last_week = [date(2024, 2, 3) + timedelta(days=number) for number in range(7)]
    assert stored.psi("temp", last_week) == computed.psi("temp", last_week)


def test_without_a_store_the_rows_are_needed(place: Made) -> None:
    remove_prediction_files(place)
    with pytest.raises(StoreError):
        look(place)


def test_profiles_say_what_counting_by_hand_says(place: Made) -> None:
    fill(place)
    inputs = look(place)
    profile = inputs.days[date(2024, 1, 5)]["temp"]
    values = [value for row in range(30) if (value := temp(4, row)) is not None]
    assert (profile.n, profile.nulls, profile.min, profile.max) == (27, 3, min(values), max(values))
    assert profile.mean == pytest.approx(np.mean(values))
    assert dict(inputs.days[date(2024, 1, 5)]["carrier"].categories) == {"AA": 15, "BB": 15}
    assert inputs.days[date(2024, 1, 5)]["score"].n == 30


def test_only_the_day_that_landing_files_touch_is_computed_again(place: Made) -> None:
    fill(place)
    remove_prediction_files(place, before="2024-02-09")
    days_of_predictions(place, 1, 10, temp=lambda _day, _row: 500.0, first=40, compacted=False)
    inputs = look(place, at=AT + DAY)
    assert inputs.days[date(2024, 2, 10)]["temp"].n == 10
    assert inputs.days[date(2024, 2, 9)]["temp"].n == 27


def test_one_new_day_costs_the_rows_of_that_day_only(place: Made) -> None:
    fill(place)
    days_of_predictions(place, 1, 20, temp=temp, first=40)
    compact(place.workspace.paths, AT + DAY)
    assert remove_prediction_files(place, before="2024-02-10") == 40
    assert fill(place, AT + DAY) == 41
    assert remove_prediction_files(place) == 1
    assert look(place, AT + DAY).days[date(2024, 2, 10)]["temp"].rows == 20


def test_days_are_stored_by_version_so_that_one_can_be_left_out_without_a_row(tmp_path: Path) -> None:
    place = made(tmp_path / "w", AT)
    days_of_predictions(place, 40, 30, temp=temp, score=lambda _day, row: row / 30)
    last = {"event_at": [START + 39 * DAY + row * DAY / 30 for row in range(30)], "model": ["delay"] * 30, "version": ["2"] * 30}
    land(place.workspace.paths, "predictions", {**last, "key": [f"c{row}" for row in range(30)], "score": [1.0] * 30}, now=START)
    compact(place.workspace.paths, AT)
    assert fill(place) == 40
    remove_prediction_files(place)
    day = (START + 39 * DAY).date()
    with open_reader(place.workspace.paths, at=AT) as reader:
        [version] = [each for each in queries.records_of(reader) if isinstance(each, ModelVersion)]
        beside = [LetIn("2", START + 39 * DAY, AT)]
        without = input_days(reader, "production", "delay", version.signature, REFERENCE, AT, let_in=beside)
    assert look(place).windows[day].windows == ((day, "1"), (day, "2"))
    assert look(place).windows[day].engines == (f"duckdb {duckdb.__version__}",)
    assert look(place).days[day]["score"].rows == 60
    assert (without.days[day]["score"].rows, without.days[day]["temp"].rows) == (30, 60)
    assert without.answered([day]) == 60


def test_another_schema_is_told_by_its_fingerprint(place: Made) -> None:
    shape = {"event_at": [START + 40 * DAY], "model": ["delay"], "version": ["1"], "key": ["new"], "score": [0.5], "humidity": [1.0]}
    land(place.workspace.paths, "predictions", shape, now=START)
    compact(place.workspace.paths, AT + DAY)
    windows = look(place, AT + DAY).windows
    assert len({windows[day].schemas for day in sorted(windows)[:40]}) == 1
    assert windows[date(2024, 2, 10)].schemas != windows[date(2024, 2, 9)].schemas


def test_a_late_fact_makes_its_day_anew(place: Made) -> None:
    fill(place)
    days_of_predictions(place, 1, 60, temp=lambda _day, _row: 1.0, first=30, compacted=False)
    touched = look(place).days[date(2024, 1, 31)]
    assert touched["temp"].rows == 89, "the first row of the day is a correction, the other 59 are new"
    compact(place.workspace.paths, AT)
    assert_same_day(look(place).days[date(2024, 1, 31)], touched)
    fill(place)
    assert_same_day(look(place).days[date(2024, 1, 31)], touched)


def test_the_past_sees_nothing_later_from_the_store(place: Made) -> None:
    fill(place)
    past = START + 30 * DAY + timedelta(hours=12)
    inputs = look(place, at=past)
    assert max(inputs.days) == date(2024, 1, 31)
    assert inputs.days[date(2024, 1, 31)]["temp"].rows == 15


@pytest.mark.parametrize("damage", [b"", b"not a database at all, but long enough to be read as one" * 40])
def test_a_damaged_store_is_computed_and_filled_again(place: Made, damage: bytes) -> None:
    computed = look(place)
    fill(place)
    path = place.workspace.paths.profiles
    path.write_bytes(damage)
    assert_same_days(look(place).days, computed.days)
    fill(place)
    remove_prediction_files(place)
    assert_same_days(look(place).days, computed.days)


def test_a_day_whose_content_was_altered_is_not_believed(place: Made) -> None:
    import sqlite3

    computed = look(place)
    fill(place)
    connection = sqlite3.connect(place.workspace.paths.profiles)
    with connection:
        connection.execute("UPDATE days SET body = x'00' WHERE day = '2024-01-15'")
    connection.close()
    assert_same_days(look(place).days, computed.days)


@pytest.mark.parametrize("damage", ["body = x'00'", "many = 1, first = 5", "many = 0"])
def test_categories_whose_names_were_altered_are_not_believed_and_named_anew(place: Made, damage: str) -> None:
    import sqlite3

    computed = look(place)
    fill(place)
    connection = sqlite3.connect(place.workspace.paths.profiles)
    with connection:
        assert connection.execute(f"UPDATE names SET {damage} WHERE column_name = 'carrier'").rowcount == 1
    connection.close()
    assert_same_days(look(place).days, computed.days)
    fill(place)
    remove_prediction_files(place)
    assert_same_days(look(place).days, computed.days)


def test_days_stored_later_bring_their_own_categories_under_names(place: Made) -> None:
    fill(place)
    rows = {"event_at": [START + 40 * DAY + row * HOUR for row in range(3)], "model": ["delay"] * 3, "version": ["1"] * 3}
    new = {**rows, "key": ["n0", "n1", "n2"], "score": [0.5] * 3, "carrier": ["\u2603", "BB", "\u2603"]}
    land(place.workspace.paths, "predictions", new, now=START)
    compact(place.workspace.paths, AT + DAY)
    assert fill(place, AT + DAY) == 41
    remove_prediction_files(place)
    stored = look(place, AT + DAY)
    assert stored.days[date(2024, 2, 10)]["carrier"].categories == (("BB", 1), ("\u2603", 2))
    drift = stored.drift("carrier", [date(2024, 2, 10)])
    assert drift is not None
    assert (drift.new_categories, drift.vanished_categories) == (("\u2603",), ("AA",))


def test_days_are_those_of_the_models_zone_also_when_its_clock_changes(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 100 * DAY)
    days_of_predictions(place, 100, 24, temp=lambda _day, row: float(row))
    zone, at = "America/New_York", START + 100 * DAY
    inputs = look(place, at, zone)
    rows = {day: profiles["temp"].rows for day, profiles in inputs.days.items()}
    assert rows[date(2024, 3, 10)] == 23
    assert {rows[day] for day in rows if date(2024, 1, 1) <= day < date(2024, 4, 9)} == {23, 24}
    fill(place, at, zone)
    assert look(place, at, zone).days == inputs.days
    assert remove_prediction_files(place, before="2024-04-09") == 99
    assert look(place, at, zone).days == inputs.days
