"""What can go wrong at the desk, for those who show it: screens and verbs may not import the journal itself."""

from backends.journal.entries import JournalConflict, JournalUnavailable
from console.control.approvals import NotFound, Refused

__all__ = ["JournalConflict", "JournalUnavailable", "NotFound", "Refused"]
