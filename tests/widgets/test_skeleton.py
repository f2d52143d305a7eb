"""The first bytes of the console come before any terminal library."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pyte
import pytest
from terminal import ROOT

from backends.text import Untrusted
from widgets import skeleton
from widgets.skeleton import draw, erase


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_draws_line_1_line_2_and_the_last():
    screen = pyte.Screen(80, 24)
    pyte.Stream(screen).feed(skeleton.skeleton(80, 24, banner="PROD demo"))
    rows = [row.rstrip() for row in screen.display]
    assert rows[0] == " PROD demo" and rows[1] == "Fleet  reading ..." and rows[23] == "q quit"
    assert [row for row in rows[2:23] if row] == []
    assert screen.buffer[0][79].reverse, "the banner reaches the edge"


def test_a_name_from_an_enemy_is_marks_in_it_too():
    assert "\x1b]0" not in skeleton.skeleton(80, 24, banner=Untrusted("\x1b]0;x\x07"), heading="\x9b2J")


@pytest.mark.parametrize(("width", "height"), [(79, 24), (80, 23)])
def test_a_terminal_that_is_too_small_gets_none(width, height):
    assert skeleton.skeleton(width, height) == ""


def test_what_is_no_terminal_gets_nothing():
    stream = io.StringIO()
    assert not draw(stream, {"TERM": "xterm"})
    assert not draw(Tty(), {"TERM": "dumb"})
    assert not draw(Tty(), {})
    assert stream.getvalue() == ""


def test_a_start_that_failed_gives_the_terminal_back():
    stream = Tty()
    erase(stream)
    assert stream.getvalue() == "\x1b[?1049l\x1b[?25h"


def test_it_loads_nothing_heavy_and_writes_to_a_terminal():
    code = (
        "import sys, os; from widgets.skeleton import draw; drawn = draw(sys.stdout, os.environ);"
        "heavy = {'textual', 'rich', 'pydantic', 'plotext', 'numpy', 'duckdb'} & set(sys.modules);"
        "sys.exit(0 if drawn and not heavy else 1)"
    )
    leader, follower = pty.openpty()
    os.set_blocking(leader, True)
    import fcntl
    import struct
    import termios

    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=follower, env=environment)
    os.close(follower)
    data = b""
    while b"q quit" not in data:
        data += os.read(leader, 4096)
    assert process.wait(20) == 0
    os.close(leader)


def test_charts_and_lines_do_not_load_textual():
    code = "import sys, widgets.line, widgets.chart, widgets.dialog, widgets.wrapping; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode == 0
