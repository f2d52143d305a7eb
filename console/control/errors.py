"""The failures of the desk under their other name."""

from console.control.failures import JournalConflict, JournalUnavailable, NotFound, Refused

__all__ = ["JournalConflict", "JournalUnavailable", "NotFound", "Refused"]
