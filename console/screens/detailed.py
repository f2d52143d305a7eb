"""A list with what is under its cursor spelt out below it, in a part of the screen that does not scroll away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.widget import Widget

from console.screens.base import DeckScreen
from widgets.line import Line, Page, Row
from widgets.page import PageView
from widgets.rows import Moved

LEAST_LIST = 9
"""Lines that the list keeps, however much there is to say of one row."""


class Detail(PageView):
    """Text below a list: it takes no focus, and what line 23 says stays with the list."""

    can_focus = False

    def tell_cursor(self) -> None:
        """Nothing to tell."""


class DetailedScreen(DeckScreen):
    """A subclass also says what is written below the list."""

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self.detail = Detail()
        self._most = (0, 0)
        """The height of the screen, and the most lines of detail that were needed in it."""

    def detail_of(self, view: Any, key: str | None, width: int) -> Sequence[Line]:
        """Lines about the row `key`."""
        raise NotImplementedError

    def compose_content(self) -> Iterable[Widget]:
        yield self.content
        yield self.detail

    def draw(self) -> None:
        super().draw()
        self._draw_detail()

    def on_rows_moved(self, message: Moved) -> None:
        # Textual has told the base class already, which wrote line 23.
        if message.view is self.content:
            self._draw_detail()

    def _draw_detail(self) -> None:
        if self.view is None or self.size.width == 0 or self.too_small:
            return
        # What the second pane spells out is not said a second time below.
        beside = self.list_width < self.size.width and self.leads_to(self.content.cursor_key or "") is not None
        lines = [] if beside else self.detail_of(self.view, self.content.cursor_key, self.list_width)
        room = self.content_height - min(max(self.content.total, 1), LEAST_LIST)
        height = min(len(lines), max(3, room))
        if lines:
            # A list that grew and shrank with what is said of its rows would move under the cursor.
            height = max(height, self._most[1]) if self._most[0] == self.size.height else height
            self._most = (self.size.height, height)
        self.detail.display = height > 0
        self.detail.styles.height = height
        self.detail.show(Page(Line(), tuple(Row(each) for each in lines), ""), mark_changes=False, take_order=True)
