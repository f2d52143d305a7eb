"""Has an identifier, or free text, begun to repeat, or has what repeated become an identifier? Something else stands in the column then.

No distance sees it: the shares of values that hardly ever come twice say nothing. How many values are different does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from backends.profile.profile import Profile
from console.analysis.bands import MINIMUM_ROWS

IDENTIFIER: Final = 0.5
"""Share of different values among the rows from which on a column of text is an identifier or free text."""

REPEATING: Final = IDENTIFIER / 2
"""The same share, up to which a column whose other side is an identifier is one no more: something else stands in it now."""

TURNS: Final = IDENTIFIER - REPEATING
"""Change of that share which turning takes more than."""

LOOK_FIRST: Final = "look at the pipeline first"


def turned(was: float, now: float) -> bool:
    """Whether these shares of different values, each in equally many rows, are those of an identifier and of what repeats."""
    return max(was, now) > IDENTIFIER and min(was, now) <= REPEATING


def what_turned(was: float, now: float) -> str:
    """In words, what these two shares say."""
    return "an identifier or free text repeats now" if was > now else "what repeated is an identifier or free text now"


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of different values of two sides, in as many rows as the shorter one has, each between its least and its most."""

    reference: tuple[float, float]
    current: tuple[float, float]

    @property
    def turned(self) -> tuple[float, float] | None:
        """Both shares where these turned for sure, the greater at its least and the other at its most; else None."""
        (low, high), (low_now, high_now) = self.reference, self.current
        if turned(low, high_now) and low > high_now:
            return low, high_now
        return (high, low_now) if turned(high, low_now) and low_now > high else None

    @property
    def change(self) -> float:
        """By how much the share changed at least; that nothing turned is never said to be more than what turning takes."""
        change = max(0.0, self.reference[0] - self.current[1], self.current[0] - self.reference[1])
        return change if self.turned is not None else min(change, TURNS)


def shares_of_different(reference: Profile, current: Profile) -> Shares | None:
    """How different the values of two profiles are; None where nobody can tell.

    Different values do not add up, and more rows repeat more. In as many rows as the shorter side has, a side has at most all its
    different values, and at least the share of them that it has over all.
    """
    rows = min(reference.n, current.n)
    if rows < MINIMUM_ROWS:
        return None
    sides = []
    for each in (reference, current):
        found = each.distinct
        if found is None:
            return None
        sides.append((found.low / each.n, 1.0 if found.high is None else min(1.0, found.high / rows)))
    return Shares(*sides)


def said_of_turned(was: float, now: float) -> str:
    """The sentence that says so of two profiles."""
    ends = ("at least", "at most") if was > now else ("at most", "at least")
    shares = f"{ends[0]} {was:.1%} of the values were different and {ends[1]} {now:.1%} are, in equally many rows"
    return f"{what_turned(was, now)}: {shares}; {LOOK_FIRST}"
