"""`elevate` on real terminals: it counts on the one where it was typed, for the verbs that follow there, and nowhere else."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from acting_workspace import MODEL, Place
from pilots import console

from console.cli.main import main
from console.control import audit

QD = shlex.quote(str(Path(sys.executable).with_name("quarterdeck")))


def on_a_terminal(place: Place, script: str) -> str:
    """Run shell lines as one login on a terminal of its own; what they printed."""
    words = script.replace("qd ", f"{QD} -w {shlex.quote(str(place.root))} ")
    child, terminal = pty.fork()
    if child == 0:
        os.execve("/bin/sh", ["sh", "-c", words], {**os.environ, "QUARTERDECK_ACTOR": "ines@desk"})
    said = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        if not more:
            break
        said += more
    os.close(terminal)
    os.waitpid(child, 0)
    return said.decode(errors="replace")


@pytest.fixture
def approved(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A promotion that waits only for somebody who is elevated."""
    for who, words in (("ines", ["promote", f"{MODEL}@3", "--reason", "better"]), ("ilse", ["approve", "APR-1"])):
        monkeypatch.setenv("QUARTERDECK_ACTOR", f"{who}@desk")
        assert main(["-w", str(place.root), *words, "--confirm", MODEL]) == 0
    return place


PROMOTE = f"qd promote APR-1 --confirm {MODEL}"


def test_it_counts_for_the_verbs_that_follow_on_this_terminal_and_not_for_the_next_login(approved: Place) -> None:
    said = on_a_terminal(approved, f"{PROMOTE}; echo before=$?; qd elevate 15m --reason 'release night'; echo lifted=$?")
    assert "before=3" in said and "elevate first" in said
    assert "lifted=0" in said and "for 15 min" in said
    said = on_a_terminal(approved, f"qd elevate; echo other=$?; {PROMOTE}; echo after=$?")
    assert "other=1" in said and "after=3" in said
    assert approved.version == "2"
    out = approved.root / "out.txt"
    said = on_a_terminal(
        approved,
        f"qd elevate 15m --reason again; ({PROMOTE} </dev/null >{out} 2>&1); echo after=$?; "
        "qd elevate --off; echo off=$?; qd elevate; echo now=$?",
    )
    assert "after=0" in said, out.read_text()
    assert "off=0" in said and "now=1" in said
    assert approved.version == "3"
    begun = [entry for entry in audit.log(approved.paths, limit=None) if entry.kind == "elevation.begun"]
    assert [entry.body["reason"] for entry in begun] == ["again", "release night"]
    assert len({(entry.body["terminal"]["session"], entry.body["terminal"]["started"]) for entry in begun}) == 2


def test_without_a_terminal_nobody_is_elevated(place: Place) -> None:
    words = [str(Path(sys.executable).with_name("quarterdeck")), "-w", str(place.root), "elevate", "15m", "--reason", "x"]
    done = subprocess.run(words, capture_output=True, text=True, start_new_session=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 3 and "there is no terminal to be elevated on" in done.stderr
    assert not [entry for entry in audit.log(place.paths, limit=None) if entry.kind.startswith("elevation.")]


def test_the_answer_in_json_counts_what_is_left_by_the_clock_on_the_wall(place: Place) -> None:
    said = on_a_terminal(place, "qd elevate 10m --reason drill --json")
    answer = json.loads(said[said.index("{") :])
    assert answer["schema"] == "quarterdeck/elevation/1"
    assert answer["elevated"] and answer["reason"] == "drill" and answer["terminal"].startswith("pts/")
    assert 590 < answer["seconds_left"] <= 600


def test_words_that_make_no_sense_are_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-w", str(place.root), "elevate", "15m", "--off"]) == 2
    assert main(["-w", str(place.root), "elevate", "soon", "--reason", "x"]) == 2
    assert "'soon' is not a length of time; write it like 45s, 15m" in capsys.readouterr().err
    assert main(["-w", str(place.root), "elevate", "9" * 30, "--reason", "x"]) == 2
    assert "longer than any elevation" in capsys.readouterr().err
    assert "say why" in on_a_terminal(place, "qd elevate 5m")


def test_a_bare_number_is_minutes(place: Place) -> None:
    assert "for 15 min" in on_a_terminal(place, "qd elevate 15 --reason drill")


async def test_the_console_says_elevated_until_it_ends_and_not_a_moment_longer(place: Place) -> None:
    async with console(place) as screen:
        assert screen.app.run_words("elevate 15m", screen.app.screen) is None  # type: ignore[arg-type]
        await screen.shows("write how long and why")
        assert screen.app.run_words("elevate 3s drill", screen.app.screen) is None  # type: ignore[arg-type]
        await screen.shows("ELEVATED")
        await screen.until(lambda: "ELEVATED" not in screen.rows[0] and "read-only" in screen.rows[0], "its end in the banner")


async def test_the_console_ends_it_with_off_and_both_are_in_the_audit(place: Place) -> None:
    async with console(place) as screen:
        await screen.press("E", *"drill", "enter")
        await screen.shows("ELEVATED 15m")
        assert screen.app.run_words("elevate off", screen.app.screen) is None  # type: ignore[arg-type]
        await screen.until(lambda: "read-only" in screen.rows[0], "the banner without it")
    kinds = [entry.kind for entry in audit.log(place.paths, limit=None)]
    assert [kind for kind in kinds if kind.startswith("elevation.")] == ["elevation.ended", "elevation.begun"]


def test_a_console_on_a_terminal_that_was_elevated_before_says_so(place: Place) -> None:
    said = on_a_terminal(place, "stty rows 24 cols 80; qd elevate 15m --reason before; (sleep 12; kill -TERM $$) & exec qd ")
    assert "ELEVATED 15m" in said
