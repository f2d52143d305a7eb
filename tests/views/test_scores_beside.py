"""The scores that another version gave the same rows in the shadow find their rows, though these are read without their keys."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from views_workspace import DAY, HOUR, START, Made, made

from backends.records import Model, SwitchState
from backends.store.compactor import compact
from backends.store.landing import land
from backends.store.reader import open_reader
from console.views.health.live_rows import live_rows, scores_beside
from console.views.health.subject import Subject
from console.views.health.windows import Rows

END = START + 3 * DAY
MINUTE = timedelta(minutes=1)

ROWS = 60


def scored_live(row: int) -> tuple[str, str, float]:
    """Key, version and score of a row: every third moment has two rows, versions take turns, keys are in no order."""
    return f"k{row * 37 % 101:03}", "2" if row % 4 else "3", row / 100


def scored_beside(key: str) -> float:
    return int(key[1:]) / 1000


def moment(row: int) -> str:
    return (START + (row - row % 3 // 2) * 10 * MINUTE).isoformat()


def put(place: Made, live: list[tuple[str, str, str, float]], shadow: list[tuple[str, str]]) -> None:
    """Live rows as time, key, version, score; rows that version 1 scored beside them as time, key."""
    at = [each[0] for each in live] + [each[0] for each in shadow]
    columns = {
        "event_at": np.array([each[:-6] for each in at], dtype="datetime64[us]"),
        "key": [each[1] for each in live] + [each[1] for each in shadow],
        "version": [each[2] for each in live] + ["1"] * len(shadow),
        "role": ["live"] * len(live) + ["shadow"] * len(shadow),
        "score": [each[3] for each in live] + [scored_beside(each[1]) for each in shadow],
        "model": ["delay"] * len(at),
    }
    land(place.workspace.paths, "predictions", columns, now=START)
    compact(place.workspace.paths, END)


@pytest.fixture
def place(tmp_path: Path) -> Made:
    found = made(tmp_path / "w", END)
    live = [(moment(row), *scored_live(row)) for row in range(ROWS)]
    put(found, live, [(at, key) for number, (at, key, _, _) in enumerate(live) if number % 5])
    return found


def subject() -> Subject:
    model = Model(name="delay", task="binary", event_at=START, known_at=START)
    return Subject("production", model, None, (), SwitchState.NORMAL, (), ())


def read(place: Made) -> Rows:
    with open_reader(place.workspace.paths, at=END) as reader:
        return live_rows(reader, "production", "delay", START, END)


def beside(place: Made, rows: Rows, since: timedelta = timedelta(0), **asked: str) -> list[float | None]:
    with open_reader(place.workspace.paths, at=END) as reader:
        found = scores_beside(reader, subject(), rows, START + since, END, shadow="1", **asked)
    assert found is not None
    return [None if np.isnan(each) else round(float(each), 6) for each in found]


def expected(rows: Rows) -> list[float | None]:
    """By the score, which says which row it is."""
    said = []
    for score in rows.score:
        row = round(score * 100)
        said.append(scored_beside(scored_live(row)[0]) if row % 5 else None)
    return said


def test_each_row_gets_the_score_of_its_own_key(place: Made) -> None:
    rows = read(place)
    assert len(rows) == ROWS and beside(place, rows) == expected(rows)
    assert sum(each is None for each in expected(rows)) == ROWS // 5


def test_only_rows_since_then_and_of_the_version_that_is_asked_for(place: Made) -> None:
    rows = read(place)
    late = [
        None if at < np.datetime64("2024-01-01T05:00", "us").astype(np.int64) else each
        for at, each in zip(rows.event_at, expected(rows), strict=True)
    ]
    assert beside(place, rows, 5 * HOUR) == late
    own = [each if version == "2" else None for version, each in zip(rows.version, expected(rows), strict=True)]
    assert beside(place, rows, answered_by="2") == own


def test_rows_that_were_read_before_others_came_keep_their_scores(place: Made) -> None:
    """A check of a playbook judges by rows that were read a moment ago; meanwhile a producer landed more."""
    rows = read(place)
    put(place, [(moment(row), f"new{row}", "2", row / 100 + 0.005) for row in range(0, ROWS, 7)], [])
    assert beside(place, rows) == expected(rows)


def test_rows_that_do_not_reach_back_so_far_get_theirs(place: Made) -> None:
    rows = read(place)
    later = rows.where(np.arange(len(rows)) >= 40)
    assert beside(place, later) == expected(later)


def test_of_two_rows_that_cannot_be_told_apart_neither_gets_a_score(place: Made) -> None:
    rows = read(place)
    at, _, version, score = (moment(7), *scored_live(7))
    put(place, [(at, "twin", version, score)], [])
    found = beside(place, rows)
    unsure = [place for place, each in enumerate(rows.score) if round(each * 100) == 7]
    assert [found[each] for each in unsure] == [None]
    assert [each for number, each in enumerate(found) if number not in unsure] == [
        each for number, each in enumerate(expected(rows)) if number not in unsure
    ]
