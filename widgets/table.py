"""A table of any length: it holds the few pages around the window and never the whole.

Rows come from a `RowSource` in a thread. Until they are there the window keeps what it shows; after a tenth of a second it
moves anyway and says that it waits.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from backends.text import Untrusted
from widgets.fetching import Answer, Question, Reader, RowSource
from widgets.line import Line, Row, line
from widgets.rows import RowView
from widgets.strips import strip_of

PAGE: Final = 256
"""Rows read at once."""

PAGES_KEPT: Final = 32
PATIENCE: Final = 0.1
"""Seconds until the window moves without its rows."""

COLUMN_STEP: Final = 8
WAITING: Final = Row(line("   ", ("...", "dim")))


class Counted(Message, namespace="table"):
    """The table knows how many rows match its filter."""

    def __init__(self, view: VirtualTable, total: int, needle: str) -> None:
        super().__init__()
        self.view = view
        self.total = total
        self.needle = needle


class ReadFailed(Message, namespace="table"):
    """Rows could not be read; the table keeps what it has. `reason` is text from outside."""

    def __init__(self, view: VirtualTable, reason: Untrusted) -> None:
        super().__init__()
        self.view = view
        self.reason = reason


class _Answered(Message):
    def __init__(self, given: Answer) -> None:
        super().__init__()
        self.given = given


class VirtualTable(RowView):
    """Rows of a `RowSource` under a header. The first `frozen` cells of every line stay when columns scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "columns(1)", "Columns right", id="move.right", show=False),
        Binding("h,left", "columns(-1)", "Columns left", id="move.left", show=False),
    ]

    def __init__(self, source: RowSource | None = None, header: Line | None = None, *, frozen: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self._source = source
        self._header = header or Line()
        self._frozen = frozen
        self._left = 0
        self._needle = ""
        self._generation = 0
        self._total = 0
        self._pages: OrderedDict[int, tuple[Row, ...]] = OrderedDict()
        self._aim: tuple[int | None, int] | None = None
        self._asked: Question | None = None
        self._patience: Timer | None = None
        self._reader = Reader(lambda given: self.post_message(_Answered(given)), PAGE)

    # what a screen calls

    @property
    def needle(self) -> str:
        """The filter text in force or on its way."""
        return self._needle

    def show(self, source: RowSource, header: Line | None = None) -> None:
        """Show another source from its first row; the old rows stay until the new ones are here."""
        self._source = source
        if header is not None and header != self._header:
            self._header = header
            self.refresh()
        self._start_over(None)

    def filter(self, needle: str) -> None:
        """Show only rows that match; what is on screen stays until the answer is here."""
        if needle != self._needle:
            self._needle = needle
            self._start_over(None)

    def reload(self) -> None:
        """Read again, with the cursor on its key if the source can find it, else at its place."""
        self._start_over(self.cursor_key)

    # what RowView asks

    @property
    def header_height(self) -> int:
        return 1

    @property
    def total(self) -> int:
        return self._total

    def row_at(self, index: int) -> Row | None:
        if not 0 <= index < self._total:
            return None
        rows = self._pages.get(index // PAGE)
        place = index % PAGE
        return rows[place] if rows is not None and place < len(rows) else WAITING

    def stop_from(self, index: int, direction: int) -> int | None:  # noqa: ARG002 - every row is a stop
        return index if 0 <= index < self._total else None

    def row_strip(self, index: int, width: int) -> Strip:
        row = self.row_at(index)
        return self._cut(row.line if row else Line(), width)

    def header_strip(self, width: int) -> Strip:
        return self._cut(self._header, width)

    def settle(self) -> None:
        if self._aim is not None:
            self._arrive_at(self._aim)

    def move_to(self, cursor: int | None, top: int) -> None:
        top = self._clamped(top)
        if cursor is not None and not top <= cursor < top + self.window_height:
            top = self._clamped(cursor if cursor < top else cursor - self.window_height + 1)
        missing = self._missing(top)
        if missing is None:
            self._arrive_at((cursor, top))
            self._read_ahead(top)
            return
        self._aim = (cursor, top)
        self._ask_page(missing)
        if self._patience is None:
            self._patience = self.set_timer(PATIENCE, self.settle)

    def action_problem(self, direction: int) -> None:
        if self._source is not None and self._total:
            here = self._cursor if self._cursor is not None else -1
            self._ask(Question(self._source, self._generation, self._needle, here, here, seek=direction))

    def action_columns(self, direction: int) -> None:
        widest = max([self._header.width, *(row.line.width for index in range(*self.window) if (row := self.row_at(index)))])
        left = max(0, min(self._left + direction * COLUMN_STEP, widest - self.size.width))
        if left != self._left:
            self._left = left
            self.refresh()

    def on_mount(self) -> None:
        if self._source is not None:
            self._start_over(None)

    def on_unmount(self) -> None:
        self._reader.end()

    # reading

    def _start_over(self, key: str | None) -> None:
        if self._source is None:
            return
        self._generation += 1
        page = (self._top if key is not None else 0) // PAGE * PAGE
        self._ask(Question(self._source, self._generation, self._needle, page, page + PAGE, count=True, around_key=key))

    def _missing(self, top: int) -> int | None:
        last = min(self._total, top + self.window_height) - 1
        return next((page for page in range(top // PAGE, last // PAGE + 1) if page not in self._pages), None)

    def _read_ahead(self, top: int) -> None:
        """Fetch the page that the next key could need, while nothing else is asked for."""
        for near in (top + PAGE // 2, top - PAGE // 2):
            page = near // PAGE
            if 0 <= near < self._total and page not in self._pages and self._asked is None:
                self._ask_page(page)

    def _ask_page(self, page: int) -> None:
        if self._source is not None:
            self._ask(Question(self._source, self._generation, self._needle, page * PAGE, (page + 1) * PAGE))

    def _ask(self, question: Question) -> None:
        if question != self._asked:
            self._asked = question
            self._reader.ask(question)

    def on__answered(self, message: _Answered) -> None:
        message.stop()
        given = message.given
        if given.question == self._asked:
            self._asked = None
        if given.question.generation != self._generation:
            return
        if given.error:
            self._forget_aim()
            self.post_message(ReadFailed(self, Untrusted(given.error[:1000])))
        elif given.question.seek:
            if given.found is not None:
                self.move_cursor(given.found)
        elif given.total is not None:
            self._take_over(given, given.total)
        else:
            self._fill(given)

    def _fill(self, given: Answer) -> None:
        """Rows for a place that the window shows, or waits to show."""
        before, waited = self.picture(), self.cursor_row is WAITING
        self._keep(given)
        self.redraw_since(before, self._top)
        if waited and self.cursor_row is not WAITING:
            self.tell_cursor()
        missing = self._missing(self._top) if self._aim is None else None
        if self._aim is not None:
            self.move_to(*self._aim)
        elif missing is not None:
            self._ask_page(missing)
        else:
            self._read_ahead(self._top)

    def _take_over(self, given: Answer, total: int) -> None:
        """The first answer about other rows: the old ones go in the same drawing in which the new ones come."""
        before, top = self.picture(), self._top
        was = self._cursor
        place = 0 if was is None else was - top
        self._total = total
        self._pages.clear()
        self._keep(given)
        self._forget_aim()
        if given.question.around_key is None:
            self._cursor, self._top = (0 if total else None), 0
        else:
            goal = given.found if given.found is not None else min(was or 0, total - 1)
            self._cursor = goal if total else None
            self._top = self._clamped(goal - place)
        self.redraw_since(before, top)
        self.tell_cursor()
        self.post_message(Counted(self, total, given.question.needle))
        missing = self._missing(self._top) if total else None
        if missing is not None:
            self._aim = (self._cursor, self._top)
            self._ask_page(missing)

    def _keep(self, given: Answer) -> None:
        self._pages[given.start // PAGE] = given.rows
        self._pages.move_to_end(given.start // PAGE)
        while len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)

    def _forget_aim(self) -> None:
        self._aim = None
        if self._patience is not None:
            self._patience.stop()
            self._patience = None

    def _arrive_at(self, aim: tuple[int | None, int]) -> None:
        self._forget_aim()
        super().move_to(*aim)

    def _cut(self, text: Line, width: int) -> Strip:
        if not self._left:
            return strip_of(text, width, colour=self.colour)
        kept = strip_of(text, self._frozen, colour=self.colour)
        rest = width - self._frozen
        return Strip.join([kept, strip_of(text, rest, colour=self.colour, left=self._frozen + self._left)])
