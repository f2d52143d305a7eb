"""Times that arrive as numbers or without a zone: taken for what they are where that is certain, else refused in words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from store_facts import NOON, ask

from backends.store.errors import IngestError
from backends.store.ingest import Ingested, ingest
from backends.store.paths import WorkspacePaths

START = datetime(2013, 4, 26, 12, tzinfo=UTC).replace(tzinfo=None)
SECOND = 1_366_977_600
NUMBERS = [SECOND, SECOND * 1_000 + 250, SECOND * 1_000_000 + 250_000, SECOND * 1_000_000_000 + 250_000_001]


def take(paths: WorkspacePaths, file: Path) -> Ingested:
    return ingest(paths, "predictions", file, environment="production", now=NOON, model="m", version="1")


def as_parquet(path: Path, event_at: str) -> Path:
    duckdb.connect().execute(f"COPY (SELECT {event_at} AS event_at, 'a' AS key, 0.5 AS score) TO '{path}' (FORMAT parquet)")
    return path


@pytest.mark.parametrize("name", ["in.jsonl", "in.csv", "in.parquet", "decimals.jsonl", "decimals.parquet"])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_the_moment_that_it_counts_since_1970_in_the_unit_that_its_size_tells(
    paths: WorkspacePaths, tmp_path: Path, name: str, number: int
) -> None:
    value = float(number) if "decimals" in name else number
    if name.endswith(".parquet"):
        as_parquet(tmp_path / name, f"{value!r}::{'DOUBLE' if 'decimals' in name else 'BIGINT'}")
    else:
        written = f"event_at,key,score\n{value},a,0.5\n" if name.endswith(".csv") else f'{{"event_at":{value},"key":"a","score":0.5}}\n'
        (tmp_path / name).write_text(written)
    assert take(paths, tmp_path / name).accepted == 1
    [(event_at,)] = ask(paths, "SELECT event_at FROM predictions")
    assert event_at == START + (timedelta() if number == SECOND else timedelta(milliseconds=250))


@pytest.mark.parametrize("number", [0, 12_345, 20_130_426, 201_304_261_200, 20_130_426_120_000, -SECOND, SECOND * 4, SECOND * 10])
@pytest.mark.parametrize("kind", ["BIGINT", "DOUBLE", "DECIMAL(20, 0)"])
def test_a_number_that_is_no_moment_in_any_unit_is_refused_and_lands_in_no_other_century(
    paths: WorkspacePaths, tmp_path: Path, number: int, kind: str
) -> None:
    done = take(paths, as_parquet(tmp_path / "in.parquet", f"{number}::{kind}"))
    told = "event_at is a number, but none of seconds, milli-, micro- or nanoseconds since 1970, of the years 1990 to 2100"
    assert done.rejects_path is not None
    row = json.loads(done.rejects_path.read_text())
    assert (done.accepted, row["line"], row["reason"]) == (0, 1, f"{told}: write it as 2013-04-26T12:00:00Z")


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (f"unnest([{SECOND}, {SECOND}000])", "column event_at has numbers that are seconds and others that are milliseconds since 1970"),
        (f"unnest(['{SECOND}', '{SECOND}000000'])", "column event_at has numbers that are seconds and others that are microseconds"),
        (f"{SECOND}::FLOAT", "column event_at is FLOAT, too coarse for a time"),
        ("true", "column event_at is BOOLEAN, not a time: write it as TIMESTAMP, or as text such as 2013-04-26T12:00:00Z"),
        ("DATE '2013-04-26'", "the times in column event_at have no zone; give --tz"),
    ],
)
def test_a_column_of_which_nobody_can_tell_the_times_is_refused_with_its_name(
    paths: WorkspacePaths, tmp_path: Path, times: str, says: str
) -> None:
    file = as_parquet(tmp_path / "in.parquet", times)
    with pytest.raises(IngestError, match=re.escape(f"in.parquet: {says}")):
        take(paths, file)
