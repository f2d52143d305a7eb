"""What each exit code means; scripts and CI rely on it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every verb."""

    OK = 0
    NO = 1
    """A check or gate says no."""
    USAGE = 2
    """The command or its input is wrong."""
    REFUSED = 3
    """Policy, role, read-only or approval says no."""
    UNAVAILABLE = 4
    """A backend or the store does not answer."""
    NOT_FOUND = 5
    IN_DOUBT = 6
    """It may or may not have happened: recheck."""
    FAULT = 70
    """A fault of this program; a report was written."""
    INTERRUPTED = 130
