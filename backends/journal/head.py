"""The mirrored head: where the chain ended, kept outside the database so that a cut tail shows.

`audit-head` is one JSON object: `format`, `seq`, `hash`, `at` (wall time). It is written after each commit, so it may lag behind
the chain by what a crash left unmirrored, and is never ahead of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from backends.durable import locked, private_mode, replace_file
from backends.journal.entries import moment_of, moment_text
from backends.plain_file import read_plain
from backends.records import canonical_json

FORMAT: Final = "quarterdeck/audit-head/1"
LARGEST: Final = 2**20
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry that was mirrored; `at` is None for the head of an empty chain."""

    seq: int
    hash: str
    at: datetime | None


def read_head(path: Path) -> Head | None:
    """The mirrored head, None when there is none; raises ValueError when the file is not one."""
    try:
        raw = read_plain(path, LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    try:
        found = json.loads(raw)
        if found["format"] != FORMAT or not isinstance(found["seq"], int) or not isinstance(found["hash"], str):
            raise ValueError("unknown content")
        return Head(found["seq"], found["hash"], None if found["at"] is None else moment_of(found["at"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not a mirrored head: {error}") from error


def mirror_head(path: Path, head: Head, *, broken: Head | None = None) -> None:
    """Write `head` unless a later one is there already (another process committed after us). Raises OSError.

    `broken` is a later head that the chain no longer reaches; it is replaced once the break itself is recorded.
    """
    mode = private_mode(path.parent)
    with locked(path, mode):
        try:
            found = read_head(path)
        except ValueError:
            found = None
        if found is not None and found.seq > head.seq and found != broken:
            return
        content = canonical_json({"format": FORMAT, "seq": head.seq, "hash": head.hash, "at": head.at and moment_text(head.at)})
        replace_file(path, content.encode() + b"\n", mode)
