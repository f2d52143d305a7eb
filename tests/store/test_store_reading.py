"""Reading: each fact once, the version in force, as of any moment; the same answer before and after compaction."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from store_facts import DAY, HOUR, NOON, ask, count, finish, labels, predictions, put, start

from backends.records import Event, MetricPoint, Model, ModelVersion
from backends.store import queries
from backends.store.compactor import compact
from backends.store.errors import StoreError
from backends.store.landing import land_records
from backends.store.paths import WorkspacePaths
from backends.store.reader import open_reader


@pytest.fixture(params=["landed", "compacted", "half"])
def stage(request: pytest.FixtureRequest) -> Iterator[str]:
    """Whether facts are read from landing files, from segments, or the first from segments and the rest from landing files."""
    yield request.param


def settle(paths: WorkspacePaths, stage: str, *, last: bool) -> None:
    if stage == "compacted" or (stage == "half" and not last):
        compact(paths, NOON)


def test_an_empty_store_answers_with_nothing(paths: WorkspacePaths) -> None:
    assert ask(paths, "SELECT * FROM predictions") == []
    with open_reader(paths, at=NOON) as reader:
        assert set(queries.counts(reader).values()) == {0}
        assert len(queries.scored(reader, "production", "m", None, None)) == 0
        assert queries.label_completeness(reader, "production", "m", None, None).complete_up_to is None
        assert len(queries.hourly(reader, "production", "m", NOON - DAY, NOON).n) == 0
        assert queries.feature_columns(reader, "m") == {}
        assert queries.records_of(reader) == []
        assert queries.events_between(reader, None, None) == []
        assert queries.sources(reader) == []
        assert queries.models(reader) == []


def test_a_workspace_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"there is no workspace at .*; make one with: quarterdeck init"),
        open_reader(WorkspacePaths(tmp_path / "no")),
    ):
        pass


def test_a_correction_changes_the_answer_from_the_moment_it_was_known(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a"], score=0.2))
    settle(paths, stage, last=False)
    put(paths, "predictions", predictions(["a"], score=0.9, known_at=NOON + HOUR))
    settle(paths, stage, last=True)
    score = "SELECT score FROM predictions"
    assert ask(paths, score, NOON - HOUR) == []
    assert ask(paths, score, NOON) == [(0.2,)]
    assert ask(paths, score, NOON + HOUR - HOUR / 3600) == [(0.2,)]
    assert ask(paths, score, NOON + HOUR) == [(0.9,)]
    assert ask(paths, score) == [(0.9,)]


def test_a_late_label_is_seen_only_from_the_moment_it_was_known(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a", "b"]))
    settle(paths, stage, last=False)
    put(paths, "labels", labels(["a"], 1, at=NOON + HOUR, known=NOON + 2 * DAY))
    settle(paths, stage, last=True)
    for at, expected in ((NOON + DAY, [np.nan, np.nan]), (NOON + 2 * DAY, [1.0, np.nan])):
        with open_reader(paths, at=at) as reader:
            assert np.array_equal(queries.scored(reader, "production", "m", NOON, NOON + DAY).label, expected, equal_nan=True)


def test_a_label_corrected_onto_another_day_is_still_one_label(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a"]))
    put(paths, "labels", labels(["a"], 1, at=NOON + 11 * HOUR))
    settle(paths, stage, last=False)
    put(paths, "labels", labels(["a"], 0, at=NOON + 13 * HOUR, known=NOON + DAY))
    settle(paths, stage, last=True)
    assert ask(paths, "SELECT label, event_at FROM labels") == [(0.0, (NOON + 13 * HOUR).replace(tzinfo=None))]
    assert ask(paths, "SELECT label FROM labels", NOON + 12 * HOUR) == [(1.0,)]
    with open_reader(paths) as reader:
        # It has left the first day: a window on that day must not show the version that was superseded.
        on_that_day = reader.rows("labels", model="m", start=NOON - 12 * HOUR, end=NOON + 12 * HOUR)
        assert reader.fetch(f"SELECT count(*) FROM {on_that_day}") == [(0,)]
        assert queries.scored(reader, "production", "m", None, None).label.tolist() == [0.0]


def test_the_same_customer_scored_every_day_is_a_prediction_every_day(paths: WorkspacePaths, stage: str) -> None:
    for day in range(3):
        put(paths, "predictions", predictions(["customer-1"], at=NOON + day * DAY))
        settle(paths, stage, last=day == 2)
    assert count(paths) == 3


def test_the_same_file_twice_is_one_set_of_facts(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a", "b"]))
    settle(paths, stage, last=False)
    put(paths, "predictions", predictions(["a", "b"]))
    settle(paths, stage, last=True)
    assert count(paths) == 2


def test_the_same_id_with_other_content_is_a_conflict_and_the_first_stays(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a"], score=0.1, fact_id="f-1"), name="first")
    settle(paths, stage, last=False)
    put(paths, "predictions", predictions(["a"], score=0.7, fact_id="f-1", at=NOON + 3 * DAY), name="second")
    settle(paths, stage, last=True)
    assert ask(paths, "SELECT score FROM predictions") == [(0.1,)]
    compact(paths, NOON)
    with open_reader(paths) as reader:
        [conflict] = reader.conflicts()
    assert (conflict.fact_id, conflict.file, conflict.refused["score"]) == ("f-1", "second.parquet", 0.7)


def test_ids_of_different_sources_do_not_clash(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a"], score=0.1, fact_id="1", source="east"))
    settle(paths, stage, last=False)
    put(paths, "predictions", predictions(["a"], score=0.7, fact_id="1", source="west"))
    settle(paths, stage, last=True)
    assert ask(paths, "SELECT source, score FROM predictions ORDER BY 1") == [("east", 0.1), ("west", 0.7)]


def test_contradicting_labels_of_two_sources_give_one_entry_with_the_latest_known(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a"]))
    put(paths, "labels", labels(["a"], 1, source="east"))
    settle(paths, stage, last=False)
    put(paths, "labels", labels(["a"], 0, known=NOON + HOUR, source="west"))
    settle(paths, stage, last=True)
    with open_reader(paths) as reader:
        assert queries.scored(reader, "production", "m", None, None).label.tolist() == [0.0]
        assert [(s.source, s.table, s.rows) for s in queries.sources(reader)] == [
            ("east", "labels", 1),
            ("local", "predictions", 1),
            ("west", "labels", 1),
        ]


def test_a_column_that_vanishes_is_missing_not_an_error(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a"], pressure=1013.0, carrier="UA"))
    settle(paths, stage, last=False)
    put(paths, "predictions", predictions(["b"], at=NOON + DAY, carrier="AA", gust=20))
    settle(paths, stage, last=True)
    with open_reader(paths) as reader:
        assert queries.feature_columns(reader, "m") == {"carrier": "VARCHAR", "gust": "BIGINT", "pressure": "DOUBLE"}
        later = queries.scored(reader, "production", "m", NOON + DAY, NOON + 2 * DAY, columns=["pressure", "gust", "carrier"])
        assert np.isnan(later.columns["pressure"]).all()
        assert later.columns["gust"].tolist() == [20.0]
        assert later.columns["carrier"].tolist() == ["AA"]
        assert queries.feature_values(reader, "production", "m", "carrier", None, None).tolist() == ["UA", "AA"]
        with pytest.raises(StoreError, match="m has no input humidity; its inputs are: carrier, gust, pressure"):
            queries.feature_values(reader, "production", "m", "humidity", None, None)


def test_inputs_belong_to_their_model(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a"], distance=1.0))
    put(paths, "predictions", predictions(["a"], model="other", price=2.0))
    settle(paths, stage, last=True)
    with open_reader(paths) as reader:
        assert queries.feature_columns(reader, "m") == {"distance": "DOUBLE"}
        assert queries.feature_columns(reader, "other") == {"price": "DOUBLE"}
        assert queries.models(reader) == ["m", "other"]


@pytest.mark.parametrize("model", ["../../etc", "a/b", ".", "x" * 300, "quote'\"%", "ü\n"])
def test_a_model_of_any_name_stays_inside_the_store(paths: WorkspacePaths, model: str) -> None:
    put(paths, "predictions", predictions(["a"], model=model))
    compact(paths, NOON)
    assert ask(paths, "SELECT model FROM predictions") == [(model,)]
    [segment] = paths.segments.rglob("*.parquet")
    assert segment.parent.parent.parent == paths.segments / "predictions"


def test_a_question_mark_in_the_path_costs_no_answer(tmp_path: Path) -> None:
    paths = WorkspacePaths(tmp_path / "what?")
    paths.root.mkdir()
    put(paths, "predictions", predictions(["a", "b"]))
    land_records(paths, [Model(name="m", task="binary", event_at=NOON, known_at=NOON)], now=NOON)
    compact(paths, NOON)
    with open_reader(paths) as reader:
        assert queries.hourly(reader, "production", "m", None, None).n.tolist() == [2]
        assert [record.name for record in queries.records_of(reader)] == ["m"]  # type: ignore[union-attr]


def test_environments_are_apart(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a"]))
    put(paths, "predictions", predictions(["a", "b"], environment="staging"))
    settle(paths, stage, last=True)
    with open_reader(paths) as reader:
        assert len(queries.scored(reader, "production", "m", None, None)) == 1
        assert len(queries.scored(reader, "staging", "m", None, None)) == 2
        assert queries.models(reader, "production") == ["m"]
        assert queries.models(reader, "elsewhere") == []


def test_scores_come_with_version_role_and_the_way_they_were_served(paths: WorkspacePaths, stage: str) -> None:
    put(paths, "predictions", predictions(["a", "b"], score=[0.1, 0.2], latency_ms=[5.0, None], at=NOON))
    settle(paths, stage, last=False)
    put(paths, "predictions", predictions(["a", "b"], version="fallback", role="shadow", served_by="fallback", score=0.3))
    settle(paths, stage, last=True)
    with open_reader(paths) as reader:
        live = queries.scored(reader, "production", "m", NOON, NOON + HOUR, role="live")
        shadow = queries.scored(reader, "production", "m", NOON, NOON + HOUR, versions=["fallback"])
        assert len(queries.scored(reader, "production", "m", NOON, NOON + HOUR, versions=[])) == 0
        assert len(queries.scored(reader, "production", "m", NOON - HOUR, NOON)) == 0, "the window is open at its end"
    assert live.key.tolist() == ["a", "b"]
    assert live.score.tolist() == [0.1, 0.2]
    assert live.event_at.tolist() == [NOON.replace(tzinfo=None)] * 2
    assert np.array_equal(live.latency_ms, [5.0, np.nan], equal_nan=True)
    assert set(shadow.served_by) == {"fallback"}
    assert set(shadow.role) == {"shadow"}


def test_scores_without_keys_are_the_same_scores(paths: WorkspacePaths, stage: str) -> None:
    more = {"served_by": ["model", "fallback", "model"], "score": [0.1, 0.2, 0.3]}
    put(paths, "predictions", predictions(["c", "a", "b"], **more))
    settle(paths, stage, last=False)
    put(paths, "predictions", predictions(["a"], version="it's 2", role="shadow", score=0.4))
    put(paths, "labels", labels(["a", "b"], [1.0, 0.0]))
    settle(paths, stage, last=True)
    with open_reader(paths, at=NOON) as reader:
        whole = queries.scored(reader, "production", "m", None, None)
        bare = queries.scored(reader, "production", "m", None, None, keys=False)
    assert whole.key.tolist() == ["a", "a", "b", "c"]
    assert bare.key.tolist() == [None] * 4
    for name in ("event_at", "version", "role", "served_by", "score", "label"):
        assert np.array_equal(getattr(bare, name), getattr(whole, name), equal_nan=name == "label"), name
    assert bare.version.tolist() == ["1", "it's 2", "1", "1"]
    assert bare.role.tolist() == ["live", "shadow", "live", "live"]
    assert bare.served_by.tolist() == ["fallback", "model", "model", "model"]


def test_rows_that_were_answered_alike_share_one_text(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions([f"k{number}" for number in range(50)]))
    compact(paths, NOON)
    with open_reader(paths, at=NOON) as reader:
        found = queries.scored(reader, "production", "m", None, None, keys=False)
    assert len({id(each) for column in (found.version, found.role, found.served_by, found.key) for each in column.tolist()}) == 4


def test_hours_equal_sums_over_the_facts(paths: WorkspacePaths, stage: str) -> None:
    rng = np.random.default_rng(7)
    for part in range(4):
        keys = [f"{part}-{number}" for number in range(200)]
        times = [NOON + (part - 2) * DAY + number * HOUR / 5 for number in range(200)]
        columns = predictions(keys, score=rng.random(200).tolist(), latency_ms=(rng.random(200) * 50).tolist())
        put(paths, "predictions", columns | {"event_at": times})
        settle(paths, stage, last=part == 3)
    put(paths, "predictions", predictions(["0-3"], at=NOON - 2 * DAY + 3 * HOUR / 5, score=0.5, known_at=NOON + 5 * DAY))
    for at in (None, NOON, NOON + 5 * DAY):
        window = (NOON - 2 * DAY + HOUR / 2, NOON + 3 * DAY - HOUR / 3)
        with open_reader(paths, at=at) as reader:
            hours = queries.hourly(reader, "production", "m", *window)
            facts = queries.scored(reader, "production", "m", *window)
        by_hour = facts.event_at.astype("datetime64[h]")
        for number, hour in enumerate(hours.hour):
            inside = by_hour == hour.astype("datetime64[h]")
            assert hours.n[number] == inside.sum()
            assert hours.score_sum[number] == pytest.approx(facts.score[inside].sum())
            assert hours.score_sumsq[number] == pytest.approx((facts.score[inside] ** 2).sum())
            assert hours.latency_max[number] == pytest.approx(np.fmax.reduce(facts.latency_ms[inside]), nan_ok=True)
        assert hours.n.sum() == len(facts)
        assert hours.latency_n.sum() == (~np.isnan(facts.latency_ms)).sum()
        assert np.nansum(hours.latency_sum) == pytest.approx(np.nansum(facts.latency_ms))


def test_labels_are_complete_up_to_where_they_stop_coming(paths: WorkspacePaths, stage: str) -> None:
    times = [NOON + number * HOUR / 10 for number in range(480)]
    keys = [f"k{number}" for number in range(480)]
    put(paths, "predictions", predictions(keys) | {"event_at": times})
    settle(paths, stage, last=False)
    put(paths, "labels", labels(keys[:400], 1, at=NOON + 2 * DAY))
    settle(paths, stage, last=True)
    with open_reader(paths) as reader:
        found = queries.label_completeness(reader, "production", "m", NOON, NOON + 2 * DAY)
    # Of the 240 predictions of a day, 12 may lack a label: the 412th is the last such that 228 of its day have one.
    assert (found.predictions, found.labelled, found.coverage) == (480, 400, 400 / 480)
    assert found.complete_up_to == times[411]


def test_without_any_label_nothing_is_complete(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    with open_reader(paths) as reader:
        found = queries.label_completeness(reader, "production", "m", None, None)
    assert (found.coverage, found.complete_up_to) == (0.0, None)


def test_records_show_the_version_in_force_and_events_their_time(paths: WorkspacePaths, stage: str) -> None:
    def model(owner: str, known: int) -> Model:
        return Model(name="m", task="binary", owner=owner, event_at=NOON, known_at=NOON + known * HOUR)

    land_records(paths, [model("ann", 0), ModelVersion(model="m", version="1", event_at=NOON, known_at=NOON)], now=NOON)
    settle(paths, stage, last=False)
    events = [
        Event(name=f"e{number}", model=name, topic="deploy", message="out", event_at=NOON + number * DAY, known_at=NOON + number * DAY)
        for number, name in enumerate(["m", "other", "m"])
    ]
    land_records(paths, [model("bob", 2), Model(name="other", task="binary", event_at=NOON, known_at=NOON), *events], now=NOON)
    settle(paths, stage, last=True)
    with open_reader(paths, at=NOON + HOUR) as reader:
        assert [record.owner for record in queries.records_of(reader, "model", "m")] == ["ann"]
        assert [event.name for event in queries.events_between(reader, None, None)] == ["e0"]
    with open_reader(paths) as reader:
        assert [record.owner for record in queries.records_of(reader, "model", "m")] == ["bob"]
        assert [record.kind for record in queries.records_of(reader, model="m")] == ["model", "version"]
        assert [event.name for event in queries.events_between(reader, NOON, NOON + 2 * DAY, model="m")] == ["e0"]
        assert queries.counts(reader) == {"predictions": 0, "labels": 0, "metrics": 0, "records": 3, "events": 3}


def test_a_record_that_is_no_longer_valid_is_named(paths: WorkspacePaths) -> None:
    put(paths, "records", {"event_at": [NOON], "kind": ["model"], "name": ["m"], "body": ['{"kind":"model","name":"m"}']})
    with open_reader(paths) as reader, pytest.raises(StoreError, match="the record model 'm' is not valid"):
        queries.records_of(reader)


def test_metrics_are_a_series_with_unit_and_labels(paths: WorkspacePaths, stage: str) -> None:
    def point(number: int, value: float | None, **labels_: str) -> MetricPoint:
        at = NOON + number * HOUR
        return MetricPoint(model="m", layer="system", name="p95", value=value, unit="ms", n=10, labels=labels_, event_at=at, known_at=at)

    land_records(paths, [point(0, 1.0), point(1, None)], now=NOON)
    settle(paths, stage, last=False)
    land_records(paths, [point(2, 3.0), point(2, 9.0, zone="é")], now=NOON)
    settle(paths, stage, last=True)
    with open_reader(paths) as reader:
        series = queries.metric_series(reader, "production", "p95", NOON, NOON + DAY, model="m", labels={})
        zoned = queries.metric_series(reader, "production", "p95", None, None, model="m", labels={"zone": "é"})
        newest = queries.latest_metrics(reader, "production", model="m")
    assert np.array_equal(series.value, [1.0, np.nan, 3.0], equal_nan=True)
    assert (series.unit, series.simulated, zoned.value.tolist()) == ("ms", False, [9.0])
    assert [(value.name, value.value, dict(value.labels)) for value in newest] == [("p95", 9.0, {"zone": "é"}), ("p95", 3.0, {})]


def test_a_broken_landing_file_hides_nothing_else(paths: WorkspacePaths) -> None:
    whole = put(paths, "predictions", predictions(["a"]))
    (whole.parent / "cut.parquet").write_bytes(whole.read_bytes()[:-20])
    (whole.parent / "empty.parquet").touch()
    (whole.parent / ".half.tmp").write_bytes(b"PAR1")
    with open_reader(paths) as reader:
        assert reader.sql("SELECT key FROM predictions") == [("a",)]
        assert {file.name for file in reader.unreadable} == {"cut.parquet", "empty.parquet"}


def test_file_names_are_never_patterns(paths: WorkspacePaths) -> None:
    for number, name in enumerate(["a[1]", "a1", "a*", "ab", "a?", "it's", "day=2013"]):
        put(paths, "predictions", predictions([f"k{number}"]), name=name)
    assert count(paths) == 7
    compact(paths, NOON)
    assert count(paths) == 7
    assert "day" not in dict(ask(paths, "SELECT column_name, column_type FROM (DESCRIBE predictions)"))


def test_a_reader_sees_no_other_file_of_the_machine(paths: WorkspacePaths) -> None:
    for query in (
        "SELECT * FROM read_text('/etc/hostname')",
        "ATTACH '/tmp/x.duckdb'",
        "SET enable_external_access=true",
        "INSTALL httpfs",
    ):
        with pytest.raises(StoreError):
            ask(paths, query)


def test_a_workspace_that_may_only_be_looked_at_can_be_read(paths: WorkspacePaths) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs to become another user")
    put(paths, "predictions", predictions(["a", "b"]))
    compact(paths, NOON)
    put(paths, "predictions", predictions(["c"]))
    for folder in [*paths.root.parents, paths.root, *paths.root.rglob("*")]:
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755 if folder.is_dir() else 0o644)
    code = "import duckdb, numpy, os\nos.setuid(65534)\nprint(count(paths))"
    assert finish(start(code, paths.root)) == "3\n"
    paths.root.chmod(0o700)
    refused = start(code, paths.root)
    _, said = refused.communicate(timeout=60)
    assert "permission denied; ask its owner" in said.splitlines()[-1]


def test_reading_loads_nothing_heavy(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    code = """
        from backends.store import queries
        with open_reader(paths) as reader:
            assert len(queries.scored(reader, "production", "m", None, None)) == 1
        print([name for name in ("pandas", "polars", "pyarrow", "sklearn", "scipy", "textual", "pydantic") if name in sys.modules])
    """
    assert finish(start(code, paths.root)) == "[]\n"


def test_a_naive_moment_is_refused(paths: WorkspacePaths) -> None:
    with pytest.raises(ValueError, match="without a zone"), open_reader(paths, at=NOON.replace(tzinfo=None)):
        pass
