"""Heads of the chain outside the workspace: where whoever can rewrite the journal and its mirrored head may not reach.

A file that only grows, one line `seq hash time` for each append (on another disk, another machine's share, write-once storage), and
the system's log. Neither may hold up an action: what cannot be written is said, and verification shows what is missing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backends.journal.entries import moment_text
from backends.journal.head import Head
from backends.plain_file import require_regular, why_unread

NAME: Final = "quarterdeck-audit"
AUTHPRIV_NOTICE: Final = 10 * 8 + 5
"""Facility and severity of RFC 5424, section 6.2.1: private messages about authority, a normal but significant condition."""

SYSLOG_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class OutsideHeads:
    """Where heads are told besides the workspace; `log` is the path of a syslog socket, or `HOST:PORT` for UDP."""

    file: Path | None = None
    log: str | None = None

    def tell(self, head: Head) -> list[str]:
        """Tell them of `head`; returns what went wrong, one line for each place."""
        problems = []
        if self.file is not None:
            try:
                _appended(self.file, f"{head.seq} {head.hash} {moment_text(head.at) if head.at else '-'}\n")
            except OSError as error:
                problems.append(f"{self.file} could not be written: {error.strerror or error}")
        if self.log is not None:
            try:
                _logged(self.log, f"<{AUTHPRIV_NOTICE}>{NAME}: head {head.seq} {head.hash}")
            except (OSError, ValueError) as error:
                problems.append(f"{self.log} could not be reached: {why_unread(error)}")
        return problems


def heads_in(file: Path) -> Mapping[int, str]:
    """Number and hash of each head in the file, the first of each number. Raises OSError, or ValueError with the line."""
    found: dict[int, str] = {}
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as lines:
        require_regular(file, os.fstat(descriptor))
        for number, line in enumerate(lines, start=1):
            parts = line.split()
            if len(parts) != 3 or not (parts[0].isascii() and parts[0].isdigit()) or len(parts[1]) != 64:
                if not line.endswith("\n"):
                    # The last line may be half written by a crash; whatever it would have said, the next one says more.
                    continue
                raise ValueError(f"line {number} is no head of a chain")
            found.setdefault(int(parts[0]), parts[1])
    return found


def _appended(file: Path, line: str) -> None:
    # Without waiting: a named pipe that nobody reads would otherwise hold up every action.
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o660)
    try:
        require_regular(file, os.fstat(descriptor))
        # One write in append mode: lines of several processes do not mix.
        os.write(descriptor, line.encode("ascii"))
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _logged(address: str, message: str) -> None:
    host, _, port = address.rpartition(":")
    local = address.startswith("/")
    with socket.socket(socket.AF_UNIX if local else socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(SYSLOG_SECONDS)
        channel.connect(address if local else (host, int(port)))
        channel.send(message.encode("ascii"))
