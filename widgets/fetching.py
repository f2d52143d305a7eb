"""Reading rows in a thread of its own: one question at a time, the latest one first, late answers recognisable.

A daemon thread, because a source that hangs must not keep the program from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from widgets.line import Row


class RowSource(Protocol):
    """Where a table's rows come from. Called in one worker thread, never in the one that draws; may raise anything."""

    def count(self, needle: str) -> int:
        """Rows that match the filter text (empty: all)."""
        ...

    def rows(self, start: int, stop: int, needle: str) -> Sequence[Row]:
        """Matching rows `[start, stop)` in a stable order; fewer when there are not so many."""
        ...


@runtime_checkable
class SearchableSource(Protocol):
    """A source that can also say where something is, so that the cursor can go there."""

    def index_of(self, key: str, needle: str) -> int | None:
        """The number of the row `key` among the matching rows."""
        ...

    def next_problem(self, index: int, direction: int, needle: str) -> int | None:
        """The nearest matching row after (1) or before (-1) `index` that is not ok, around the end."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What to read. Answers whose `generation` is no longer the table's are dropped."""

    source: RowSource
    generation: int
    needle: str
    start: int
    stop: int
    count: bool = False
    around_key: str | None = None
    """Find this key first, and read the page that holds it instead of `start` to `stop`."""
    seek: int = 0
    """1 or -1: find the next problem from `start` instead of reading."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read, or why not."""

    question: Question
    start: int = 0
    rows: tuple[Row, ...] = ()
    total: int | None = None
    found: int | None = None
    error: str = ""


def answer(question: Question, page: int) -> Answer:
    """Put `question` to its source; `page` rows make a page. An error is an answer too."""
    source, needle = question.source, question.needle
    try:
        if question.seek:
            found = source.next_problem(question.start, question.seek, needle) if isinstance(source, SearchableSource) else None
            return Answer(question, found=found)
        total = source.count(needle) if question.count else None
        found = None
        start, stop = question.start, question.stop
        if question.around_key is not None and isinstance(source, SearchableSource):
            found = source.index_of(question.around_key, needle)
            if found is not None:
                start = found // page * page
                stop = start + page
        return Answer(question, start, tuple(source.rows(start, stop, needle)), total, found)
    except Exception as error:
        return Answer(question, error=f"{type(error).__name__}: {error}")


class Reader:
    """The thread. `ask` replaces a question that was not begun yet: only the latest one matters."""

    def __init__(self, deliver: Callable[[Answer], object], page: int) -> None:
        self._deliver = deliver
        self._page = page
        self._next: Question | None = None
        self._ended = False
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def ask(self, question: Question) -> None:
        with self._wake:
            self._next = question
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="table-rows", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def end(self) -> None:
        """Let the thread end after the question it is at."""
        with self._wake:
            self._ended = True
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._ended or self._next is not None)
                if self._ended or self._next is None:
                    return
                question, self._next = self._next, None
            self._deliver(answer(question, self._page))
