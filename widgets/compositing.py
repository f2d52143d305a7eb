"""What a change costs on the line: the cells that a widget asked to be drawn, and no cell beside them.

Textual sends a changed line from the left edge of its widget on, fills blanks up to the edge and ends it with a new line. Over a slow
link these are most of the bytes of a key, so the last step, from strips to what is written, is made here.
"""

from __future__ import annotations

from typing import Any

from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor

ERASE_LINE_END = "\x1b[K"
WORTH_ERASING = 4
"""Blanks at the right edge of the terminal from which on erasing them is shorter."""


class ChangedCells(ChopsUpdate):
    """An update that writes the cells `[x1, x2)` of every span, and only those."""

    def render_segments(self, console: Any) -> str:
        """Escape sequences and text: every run is placed absolutely, so that no run depends on where the one before ended.

        `console` is Rich's: the module that defines it reads markup and is imported nowhere.
        """
        written: list[str] = []
        for y, x1, x2 in self.spans:
            edge = self.chop_ends[y][-1]
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=True):
                start, stop = max(x, x1), min(end, x2)
                if strip is None or start >= stop:
                    continue
                text = strip.crop(start - x, stop - x).render(console)
                kept = text.rstrip(" ")
                if stop == edge and len(text) - len(kept) >= WORTH_ERASING:
                    text = kept + ERASE_LINE_END
                written.append(Control.move_to(start, y).segment.text + text)
        return "".join(written)


class FrugalCompositor(Compositor):
    """Textual's compositor with updates that write what changed."""

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        return None if update is None else ChangedCells(update.chops, update.spans, update.chop_ends)
