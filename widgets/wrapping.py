"""Lines that must be read in full are wrapped, never cut: plans, names in dialogs."""

from __future__ import annotations

from backends.text import cell_width
from widgets.line import Line, Span


def wrapped(text: Line, width: int, indent: int = 0) -> list[Line]:
    """`text` in lines of at most `width` cells, broken at blanks where there are some; lines after the first are indented."""
    if text.width <= width:
        return [text]
    characters = [(character, span.role) for span in text.spans for character in span.text]
    lines: list[Line] = []
    start = 0
    while start < len(characters):
        lead = indent if lines else 0
        stop = _reach(characters, start, max(1, width - lead))
        if stop < len(characters):
            blank = next((at for at in range(stop, start, -1) if characters[at][0] == " "), None)
            stop = blank if blank is not None else stop
        lines.append(_line(characters[start:stop], lead))
        start = stop
        while start < len(characters) and characters[start][0] == " ":
            start += 1
    return lines


def _reach(characters: list[tuple[str, str]], start: int, width: int) -> int:
    room = width
    for at in range(start, len(characters)):
        room -= cell_width(characters[at][0])
        if room < 0:
            return max(at, start + 1)
    return len(characters)


def _line(characters: list[tuple[str, str]], lead: int) -> Line:
    spans: list[Span] = [Span(" " * lead)] if lead else []
    text, role = "", ""
    for character, its_role in characters:
        if its_role != role and text:
            spans.append(Span(text, role))
            text = ""
        text, role = text + character, its_role
    if text:
        spans.append(Span(text, role))
    return Line(tuple(spans))
