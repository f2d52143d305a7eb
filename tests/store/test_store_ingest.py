"""Taking in files: every row is new, known already, or refused with its line and its reason."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_facts import DAY, NOON, ask, count, predictions, put

from backends.store import queries
from backends.store.compactor import compact
from backends.store.errors import IngestError
from backends.store.ingest import Ingested, ingest
from backends.store.paths import WorkspacePaths
from backends.store.reader import open_reader

HEADER = "event_at,key,score,distance,carrier\n"
GOOD = "2013-04-26T12:00:00Z,a,0.5,100,UA\n2013-04-26T08:00:00-04:00,b,0.25,,AA\n"


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def take(paths: WorkspacePaths, file: Path, table: str = "predictions", **options: Any) -> Ingested:
    if table == "predictions":
        options = {"model": "m", "version": "1"} | options
    elif table == "labels":
        options = {"model": "m"} | options
    return ingest(paths, table, file, environment="production", now=NOON, **options)


def refused(done: Ingested) -> list[tuple[int, str]]:
    assert done.rejects_path is not None
    rows = [json.loads(line) for line in done.rejects_path.read_text().splitlines()]
    assert len(rows) == done.refused
    return [(row["line"], row["reason"]) for row in rows]


def as_parquet(tmp_path: Path, query: str, name: str = "in.parquet") -> Path:
    path = tmp_path / name
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_the_same_facts_as_csv_json_lines_and_parquet_are_the_same_facts(paths: WorkspacePaths, tmp_path: Path) -> None:
    rows = [
        {"event_at": "2013-04-26T12:00:00Z", "key": "a", "score": 0.5, "distance": 100, "carrier": "UA"},
        {"event_at": "2013-04-26T12:00:00+00:00", "key": "b", "score": 0.25, "distance": None, "carrier": "AA"},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    parquet = as_parquet(
        tmp_path,
        "SELECT TIMESTAMPTZ '2013-04-26 14:00:00+02' AS event_at, 'a' AS key, 0.5 AS score, 100::SMALLINT AS distance, 'UA' AS carrier "
        "UNION ALL SELECT TIMESTAMPTZ '2013-04-26 14:00:00+02', 'b', 0.25, NULL, 'AA'",
    )
    assert take(paths, write(tmp_path, "in.csv", HEADER + GOOD)).accepted == 2
    for file in (write(tmp_path, "in.jsonl", lines), parquet):
        assert (take(paths, file).accepted, take(paths, file).duplicates) == (0, 2)
    compact(paths, NOON)
    assert take(paths, parquet).duplicates == 2
    assert ask(paths, "SELECT key, event_at, score, distance, carrier FROM predictions ORDER BY 1") == [
        ("a", NOON.replace(tzinfo=None), 0.5, 100, "UA"),
        ("b", NOON.replace(tzinfo=None), 0.25, None, "AA"),
    ]


def test_refused_rows_are_written_with_line_and_reason_and_the_rest_is_taken(paths: WorkspacePaths, tmp_path: Path) -> None:
    bad = (
        "2013-04-26T12:00:00Z,c,nan,1,UA\n"  # 4
        "2013-04-26T12:00:00Z,d,inf,1,UA\n"  # 5
        "2013-04-26T12:00:00Z,e,high,1,UA\n"  # 6
        '2013-04-26T12:00:00Z,f,0.5,1,"two\nlines"\n'  # 7 and 8, good
        "2013-04-26 12:00,g,0.5,1,UA\n"  # 9
        "yesterday,h,0.5,1,UA\n"  # 10
        "2013-04-26T12:00:00Z,,0.5,1,UA\n"  # 11
        "2013-04-26T12:00:00Z,i,0.5\n"  # 12
        ",j,0.5,1,UA\n"  # 13
        "1013-04-26T12:00:00Z,k,0.5,1,UA\n"  # 14
    )
    done = take(paths, write(tmp_path, "in.csv", HEADER + GOOD + bad))
    assert (done.accepted, done.refused) == (3, 9)
    assert refused(done) == [
        (4, "score is missing or not a finite number"),
        (5, "score is missing or not a finite number"),
        (6, "score is not a number"),
        (9, "event_at has no zone"),
        (10, "event_at is not a time"),
        (11, "key is missing"),
        (12, "has 3 fields, the header has 5"),
        (13, "event_at is missing"),
        (14, "event_at is outside the years 1970 to 2261"),
    ]
    assert count(paths) == 3


def test_json_lines_that_are_no_objects_are_refused_one_by_one(paths: WorkspacePaths, tmp_path: Path) -> None:
    good = '{"event_at":"2013-04-26T12:00:00Z","key":%s,"label":%s}\n'
    lines = good % ('"a"', "true") + "\n" + "nope\n" + "[1]\n" + good % ("7", "NaN") + '{"key":"a","Key":"b"}\n' + good % ("8", "0.0")
    done = take(paths, write(tmp_path, "in.jsonl", lines + "[" * 100_000 + "\n"), "labels")
    assert done.accepted == 2
    assert [line for line, _ in refused(done)] == [3, 4, 5, 6, 8]
    assert ask(paths, "SELECT key, label FROM labels ORDER BY 1") == [("8", 0.0), ("a", 1.0)]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("cut.csv", HEADER + GOOD + "2013-04-26T12:00:00Z,c,0.", "cut.csv is cut off in line 4: has 3 fields, the header has 5"),
        ("quote.csv", HEADER + GOOD + '2013-04-26T12:00:00Z,c,0.5,1,"U', "quote.csv is not CSV from line 4 on"),
        ("cut.jsonl", '{"event_at": "2013-04-26T12:00:00Z", "ke', "cut.jsonl is cut off in line 1"),
        ("cut.parquet", b"PAR1\x15\x04\x15", "cut.parquet cannot be read as Parquet"),
        ("empty.csv", "", "empty.csv is empty"),
        ("empty.jsonl", "", "empty.jsonl is empty"),
        ("binary.csv", HEADER.encode() + b"\xff\xfe\x00", "binary.csv is not UTF-8 text"),
        ("twice.csv", "key,KEY\n1,2\n", "twice.csv: line 1 has the same column twice: key, KEY"),
        ("unnamed.csv", "key,,score\n1,2,3\n", "column 2 has no name"),
        (
            "columns.csv",
            "event_at,score\n2013-04-26T12:00:00Z,1\n",
            "columns.csv: no column key; say what it is called with --column key=NAME; there are: event_at, score",
        ),
        ("both.csv", "timestamp,time,key,score\n1,2,3,4\n", "timestamp or time could be it; rename the right one to event_at"),
        ("naive.csv", "event_at,key,score\n2013-04-26 12:00:00,a,1\n", "the times in column event_at have no zone; give --tz"),
        ("model.csv", "event_at,key,score,model\n2013-04-26T12:00:00Z,a,1,x\n", "has a column model, and --model was given too"),
        ("sheet.xlsx", "PK", "the ending must be one of .parquet, .csv"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_one_line_and_nothing_is_taken(
    paths: WorkspacePaths, tmp_path: Path, name: str, content: str | bytes, says: str
) -> None:
    with pytest.raises(IngestError) as caught:
        take(paths, write(tmp_path, name, content))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert count(paths) == 0
    assert not paths.rejects.exists()


def test_files_that_are_not_there_are_named(paths: WorkspacePaths, tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"no\.csv is not there"):
        take(paths, tmp_path / "no.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IngestError, match="is a folder"):
        take(paths, tmp_path / "folder.csv")


@pytest.mark.parametrize(
    "written",
    [
        "2013-04-26T12:00:00Z", "2013-04-26 12:00:00.000000+00", "2013-04-26T08:00-04:00", "2013-04-26 08:00:00 -0400", "2013-04-26T12:00z",
        "2013-04-26T14:00:00.000000000+02:00", "2013-04-26 12:00:00 UTC", " 2013-04-26T12:00:00Z ",
    ],
)  # fmt: skip
def test_a_time_with_a_zone_may_be_written_in_many_ways(paths: WorkspacePaths, tmp_path: Path, written: str) -> None:
    take(paths, write(tmp_path, "in.csv", f"event_at,key,label\n{written},a,1\n"), "labels")
    assert ask(paths, "SELECT event_at FROM labels") == [(NOON.replace(tzinfo=None),)]


def test_local_times_need_a_zone_and_become_utc(paths: WorkspacePaths, tmp_path: Path) -> None:
    file = write(tmp_path, "in.csv", "event_at,key,label\n2013-04-26 08:00,a,1\n2013-01-26T07:00:00,b,1\n2013-04-26T12:00:00Z,c,1\n")
    assert take(paths, file, "labels", tz="America/New_York").accepted == 3
    assert {row[0].hour for row in ask(paths, "SELECT event_at FROM labels")} == {12}
    naive = as_parquet(tmp_path, "SELECT TIMESTAMP '2013-04-26 08:00' AS event_at, 'd' AS key, 0 AS label")
    with pytest.raises(IngestError, match="have no zone; give --tz"):
        take(paths, naive, "labels")
    assert take(paths, naive, "labels", tz="America/New_York").accepted == 1
    assert ask(paths, "SELECT event_at FROM labels WHERE key = 'd'") == [(NOON.replace(tzinfo=None),)]
    with pytest.raises(IngestError, match="'Mars/Olympus' is not an IANA time zone"):
        take(paths, file, "labels", tz="Mars/Olympus")


def test_local_times_that_a_clock_change_makes_unclear_are_refused(paths: WorkspacePaths, tmp_path: Path) -> None:
    file = write(tmp_path, "in.csv", "event_at,key,label\n2013-03-10 02:30,a,1\n2013-11-03 01:30,b,1\n2013-11-03 02:30,c,1\n")
    done = take(paths, file, "labels", tz="America/New_York")
    assert done.accepted == 1
    assert [reason.split(" the clocks of America/New_York ")[1].split(";")[0] for _, reason in refused(done)] == ["skip", "show twice"]


def test_usual_other_names_of_columns_are_understood(paths: WorkspacePaths, tmp_path: Path) -> None:
    file = write(tmp_path, "in.csv", "timestamp,request_id,probability,model_name,model_version,x\n2013-04-26T12:00:00Z,a,0.5,m,2,1\n")
    assert take(paths, file, model=None, version=None).accepted == 1
    assert ask(paths, "SELECT event_at, key, score, model, version, x FROM predictions") == [
        (NOON.replace(tzinfo=None), "a", 0.5, "m", "2", 1)
    ]


def test_a_correction_with_the_same_key_is_a_new_fact(paths: WorkspacePaths, tmp_path: Path) -> None:
    take(paths, write(tmp_path, "in.csv", "event_at,known_at,key,label\n2013-04-26T12:00:00Z,2013-04-26T12:00:00Z,a,1\n"), "labels")
    take(paths, write(tmp_path, "in.csv", "event_at,known_at,key,label\n2013-04-26T12:00:00Z,2013-04-27T12:00:00Z,a,0\n"), "labels")
    assert ask(paths, "SELECT label FROM labels", NOON) == [(1.0,)]
    assert ask(paths, "SELECT label FROM labels", NOON + DAY) == [(0.0,)]


def test_the_same_id_with_other_content_is_refused_and_listed(paths: WorkspacePaths, tmp_path: Path) -> None:
    take(paths, write(tmp_path, "one.csv", "event_at,key,label,fact_id\n2013-04-26T12:00:00Z,a,1,F\n"), "labels")
    compact(paths, NOON)
    done = take(
        paths, write(tmp_path, "two.csv", "event_at,key,label,fact_id\n2013-05-26T12:00:00Z,a,0,F\n2013-04-26T12:00:00Z,a,1,F\n"), "labels"
    )
    assert (done.accepted, done.duplicates) == (0, 1)
    assert refused(done) == [(2, "fact_id 'F' stands for other content already; the first one stays")]
    with open_reader(paths) as reader:
        assert [conflict.fact_id for conflict in reader.conflicts()] == ["F"]


def test_types_of_inputs_are_seen_in_the_text(paths: WorkspacePaths, tmp_path: Path) -> None:
    rows = "event_at;key;score;whole;number;flag;zip;gap;word\n" + "".join(
        f"2013-04-26T12:00:0{n}Z;k{n};0.5;{n};{n}.5;{'true' if n else 'False'};0{n}234;{'NA' if n else 7};w{n}\n" for n in range(3)
    )
    take(paths, write(tmp_path, "in.csv", rows))
    with open_reader(paths) as reader:
        kinds = queries.feature_columns(reader, "m")
    assert kinds == {"whole": "BIGINT", "number": "DOUBLE", "flag": "BOOLEAN", "zip": "VARCHAR", "gap": "BIGINT", "word": "VARCHAR"}
    assert ask(paths, "SELECT zip, gap FROM predictions ORDER BY key") == [("00234", 7), ("01234", None), ("02234", None)]
    late = write(tmp_path, "late.csv", "event_at,key,score,whole\n2013-04-26T13:00:00Z,x,0.5,many\n2013-04-26T13:00:00Z,y,0.5,4\n")
    done = take(paths, late)
    assert refused(done) == [(2, "whole is not a number")]


def test_metrics_and_records_and_events_are_checked_against_their_records(paths: WorkspacePaths, tmp_path: Path) -> None:
    at = '"event_at":"2013-04-26T12:00:00Z"'
    metrics = write(
        tmp_path,
        "m.jsonl",
        f'{{{at},"layer":"system","name":"p95","value":3.5,"labels":{{"b":"1"}}}}\n{{{at},"layer":"mood","name":"p95","value":1}}\n'
        f'{{{at},"layer":"model","name":"auc","value":null}}\n{{{at},"layer":"model","name":"auc","value":Infinity}}\n',
    )
    done = take(paths, metrics, "metrics")
    assert (done.accepted, [line for line, _ in refused(done)]) == (2, [2, 4])
    records = write(
        tmp_path,
        "r.jsonl",
        f'{{"kind":"model","name":"m","task":"binary",{at}}}\n{{"kind":"model","name":"n","task":"magic",{at}}}\n{{"kind":"what",{at}}}\n'
        f'{{"kind":"event","name":"e","topic":"deploy","message":"out",{at}}}\n',
    )
    done = take(paths, records, "records")
    assert done.accepted == 2
    assert [line for line, _ in refused(done)] == [2, 3]
    assert take(paths, records, "records").duplicates == 2
    events = write(tmp_path, "e.csv", "event_at,name,topic,message\n2013-04-26 08:00:00,f,deploy,out\n2013-04-26 08:00:00,g,party,out\n")
    done = take(paths, events, "events", tz="America/New_York", model="m")
    assert (done.accepted, done.refused) == (1, 1)
    with open_reader(paths) as reader:
        assert [(event.name, event.model, event.event_at) for event in queries.events_between(reader, None, None)] == [
            ("e", None, NOON),
            ("f", "m", NOON),
        ]


def test_records_of_a_parquet_file_have_times_of_their_own_type(paths: WorkspacePaths, tmp_path: Path) -> None:
    file = tmp_path / "runs.parquet"
    rows = {
        "kind": ["run"], "name": ["r"], "model": ["m"], "status": ["succeeded"], "params": [{"depth": 3}],
        "event_at": [NOON], "started_at": [NOON - timedelta(microseconds=1)],
    }  # fmt: skip
    polars.DataFrame(rows).write_parquet(file)
    assert take(paths, file, "records").accepted == 1
    with open_reader(paths) as reader:
        [run] = queries.records_of(reader, "run", environment="production")
    assert (run.event_at, run.started_at, run.params) == (NOON, NOON - timedelta(microseconds=1), {"depth": 3})


def test_what_a_file_calls_our_columns_may_be_said(paths: WorkspacePaths, tmp_path: Path) -> None:
    file = write(tmp_path, "odd.csv", "at,who,p,label\n2013-04-26T12:00:00Z,a,0.25,3\n")
    done = ingest(
        paths, "predictions", file, environment="production", now=NOON, model="m", version="1",
        called={"event_at": "AT", "key": "who", "score": "p"},
    )  # fmt: skip
    assert (done.accepted, done.refused) == (1, 0)
    with open_reader(paths) as reader:
        # What stands for a column of ours is no input; a column that bears the name of another table's is one.
        assert reader.features("m") == {"label": "BIGINT"}
        assert reader.sql("SELECT key, score, event_at FROM predictions") == [("a", 0.25, NOON.replace(tzinfo=None))]
    with pytest.raises(IngestError, match="no column q to be score"):
        ingest(paths, "predictions", file, environment="production", now=NOON, called={"score": "q"})
    with pytest.raises(IngestError, match="mood is no column of predictions"):
        ingest(paths, "predictions", file, environment="production", now=NOON, called={"mood": "p"})


def test_progress_is_told_and_ends_at_the_end(paths: WorkspacePaths, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    rows = "".join(f"2013-04-26T12:00:00Z,k{number},0.5,{number},UA\n" for number in range(60_000))
    file = write(tmp_path, "in.csv", HEADER + rows)
    assert take(paths, file, progress=lambda done, total: told.append((done, total))).accepted == 60_000
    assert told[-1] == (file.stat().st_size, file.stat().st_size)
    assert told == sorted(told)
    assert count(paths) == 60_000


def test_a_hostile_file_name_stays_inside_rejects(paths: WorkspacePaths, tmp_path: Path) -> None:
    done = take(paths, write(tmp_path, "we'ird [x]*?.csv", HEADER + GOOD + "x,y\n"))
    assert done.rejects_path is not None
    assert done.rejects_path.parent == paths.rejects


def test_what_a_producer_landed_and_what_is_ingested_is_one(paths: WorkspacePaths, tmp_path: Path) -> None:
    put(paths, "predictions", predictions(["a"], score=0.5, distance=100, carrier="UA"))
    done = take(paths, write(tmp_path, "in.csv", HEADER + GOOD))
    assert (done.accepted, done.duplicates) == (1, 1)


CELL = st.one_of(
    st.none(),
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.text(max_size=5),
    st.sampled_from(["", "NA", "0.5", "2013-04-26T12:00:00Z", "true"]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=8))
def test_every_row_of_any_file_is_accounted_for(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]) -> None:
    folder = tmp_path_factory.mktemp("any")
    paths = WorkspacePaths(folder / "workspace")
    paths.root.mkdir()
    lines = [dict(zip(("event_at", "key", "score", "input"), row, strict=True)) for row in rows]
    file = write(
        folder, "in.jsonl", "".join(json.dumps(line) + "\n" for line in [{**lines[0], "event_at": "2013-04-26T12:00:00Z"}, *lines])
    )
    done = take(paths, file)
    assert done.accepted + done.duplicates + done.refused == len(rows) + 1
    assert count(paths) <= done.accepted
    with open_reader(paths) as reader:
        assert np.isfinite(queries.scored(reader, "production", "m", None, None).score).all()
