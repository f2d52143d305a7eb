"""The console as a terminal sees it: silent when idle, clean when left, modest where the terminal is."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from opened_console import PROGRAM, Console
from pty_program import ROOT, PtyProgram

STYLE = re.compile(rb"\x1b\[([0-9;]*)m")
ATTRIBUTES = {0, 1, 2, 4, 7, 22, 24, 27, 39, 49}
SIXTEEN = {*range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)}


def ready(program: PtyProgram) -> PtyProgram:
    """Fleet is on the screen, read again from control, and nothing more comes."""
    program.shows("qd fleet")
    program.shows("delay")
    program.quiet(0.5)
    return program


def styles(data: bytes) -> set[int]:
    """Every number in a style sequence."""
    return {int(part) for code in STYLE.findall(data) for part in code.split(b";") if part}


def test_an_idle_fleet_writes_nothing_over_several_looks_at_the_disk(console: Console) -> None:
    program = ready(console())
    assert program.during(3.5) == b""


def test_a_change_on_disk_is_seen_and_then_it_is_silent_again(console: Console, workspace: Path, tmp_path: Path) -> None:
    root = tmp_path / "killed"
    shutil.copytree(workspace, root)
    program = ready(console(root=root))
    kill = [*PROGRAM, "-w", str(root), "kill", "delay", "--reason", "drill", "--confirm", "delay", "--elevate"]
    subprocess.run(kill, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    program.shows("OVERRIDE delay fallback")
    program.until(lambda: "fallback  -" in program.lines[3])
    program.quiet(1.5)
    assert program.during(2.5) == b""


def test_the_cursor_and_what_is_said_of_its_row_reach_the_terminal_in_one_frame(console: Console) -> None:
    program = ready(console())
    program.press("\r")
    program.shows("qd model")
    program.quiet(0.5)
    frames = []
    for key in "jjjkkjjj":
        before = len(program.output)
        program.press(key)
        program.quiet(0.3)
        frames.append(program.output[before:].count(b"\x1b[?2026h"))
    assert frames.count(1) > len(frames) / 2, "a machine that is busy may part one of them"


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_leaving_gives_the_terminal_back(console: Console, key: str) -> None:
    program = ready(console())
    assert program.modes[1049] and program.modes[25] is False
    program.press(key)
    assert program.ends() == 0
    assert program.left_on() == []
    assert program.output.rfind(b"\x1b[?1049l") > program.output.rfind(b"\x1b[?1049h")


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGHUP])
def test_ended_from_outside_it_gives_the_terminal_back_too(console: Console, workspace: Path, asked: signal.Signals) -> None:
    program = ready(console())
    os.kill(program.pid, asked)
    assert program.ends() == 130
    assert program.left_on() == []
    assert not list((workspace / "crash").glob("*")), "that is no fault"


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_draws_all_of_it_again(console: Console) -> None:
    program = ready(console())
    program.quiet()
    before = list(program.lines)
    program.press("\x1a")
    program.until(lambda: os.WIFSTOPPED(os.waitpid(program.pid, os.WUNTRACED | os.WNOHANG)[1]))
    program.quiet()
    assert program.left_on() == [], "the shell has its own screen, cursor and mouse"
    program.screen.reset()
    os.kill(program.pid, signal.SIGCONT)
    program.until(lambda: program.lines == before)
    assert program.modes[1049] and program.modes[25] is False
    program.press("?")
    program.shows("Help")
    program.press("q")
    program.shows("qd fleet")
    program.press("q")
    assert program.ends() == 0
    assert program.left_on() == []


def test_ctrl_c_leaves_a_prompt_first(console: Console) -> None:
    program = ready(console())
    program.press(":")
    program.until(lambda: program.lines[22].startswith(":"))
    program.press("\x03")
    program.shows("qd fleet")
    program.press("\x03")
    assert program.ends() == 0


def test_ctrl_q_does_nothing_and_ctrl_p_opens_the_command_bar(console: Console) -> None:
    program = ready(console())
    program.press("\x11")
    program.press("\x10")
    program.until(lambda: program.lines[22].startswith(":"))
    program.press("explain psi\r")
    program.shows("qd explain psi")
    program.press("q")
    program.shows("qd fleet")


FAULT = """
import sys
sys.argv[0] = "quarterdeck"
from console.screens.fleet import FleetScreen
def broken(self, view, width, height):
    password = "swordfish"
    raise RuntimeError("no answer from https://mara:hunter2@db.example/x, token=s3cr3t\\n\\x1b]0;owned\\x07second line")
FleetScreen.page = broken
from console.cli.main import entry
entry()
"""


def test_a_fault_prints_one_line_restores_the_terminal_and_leaves_a_report_without_secrets(console: Console, workspace: Path) -> None:
    program = console(code=FAULT)
    assert program.ends() == 70
    assert program.left_on() == []
    said = program.output[program.output.rfind(b"\x1b[") :].decode()
    said = re.sub(r"^\x1b\[[^a-z]*[a-z]", "", said)
    assert said.count("\n") == 1 and said.startswith("quarterdeck: stopped by a fault of its own: RuntimeError: no answer")
    assert b"Traceback" not in program.output and "\x1b" not in said and "\x07" not in said
    (report,) = (workspace / "crash").glob("*.txt")
    assert str(report) in said
    assert report.stat().st_mode & 0o077 == 0
    for text in (said, report.read_text(encoding="utf-8")):
        assert not [secret for secret in ("hunter2", "s3cr3t", "swordfish") if secret in text]
    assert "in broken" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_a_terminal_that_cannot_show_it_gets_one_line_and_no_sequence(console: Console, term: str | None) -> None:
    program = console(TERM=term)
    assert program.ends() == 2
    assert b"\x1b" not in program.output
    assert program.output.count(b"\n") == 1 and b"quarterdeck fleet" in program.output


def test_without_a_terminal_it_says_what_works(workspace: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "-w", str(workspace)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and b"quarterdeck fleet" in done.stderr


def test_a_tiny_terminal_gets_the_needed_size_and_only_q_does_anything(console: Console) -> None:
    program = console(width=20, height=5)
    program.shows("needs 80x24, q quits")
    program.quiet(0.5)
    assert [row for row in program.lines if row] == ["needs 80x24, q quits"]
    for key in ("j", "d", "K", ":", "\x10", "\r", "?"):
        program.press(key)
    assert program.during(0.7) == b""
    program.press("q")
    assert program.ends() == 0
    assert program.left_on() == []


def test_a_terminal_that_grows_shows_the_screen_and_the_cursor_where_it_was(console: Console) -> None:
    program = console(width=79, height=24)
    program.shows("needs 80x24, has 79x24; q leaves; or: qd fleet")
    program.press("j?")
    program.resize(80, 24)
    program.until(lambda: program.lines[3].startswith(">") and "delay" in program.lines[3])
    assert "qd fleet" in program.text


def test_a_size_that_a_shell_exported_is_not_believed(console: Console) -> None:
    program = ready(console(width=120, height=40, COLUMNS="60", LINES="20"))
    assert len(program.lines) == 40 and program.lines[38].endswith("qd fleet")
    program.resize(80, 24)
    program.until(lambda: program.lines[22].endswith("qd fleet"))


def test_without_colour_only_attributes_are_written(console: Console) -> None:
    program = ready(console(NO_COLOR="1"))
    for key, verb in (("\r", "qd model delay"), ("q", "qd fleet"), ("?", "qd --help")):
        program.press(key)
        program.shows(verb)
    assert styles(program.output) <= ATTRIBUTES
    assert 7 in styles(program.output), "the banner is reversed"


def test_sixteen_colours_are_enough(console: Console) -> None:
    program = ready(console(TERM="xterm"))
    program.press("\r")
    program.shows("qd model delay")
    assert styles(program.output) <= ATTRIBUTES | SIXTEEN
    assert styles(program.output) & SIXTEEN


@pytest.mark.parametrize("line", ["sources", "jobs"], ids=["a screen", "letters that are keys of the rows"])
def test_a_line_that_arrives_at_once_is_a_line_of_the_command_bar(console: Console, line: str) -> None:
    """A slow connection sends what was typed in one piece; none of it may be taken for a key of the screen."""
    program = console()
    program.shows("qd fleet")
    program.until(lambda: any(row.startswith(">") for row in program.lines))
    program.press(f":{line}\r")
    program.shows("qd sources" if line == "sources" else "no command 'jobs'")
    program.press("\x1b" if line == "jobs" else "q")
    program.until(lambda: "qd fleet" in program.text)


def test_a_filter_that_arrives_at_once_is_typed_whole(console: Console) -> None:
    program = console()
    program.shows("qd fleet")
    program.press("/jog")
    program.until(lambda: any(row.startswith("/jog") for row in program.lines))
