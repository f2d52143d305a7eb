"""Which terminal a process belongs to: not by its name alone, which the next login may get, but by the login that is on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from backends.host import host_name
from backends.records import Name
from console.control.actions import Frozen
from console.control.holders import process_started

_PTS: Final = 136
"""The first of eight major numbers of pseudo-terminals."""


class Terminal(Frozen):
    """One login on one terminal, or, without a terminal, one process."""

    host: Name
    name: str
    """`pts/3`; empty for a process without a terminal."""
    device: int
    session: int
    """The process that leads the login: a new login on the same terminal has another one."""
    started: str
    """When that process began; empty where the system does not say."""

    @property
    def id(self) -> str:
        """Tells this login from every other one."""
        return f"{self.host} {self.device} {self.session} {self.started}"

    @property
    def said(self) -> str:
        """`pts/3`, as people know it."""
        return self.name or f"process {self.session}"


def this_terminal() -> Terminal | None:
    """The terminal that controls this process, wherever its input and output go; None without one."""
    leader = os.getsid(0)
    found = _open_terminal() or _terminal_of_process()
    if found is None:
        return None
    name, device = found
    return Terminal(host=host_name(), name=name, device=device, session=leader, started=process_started(leader))


def this_process() -> Terminal:
    """What stands for the terminal of a process that has none: nobody else shares it, and it ends with the process."""
    return Terminal(host=host_name(), name="", device=0, session=os.getpid(), started=process_started(os.getpid()))


def _open_terminal() -> tuple[str, int] | None:
    """Name and device of the terminal of this login that input, output or errors go to."""
    for descriptor in (0, 1, 2):
        try:
            # Answers only for the terminal that controls this process.
            os.tcgetpgrp(descriptor)
            return os.ttyname(descriptor).removeprefix("/dev/"), os.fstat(descriptor).st_rdev
        except OSError:
            continue
    return None


def _terminal_of_process() -> tuple[str, int] | None:
    """The same from what Linux says of this process, when everything is redirected."""
    try:
        # Field 7 of /proc/PID/stat: the minor number in bits 0 to 7 and 20 to 31, the major one in between.
        number = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[4])
    except (OSError, ValueError, IndexError):
        return None
    if number == 0:
        return None
    major, minor = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
    name = f"pts/{(major - _PTS) * 256 + minor}" if _PTS <= major < _PTS + 8 else f"tty {major}:{minor}"
    return name, os.makedev(major, minor)
