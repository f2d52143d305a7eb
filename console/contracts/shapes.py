"""What a value looks like without saying it: enough to see what went wrong, too little to know who it is about."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 40


def shape(value: str) -> str:
    """Letters as `a` or `A`, digits as 9, all else as it is; from the 41st character on only how many there are: `A9-aaaa`, `-99.9`."""
    drawn = "".join(_like(character) for character in value[:LONGEST])
    return drawn if len(value) <= LONGEST else f"{drawn}... ({len(value)} characters)"


def _like(character: str) -> str:
    if character.isnumeric():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character
