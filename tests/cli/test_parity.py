"""`parity`: requests are joined by their key, and what differs is counted as pandas counts it; a model's log is an online side too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from published_schemas import assert_fits

from console.cli.exits import Exit
from console.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, days_of_predictions, made

Ask = Callable[..., tuple[int, str, str]]

OFFLINE = """SELECT 'r' || lpad(i::VARCHAR, 4, '0') AS request, CAST(i AS DOUBLE) / 7 AS ratio, i % 10 AS hour, 'c' || (i % 3) AS carrier,
    CASE WHEN i % 4 = 0 THEN NULL ELSE i * 1.5 END AS age, TIMESTAMP '2024-01-01' + to_seconds(i) AS at FROM range(1000) t(i)"""
ONLINE = f"""SELECT * REPLACE (CASE WHEN hour = 3 THEN hour + 1 ELSE hour END AS hour, coalesce(age, -1) AS age,
    CASE WHEN carrier = 'c2' AND hour = 5 THEN 'C2' ELSE carrier END AS carrier, ratio * (1 + 1e-9) AS ratio) FROM ({OFFLINE})"""


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Ask:
    def asked(*words: object, root: Path | None = None) -> tuple[int, str, str]:
        code = main(["-w", str(root or tmp_path / "none"), "parity", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return rows(tmp_path / "offline.parquet", OFFLINE), rows(tmp_path / "online.parquet", f"{ONLINE} ORDER BY random()")


def rows(path: Path, sql: str) -> Path:
    duckdb.connect().execute(f"COPY ({sql}) TO '{path}'")
    return path


def frame(path: Path) -> pd.DataFrame:
    return duckdb.connect().execute(f"SELECT * FROM '{path}'").df()


def said(ask: Ask, *words: object, **more: Any) -> dict[str, Any]:
    code, out, err = ask(*words, "--json", **more)
    assert (code, err) == (Exit.OK, "")
    found: dict[str, Any] = json.loads(out)
    assert_fits(found, "parity")
    return found


def by_name(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in view["columns"]}


def test_what_differs_is_counted_as_pandas_counts_it(ask: Ask, files: tuple[Path, Path]) -> None:
    view = said(ask, *files, "--key", "request", "--default", "age=-1")
    found = by_name(view)
    joined = frame(files[0]).merge(frame(files[1]), on="request", suffixes=("_a", "_b"))
    for name in ("hour", "carrier", "at"):
        assert found[name]["differing"] == (joined[f"{name}_a"] != joined[f"{name}_b"]).sum()
    age_a, age_b = joined["age_a"], joined["age_b"]
    assert found["age"]["differing"] == (age_a.isna() != age_b.isna()).sum() == 250
    assert (found["age"]["nulls_offline"], found["age"]["nulls_online"]) == (age_a.isna().mean(), age_b.isna().mean())
    assert (found["age"]["defaults_offline"], found["age"]["defaults_online"]) == ((age_a == -1).mean(), (age_b == -1).mean())
    assert found["hour"]["largest"] == (joined["hour_a"] - joined["hour_b"]).abs().max()
    assert (view["matched"], found["ratio"]["differing"], found["ratio"]["state"]) == (1000, 0, "ok")
    assert by_name(said(ask, *files, "--key", "request", "--tolerance", "1e-12"))["ratio"]["differing"] == 999


def test_a_few_requests_that_differ_warn_and_many_are_critical_and_are_shown_by_their_shape(ask: Ask, files: tuple[Path, Path]) -> None:
    found = by_name(said(ask, *files, "--key", "request"))
    assert {name: each["state"] for name, each in found.items()} == {
        "age": "critical", "hour": "critical", "carrier": "critical", "ratio": "ok", "at": "ok",
    }  # fmt: skip
    assert found["hour"]["sample"][0] == {"key": "a9999", "offline": "9", "online": "9", "redacted": True}
    shown = by_name(said(ask, *files, "--key", "request", "--show-values"))
    assert shown["hour"]["sample"][1] == {"key": "r0013", "offline": "3", "online": "4", "redacted": False}
    assert shown["age"]["sample"][0] == {"key": "r0000", "offline": None, "online": "-1.0", "redacted": False}


@pytest.mark.parametrize(("number", "state"), [(1, "ok"), (2, "warning"), (20, "warning"), (21, "critical")])
def test_the_share_that_differs_is_what_is_judged(ask: Ask, tmp_path: Path, number: int, state: str) -> None:
    sides = [
        rows(tmp_path / f"{name}.parquet", f"SELECT i AS k, CASE WHEN i < {wrong} THEN 'x' ELSE 'y' END AS v FROM range(1000) t(i)")
        for name, wrong in (("a", 0), ("b", number))
    ]
    assert by_name(said(ask, *sides, "--key", "k"))["v"]["state"] == state


def test_requests_of_one_side_and_keys_that_repeat_take_no_part_and_are_counted(ask: Ask, tmp_path: Path) -> None:
    offline = rows(tmp_path / "a.parquet", "SELECT greatest(i, 2) AS k, 1 AS v, 2 AS w FROM range(100) t(i) UNION ALL SELECT NULL, 9, 9")
    online = rows(tmp_path / "b.parquet", "SELECT i + 10 AS k, 1 AS v, 3 AS other FROM range(100) t(i)")
    view = said(ask, offline, online, "--key", "k")
    assert (view["matched"], view["repeated_offline"], view["repeated_online"]) == (90, 1, 0)
    # Offline 2 to 99, of which 2 repeats; online 10 to 109.
    assert (view["offline_only"], view["online_only"]) == (8, 10)
    assert (view["missing_online"], view["missing_offline"]) == (["w"], ["other"])


def test_few_requests_have_no_verdict_and_none_is_an_error(ask: Ask, tmp_path: Path) -> None:
    offline = rows(tmp_path / "a.parquet", "SELECT i AS k, 1 AS v FROM range(29) t(i)")
    online = rows(tmp_path / "b.parquet", "SELECT i AS k, 2 AS v FROM range(29) t(i)")
    assert said(ask, offline, online, "--key", "k")["state"] == "unknown"
    code, out, err = ask(offline, rows(tmp_path / "c.parquet", "SELECT i + 50 AS k, 2 AS v FROM range(29) t(i)"), "--key", "k")
    assert (code, out, err.count("\n")) == (Exit.USAGE, "", 1)
    assert "nothing can be compared" in err


def test_a_pipeline_is_stopped_and_the_page_fits(ask: Ask, files: tuple[Path, Path]) -> None:
    code, out, _ = ask(*files, "--key", "request", "--fail-on", "critical")
    assert code == Exit.NO and max(map(len, out.splitlines())) <= 80
    assert "25 % missing offline, 0 % online" in out
    assert ask(*files, "--key", "request", "--columns", "ratio,at", "--fail-on", "warning")[0] == Exit.OK


@pytest.mark.parametrize(
    "words",
    [("--key", "nosuch"), ("--key", "request", "--columns", "x"), ("--key", "request", "--default", "age"),
     ("--key", "request", "--default", "x=1"), ("--key", "request", "--tolerance", "2"), ("--key", "request", "--days", "3")],
)  # fmt: skip
def test_what_cannot_be_compared_is_one_line(ask: Ask, files: tuple[Path, Path], words: tuple[str, ...]) -> None:
    code, out, err = ask(*files, *words)
    assert (code, out, err.count("\n")) == (Exit.USAGE, "", 1)


def test_what_a_model_logged_is_an_online_side_and_scores_computed_again_are_a_replay(ask: Ask, tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 3 * DAY)
    days_of_predictions(place, 3, 100, temp=lambda _day, row: float(row))
    again = "CASE WHEN row % 50 = 0 THEN .9 ELSE (row % 10) / 10 + .05 END AS score"
    sql = f"SELECT day || '-' || row AS key, CAST(row AS DOUBLE) AS temp, {again} FROM range(3) d(day), range(100) r(row)"
    (tmp_path / "again.csv").write_text("")
    duckdb.connect().execute(f"COPY ({sql}) TO '{tmp_path / 'again.csv'}' (HEADER)")
    found = by_name(said(ask, tmp_path / "again.csv", "delay", "--key", "key", root=place.root))
    assert {name: (each["state"], each["differing"]) for name, each in found.items()} == {"score": ("warning", 6), "temp": ("ok", 0)}
    assert said(ask, tmp_path / "again.csv", "delay", "--key", "key", "--days", "1", root=place.root)["matched"] == 100
    assert ask(tmp_path / "again.csv", "nosuch", "--key", "key", root=place.root)[0] == Exit.NOT_FOUND
