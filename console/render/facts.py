"""A name and what is known under it, as every card writes it: wrapped with a hanging indent, never cut."""

from __future__ import annotations

from backends.text import Untrusted
from widgets.line import Line, Row, line
from widgets.wrapping import wrapped

NAME_WIDTH = 13


def fact(name: str, text: str | Untrusted, width: int, role: str = "", *, indent: int = 1) -> list[Line]:
    """` Served       11 Mar 09:00 to now`, in as many lines as it takes."""
    lead = " " * indent
    return wrapped(line((f"{lead}{name:<{NAME_WIDTH}}", "dim"), (text, role)), width, indent + NAME_WIDTH)


def fact_rows(name: str, text: str | Untrusted, width: int, role: str = "") -> list[Row]:
    """The same as rows on which no cursor stands."""
    return [Row(each) for each in fact(name, text, width, role)]


def paragraph(text: str | Untrusted, width: int, *, indent: int = 1, role: str = "") -> list[Row]:
    """Text in whole words, indented."""
    return [Row(each) for each in wrapped(line(" " * indent, (text, role)), width, indent)]
