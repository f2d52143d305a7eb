"""The command bar and the filter: one line to type in at line 23, what completes it at line 24, no blinking cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from widgets.line import Line, Span, line, sides
from widgets.strips import DrawsLines, strip_of

LONGEST: Final = 500
WAYS_OUT: Final = "Enter goes on  Esc cancels"

Completer = Callable[[str], Sequence[str]]
"""From the whole text typed so far to whole texts that could be meant, best first."""


class Typed(Message, namespace="prompt"):
    """The text changed: a filter narrows as it is typed."""

    def __init__(self, prompt: Prompt, sign: str, text: str) -> None:
        super().__init__()
        self.prompt = prompt
        self.sign = sign
        self.text = text

    def can_replace(self, message: Message) -> bool:
        """Only the last text matters."""
        return isinstance(message, Typed) and message.prompt is self.prompt


class Submitted(Message, namespace="prompt"):
    """Enter was pressed."""

    def __init__(self, sign: str, text: str) -> None:
        super().__init__()
        self.sign = sign
        self.text = text


class Dismissed(Message, namespace="prompt"):
    """Esc, ctrl+c, or backspace on nothing."""

    def __init__(self, sign: str) -> None:
        super().__init__()
        self.sign = sign


class Prompt(DrawsLines, can_focus=True):
    """Two lines that take the place of lines 23 and 24 while something is typed. Hidden until `open`."""

    DEFAULT_CSS = "Prompt { width: 1fr; height: 2; display: none; } Prompt.-open { display: block; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sign = ":"
        self._text = ""
        self._at = 0
        self._complete: Completer = _nothing
        self._offers: tuple[str, ...] = ()
        self._chosen: int | None = None
        self._stem = ""
        self._note = Line()

    @property
    def text(self) -> str:
        """What was typed."""
        return self._text

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self, sign: str, text: str = "", complete: Completer | None = None) -> None:
        """Show the prompt with `sign` (`:` or `/`) and take the focus."""
        self._sign = sign
        self._complete = complete or _nothing
        self._note = Line()
        self.add_class("-open")
        # At once, not with the next turn of the application: what is typed behind the sign belongs here.
        self.screen.set_focus(self, scroll_visible=False)
        self._set(text, len(text), tell=False)

    def close(self) -> None:
        """Hide; the screen gives the focus back."""
        self.remove_class("-open")

    def say(self, note: Line) -> None:
        """Show a note in the place of the offers: `no such command; nearest: drift`."""
        self._note = note
        self._redraw()

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        key, character = event.key, event.character
        if key in {"escape", "ctrl+c"} or (key == "backspace" and not self._text):
            self.post_message(Dismissed(self._sign))
        elif key == "enter":
            self.post_message(Submitted(self._sign, self._text))
        elif key in {"tab", "shift+tab", "down", "up"}:
            self._offer(1 if key in {"tab", "down"} else -1)
        elif key in _MOVES:
            self._at = max(0, min(_MOVES[key](self._at, len(self._text)), len(self._text)))
            self._redraw()
        elif key == "backspace":
            self._set(self._text[: max(0, self._at - 1)] + self._text[self._at :], max(0, self._at - 1))
        elif key == "delete":
            self._set(self._text[: self._at] + self._text[self._at + 1 :], self._at)
        elif key == "ctrl+u":
            self._set(self._text[self._at :], 0)
        elif character is not None and len(character) == 1 and character.isprintable():
            self._insert(character)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._insert("".join(one for one in event.text.splitlines()[0] if one.isprintable()) if event.text else "")

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        return strip_of(self._typed_line(width) if y == 0 else self._offers_line(width), width, colour=self.colour)

    def _insert(self, text: str) -> None:
        self._set(self._text[: self._at] + text + self._text[self._at :], self._at + len(text))

    def _set(self, text: str, at: int, *, tell: bool = True) -> None:
        changed = text != self._text
        self._text, self._at = text[:LONGEST], min(at, LONGEST)
        self._stem = self._text
        self._chosen = None
        self._offers = tuple(self._complete(self._text))
        if changed:
            self._note = Line()
        self._redraw()
        if tell and changed:
            self.post_message(Typed(self, self._sign, self._text))

    def _offer(self, step: int) -> None:
        """Tab goes through the offers and back to what was typed."""
        if not self._offers:
            return
        places: list[int | None] = [None, *range(len(self._offers))]
        self._chosen = places[(places.index(self._chosen) + step) % len(places)]
        self._text = self._stem if self._chosen is None else self._offers[self._chosen]
        self._at = len(self._text)
        self._redraw()
        self.post_message(Typed(self, self._sign, self._text))

    def _redraw(self) -> None:
        self.refresh(Region(0, 0, self.size.width, 2))

    def _typed_line(self, width: int) -> Line:
        first = max(0, self._at - (width - 3))
        under = self._text[self._at : self._at + 1] or " "
        return line((self._sign, "key"), self._text[first : self._at], Span(under, "banner"), self._text[self._at + 1 :]).fitted(width)

    def _offers_line(self, width: int) -> Line:
        if self._note.spans:
            return sides(self._note, line((WAYS_OUT, "dim")), width)
        parts: list[Span] = []
        first = max(0, (self._chosen or 0) - 4)
        for number, offer in enumerate(self._offers[first:], first):
            parts += [Span(" "), Span(offer, "banner" if number == self._chosen else "")]
        offers = Line((*parts[:60], Span("  Tab completes" if self._offers and self._chosen is None else "", "dim")))
        return sides(offers, line((WAYS_OUT, "dim")), width)


_MOVES: dict[str, Callable[[int, int], int]] = {
    "left": lambda at, _length: at - 1,
    "right": lambda at, _length: at + 1,
    "home": lambda _at, _length: 0,
    "end": lambda _at, length: length,
}


def _nothing(_text: str) -> Sequence[str]:
    return ()
