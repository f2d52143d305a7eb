"""What the terminal can show, from its size and the environment; loads nothing heavy."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

LEAST = (80, 24)
"""Columns and lines that every screen needs."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is at the other end of stdout. `size` is None when that is no terminal."""

    size: tuple[int, int] | None
    term: str
    colours: str
    """`none`, `16`, `256` or `16 million`."""
    utf8: bool
    interactive: bool
    """Whether keys can be read: stdin is a terminal too."""


def terminal(environ: Mapping[str, str]) -> Terminal:
    """The terminal of this process, also while a library has put something else in the place of stdout."""
    size: tuple[int, int] | None = None
    stream = sys.__stdout__
    encoding = (getattr(stream, "encoding", None) or "").lower()
    try:
        if stream is not None and stream.isatty():
            found = os.get_terminal_size(stream.fileno())
            size = found.columns, found.lines
    except (OSError, ValueError):
        size = None
    try:
        interactive = sys.__stdin__ is not None and sys.__stdin__.isatty()
    except ValueError:
        interactive = False
    term = environ.get("TERM", "")
    return Terminal(size, term, colours(environ), encoding.replace("-", "") == "utf8", interactive)


def colours(environ: Mapping[str, str]) -> str:
    """How many colours the environment says the terminal has."""
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR") or term in {"", "dumb"}:
        return "none"
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"} or term.endswith("-direct"):
        return "16 million"
    return "256" if "256color" in term else "16"
