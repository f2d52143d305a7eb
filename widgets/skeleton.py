"""The frame before there is a terminal library: written with plain escapes within milliseconds of the start.

Imports nothing heavy, and must stay so: it runs before Textual is loaded. It opens the alternate screen, which Textual then
takes over; a start that fails in between must call `erase`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, TextIO

from backends.text import Untrusted, cell_width, displayable

NEEDED: Final = (80, 24)
ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[2J"
LEAVE: Final = "\x1b[?1049l\x1b[?25h"


def skeleton(
    width: int, height: int, *, banner: str | Untrusted = "Quarterdeck", heading: str | Untrusted = "Fleet", keys: str = "q quit"
) -> str:
    """The bytes of an empty frame: lines 1, 2 and the last, nothing between. Empty below 80x24."""
    if width < NEEDED[0] or height < NEEDED[1]:
        return ""
    first = _fitted(f" {displayable(banner)}", width)
    second = _fitted(f"{displayable(heading)}  reading ...", width).rstrip()
    last = _fitted(displayable(keys), width).rstrip()
    return f"{ENTER}\x1b[1;1H\x1b[7m{first}\x1b[0m\x1b[2;1H{second}\x1b[{height};1H{last}"


def draw(
    stream: TextIO,
    environment: Mapping[str, str],
    *,
    banner: str | Untrusted = "Quarterdeck",
    heading: str | Untrusted = "Fleet",
) -> bool:
    """Write the skeleton if `stream` is a terminal that can show it. True: the alternate screen is open."""
    if not stream.isatty() or environment.get("TERM", "dumb") in {"dumb", ""}:
        return False
    try:
        width, height = os.get_terminal_size(stream.fileno())
    except OSError:
        return False
    text = skeleton(width, height, banner=banner, heading=heading)
    if text:
        stream.write(text)
        stream.flush()
    return bool(text)


def erase(stream: TextIO) -> None:
    """Give the terminal back, when the console did not start after all."""
    stream.write(LEAVE)
    stream.flush()


def _fitted(text: str, width: int) -> str:
    kept = ""
    room = width
    for character in text:
        room -= cell_width(character)
        if room < 0:
            break
        kept += character
    return kept + " " * (width - cell_width(kept))
