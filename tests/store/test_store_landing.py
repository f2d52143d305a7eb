"""Landing: what is a fact is written whole, what is not is refused with the column and the reason, and nothing half-way stays."""

from __future__ import annotations

import errno
import os
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from store_facts import DAY, HOUR, NOON, ask, count, labels, predictions, put

from backends.records import Event, MetricPoint, Model
from backends.store.errors import LandingError, StoreError
from backends.store.landing import land, land_frame, land_records
from backends.store.paths import WorkspacePaths


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_may_be_left_out_gets_its_default(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    [row] = ask(paths, "SELECT known_at = event_at, environment, source, role, served_by, length(fact_id) FROM predictions")
    assert row == (True, "production", "local", "live", "model", 32)


def test_times_of_any_zone_are_stored_in_utc(paths: WorkspacePaths) -> None:
    eastern = timezone(timedelta(hours=-4))
    put(paths, "predictions", predictions(["a"], at=NOON.astimezone(eastern)))
    assert ask(paths, "SELECT event_at FROM predictions") == [(NOON.replace(tzinfo=None),)]


def test_numpy_and_polars_columns_say_the_same_as_python_ones(paths: WorkspacePaths) -> None:
    columns = predictions(["a", "b"], distance=[1.5, None], carrier=["UA", None])
    arrays = {name: np.array(values, dtype=object) for name, values in columns.items()}
    arrays["event_at"] = np.array([NOON.replace(tzinfo=None)] * 2, dtype="datetime64[ns]")
    arrays["distance"] = np.array([1.5, np.nan])
    put(paths, "predictions", columns)
    put(paths, "predictions", arrays)
    land_frame(paths, "predictions", pl.DataFrame(columns), now=NOON)
    assert ask(paths, "SELECT key, distance, carrier FROM predictions ORDER BY key") == [("a", 1.5, "UA"), ("b", None, None)]


def test_what_an_array_masks_is_missing(paths: WorkspacePaths) -> None:
    mask = [False, True]
    masked = {"distance": np.ma.masked_array([1.5, 9.0], mask), "stops": np.ma.masked_array([2, 9], mask)}
    masked["due"] = np.ma.masked_array(np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[us]"), mask)
    put(paths, "predictions", {**predictions(["a", "b"]), **masked})
    found = ask(paths, "SELECT distance, stops, year(due) FROM predictions ORDER BY key")
    assert found == [(1.5, 2, 2024), (None, None, None)]


def test_a_long_column_may_have_its_first_value_late_or_never(paths: WorkspacePaths) -> None:
    keys = [f"k{number}" for number in range(5000)]
    put(paths, "predictions", predictions(keys, late=[None] * 4999 + ["LGA"], never=[None] * 5000))
    assert ask(paths, "SELECT count(*), count(late), max(late) FROM predictions") == [(5000, 1, "LGA")]


def test_inputs_of_any_name_are_kept(paths: WorkspacePaths) -> None:
    hostile = ['x"; DROP TABLE facts; --', "select", "with space", "ünïcödé", "tab\there", "%s{}[]"]
    put(paths, "predictions", predictions(["a"], **{name: float(number) for number, name in enumerate(hostile)}))
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in hostile)
    assert ask(paths, f"SELECT {quoted} FROM predictions") == [tuple(float(number) for number in range(len(hostile)))]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (predictions(["a"], at=NOON.replace(tzinfo=None)), "event_at has a time without a zone"),
        ({"event_at": [NOON], "model": ["m"], "key": ["a"]}, "no column version"),
        (predictions(["a", "b"], score=[0.5, float("nan")]), "1 rows for predictions: score is missing or not a finite number"),
        (predictions(["a"], score=float("inf")), "score is missing or not a finite number"),
        (predictions(["a"], score="high"), "column score is VARCHAR; it must be a number"),
        (predictions([None]), "key is missing"),  # type: ignore[list-item]
        (predictions([""]), "key is empty"),
        (predictions(["a"], role="ghost"), "role is neither live nor shadow"),
        (predictions(["a"], at=NOON.replace(year=1013)), "event_at is outside the years"),
        (predictions([]), "no rows"),
        ({**predictions(["a", "b"]), "score": [0.5]}, "different lengths"),
    ],
)
def test_what_is_no_fact_is_refused_and_leaves_nothing(paths: WorkspacePaths, columns: dict[str, Any], says: str) -> None:
    with pytest.raises(LandingError, match=says.replace("(", r"\(")):
        put(paths, "predictions", columns)
    assert everything_in(paths.root) == []


def test_a_landing_file_is_never_overwritten(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]), name="today")
    with pytest.raises(LandingError, match="never overwritten"):
        put(paths, "predictions", predictions(["b"]), name="today")
    assert ask(paths, "SELECT key FROM predictions") == [("a",)]


@pytest.mark.parametrize("name", ["../escape", "a/b", ".hidden", "nul\0"])
def test_a_name_cannot_leave_the_landing_folder(paths: WorkspacePaths, name: str) -> None:
    with pytest.raises(LandingError, match="cannot be called"):
        put(paths, "predictions", predictions(["a"]), name=name)


@pytest.mark.parametrize("fails", ["fsync", "rename"])
def test_a_full_disk_leaves_what_was_there(paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    put(paths, "labels", labels(["a"], 1))
    before = everything_in(paths.root)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full) if fails == "fsync" else patch.setattr(Path, "rename", full)
        with pytest.raises(StoreError, match="No space left on device"):
            put(paths, "labels", labels(["b"], 1))
    assert everything_in(paths.root) == before
    assert count(paths, "labels") == 1


def test_records_land_in_the_table_of_their_kind(paths: WorkspacePaths) -> None:
    known = {"event_at": NOON, "known_at": NOON}
    land_records(
        paths,
        [
            Model(name="m", task="binary", **known),
            Event(name="deploy-1", topic="deploy", message="v2 is out", **known),
            MetricPoint(layer="system", name="p95", value=12.5, labels={"b": "2", "a": "1"}, **known),
        ],
        now=NOON,
    )
    assert ask(paths, "SELECT kind, name FROM records") == [("model", "m")]
    assert ask(paths, "SELECT kind, name FROM events") == [("event", "deploy-1")]
    assert ask(paths, "SELECT name, value, labels FROM metrics") == [("p95", 12.5, '{"a":"1","b":"2"}')]


def test_an_old_fact_that_lands_late_is_seen_on_its_own_day(paths: WorkspacePaths) -> None:
    land(paths, "predictions", predictions(["old"], at=NOON - 30 * DAY), now=NOON + HOUR)
    assert ask(paths, "SELECT event_at < landed_at FROM predictions") == [(True,)]
