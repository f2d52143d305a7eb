"""What is wrong with a file of rows."""

from __future__ import annotations

_TELLING = ("Expected Number of Columns", "Value with unterminated", "Invalid unicode")


class DataFileProblem(ValueError):
    """A file, or several together, that cannot be read as one table. `str()` is one line: what is wrong, where, and what to do."""


def first_line(error: Exception) -> str:
    """What the engine says, without its advice about options that nobody here can set."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    lines = [line.strip() for line in said if line.strip()]
    start = lines[0].removeprefix("Invalid Input Error: ").removeprefix("IO Error: ").removeprefix("Conversion Error: ")
    # The first line of a CSV error says only where; what is wrong stands two lines below.
    wrong = next(
        (line for line in lines[1:] if line.startswith(("Expected Number of Columns", "Value with unterminated", "Invalid unicode"))), ""
    )
    return f"{start.rstrip('.')}: {wrong}" if wrong else start
