"""The second pane of a wide terminal: what the row under the cursor leads to, before anybody goes there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from widgets.line import Line, Page, Row, Span, line
from widgets.page import PageView

WIDE_FROM: Final = 200
"""Cells of a terminal that has room for both."""

WIDTH: Final = 80
"""Cells of the pane: what every page is made for. At 200 cells a list keeps 120, which is the next width that pages know."""

_RULE: Final = Span("|", "dim")


class Glance(PageView, can_focus=False):
    """Shows the beginning of another page, its heading first. It takes no key, and line 23 stays with the list."""

    DEFAULT_CSS = f"Glance {{ width: {WIDTH}; display: none; }}"

    def tell_cursor(self) -> None:
        """Nothing to tell."""

    def glance_at(self, page: Page) -> None:
        """Show as much of a page as there is room for; what is left over is said to be there."""
        height = self.size.height
        lines = [page.heading, Line(), *(row.line for row in page.rows)]
        if len(lines) > height:
            left = len(lines) - height + 1
            lines = [*lines[: height - 1], line((f" ... {left} more lines: Enter", "dim"))]
        self._put(lines)

    def reads(self, key: str) -> None:
        """Say in the place of the heading that another page is being read; what is below it belongs to the one before."""
        said = Row(_ruled(line(("reading ", "dim"), (key, "bold"), (" ...", "dim"))).fitted(WIDTH))
        self.show_rows((said, *self.rows[1:]), mark_changes=False, take_order=True)

    def say(self, text: str) -> None:
        """Show one line of words in the place of a page."""
        self._put([line((text, "dim"))])

    def _put(self, lines: list[Line]) -> None:
        lines += [Line()] * (self.size.height - len(lines))
        rows = tuple(Row(_ruled(each).fitted(WIDTH)) for each in lines)
        self.show(Page(Line(), rows, ""), mark_changes=False, take_order=True)


def _ruled(each: Line) -> Line:
    """A line behind the rule, which takes the room of a space: the first one, or one between two columns."""
    spans = list(each.spans)
    for place, span in enumerate(spans):
        gap = 0 if place == 0 and span.text.startswith(" ") else span.text.find("  ")
        if gap >= 0:
            spans[place] = replace(span, text=span.text[:gap] + span.text[gap + 1 :])
            break
    return Line((_RULE, *spans))


class WithGlance(Horizontal):
    """A list and a glance beside it."""

    DEFAULT_CSS = "WithGlance { height: 1fr; } WithGlance > Vertical { width: 1fr; height: 1fr; }"

    def __init__(self, content: Iterable[Widget], glance: Glance) -> None:
        super().__init__(Vertical(*content), glance)
