"""How acting can fail, by name, for those who call a desk."""

from backends.journal.entries import JournalConflict, JournalUnavailable
from console.control.approvals import NotFound, Refused

__all__ = ["JournalConflict", "JournalUnavailable", "NotFound", "Refused"]
