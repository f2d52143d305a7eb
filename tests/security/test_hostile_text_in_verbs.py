"""Whatever a name holds, a verb prints no character that steers a terminal, and `--json` still says exactly the name."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from backends.records import Model, ModelVersion, Record
from backends.store.compactor import compact
from backends.store.landing import land_records
from backends.text import Untrusted, escaped_json
from console.cli.exits import Exit
from console.cli.main import main
from console.clock import SystemClock
from console.config import init_workspace

NOW = SystemClock().now()
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
NAMES = (
    "osc52\x1b]52;c;UFdORUQ=\x07",
    "c1\x9b31m\x9d52;c;UFdORUQ=\x9c",
    "bidi\u202eabc\u2066",
    "zero\u200b\ufeff\u00ad",
    "del\x7f\x08",
    "tag\U000e0041",
    "lines\r\nof\u2028it",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = init_workspace(tmp_path_factory.mktemp("hostile") / "w", name="w")
    at = NOW - timedelta(days=2)
    facts: list[Record] = []
    for name in NAMES:
        facts.append(Model(name=name, owner=name, task="binary", description=Untrusted(name), event_at=at, known_at=at))
        facts.append(ModelVersion(model=name, version=name, description=Untrusted(name), event_at=at, known_at=at))
    land_records(workspace.paths, facts, now=NOW)
    compact(workspace.paths, now=NOW)
    return workspace.paths.root


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize(
    "words",
    [
        ("model", "{}"),
        ("versions", "{}"),
        ("card", "{}"),
        ("lineage", "{}"),
        ("changes", "{}"),
        ("kill", "{}", "--dry-run"),
        ("incident", "open", "{}", "--title", "{}"),
        ("note", "{}", "{}"),
    ],
    ids=" ".join,
)
def test_no_character_that_steers_a_terminal_comes_out(
    capsys: pytest.CaptureFixture[str], root: Path, name: str, words: tuple[str, ...]
) -> None:
    given = [word.format(name) for word in words]
    main(["-w", str(root), *given])
    plain = capsys.readouterr()
    assert not STEERING.search(plain.out + plain.err)
    main(["-w", str(root), *given, "--json"])
    told = capsys.readouterr()
    assert not STEERING.search(told.out + told.err)
    assert json.loads(told.out)["model"] == name


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_card_in_markdown_steers_no_terminal(capsys: pytest.CaptureFixture[str], root: Path, name: str) -> None:
    assert main(["-w", str(root), "card", name, "--markdown"]) == Exit.OK
    assert not STEERING.search(capsys.readouterr().out)


@pytest.mark.parametrize("words", [("fleet",), ("maturity",), ("reviews",), ("switches",), ("audit", "log"), ("incidents",)], ids=" ".join)
def test_lists_of_everything_are_harmless_too(capsys: pytest.CaptureFixture[str], root: Path, words: tuple[str, ...]) -> None:
    for more in ((), ("--json",)):
        main(["-w", str(root), *words, *more])
        told = capsys.readouterr()
        assert not STEERING.search(told.out + told.err)


def test_a_folder_with_a_hostile_name_is_told_harmlessly(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "w\x1b]0;title\x07\x9b31m"
    assert main(["init", str(folder)]) == Exit.OK
    assert main(["-w", str(folder), "workspaces"]) == Exit.OK
    assert main(["-w", str(folder), "config", "validate"]) == Exit.OK
    told = capsys.readouterr()
    assert not STEERING.search(told.out + told.err)


def test_a_script_is_given_the_exact_path_of_the_workspace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "w\x9b31m"
    main(["init", str(folder)])
    capsys.readouterr()
    main(["-w", str(folder), "config", "path"])
    assert capsys.readouterr().out == f"{folder}\n"


def test_a_stream_that_cannot_carry_a_name_is_given_json_that_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "caf\u00e9 \U0001f600"
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", errors="backslashreplace", write_through=True))
    assert main(["init", str(folder), "--json"]) == Exit.OK
    assert json.loads(written.getvalue())["path"] == str(folder)


def test_every_character_survives_in_json_that_is_made_harmless() -> None:
    for code in (*range(0x3000), *range(0xE000, 0x1_0000), *range(0xE_0000, 0xE_0200)):
        character = chr(code)
        assert json.loads(escaped_json(json.dumps(character, ensure_ascii=False))) == character
