"""Text from outside and the one way it becomes displayable.

Names, tags, messages, file contents and server errors are kept raw. Only `displayable` turns them into something that may reach a
terminal: every control code, C1 code, bidirectional override, zero-width character, tag character and line separator becomes a
visible mark, and runs of combining marks are bounded. It is idempotent, so it is applied at the edge and again when drawing.
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache, total_ordering
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

MAX_COMBINING: Final = 4
"""Combining marks kept in a row; more would paint over neighbouring lines."""

MAX_LENGTH: Final = 65_536
"""Longest text accepted from outside, in characters."""


def _visible_marks() -> dict[int, str]:
    marks = {code: chr(0x2400 + code) for code in range(0x20)}
    marks[0x7F] = "\u2421"
    for code in range(0x80, 0xA0):
        marks[code] = f"<{code:02X}>"
    invisible = [0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0]
    invisible += [*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), *range(0xFFF9, 0xFFFC)]
    invisible += [*range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0), *range(0xD800, 0xE000)]
    for code in invisible:
        marks[code] = f"<U+{code:04X}>"
    return marks


_MARKS: Final = _visible_marks()


@total_ordering
class Untrusted:
    """Raw text from outside: deliberately not a `str`, so that nothing which draws can take it by accident.

    `raw` is the exact value, for comparison, storage and `--json`; `str()` of it is refused; `displayable` makes it drawable.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: str) -> None:
        if len(raw) > MAX_LENGTH:
            raise ValueError(f"text of {len(raw)} characters is longer than the {MAX_LENGTH} accepted")
        self.raw = raw

    def __str__(self) -> str:
        raise TypeError("text from outside is drawn through backends.text.displayable, or read through .raw")

    def __repr__(self) -> str:
        return f"Untrusted({displayable(self.raw)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Untrusted) and other.raw == self.raw

    def __lt__(self, other: Untrusted) -> bool:
        return self.raw < other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __bool__(self) -> bool:
        return bool(self.raw)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # the first frame draws text without loading pydantic

        from_text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema(max_length=MAX_LENGTH))
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_text]),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda text: text.raw),
        )


def displayable(text: str | Untrusted) -> str:
    """Return `text` on one line with everything that could steer a terminal shown as a visible mark.

    Newlines and tabs are marks too: callers that want several lines split first. Idempotent.
    """
    raw = text.raw if isinstance(text, Untrusted) else text
    if raw.isascii() and raw.isprintable():
        return raw
    return _bounded_combining(raw.translate(_MARKS))


def escaped_json(document: str) -> str:
    """Return a JSON document that says the same and holds no character that could steer a terminal.

    JSON itself only escapes what lies below U+0020; the rest of what `displayable` marks is written as `\\uXXXX`, so that a parser
    finds the exact text and a person who looks at the document finds it harmless.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return document.translate(_json_escapes())


@cache
def _json_escapes() -> dict[int, str]:
    return {code: json.dumps(chr(code)).strip('"') if code > 0x7F else "\\u007f" for code in _MARKS if code >= 0x7F}


def shortened(text: str | Untrusted, width: int) -> str:
    """Cut a displayable name in its middle with `~` so that it takes at most `width` cells: `arrival~eu-west`."""
    drawn = displayable(text)
    if cell_width(drawn) <= width:
        return drawn
    if width <= 1:
        return "~"[:width]
    head, tail = "", ""
    left, right = 0, len(drawn) - 1
    room = width - 1
    take_head = True
    while left <= right:
        character = drawn[left] if take_head else drawn[right]
        cost = cell_width(character)
        if cost > room:
            break
        if take_head:
            head += character
            left += 1
        else:
            tail = character + tail
            right -= 1
        room -= cost
        take_head = not take_head
    return f"{head}~{tail}"


def cell_width(text: str) -> int:
    """Columns a terminal gives to displayable `text`."""
    if text.isascii():
        return len(text)
    width = 0
    for character in text:
        if unicodedata.combining(character):
            continue
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return width


def _bounded_combining(text: str) -> str:
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if run <= MAX_COMBINING:
            kept.append(character)
    return "".join(kept)
