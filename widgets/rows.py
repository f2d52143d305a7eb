"""What every list of rows has in common: a cursor on a key, a window over the rows, keys and mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from widgets.line import Line, Row
from widgets.scrolling import scroll_on_terminal
from widgets.strips import DrawsLines, differing_cells
from widgets.theme import style_of

WHEEL_ROWS = 3


class Moved(Message, namespace="rows"):
    """The cursor stands on another row: `key` (None: no row), why it has its mark, and its state."""

    def __init__(self, view: RowView, key: str | None, why: Line, state: str) -> None:
        super().__init__()
        self.view = view
        self.key = key
        self.why = why
        self.state = state

    @property
    def control(self) -> RowView:
        return self.view

    def can_replace(self, message: Message) -> bool:
        """Under key repeat only the last position matters."""
        return isinstance(message, Moved) and message.view is self.view


class Chosen(Message, namespace="rows"):
    """Enter or a double click on the row `key`."""

    def __init__(self, view: RowView, key: str) -> None:
        super().__init__()
        self.view = view
        self.key = key

    @property
    def control(self) -> RowView:
        return self.view


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line of the window as the terminal shows it."""

    line: Line | None
    bold: tuple[tuple[int, int], ...]
    cursor: bool
    sign: str


class RowView(DrawsLines, can_focus=True):
    """Rows under a cursor. Subclasses say how many rows there are, what they hold and where the cursor may stand."""

    DEFAULT_CSS = "RowView { width: 1fr; height: 1fr; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "step(1)", "Down", id="move.down", show=False),
        Binding("k,up", "step(-1)", "Up", id="move.up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="move.page-down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="move.page-up", show=False),
        Binding("space", "page_text", "Page down in text", id="move.page-text", show=False),
        Binding("home", "first", "First", id="move.first", show=False),
        Binding("end,G", "last", "Last", id="move.last", show=False),
        Binding("n", "problem(1)", "Next problem", id="move.next-problem", show=False),
        Binding("N", "problem(-1)", "Previous problem", id="move.previous-problem", show=False),
        Binding("enter", "choose", "Open", id="move.choose", show=False),
    ]

    cursor_column = 0
    """Where `>` stands in a row: the cell there is a blank in every row with a key."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cursor: int | None = None
        self._top = 0
        self._after_g = False

    # what a subclass says

    @property
    def total(self) -> int:
        """Rows there are."""
        raise NotImplementedError

    def row_at(self, index: int) -> Row | None:
        """The row at `index`, or None while it is not here yet."""
        raise NotImplementedError

    def stop_from(self, index: int, direction: int) -> int | None:
        """The nearest row at or after (`direction` 1), at or before (-1) `index` on which the cursor may stand."""
        raise NotImplementedError

    def row_strip(self, index: int, width: int) -> Strip:
        """The drawn row at `index`, without the cursor."""
        raise NotImplementedError

    @property
    def header_height(self) -> int:
        """Lines at the top that do not scroll."""
        return 0

    # what others read

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return None if self._cursor is None else self.row_at(self._cursor)

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor: what every action of the screen is about."""
        row = self.cursor_row
        return row.key if row else None

    @property
    def cursor_index(self) -> int | None:
        """The number of the row under the cursor, from 0."""
        return self._cursor

    @property
    def window(self) -> tuple[int, int]:
        """First row on the screen and the row after the last one."""
        return self._top, min(self.total, self._top + self.window_height)

    @property
    def window_height(self) -> int:
        """Rows that fit."""
        return max(1, self.size.height - self.header_height)

    # movement

    def press(self, key: str) -> bool:
        """Do now what a moving key does; False where it is none. Bindings run only once the key has come up to the application, and what
        was typed right behind it would act on the row where the cursor stood before."""
        action = next((each.action for kind in type(self).__mro__ for each in _bindings_of(kind) if key in each.key.split(",")), None)
        if action is None:
            return False
        name, _, number = action.rstrip(")").partition("(")
        getattr(self, f"action_{name}")(*((int(number),) if number else ()))
        return True

    def settle(self) -> None:
        """Complete a movement that waits for its rows: called before the next one starts from there."""

    def action_step(self, direction: int) -> None:
        self.settle()
        below = self._cursor is not None and direction > 0 and self._cursor >= self._top + self.window_height
        if self._cursor is None or below:
            # Text above the first row is read before the cursor is reached.
            self.move_window(self._top + direction)
            return
        stop = self.stop_from(self._cursor + direction, direction)
        if stop is None:
            self.move_window(self._top + direction)
        else:
            self.move_cursor(stop)

    def action_page(self, direction: int) -> None:
        self.settle()
        leap = max(1, self.window_height - 1)
        if self._cursor is None:
            self.move_window(self._top + direction * leap)
            return
        goal = min(max(self._cursor + direction * leap, 0), self.total - 1)
        stop = self.stop_from(goal, direction)
        stop = self.stop_from(goal, -direction) if stop is None else stop
        if stop is None or stop == self._cursor:
            self.move_window(self._top + direction * leap)
            return
        self._go(stop, self._top + direction * leap)

    def action_page_text(self) -> None:
        """Space pages only where there is nothing to mark: in text without rows."""
        if self._cursor is None:
            self.action_page(1)

    def action_first(self) -> None:
        self._go(self.stop_from(0, 1), 0)

    def action_last(self) -> None:
        self._go(self.stop_from(self.total - 1, -1), self.total)

    def _go(self, stop: int | None, top: int) -> None:
        """Put the cursor on `stop` and the window as near to `top` as shows it."""
        top = self._clamped(top)
        if stop is not None and not top <= stop < top + self.window_height:
            top = stop if stop < top else stop - self.window_height + 1
        self.move_to(stop, top)

    def action_problem(self, direction: int) -> None:
        """Go to the next row that is not ok, around the end."""
        raise NotImplementedError

    def action_choose(self) -> None:
        key = self.cursor_key
        if key is not None:
            self.post_message(Chosen(self, key))

    def move_cursor(self, index: int) -> None:
        """Put the cursor on row `index` and bring it into the window by the smallest step."""
        height = self.window_height
        top = self._top
        if index < top:
            top = index if self.stop_from(index - 1, -1) is not None else 0
        elif index >= top + height:
            last = self.stop_from(index + 1, 1) is None and self.total - index <= height
            top = self.total - height if last else index - height + 1
        self.move_to(index, top)

    def move_window(self, top: int) -> None:
        """Scroll. The cursor goes along at the edge; where no row can take it, it stays behind and comes back with the next key."""
        self.settle()
        top = self._clamped(top)
        cursor = self._cursor
        if cursor is not None and not top <= cursor < top + self.window_height:
            near = self.stop_from(top, 1) if cursor < top else self.stop_from(top + self.window_height - 1, -1)
            if near is not None and top <= near < top + self.window_height:
                cursor = near
        self.move_to(cursor, top)

    def move_to(self, cursor: int | None, top: int) -> None:
        """Show the window that starts at row `top` with the cursor on row `cursor`; only what differs is drawn."""
        before_cursor, before_top, before = self._cursor, self._top, self.picture()
        self._cursor = cursor
        self._top = self._clamped(top)
        self.redraw_since(before, before_top)
        if cursor != before_cursor:
            self.tell_cursor()

    def tell_cursor(self) -> None:
        """Post where the cursor stands."""
        row = self.cursor_row
        # To the screen at once: on the way up through what stands around the list it would miss the frame that the cursor moves in.
        told = self.screen if self.is_attached else self
        told.post_message(Moved(self, row.key, row.why, row.state) if row else Moved(self, None, Line(), ""))

    def _clamped(self, top: int) -> int:
        return max(0, min(top, self.total - self.window_height))

    # keys and mouse that bindings do not cover

    def on_key(self, event: events.Key) -> None:
        # g g is left to bubble: the screen resolves its own sequences that start with g
        if event.key == "g" and self._after_g:
            self._after_g = False
            self.action_first()
        else:
            self._after_g = event.key == "g"

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - self.header_height
        if event.y < self.header_height or index >= self.total or self.stop_from(index, 1) != index:
            return
        self.move_cursor(index)
        if event.chain == 2:
            self.action_choose()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move_window(self._top + WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move_window(self._top - WHEEL_ROWS)

    def on_resize(self) -> None:
        if self._cursor is not None:
            self.move_cursor(self._cursor)
        else:
            self.move_window(self._top)

    # drawing

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y < self.header_height:
            return self.header_strip(width)
        index = self._top + y - self.header_height
        if index >= self.total:
            return Strip.blank(width)
        sign = self._more_sign(y - self.header_height)
        strip = self.row_strip(index, width - len(sign))
        if index == self._cursor:
            at = self.cursor_column
            sign_strip = Strip([Segment(">", style_of("cursor", self.colour))], 1)
            strip = Strip.join([strip.crop(0, at), sign_strip, strip.crop(at + 1, width)])
        if sign:
            strip = Strip.join([strip, Strip([Segment(sign, style_of("bold", self.colour))], 1)])
        return strip

    def header_strip(self, width: int) -> Strip:
        """The line above the rows that does not scroll."""
        return Strip.blank(width)

    def picture(self) -> list[Drawn]:
        """What the window shows, line by line: taken before a change, it tells afterwards what to draw."""
        return [self._drawn(y) for y in range(self.window_height)]

    def redraw_since(self, before: Sequence[Drawn | None], top: int) -> None:
        """Draw the lines that differ from the picture `before`, which showed the rows from `top` on."""
        after = self.picture()
        if len(after) != len(before):
            self.refresh()
            return
        moved = self._top - top
        shifted = _shifted(before, moved)
        if _differing(shifted, after) < _differing(before, after):
            whole = Region(0, self.header_height, self.size.width, len(after))
            if scroll_on_terminal(self, whole, moved):
                before = shifted
        for y, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                start, end = self._cells_to_draw(old, new)
                self.refresh(Region(start, y + self.header_height, end - start, 1))

    def _cells_to_draw(self, old: Drawn | None, new: Drawn) -> tuple[int, int]:
        """Cells `[start, end)` of a line that have to be drawn again: bytes are what is slow over a slow link."""
        cursor = self.cursor_column
        if old is not None and replace(old, cursor=new.cursor) == new:
            return cursor, cursor + 1
        if old is None or old.line is None or new.line is None or replace(old, line=new.line, cursor=new.cursor) != new:
            return 0, self.size.width
        start, end = differing_cells(old.line, new.line)
        if old.cursor != new.cursor:
            start, end = min(start, cursor), max(end, cursor + 1)
        return start, min(self.size.width, end)

    def _drawn(self, y: int) -> Drawn:
        index = self._top + y
        row = self.row_at(index) if index < self.total else None
        return Drawn(row.line if row else None, self.emphasis_of(index), index == self._cursor, self._more_sign(y))

    def emphasis_of(self, _index: int) -> tuple[tuple[int, int], ...]:
        """Cells of a row that are bold because they changed."""
        return ()

    def _more_sign(self, y: int) -> str:
        """`^` or `v` in the last column when there is more above or below than fits."""
        if y == 0 and self._top > 0:
            return "^"
        if y == self.window_height - 1 and self._top + self.window_height < self.total:
            return "v"
        return ""


def _shifted(before: Sequence[Drawn | None], moved: int) -> list[Drawn | None]:
    """The picture after the terminal moved its lines: what came in is not known to be anything."""
    size = len(before)
    return [before[y + moved] if 0 <= y + moved < size else None for y in range(size)]


def _differing(before: Sequence[Drawn | None], after: list[Drawn]) -> int:
    return sum(old is None or replace(old, cursor=new.cursor) != new for old, new in zip(before, after, strict=True))


def _bindings_of(kind: type) -> list[Binding]:
    return [each for each in vars(kind).get("BINDINGS", ()) if isinstance(each, Binding)]


MOVING_KEYS = frozenset(
    key for binding in RowView.BINDINGS if isinstance(binding, Binding) for key in binding.key.split(",")
)  # fmt: skip
"""Keys that move about in rows: they belong to the widget, not to the screen."""
