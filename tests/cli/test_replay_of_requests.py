"""`parity replay` hands out what a version was asked, exactly as it was logged, and what it answered under another name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from published_schemas import assert_fits

from backends.store.landing import land
from console.cli.exits import Exit
from console.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, Made, made

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path) -> Made:
    """Ten live requests of version 1 by the hour, of which one was answered by the fallback; one of version 2, one in the shadow."""
    found = made(tmp_path / "w", START + DAY)
    land(
        found.workspace.paths, "predictions",
        {"event_at": [START + timedelta(hours=number) for number in range(12)], "model": ["delay"] * 12,
         "version": ["1"] * 10 + ["2", "1"], "role": ["live"] * 11 + ["shadow"], "key": [f"k{number}" for number in range(12)],
         "served_by": ["model"] * 9 + ["fallback"] + ["model"] * 2, "score": [number / 16 for number in range(12)],
         "seats": [None if number % 3 == 0 else number for number in range(12)], "carrier": ["AA", None] * 6,
         "temp": [1.5, float("inf"), None, 2.5] * 3},
        now=START + DAY,
    )  # fmt: skip
    return found


@pytest.fixture
def ask(place: Made, capsys: pytest.CaptureFixture[str]) -> Ask:
    def asked(*words: object, before: tuple[str, ...] = ()) -> tuple[int, str, str]:
        code = main(["-w", str(place.root), *before, "parity", "replay", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked


def rows_of(path: Path, what: str = "*") -> list[tuple[Any, ...]]:
    return duckdb.connect().execute(f"SELECT {what} FROM '{path}'").fetchall()


def test_the_file_holds_what_the_version_answered_itself_with_every_input_as_it_was_logged(ask: Ask, tmp_path: Path) -> None:
    out = tmp_path / "requests.parquet"
    code, said, err = ask("delay@1", "--out", out, "--json")
    view = json.loads(said)
    assert_fits(view, "parity-replay")
    assert (code, err, view["rows"], view["served_score"]) == (Exit.OK, "", 9, "served_score")
    assert rows_of(out, "key, served_score") == [(f"k{number}", number / 16) for number in range(9)]
    assert rows_of(out, "key, seats")[:4] == [("k0", None), ("k1", 1), ("k2", 2), ("k3", None)]
    assert rows_of(out, "carrier, temp")[:3] == [("AA", 1.5), (None, float("inf")), ("AA", None)]
    types = {name: kind for name, kind, *_ in duckdb.connect().execute(f"DESCRIBE SELECT * FROM '{out}'").fetchall()}
    assert types == {
        "key": "VARCHAR", "event_at": "TIMESTAMP", "version": "VARCHAR", "served_score": "DOUBLE",
        **{each["name"]: each["type"] for each in view["columns"]},
    }  # fmt: skip
    assert types["seats"] == "BIGINT" and "score" not in types
    assert [path.name for path in tmp_path.iterdir() if "requests" in path.name] == ["requests.parquet"]


def test_the_newest_requests_are_taken_as_of_the_moment_that_is_asked_for(ask: Ask, tmp_path: Path) -> None:
    ask("delay@1", "--last", "3", "--out", tmp_path / "now.parquet")
    assert [key for (key,) in rows_of(tmp_path / "now.parquet", "key")] == ["k6", "k7", "k8"]
    then = (START + timedelta(hours=4, minutes=30)).isoformat()
    assert ask("delay@1", "--last", "2", "--out", tmp_path / "then.parquet", before=("--as-of", then))[0] == Exit.OK
    assert [key for (key,) in rows_of(tmp_path / "then.parquet", "key")] == ["k3", "k4"]


def test_the_page_names_the_command_that_compares_and_it_does(
    ask: Ask, place: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, scored = tmp_path / "requests.parquet", tmp_path / "scored.parquet"
    _, page, _ = ask("delay", "--out", out)
    assert page.startswith("Replay of delay@v1"), "the version that serves"
    assert max(map(len, page.splitlines())) <= 80
    command = " ".join(page.split()).partition("And compare qd ")[2]
    assert command == "parity --key event_at RESCORED.parquet delay --key key --columns score --days 1"
    duckdb.connect().execute(f"COPY (SELECT key, event_at, served_score AS score FROM '{out}') TO '{scored}'")
    assert main(["-w", str(place.root), *command.replace("RESCORED.parquet", str(scored)).split(), "--json"]) == Exit.OK
    view = json.loads(capsys.readouterr().out)
    assert (view["matched"], view["columns"][0]["differing"]) == (9, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("delay@1",), "--out is needed"),
        (("delay@1", "--last", "0", "--out", "new.parquet"), "--last is from 1"),
        (("delay@1", "--out", "new.csv"), "written as Parquet"),
        (("delay@3", "--out", "new.parquet"), "answered no request"),
        (("delay@1", "--out", "there.parquet"), "exists already"),
        (("delay@1", "--out", "no/folder.parquet"), "is no folder"),
    ],
)
def test_what_cannot_be_written_is_one_line_and_leaves_no_file(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "there.parquet").write_text("mine")
    monkeypatch.chdir(folder)
    code, out, err = ask(*words)
    assert (code, out, err.count("\n")) == (Exit.USAGE, "", 1) and said in err
    assert [path.name for path in folder.iterdir()] == ["there.parquet"] and (folder / "there.parquet").read_text() == "mine"
    assert ask("nosuch", "--out", "new.parquet")[0] == Exit.NOT_FOUND
