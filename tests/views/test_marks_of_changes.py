"""What changed is marked on every course over time: at its time, in its words, and never more of it than fits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from views_workspace import DAY, HOUR, START, Made, days_of_predictions, made

from backends.local.acting import LocalAliasSetter
from backends.records import Event
from backends.store.landing import land_records
from console.render.curves import drift_curve, quality_curve, signal_curve
from console.render.model import model_page
from console.views.health.model import Mark

DAYS = 60
NOW = START + DAYS * DAY

LANDED = {
    "release 7": (START + 2 * DAY, "deploy", "delay"),
    "clocks": (NOW - 30 * HOUR, "upstream", None),
    "autumn": (NOW - 5 * DAY, "campaign", "delay"),
    "told": (NOW - 4 * DAY, "alert", "delay"),
    "elsewhere": (NOW - 3 * DAY, "deploy", "another"),
}
"""Name: when, topic, model."""


def landed(place: Made, events: dict[str, tuple[object, str, str | None]]) -> None:
    records = [
        Event(name=name, model=model, topic=topic, message=f"{name} went out", event_at=at, known_at=at)
        for name, (at, topic, model) in events.items()
    ]  # fmt: skip
    land_records(place.workspace.paths, records, now=NOW)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Made:
    place = made(tmp_path_factory.mktemp("marks") / "w", NOW)
    days_of_predictions(place, DAYS, 100, temp=lambda day, row: float(row % 50) + (60 if day > 54 else 0))
    landed(place, LANDED)
    LocalAliasSetter(place.workspace.paths.registry).set_alias(
        "production", "delay", "challenger", "1", expected=None, key="c", actor="ines", now=NOW - 6 * DAY
    )
    return place


def words(marks: tuple[Mark, ...]) -> list[tuple[str, str]]:
    return [(mark.topic, mark.message.raw) for mark in marks]


LATELY = [
    ("alias", "alias challenger none -> v1, outside this console"),
    ("campaign", "autumn went out"),
    ("upstream", "clocks went out"),
]
"""Of the model or of no model, in the time of the course; neither what an alert says nor what another model had."""


def test_health_quality_and_drift_know_what_changed_in_the_time_that_they_show(place: Made) -> None:
    lookout = place.lookout()
    health, quality, drift = lookout.model("delay"), lookout.quality("delay"), lookout.drift_column("delay", "temp")
    assert words(health.marks) == words(quality.marks) == LATELY
    first = ("alias", "alias production none -> v1, outside this console")
    assert words(drift.marks) == [first, ("deploy", "release 7 went out"), *LATELY]
    assert [mark.at for mark in health.marks] == [NOW - 6 * DAY, NOW - 5 * DAY, NOW - 30 * HOUR]


def test_the_past_has_no_mark_of_what_came_later(place: Made) -> None:
    assert words(place.lookout(NOW - 5 * DAY - HOUR).model("delay").marks) == LATELY[:1]


def column_of(lines: list[str], letter: str) -> int:
    [axis] = [text for text in lines if set(text.split()) <= set("abc") and letter in text.split()]
    return axis.index(letter)


def test_a_mark_stands_at_its_time_on_the_axis_with_its_words_below(place: Made) -> None:
    lookout = place.lookout()
    health = lookout.model("delay")
    lines = [each.text for each in signal_curve(health, "model.auc", ZoneInfo("UTC"), 120, 16)]
    left = next(text.index("|") for text in lines if "|" in text) + 1
    span = health.ends[-1] - health.ends[0]
    for letter, mark in zip("abc", health.marks, strict=True):
        place_of = (mark.at - health.ends[0]) / span
        assert abs(column_of(lines, letter) - left - place_of * (118 - left)) <= 1
    assert [text.strip() for text in lines[-3:]] == [
        "a 24 Feb 00:00 alias challenger none -> v1, outside this console",
        "b 25 Feb 00:00 campaign: autumn went out",
        "c 28 Feb 18:00 upstream: clocks went out",
    ]
    assert len(lines) == 16
    course = lookout.quality("delay").course
    lines = [each.text for each in quality_curve(lookout.quality("delay"), 120)]
    left = next(text.index("|") for text in lines if "|" in text) + 1
    number = next(number for number, each in enumerate(course) if each.name == "Sun 25 Feb")
    assert abs(column_of(lines, "b") - left - number / (len(course) - 1) * (118 - left)) <= 1
    lines = [each.text for each in drift_curve(lookout.drift_column("delay", "temp"), 120, 16)]
    assert [text.strip() for text in lines[-3:]] == [
        "a 3 Jan 00:00 deploy: release 7 went out and 1 more",
        "b 24 Feb 00:00 alias challenger none -> v1, outside this console",
        "c 28 Feb 18:00 upstream: clocks went out and 1 more",
    ]
    assert "(2 earlier: qd changes)" in drift_curve(lookout.drift_column("delay", "temp"), 120, 12)[-2].text


def test_marks_give_way_to_the_course_where_there_is_no_room_and_one_letter_stands_for_what_is_in_one_place(tmp_path: Path) -> None:
    place = made(tmp_path / "w", NOW)
    days_of_predictions(place, DAYS, 100, temp=lambda _day, row: float(row % 50))
    crowd = {f"flag {number}": (NOW - 5 * DAY + number * timedelta(minutes=1), "flag", None) for number in range(4)}
    landed(place, {**LANDED, **crowd})
    health = place.lookout().model("delay")
    assert len(health.marks) == 6
    for room, told in ((9, 0), (10, 0), (11, 1), (12, 2), (30, 2)):
        lines = [each.text for each in signal_curve(health, "model.auc", ZoneInfo("UTC"), 120, room)]
        assert len(lines) <= room and sum(" went out" in text for text in lines) == told, room
        assert max(map(len, lines)) <= 120
    assert any("a 25 Feb 00:03 flag 3 went out and 4 more" in text for text in lines)


def test_the_line_of_the_time_cursor_says_what_changed_there(place: Made) -> None:
    health = place.lookout().model("delay")
    [at] = [number for number, end in enumerate(health.ends) if health.ends[number - 1] < NOW - 5 * DAY <= end]
    assert "25 Feb 00:00 campaign: autumn went out" in " ".join(model_page(health, height=60, cursor=at).plain().split())
    assert "autumn" not in model_page(health, height=60, cursor=at + 1).plain()
