"""What is told of facts without reading each of them is what the facts themselves say, as of any moment."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from store_facts import DAY, HOUR, NOON, labels, predictions, put

from backends.records import MetricPoint
from backends.store import queries
from backends.store.compactor import compact
from backends.store.errors import StoreError
from backends.store.landing import land_records
from backends.store.paths import WorkspacePaths
from backends.store.reader import Reader, open_reader

MOMENTS = (None, NOON, NOON + DAY + HOUR, NOON + 9 * DAY)


@pytest.fixture(scope="module", params=["compacted", "half landed"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WorkspacePaths:
    """Two models and two sources over four days; corrections on the same day and over days; what is known late, and never labelled."""
    paths = WorkspacePaths(tmp_path_factory.mktemp("facts"))
    for day in range(4):
        keys = [f"{day}-{number}" for number in range(6)]
        for model, source in (("m", "east"), ("n", "west")):
            put(paths, "predictions", predictions(keys, at=NOON + day * DAY, model=model, source=source))
        put(paths, "labels", labels(keys[: 6 - day], 1, at=NOON + day * DAY, known=NOON + day * DAY + (2 + day) * HOUR, source="east"))
    put(paths, "predictions", predictions(["1-0", "new"], at=NOON + DAY, source="west", score=0.9))
    put(paths, "predictions", predictions(["2-0"], at=NOON + 2 * DAY, role="shadow", version="2", source="east"))
    compact(paths, NOON + 4 * DAY)
    put(paths, "predictions", predictions(["0-0"], at=NOON, score=0.1, known_at=[NOON + DAY], source="west", model="n"))
    put(paths, "labels", labels(["0-1"], 0, at=NOON + DAY, known=NOON + 3 * DAY, source="east"))
    if request.param == "compacted":
        compact(paths, NOON + 5 * DAY)
    return paths


def told_by_facts(reader: Reader) -> list[tuple[str, str, str, int, datetime, datetime]]:
    found = []
    for table in ("labels", "predictions"):
        for environment, source, *rest in reader.sql(
            f"SELECT environment, source, count(*), max(event_at), max(known_at) FROM {table} GROUP BY 1, 2"
        ):
            count, *moments = rest
            found.append((environment, source, table, count, *(moment.replace(tzinfo=UTC) for moment in moments)))
    return sorted(found)


@pytest.mark.parametrize("at", MOMENTS)
def test_sources_and_counts_are_those_of_the_facts(filled: WorkspacePaths, at: datetime | None) -> None:
    with open_reader(filled, at=at) as reader:
        told = [(s.environment, s.source, s.table, s.rows, s.last_event_at, s.last_known_at) for s in queries.sources(reader)]
        assert sorted(told) == told_by_facts(reader)
        counted = {table: int(reader.sql(f"SELECT count(*) FROM {table}")[0][0]) for table in ("predictions", "labels", "metrics")}
        assert {**queries.counts(reader), **counted} == queries.counts(reader)


def segments_of(paths: WorkspacePaths) -> list[Path]:
    return sorted((paths.store / "segments" / "predictions").rglob("*.parquet"))


def test_what_is_known_of_whole_files_is_told_without_reading_them(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a", "b"]))
    compact(paths, NOON)
    for path in segments_of(paths):
        path.write_bytes(bytes(path.stat().st_size))
    with open_reader(paths, at=NOON) as reader:
        assert [state.rows for state in queries.sources(reader)] == [2]


@pytest.mark.parametrize("keep", [None, 100])
def test_facts_that_are_lost_are_not_counted_as_there(paths: WorkspacePaths, keep: int | None) -> None:
    put(paths, "predictions", predictions(["a", "b"]))
    put(paths, "predictions", predictions(["c"], at=NOON - DAY))
    compact(paths, NOON)
    path = segments_of(paths)[0]
    if keep is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:keep])
    with open_reader(paths, at=NOON) as reader, pytest.raises(StoreError):
        queries.counts(reader)


@pytest.mark.parametrize("at", MOMENTS)
def test_volumes_are_the_hours_added_up(filled: WorkspacePaths, at: datetime | None) -> None:
    with open_reader(filled, at=at) as reader:
        for model, start, end in (("m", None, None), ("n", NOON, NOON + 2 * DAY + HOUR / 2)):
            hours = queries.hourly(reader, "production", model, start, end)
            each = list(zip(hours.version.tolist(), hours.role.tolist(), hours.n.tolist(), hours.hour.tolist(), strict=True))
            expected: Counter[tuple[str, str]] = Counter()
            for version, role, n, _ in each:
                expected[version, role] += n
            found = queries.volumes(reader, "production", model, start, end)
            assert {(one.version, one.role): one.n for one in found} == expected
            assert {(one.version, one.role): one.first_hour.replace(tzinfo=None) for one in found} == {
                key: min(hour for version, role, _, hour in each if (version, role) == key) for key in expected
            }


@pytest.mark.parametrize("at", MOMENTS)
def test_label_coverage_is_that_of_the_joined_rows(filled: WorkspacePaths, at: datetime | None) -> None:
    with open_reader(filled, at=at) as reader:
        for versions in (None, ["1"], ["2"], ["none"]):
            rows = queries.scored(reader, "production", "m", None, None, versions=versions)
            found = queries.label_coverage(reader, "production", "m", None, None, versions=versions)
            waited = (rows.label_known_at - rows.event_at)[rows.labelled].astype(np.int64)
            assert (found.predictions, found.labelled) == (len(rows), len(waited))
            assert found.median_delay == (timedelta(microseconds=float(np.median(waited))) if len(waited) else None)


def test_the_newest_of_one_metric_is_found_among_others_whatever_file_it_is_in(paths: WorkspacePaths) -> None:
    def point(name: str, value: float, day: int, **labels_: str) -> MetricPoint:
        at = NOON + day * DAY
        return MetricPoint(model="m", layer="data", name=name, value=value, labels=labels_, event_at=at, known_at=at)

    land_records(paths, [point("age", 1.0, 0), point("zeal", 9.0, 0), point("age", 5.0, 0, source="b"), point("zeal", 8.0, 1)], now=NOON)
    compact(paths, NOON)
    land_records(paths, [point("bias", 7.0, 2), point("age", 2.0, 2)], now=NOON)
    for _ in range(2):
        with open_reader(paths) as reader:
            newest = queries.latest_metrics(reader, "production", layer="data", name="age")
            every = queries.latest_metrics(reader, "production", layer="data")
        assert newest == [each for each in every if each.name == "age"]
        assert {each.labels.get("source"): each.value for each in newest} == {None: 2.0, "b": 5.0}
        compact(paths, NOON)


def metric(day: float, value: float, *, known: float = 0, name: str = "age", model: str | None = "m", **labels_: str) -> MetricPoint:
    at = NOON + day * DAY
    return MetricPoint(model=model, layer="data", name=name, value=value, labels=labels_, event_at=at, known_at=at + known * DAY)


@pytest.fixture(scope="module", params=["compacted", "half landed", "published by an older program"])
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WorkspacePaths:
    """Metrics of a model, of another and of none; several a day, corrected a day and five days later, and some that came late."""
    paths = WorkspacePaths(tmp_path_factory.mktemp("metrics"))
    for day in range(3):
        points = [metric(day, day), metric(day + 0.1, 10 + day), metric(day, 20 + day, source="b"), metric(day, day, model=None)]
        land_records(paths, [*points, metric(day, 30 + day, model="n", name="zeal")], now=NOON)
    compact(paths, NOON + 4 * DAY)
    land_records(paths, [metric(2.1, 99, known=5), metric(1.1, 98, known=1), metric(0.2, 5, known=3), metric(3, 40, model="n")], now=NOON)
    if request.param != "half landed":
        compact(paths, NOON + 9 * DAY)
    if request.param == "published by an older program":
        newest = max(paths.generations.glob("*.duckdb"), key=lambda path: int(path.stem))
        with duckdb.connect(str(newest)) as generation:
            generation.execute("DROP TABLE last_metrics")
        land_records(paths, [metric(2, 7, name="new")], now=NOON)
    return paths


@pytest.mark.parametrize("at", [*MOMENTS, NOON + 2.5 * DAY, NOON + 4 * DAY])
@pytest.mark.parametrize("model", [None, "m"])
def test_the_newest_metrics_are_those_of_the_facts(measured: WorkspacePaths, at: datetime | None, model: str | None) -> None:
    with open_reader(measured, at=at) as reader:
        newest = queries.latest_metrics(reader, "production", model=model)
        facts = reader.sql("SELECT model, name, labels, value, event_at, known_at FROM metrics ORDER BY event_at")
    told = [(each.model, each.name, each.labels, each.value, each.event_at, each.known_at) for each in newest]
    last = {(of, name, labels_): rest for of, name, labels_, *rest in facts}
    expected = [
        (of, name, json.loads(labels_), value, *(moment.replace(tzinfo=UTC) for moment in moments))
        for (of, name, labels_), (value, *moments) in last.items()
        if model in {None, of}
    ]
    assert sorted(told, key=str) == sorted(expected, key=str)


def test_a_generation_of_an_older_program_is_completed_by_the_next(paths: WorkspacePaths) -> None:
    land_records(paths, [metric(0, 1), metric(1, 2)], now=NOON)
    compact(paths, NOON)
    with duckdb.connect(str(paths.generations / "1.duckdb")) as generation:
        generation.execute("DROP TABLE last_metrics")
    land_records(paths, [metric(2, 3)], now=NOON)
    compact(paths, NOON)
    with open_reader(paths) as reader:
        assert reader.database() and reader.fetch("SELECT count(*) FROM generation.last_metrics") == [(3,)]


def test_the_newest_metrics_of_whole_days_open_no_file_of_theirs(paths: WorkspacePaths) -> None:
    land_records(paths, [metric(day, day) for day in range(5)], now=NOON)
    compact(paths, NOON)
    for path in (paths.store / "segments" / "metrics").rglob("*.parquet"):
        path.write_bytes(bytes(path.stat().st_size))
    with open_reader(paths) as reader:
        assert [each.value for each in queries.latest_metrics(reader, "production", model="m")] == [4.0]


def test_every_question_is_where_it_is_asked_for() -> None:
    assert all(getattr(queries, name).__name__ == name for name in queries.__all__ if name.islower() or name[1].islower())
    assert queries.COMPLETE_SHARE < 1
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = queries.nothing
