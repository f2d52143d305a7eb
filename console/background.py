"""Work that nobody waits for gives way to what people do."""

from __future__ import annotations

import contextlib
import os
from typing import Final

NICE: Final = 10


def give_way() -> None:
    """Let whoever acts at a console have the processor first: for the process that calls it, from here on."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
