"""A page under a cursor: the content of every screen that is not a long table."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.strip import Strip

from widgets.line import Page, Row
from widgets.rows import RowView
from widgets.strips import changed_cells, emphasised, strip_of
from widgets.theme import BOLD


@dataclass(frozen=True, slots=True)
class Arranged:
    """Rows in the order in which they are shown, and whether their source now has another order."""

    rows: tuple[Row, ...]
    better_order: bool


def held_order(before: Sequence[Row], after: Sequence[Row]) -> Arranged:
    """Keep rows where they were when only their order changed: what is under the cursor must not move.

    Applies when both have the same keys, each once, at the same places among lines without a key; anything else is a
    different list and is taken as it comes.
    """
    order = [row.key for row in before if row.key is not None]
    incoming = {row.key: row for row in after if row.key is not None}
    same_shape = [row.key is None for row in before] == [row.key is None for row in after]
    if not same_shape or len(set(order)) != len(order) or set(order) != set(incoming):
        return Arranged(tuple(after), False)
    placed = iter(order)
    arranged = tuple(row if row.key is None else incoming[next(placed)] for row in after)
    return Arranged(arranged, arranged != tuple(after))


class PageView(RowView):
    """Shows a `Page`. Setting an equal page again draws nothing; a different one draws the lines that differ."""

    def __init__(self, page: Page | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._stops: list[int] = []
        self._changed: dict[int, tuple[tuple[int, int], ...]] = {}
        self._better_order = False
        if page is not None:
            self._rows = page.rows
            self._index_stops()
            self._cursor = self.stop_from(0, 1)

    @property
    def better_order(self) -> bool:
        """True while rows are held in an older order than their source's: line 2 says `*sort`."""
        return self._better_order

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows as they are shown."""
        return self._rows

    def show(self, page: Page, *, mark_changes: bool = True, take_order: bool = False) -> None:
        """Show another state of the same page. The cursor stays on its key, at its line if possible.

        `mark_changes`: words that differ are bold until the next call; False where the change is the user's own doing.
        `take_order`: rows may move (the user asked, or the screen is new).
        """
        self.show_rows(page.rows, mark_changes=mark_changes, take_order=take_order)

    def show_rows(self, rows: Iterable[Row], *, mark_changes: bool = True, take_order: bool = False) -> None:
        """`show` for rows that are not a whole page."""
        before = self._rows
        after = tuple(rows)
        arranged = Arranged(after, False) if take_order or not before else held_order(before, after)
        self._better_order = arranged.better_order
        if arranged.rows == before and not self._changed:
            return
        row = self.cursor_row
        place = None if self._cursor is None else self._cursor - self._top
        picture, top = self.picture(), self._top
        at_beginning = top == 0 and (self._cursor is None or self._cursor == self.stop_from(0, 1))
        self._rows = arranged.rows
        self._index_stops()
        self._changed = self._differences(before) if mark_changes and before else {}
        # Who reads a page from its beginning must see what comes in there: the cursor's row moves down, and stays under the cursor.
        self._follow(row.key if row else None, None if at_beginning else place)
        if not before:
            # A page is read from its beginning; the cursor waits below where its first row does not fit.
            self._top = 0
        self.redraw_since(picture, top)
        now = self.cursor_row
        if row is None or now is None or (row.key, row.why, row.state) != (now.key, now.why, now.state):
            self.tell_cursor()

    def put_cursor_on(self, key: str) -> bool:
        """Put the cursor on the row `key`; False when there is none."""
        index = self._index_of(key)
        if index is None:
            return False
        self.move_cursor(index)
        return True

    # what RowView asks

    @property
    def total(self) -> int:
        return len(self._rows)

    def row_at(self, index: int) -> Row | None:
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def stop_from(self, index: int, direction: int) -> int | None:
        place = bisect_left(self._stops, index) if direction > 0 else bisect_right(self._stops, index) - 1
        return self._stops[place] if 0 <= place < len(self._stops) else None

    def row_strip(self, index: int, width: int) -> Strip:
        strip = strip_of(self._rows[index].line.cut(width), width, colour=self.colour)
        return emphasised(strip, self.emphasis_of(index), BOLD)

    def emphasis_of(self, index: int) -> tuple[tuple[int, int], ...]:
        return self._changed.get(index, ())

    def action_problem(self, direction: int) -> None:
        here = -1 if self._cursor is None else self._cursor
        troubled = [index for index in self._stops if self._rows[index].state not in {"", "ok"}]
        if direction > 0:
            ahead = [index for index in troubled if index > here] or troubled
            goal = ahead[0] if ahead else None
        else:
            behind = [index for index in troubled if index < here] or troubled
            goal = behind[-1] if behind else None
        if goal is not None:
            self.move_cursor(goal)

    def on_mount(self) -> None:
        if self._rows:
            self.tell_cursor()

    # keeping place

    def _index_stops(self) -> None:
        self._stops = [index for index, row in enumerate(self._rows) if row.key is not None]

    def _index_of(self, key: str | None) -> int | None:
        return next((index for index in self._stops if self._rows[index].key == key), None)

    def _follow(self, key: str | None, place: int | None) -> None:
        """Put the cursor back on `key`, at line `place` of the window; when the row is gone, on the one that took its place."""
        index = self._index_of(key) if key is not None else None
        if index is None:
            near = 0 if self._cursor is None else self._cursor
            index = self.stop_from(near, 1)
            index = self.stop_from(near, -1) if index is None else index
        elif place is not None:
            self._top = index - place
        self._cursor = index
        self._top = self._clamped(self._top)
        if index is not None and not self._top <= index < self._top + self.window_height:
            self._top = self._clamped(index - self.window_height + 1 if index >= self._top else index)

    def _differences(self, before: Sequence[Row]) -> dict[int, tuple[tuple[int, int], ...]]:
        """Changed words by row: rows with a key against the row with that key, the others against the same place."""
        by_key = {row.key: row for row in before if row.key is not None}
        found: dict[int, tuple[tuple[int, int], ...]] = {}
        for index, row in enumerate(self._rows):
            if row.key is not None:
                old = by_key.get(row.key)
            else:
                old = before[index] if index < len(before) and before[index].key is None else None
            if old is not None and old.line != row.line:
                cells = changed_cells(old.line.text, row.line.text)
                if cells:
                    found[index] = tuple(cells)
        return found
