"""What this machine is called, as a record can hold it: some have no name, and some one that is no text."""

from __future__ import annotations

import socket
from typing import Final

LONGEST: Final = 64
"""Characters: the longest that Linux has, and with a person before it still a name."""

NAMELESS: Final = "localhost"


def host_name() -> str:
    """The whole name; bytes that are no UTF-8 are written out."""
    return socket.gethostname().encode("utf-8", "backslashreplace").decode()[:LONGEST] or NAMELESS


def short_host_name() -> str:
    """The name up to its first dot."""
    return host_name().split(".")[0] or NAMELESS
