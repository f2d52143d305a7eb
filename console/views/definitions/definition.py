"""What one number or word means."""

from __future__ import annotations

from dataclasses import dataclass


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
