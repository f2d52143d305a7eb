"""A line of the screen before any terminal library sees it: spans of text with a role.

Screens and headless verbs render the same views into these lines; only the widgets turn roles into colours. Text is made
displayable here, so a span can never carry a control code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from backends.text import Untrusted, cell_width, displayable, shortened

ROLES: Final = frozenset(
    {
        "",
        "ok",
        "warning",
        "critical",
        "unknown",
        "stale",
        "dim",
        "bold",
        "title",
        "key",
        "banner",
        "changed",
        "cursor",
        "good",
        "on red",
        "on yellow",
        "on blue",
        "on magenta",
        "on cyan",
        "on white",
    }
)
"""What a span is, never what it looks like: health states first, then emphasis."""

MARKS: Final = {"ok": ".", "warning": "!", "critical": "X", "unknown": "?", "stale": "~"}
"""The one-character mark of each verdict: weight grows with trouble, readable without colour."""

CUT: Final = ".."
"""What a line ends with that said more than there was room for."""

WORDS: Final = {"ok": "ok", "warning": "warn", "critical": "CRIT", "unknown": "unkn", "stale": "stal"}
"""The short word of each verdict in a lamp."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line and its role."""

    text: str
    role: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"unknown role {self.role!r}")
        object.__setattr__(self, "text", displayable(self.text))


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its spans from left to right."""

    spans: tuple[Span, ...] = ()

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)

    @property
    def width(self) -> int:
        return sum(cell_width(span.text) for span in self.spans)

    def fitted(self, width: int) -> Line:
        """Exactly `width` cells: cut at the right or filled with blanks."""
        spans: list[Span] = []
        room = width
        for span in self.spans:
            size = cell_width(span.text)
            if size <= room:
                spans.append(span)
                room -= size
                continue
            kept = ""
            for character in span.text:
                cost = cell_width(character)
                if cost > room:
                    break
                kept += character
                room -= cost
            spans.append(Span(kept, span.role))
            break
        if room > 0:
            spans.append(Span(" " * room))
        return Line(tuple(spans))

    def cut(self, width: int) -> Line:
        """Exactly `width` cells, where a line that says more ends with `..`: half a number must not read as a whole one."""
        said = sum(cell_width(character) for character in self.text.rstrip(" -")) if self.width > width else 0
        if said <= width:
            return self.fitted(width)
        return joined([self.fitted(max(0, width - len(CUT))), line((CUT[:width], "dim"))])


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a page. With a `key` the cursor can stand on it; `why` is what line 23 says while it does."""

    line: Line
    key: str | None = None
    why: Line = field(default_factory=Line)
    state: str = ""
    """The verdict of the row, for `n`/`N` (next row that is not ok); empty when it has none."""


@dataclass(frozen=True, slots=True)
class Page:
    """A screen without its frame: line 2, the content, and the verb that prints the same."""

    heading: Line
    rows: tuple[Row, ...]
    verb: str
    """The headless command that prints the same values, without the program's name: `fleet`, `model arrival-delay`."""

    def plain(self) -> str:
        """The page as plain text, for a verb: no frame, no trailing blanks."""
        return "\n".join(line.rstrip() for line in [self.heading.text, *(row.line.text for row in self.rows)])


def line(*parts: str | Untrusted | Span | tuple[str | Untrusted, str]) -> Line:
    """Build a line from plain text, text from outside, `(text, role)` pairs and spans."""
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, Span):
            spans.append(part)
        elif isinstance(part, tuple):
            spans.append(Span(displayable(part[0]), part[1]))
        else:
            spans.append(Span(displayable(part)))
    return Line(tuple(spans))


def joined(lines: Iterable[Line]) -> Line:
    """Lines side by side as one."""
    return Line(tuple(span for one in lines for span in one.spans))


def sides(left: Line, right: Line, width: int) -> Line:
    """`left` at the left edge and `right` at the right one, the left cut if both do not fit."""
    room = max(0, width - right.width - 1)
    return joined([left.fitted(room) if right.width else left.fitted(width), line(" ") if right.width else Line(), right])


def rule(title: str, width: int, right: str = "") -> Line:
    """The one rule style: `-- Title ------------ right --`."""
    name, note = displayable(title), displayable(right)
    head = [Span("-- ", "dim"), Span(name, "title"), Span(" ", "")] if name else []
    tail = [Span(" ", ""), Span(note, ""), Span(" --", "dim")] if note else []
    room = width - sum(cell_width(span.text) for span in (*head, *tail))
    return Line((*head, Span("-" * max(0, room), "dim"), *tail))


def lamp(state: str, *, width: int = 6) -> Span:
    """Mark and word of a verdict, `X CRIT`, padded to `width` cells."""
    return Span(f"{MARKS[state]} {WORDS[state]}".ljust(width), state)


def mark(state: str) -> Span:
    """The mark of a verdict alone."""
    return Span(MARKS[state], state)


def columns(cells: Sequence[tuple[str | Untrusted, int, str]], gap: int = 1) -> Line:
    """Cells `(text, width, role)` in a row; a negative width aligns to the right. Long text is cut in its middle."""
    spans: list[Span] = []
    for number, (text, width, role) in enumerate(cells):
        size = abs(width)
        drawn = shortened(text, size)
        blank = " " * (size - cell_width(drawn))
        spans.append(Span(blank + drawn if width < 0 else drawn + blank, role))
        if number < len(cells) - 1:
            spans.append(Span(" " * gap))
    return Line(tuple(spans))
