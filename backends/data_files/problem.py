"""What is wrong with a file of rows."""

from __future__ import annotations

from typing import Final

_TELLING: Final = ("Expected Number of Columns", "Value with unterminated", "Invalid unicode")
_KINDS: Final = ("Invalid Input Error: ", "IO Error: ", "Conversion Error: ", "Binder Error: ", "Invalid Error: ")

_AT_FAULT: Final = frozenset({"InvalidInputException", "IOException", "Error", "SerializationException", "InternalException"})
"""Classes of the engine's errors that a file that is no longer what was written raises."""


class DataFileProblem(ValueError):
    """A file, or several together, that cannot be read as one table. `str()` is one line: what is wrong, where, and what to do."""


def first_line(error: Exception) -> str:
    """What the engine says, without its advice about options that nobody here can set."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    lines = [line.strip() for line in said if line.strip()]
    start = lines[0]
    for kind in _KINDS:
        start = start.removeprefix(kind)
    if "expected records" in start:
        return 'a line holds something else than an object; write one object a line, as in {"amount": 3}'
    # The first line of a CSV error says only where; what is wrong stands two lines below.
    wrong = next((line for line in lines[1:] if line.startswith(_TELLING)), "")
    return f"{start.rstrip('.')}: {wrong}" if wrong else start


def in_parquet(error: Exception) -> str:
    """`first_line` of an error in a Parquet file, with what to do when the file itself is at fault."""
    at_fault = type(error).__name__ in _AT_FAULT and not any(word in str(error).lower() for word in ("write", "space", "permission"))
    said = first_line(error)
    return f"it is cut off, damaged, or no Parquet ({said.rstrip('.: ')}); write it again from its source" if at_fault else said
