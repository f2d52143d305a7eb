"""`ingest`: what became of every row of every file, on screen and as JSON, and the exit code that says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import main
from console.config import init_workspace

HEAD = "event_at,key,score\n"
GOOD = HEAD + "2024-01-01T00:00:00Z,a,0.5\n2024-01-01T00:00:00Z,b,0.25\n"
SOME = HEAD + "2024-01-02T00:00:00Z,c,0.5\nlater,d,0.5\n2024-01-02T00:00:00Z,e,nan\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "w", name="w")
    for name, text in (("good.csv", GOOD), ("some.csv", SOME), ("cut.csv", HEAD + "2024-01-01T00:00:00Z,a\n"), ("odd.xls", "")):
        (tmp_path / name).write_text(text)
    return tmp_path / "w"


class Said:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


def ingest(root: Path, capsys: pytest.CaptureFixture[str], *words: str, table: str = "predictions", **more: str) -> Said:
    files = [str(root.parent / word) if "." in word and not word.startswith("-") else word for word in words]
    code = main(["-w", str(root), "ingest", table, *files, "--model", "m", "--version", "1"])
    told = capsys.readouterr()
    return Said(code, told.out, told.err)


def test_rows_are_accepted_once_and_repeated_afterwards(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ingest(root, capsys, "good.csv"), ingest(root, capsys, "good.csv")
    assert (first.code, second.code) == (0, 0)
    assert "good.csv: 2 accepted, 0 repeated, 0 refused" in first.out
    assert "good.csv: 0 accepted, 2 repeated, 0 refused" in second.out


def test_refused_rows_exit_with_1_and_stand_in_rejects(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ingest(root, capsys, "some.csv", "--json")
    assert told.code == 1
    [file] = told.data["files"]
    assert (file["accepted"], file["repeated"], file["refused"], file["outcome"]) == (1, 0, 2, "some refused")
    assert [json.loads(line)["line"] for line in Path(file["rejects_path"]).read_text().splitlines()] == [3, 4]


def test_a_file_that_cannot_be_taken_exits_with_2_and_the_others_are_taken(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ingest(root, capsys, "odd.xls", "missing.csv", "some.csv", "good.csv", "--json")
    assert told.code == 2
    assert [file["outcome"] for file in told.data["files"]] == ["not taken", "not taken", "some refused", "taken"]
    assert (told.data["accepted"], told.data["refused"]) == (3, 2)
    assert "missing.csv is not there; check the path" in told.err
    assert "the ending must be one of" in told.err


def test_progress_is_for_terminals_only(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest(root, capsys, "good.csv").err == ""


def test_a_bar_is_drawn_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    from console.cli.progress import Bar

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    bar = Bar("rows\x1b[31m.csv")
    for done in range(1001):
        bar(done, 1000)
    bar.clear()
    told = capsys.readouterr().err
    assert "100 % rows" in told
    assert told.count("\r") <= 130, "drawn only when it changed"
    assert told.endswith("\r\x1b[K")
    assert "\x1b[31m" not in told


def test_times_without_a_zone_need_one(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root.parent / "bare.csv").write_text(HEAD + "2024-07-01T12:00:00,a,0.5\n")
    refused = ingest(root, capsys, "bare.csv")
    assert refused.code == 2
    assert "--tz" in refused.err or "zone" in refused.err
    assert ingest(root, capsys, "bare.csv", "--tz", "Nowhere/City").code == 2
    assert ingest(root, capsys, "bare.csv", "--tz", "Europe/Berlin").code == 0
    from backends.store.paths import WorkspacePaths
    from backends.store.reader import open_reader

    with open_reader(WorkspacePaths(root)) as reader:
        [(stored,)] = reader.fetch(f"SELECT CAST(event_at AS VARCHAR) FROM {reader.rows('predictions', model='m')}")
    assert stored == "2024-07-01 10:00:00"


@pytest.mark.parametrize("words", [["--read-only"], ["--as-of", "2024-01-01T00:00:00Z"]])
def test_nothing_is_taken_read_only_or_in_the_past(root: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert ingest(root, capsys, "good.csv", *words).code == 3
    assert not list((root / "landing").rglob("*.parquet"))


def test_facts_go_to_the_environment_of_env(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init_workspace(tmp_path / "w", name="w", environments=("production", "staging"))
    (tmp_path / "good.csv").write_text(GOOD)
    told = ingest(tmp_path / "w", capsys, "good.csv", "--env", "staging", "--json")
    assert told.data["environment"] == "staging"
    assert ingest(tmp_path / "w", capsys, "good.csv", "--env", "nowhere").code == 5


def test_a_model_that_is_no_name_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-w", str(root), "ingest", "predictions", str(root.parent / "good.csv"), "--model", " ", "--version", "1"]) == 2
    assert "1 to 200 characters" in capsys.readouterr().err
