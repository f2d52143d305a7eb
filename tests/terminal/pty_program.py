"""A program in a pseudo-terminal: its bytes with the moment each arrived, and the screen that they draw.

Bytes are stamped when they are read and interpreted later, so that reading the picture costs no measured time.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pyte

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds after which a state that was waited for is called never seen: long, because the machine may be busy."""

_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[\?[0-9;]*\$p|\x1b\[[<>=][0-9;]*[a-z]|\x1b\]22;[a-z-]*(?:\x07|\x1b\\)|\x1b\[[0-9]*t")
_SET = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that one read returned, `at` seconds after the program was started."""

    at: float
    data: bytes


class PtyProgram:
    """Runs `command` in a terminal of `width` x `height`; a context manager that ends the program.

    `environment` is laid over a plain one; None takes a variable away. A terminal that says it knows synchronised output is the default.
    """

    def __init__(
        self,
        command: Sequence[str],
        width: int = 80,
        height: int = 24,
        *,
        environment: Mapping[str, str | None] | None = None,
        folder: Path = ROOT,
    ) -> None:
        dropped = {"NO_COLOR", "COLORTERM", "FORCE_COLOR", "PYTHONDONTWRITEBYTECODE", "COLUMNS", "LINES", "TEXTUAL", "TERM_PROGRAM"}
        variables: dict[str, str | None] = {name: value for name, value in os.environ.items() if name not in dropped}
        variables |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **(environment or {})}
        given = {name: value for name, value in variables.items() if value is not None}
        self.chunks: list[Chunk] = []
        self.screen = pyte.Screen(width, height)
        self.code: int | None = None
        self._stream = pyte.ByteStream(self.screen)
        self._drawn = 0
        self._rest = b""
        self._ended = False
        self._size = struct.pack("HHHH", height, width, 0, 0)
        # The size must stand before the program asks for it, so the pair is made and sized before the fork.
        self.fd, inner = pty.openpty()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, self._size)
        self.started = time.perf_counter()
        self.pid = os.fork()
        if self.pid == 0:
            os.login_tty(inner) if hasattr(os, "login_tty") else _login_tty(inner)
            os.chdir(folder)
            os.execvpe(command[0], list(command), given)
        os.close(inner)

    def __enter__(self) -> PtyProgram:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the program if it still runs and give the terminal back to the system."""
        if self.code is None and not self._gone():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    # what goes in

    def press(self, text: str) -> float:
        """Type; returns the moment, in seconds after the start."""
        moment = self.now()
        os.write(self.fd, text.encode())
        return moment

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size; the program is told by the system."""
        self._interpret()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.resize(height, width)

    # what comes out

    def now(self) -> float:
        """Seconds since the program was started."""
        return time.perf_counter() - self.started

    def read(self, seconds: float) -> bytes:
        """What arrives with the next read within `seconds`; empty when nothing does."""
        if self._ended or not select.select([self.fd], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            self._ended = True
            return b""
        self.chunks.append(Chunk(self.now(), data))
        if b"\x1b[?2026$p" in data:
            os.write(self.fd, b"\x1b[?2026;2$y")
        return data

    def during(self, seconds: float) -> bytes:
        """Everything that arrives in the next `seconds`, all of which pass unless the program ends."""
        end = self.now() + seconds
        got = b""
        while not self._ended and (left := end - self.now()) > 0:
            got += self.read(left)
        return got

    def quiet(self, seconds: float = 0.3) -> bytes:
        """Read until nothing came for `seconds`."""
        got = b""
        while data := self.read(seconds):
            got += data
        return got

    def until(self, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Read until a state holds; fails with the screen when it never does."""
        end = self.now() + patience
        while not holds():
            if self.now() > end or (self._ended and not holds()):
                raise AssertionError(f"never seen ({'ended' if self._ended else 'still running'}):\n{self.text}\n{self.output[-400:]!r}")
            self.read(0.05)

    def until_bytes(self, wanted: bytes, patience: float = PATIENCE) -> float:
        """The moment at which `wanted` had been written, in seconds after the start. Does not interpret."""
        looked = 0
        tail = b""
        end = self.now() + patience
        while True:
            for chunk in self.chunks[looked:]:
                tail = tail[-len(wanted) :] + chunk.data
                if wanted in tail:
                    return chunk.at
            looked = len(self.chunks)
            if self.now() > end or self._ended:
                raise AssertionError(f"{wanted!r} was never written:\n{self.text}")
            self.read(0.5)

    def shows(self, text: str, patience: float = PATIENCE) -> None:
        """Wait until `text` is on the screen."""
        self.until(lambda: text in self.text, patience)

    def ends(self, patience: float = PATIENCE) -> int:
        """Wait for the program to end; returns its exit code."""
        end = self.now() + patience
        while not self._gone():
            if self.now() > end:
                raise AssertionError(f"still running:\n{self.text}")
            self.read(0.05)
        self.quiet(0.05)
        assert self.code is not None
        return self.code

    @property
    def output(self) -> bytes:
        """Every byte so far."""
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def lines(self) -> list[str]:
        """The lines of the screen without trailing blanks."""
        self._interpret()
        return [row.rstrip() for row in self.screen.display]

    @property
    def text(self) -> str:
        """The screen as text."""
        return "\n".join(self.lines)

    @property
    def modes(self) -> dict[int, bool]:
        """Private modes that the program set or reset last: `{1049: True}` is the alternate screen."""
        found: dict[int, bool] = {}
        for numbers, verdict in _SET.findall(self.output):
            found |= {int(number): verdict == b"h" for number in numbers.split(b";")}
        return found

    def left_on(self) -> list[int]:
        """Modes that would disturb the shell after the program: alternate screen, mouse, paste, focus, hidden cursor (25)."""
        modes = self.modes
        disturbing = (1049, 1000, 1002, 1003, 1004, 1006, 1015, 2004, 2026)
        return [mode for mode in disturbing if modes.get(mode)] + ([25] if modes.get(25) is False else [])

    def _interpret(self) -> None:
        data = self._rest + b"".join(chunk.data for chunk in self.chunks[self._drawn :])
        self._drawn = len(self.chunks)
        cut = data.rfind(b"\x1b", max(0, len(data) - 12))
        whole = cut < 0 or re.match(rb"\x1b(?:\[[<>=?]?[0-9;]*[$]?[A-Za-z]|\][^\x07\x1b]*\x07|[^\[\]])", data[cut:])
        self._rest = b"" if whole else data[cut:]
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data if whole else data[:cut]))

    def _gone(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None


def _login_tty(descriptor: int) -> None:
    os.setsid()
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
    for number in (0, 1, 2):
        os.dup2(descriptor, number)
    if descriptor > 2:
        os.close(descriptor)
