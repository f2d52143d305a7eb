"""Lengths of time as people write them in files: `45s`, `15m`, `1h30m`, `2d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WRITTEN: Final = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """`1h30m` as a timedelta. Raises ValueError on anything else, including an empty text."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text[:40]!r} is not a length of time; write it like 45s, 15m, 1h30m or 2d")
    return timedelta(seconds=sum(int(part or 0) * size for part, size in zip(found.groups(), _UNITS.values(), strict=True)))


def format_duration(length: timedelta) -> str:
    """The shortest writing that reads back the same, in whole seconds: `1h30m`; nothing is `0s`."""
    rest = int(length.total_seconds())
    parts = []
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _read(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError("write a length of time with its unit, like 15m")


Duration = Annotated[timedelta, BeforeValidator(_read), PlainSerializer(format_duration, return_type=str)]
"""A length of time in a model: read from `1h30m`, written back the same."""
