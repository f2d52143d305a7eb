"""Names and messages from outside that are made of terminal commands: what reaches the terminal is ours, byte by byte."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from opened_console import Console, evaluate
from views_workspace import DAY, START, made

from backends.local.acting import LocalAliasSetter
from backends.records import Event, Model, ModelVersion
from backends.store.compactor import compact
from backends.store.landing import land, land_records
from backends.text import Untrusted

NAME = "\x1b]52;c;cm0=\x07\x1b[31m[red]x[/]\u202e\x9b2J"
"""Copies to the clipboard, colours, markup, right-to-left, clears the screen by a C1 code."""

MESSAGE = "\x1b]0;owned\x07\x1b[?1049l\x1b[2J deploy\nsecond\u2066 [link=https://evil.example]x[/link]"

OURS = re.compile(
    rb"\x1b\[[0-9;]*[mHJKMLr]"  # style, place, erase, move lines
    rb"|\x1b\[\?(?:25|1000|1003|1004|1006|1015|1049|2004|2026|2048|7)[hl]"  # modes
    rb"|\x1b\]22;[a-z-]*\x07"  # shape of the mouse pointer
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[[<>=]\d*u"  # questions to the terminal
)


def foreign(data: bytes) -> list[str]:
    """Control sequences and codes that the program has no reason to write."""
    return re.findall(r"\x1b.{0,8}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", OURS.sub(b"", data).decode())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which a model, its version, an input, an event and its actor have such names."""
    at = START + 30 * DAY
    place = made(tmp_path_factory.mktemp("hostile") / "w", at)
    paths = place.workspace.paths
    facts = {"event_at": START, "known_at": START}
    event_at = at - timedelta(hours=30)
    land_records(
        paths,
        [
            Model(name=NAME, task="binary", owner=NAME, description=Untrusted(MESSAGE), **facts),
            ModelVersion(model=NAME, version=NAME[:30], **facts),
            Event(name=NAME, model=NAME, topic="deploy", message=Untrusted(MESSAGE), actor=NAME, event_at=event_at, known_at=event_at),
        ],
        now=at,
    )
    LocalAliasSetter(paths.registry).set_alias(
        "production", NAME, "production", NAME[:30], expected=None, key="hostile", actor=NAME, now=START
    )
    moments = [START + number * DAY / 20 for number in range(600)]
    columns = {"event_at": moments, "model": [NAME] * 600, "version": [NAME[:30]] * 600, "key": [str(n) for n in range(600)]}
    land(
        paths,
        "predictions",
        {**columns, "score": [n % 10 / 10 for n in range(600)], "[red]in\x1b[2Jput": [n % 7 for n in range(600)]},
        now=at,
    )
    compact(paths, at)
    evaluate(place.root)
    return place.root


def test_fleet_model_changes_and_help_draw_hostile_names_as_marks(hostile: Path, console: Console) -> None:
    program = console(root=hostile, width=120, height=40)
    program.shows("qd fleet")
    program.until(lambda: any("␛]52" in row for row in program.lines))

    def under_cursor() -> str:
        return next((row for row in program.lines if row.startswith(">")), "")

    program.until(lambda: under_cursor() != "")
    for _ in range(2):
        before = under_cursor()
        if "\u241b" in before:
            break
        program.press("j")
        program.until(lambda seen=before: under_cursor() not in {"", seen})  # type: ignore[misc]
    assert "\u241b" in under_cursor()
    program.press("\r")
    program.until(lambda: "qd model" in program.lines[38])
    assert "␛]52" in program.text
    program.press("w")
    program.until(lambda: "qd changes" in program.lines[38] and "deploy" in program.text)
    program.press("?")
    program.shows("qd --help")
    program.press("q")
    program.until(lambda: "qd changes" in program.lines[38])
    program.quiet()
    assert foreign(program.output) == []
    assert program.modes[1049], "nothing from outside has left the alternate screen"


def test_a_hostile_name_that_was_typed_is_marks_too(console: Console) -> None:
    program = console()
    program.shows("qd fleet")
    program.press("\x1b[200~:model \x9b2J\u202e[red]\x1b[201~")
    program.press(":")
    program.until(lambda: program.lines[22].startswith(":"))
    program.press("\x1b[200~nonsense \x9b2J\u202e[red]x[/]\x1b[201~\r")
    program.shows("no command")
    assert foreign(program.output) == []
