"""What can go wrong at the desk, for those who call it: screens and verbs may not import the journal itself."""

from __future__ import annotations

from backends.journal.entries import DamagedEntry, JournalConflict, JournalError, JournalUnavailable

__all__ = ["DamagedEntry", "JournalConflict", "JournalError", "JournalUnavailable", "NotFound", "Refused"]


class Refused(Exception):
    """Policy, role, state or clock says no. `str()` is one line; nothing was changed.

    `changed` lists what is different from what was seen or approved.
    """

    def __init__(self, message: str, changed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.changed = changed


class NotFound(LookupError):
    """There is no such thing. `str()` is one line."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "not found"
