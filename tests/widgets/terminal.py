"""A terminal of our own for tests: a program in a pty, its bytes, and the screen that they draw."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """Runs a gallery screen at `width` x `height`; a context manager."""

    def __init__(self, name: str, width: int = 80, height: int = 24, *, sync: bool = False, **environment: str) -> None:
        self.bytes = bytearray()
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self._sync = sync
        inherited = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "COLORTERM", "COLUMNS", "LINES"}}
        given = {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **environment}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Set here, before the program can ask: a parent that is slow would be too late.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            os.chdir(ROOT)
            script = str(ROOT / "tests" / "widgets" / "gallery.py")
            os.execve(sys.executable, [sys.executable, script, name], {**inherited, **given})
        self.resize(width, height)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.resize(height, width)

    def press(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def read(self, seconds: float) -> bytes:
        """Whatever arrives within `seconds`; returns early when the program ended."""
        end = time.monotonic() + seconds
        got = bytearray()
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.fd], [], [], left)
            if not ready:
                break
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            got += data
            # pyte does not know these; they change nothing on the screen
            drawn = re.sub(rb"\x1b\[\?[0-9;]*\$p|\x1b\[[<>=][0-9;]*[a-z]", b"", data)
            self._stream.feed(drawn)
            if self._sync and b"\x1b[?2026$p" in data:
                os.write(self.fd, b"\x1b[?2026;2$y")
        self.bytes += got
        return bytes(got)

    def until(self, true: Callable[[], bool], seconds: float = 20) -> bytes:
        """Read until a state holds; fails with the screen when it never does."""
        end = time.monotonic() + seconds
        got = b""
        while not true():
            if time.monotonic() > end:
                raise AssertionError("never seen:\n" + self.text)
            got += self.read(0.05)
        return got

    def quiet(self, seconds: float = 0.3) -> bytes:
        """Read until nothing came for `seconds`."""
        got = b""
        while data := self.read(seconds):
            got += data
        return got

    def shows(self, text: str) -> bytes:
        return self.until(lambda: text in self.text)

    @property
    def lines(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
