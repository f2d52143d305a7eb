"""`parity` says how old each feature was offline and online, where both sides have kept when it was computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from published_schemas import assert_fits

from console.cli.exits import Exit
from console.cli.main import main

# Request r of minute r. Online its balance is up to a minute old; offline of the midnight before, or missing. The others have no time.
ONLINE = """SELECT 'r' || i AS request, TIMESTAMP '2024-01-02' + to_seconds(60 * i) AS event_at, i * 1.5 AS balance,
    TIMESTAMP '2024-01-02' + to_seconds(60 * i - i % 60) AS balance_at, i % 7 AS hour, 'x' AS carrier FROM range(600) t(i)"""
OFFLINE = f"""SELECT * REPLACE (CASE WHEN balance % 10 = 0 THEN NULL ELSE date_trunc('day', balance_at) END AS balance_at)
    FROM ({ONLINE})"""


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    return rows(tmp_path / "offline.parquet", OFFLINE), rows(tmp_path / "online.parquet", f"{ONLINE} ORDER BY random()")


def rows(path: Path, sql: str) -> Path:
    duckdb.connect().execute(f"COPY ({sql}) TO '{path}'")
    return path


def asked(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["-w", "none", "parity", *map(str, words), "--key", "request"])
    told = capsys.readouterr()
    return code, told.out, told.err


def said(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    code, out, err = asked(capsys, *words, "--json")
    assert (code, err) == (Exit.OK, "")
    found: dict[str, Any] = json.loads(out)
    assert_fits(found, "parity")
    return found


def test_ages_and_gaps_are_those_that_pandas_counts(sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    view = said(capsys, *sides)
    [found] = view["freshness"]
    offline, online = (duckdb.connect().execute(f"SELECT * FROM '{side}'").df() for side in sides)
    both = offline.merge(online, on="request", suffixes=("_a", "_b")).dropna(subset=["balance_at_a"])
    gap = (both["balance_at_b"] - both["balance_at_a"]).dt.total_seconds()
    ages = {side: (both["event_at_b"] - both[f"balance_at_{side}"]).dt.total_seconds() for side in "ab"}
    whole = (online["event_at"] - online["balance_at"]).dt.total_seconds()
    assert (found["feature"], found["time_column"], found["n"]) == ("balance", "balance_at", len(gap))
    assert (found["gap_median"], found["gap_p95"]) == pytest.approx((gap.median(), gap.abs().quantile(0.95)))
    assert (found["age_offline_median"], found["age_offline_p95"]) == pytest.approx((ages["a"].median(), ages["a"].quantile(0.95)))
    assert (found["age_online_median"], found["age_online_p95"]) == pytest.approx((whole.median(), whole.quantile(0.95)))
    assert found["fresher_online"] == pytest.approx((gap > 0).mean())
    assert (found["state"], view["state"]) == ("critical", "critical") and found["why"].startswith("fresher online: 95 % of")
    # The time is no value to compare, and what has none is named.
    assert "balance_at" not in [each["name"] for each in view["columns"]]
    assert (view["untimed"], view["request_time"]) == (["hour", "carrier"], "event_at")


@pytest.mark.parametrize(("gap", "state"), [("9h30m", "ok"), ("9h", "warning"), ("4h", "critical")])
def test_how_far_times_may_be_apart_is_for_the_one_who_asks(
    sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str], gap: str, state: str
) -> None:
    assert said(capsys, *sides, "--gap", gap)["freshness"][0]["state"] == state


def test_a_value_offline_from_after_its_request_is_critical(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = "TIMESTAMP '2024-01-02' + to_seconds(60 * i + CASE WHEN i = 5 THEN 1 ELSE 0 END)"
    sides = [
        rows(tmp_path / f"{name}.parquet", f"SELECT i AS request, 1 AS v, {at} AS v_at, {now} AS event_at FROM range(40) t(i)")
        for name, at, now in (("a", later, "1"), ("b", later.replace("= 5", "= 99"), "TIMESTAMP '2024-01-02' + to_seconds(60 * i)"))
    ]
    [found] = said(capsys, *sides)["freshness"]
    assert (found["state"], found["after_offline"], found["after_online"]) == ("critical", 1, 0)
    assert found["why"] == "1 of 40 requests have a value offline from after the request"


def test_a_time_of_another_name_is_declared_and_ages_need_the_time_of_the_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = "SELECT i AS request, i AS v, TIMESTAMP '2024-01-02' + to_seconds(i) AS read, TIMESTAMP '2024-01-03' AS asked FROM range(40) t(i)"
    sides = rows(tmp_path / "a.parquet", sql), rows(tmp_path / "b.parquet", sql)
    assert said(capsys, *sides)["freshness"] == []
    [found] = said(capsys, *sides, "--feature-time", "v=read")["freshness"]
    assert (found["gap_median"], found["age_online_median"]) == (0, None) and "--request-time" in found["why"]
    [found] = said(capsys, *sides, "--feature-time", "v=read", "--request-time", "asked")["freshness"]
    assert (found["state"], found["age_online_median"]) == ("ok", 86_400 - 19.5)
    for words in (("--feature-time", "v"), ("--feature-time", "v=v"), ("--feature-time", "v=nosuch"), ("--gap", "soon")):
        code, out, err = asked(capsys, *sides, *words)
        assert (code, out, err.count("\n")) == (Exit.USAGE, "", 1)


def test_the_page_has_both_ages_and_says_what_to_log(sides: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = asked(capsys, *sides, "--fail-on", "critical")
    lines = out.splitlines()
    [row] = [line for line in lines if line.startswith(" X balance") and "h" in line]
    assert code == Exit.NO and max(map(len, lines)) <= 80 and row.split()[2:] == ["4h59m", "9h29m", "5h", "9h29m", "30s", "56s"]
    assert "Log beside each feature when it was computed, as NAME_at" in " ".join(out.split())


def test_few_requests_with_a_time_have_no_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT i AS request, i AS v, CASE WHEN i < 29 THEN TIMESTAMP '2024-01-02' END AS v_at FROM range(40) t(i)"
    sides = rows(tmp_path / "a.parquet", sql), rows(tmp_path / "b.parquet", sql)
    [found] = said(capsys, *sides)["freshness"]
    assert (found["state"], found["n"]) == ("unknown", 29)
