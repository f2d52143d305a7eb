"""What a role looks like.

Only the sixteen colours that every terminal lets its user choose, and attributes: nothing here can produce a truecolour
sequence, so a 16-colour terminal and a light background both work. Without colour the same roles are told apart by
attributes. Neither is ever the only sign: mark and word carry the meaning.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from rich.style import Style

if TYPE_CHECKING:
    from textual.app import App

_COLOUR: Final[dict[str, Style]] = {
    "warning": Style(color="yellow"),
    "critical": Style(color="red", reverse=True),
    "unknown": Style(color="bright_blue"),
    "stale": Style(dim=True),
    "dim": Style(dim=True),
    "bold": Style(bold=True),
    "title": Style(bold=True),
    "key": Style(bold=True),
    "good": Style(bold=True),
    "changed": Style(bold=True),
    "cursor": Style(bold=True),
    "banner": Style(reverse=True),
    **{f"on {colour}": Style(color="bright_white", bgcolor=colour, bold=True, reverse=False) for colour in ("red", "blue", "magenta")},
    **{f"on {colour}": Style(color="black", bgcolor=colour, bold=True, reverse=False) for colour in ("yellow", "cyan", "white")},
}

_PLAIN: Final[dict[str, Style]] = {
    "warning": Style(bold=True),
    "critical": Style(bold=True, reverse=True),
    "unknown": Style(underline=True),
    "stale": Style(dim=True),
    "dim": Style(dim=True),
    "bold": Style(bold=True),
    "title": Style(bold=True),
    "key": Style(bold=True),
    "good": Style(bold=True),
    "changed": Style(bold=True),
    "cursor": Style(bold=True),
    "banner": Style(reverse=True),
    **{f"on {colour}": Style(bold=True, reverse=True) for colour in ("red", "yellow", "blue", "magenta", "cyan", "white")},
}

BOLD: Final = Style(bold=True)
"""Laid over a cell that changed since the last refresh."""


@cache
def style_of(role: str, colour: bool = True) -> Style | None:
    """The style of a role, or None for text that needs no sequence at all (`ok` and plain text)."""
    return (_COLOUR if colour else _PLAIN).get(role)


def paints_blanks(style: Style | None) -> bool:
    """True when a blank in this style looks different from a blank without."""
    return style is not None and bool(style.reverse or style.underline or style.bgcolor)


def use_terminal_colours(app: App[Any]) -> None:
    """Make `app` write the terminal's own colours, without animation: called once, before it runs."""
    app.theme = "ansi-dark"
    app.animation_level = "none"
