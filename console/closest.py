"""What somebody may have meant who typed a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str], *, n: int = 3, cutoff: float = 0.4) -> list[str]:
    """At most `n` of `known` that are spelt like `word`, the nearest first; capital letters make no difference.

    `cutoff` is the least ratio of `difflib.SequenceMatcher`, 0 to 1.
    """
    from difflib import get_close_matches

    spelt: dict[str, list[str]] = {}
    for name in known:
        spelt.setdefault(name.casefold(), []).append(name)
    near = get_close_matches(word.casefold(), list(spelt), n=n, cutoff=cutoff)
    return [name for each in near for name in spelt[each]][:n]
