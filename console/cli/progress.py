"""A progress bar on stderr, drawn only where somebody watches: on a terminal."""

from __future__ import annotations

import sys
from typing import Final

from backends.text import shortened

CELLS: Final = 24
WIDTH: Final = 78


class Bar:
    """One bar for one piece of long work. Writes nothing when stderr is no terminal; a redraw costs a write only when it changed."""

    def __init__(self, what: str) -> None:
        self.what = shortened(what, WIDTH - CELLS - 10)
        self._drawn = ""
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total`, in any unit."""
        if not self._terminal:
            return
        share = min(1.0, done / total) if total > 0 else 1.0
        filled = int(CELLS * share)
        text = f"[{'#' * filled}{'.' * (CELLS - filled)}] {int(share * 100):3} % {self.what}"
        if text != self._drawn:
            self._drawn = text
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the bar away, so that what is said next stands alone."""
        if self._drawn:
            self._drawn = ""
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
