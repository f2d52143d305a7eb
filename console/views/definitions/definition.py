"""What one number or word means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Definition:
    """One number or word: what it says, how it is computed, in which unit, from where, and where it misleads."""

    title: str
    says: str
    formula: str = ""
    unit: str = ""
    source: str = ""
    limits: str = ""
    misleads: str = ""
    also: tuple[str, ...] = ()
    """Other names under which people ask for it."""
    see: tuple[str, ...] = ()


EARLY: Final = "Early labels need not be like late ones: read coverage and `labels complete to` beside it."
"""What misleads about every number that rests on outcomes."""
