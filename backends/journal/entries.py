"""What the journal holds: entries in a hash chain.

Each entry's hash covers every one of its fields and the hash before it, under a prefix that no other digest of this program
uses, so that an entry can be neither changed nor moved nor passed off as something else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import from_json

from backends.records import canonical_json

ENTRY_DOMAIN: Final = b"quarterdeck/audit/1\n"
GENESIS: Final = hashlib.sha256(b"quarterdeck/audit/genesis/1\n").hexdigest()
"""What the first entry names as the hash before it."""

BREAK_KIND: Final = "audit.break"
"""The entry that is written when the chain no longer ends where its mirrored head says."""


class JournalError(Exception):
    """The journal said no. `str()` is one line for a person."""


class JournalUnavailable(JournalError):
    """The journal cannot be read or written now (locked, full, damaged, newer): nothing was recorded."""


class JournalConflict(JournalError):
    """The same key was recorded with other content; nothing was recorded."""


class DamagedEntry(ValueError):
    """A stored row that cannot be an entry."""


class JournalMoved(JournalError):
    """Somebody recorded something since the caller read; nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that is not recorded yet. `key` makes it idempotent; `body` is JSON."""

    key: str
    kind: str
    subject: str
    at: datetime
    real_at: datetime
    actor: dict[str, Any]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded event: `at` by the workspace's clock, `real_at` on the wall, both aware and UTC."""

    seq: int
    key: str
    kind: str
    subject: str
    at: datetime
    real_at: datetime
    actor: dict[str, Any]
    body: dict[str, Any]
    prev_hash: str
    hash: str


def moment_text(moment: datetime) -> str:
    """UTC with microseconds and `Z`, so that text order is time order."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be recorded")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """The inverse of `moment_text`."""
    return datetime.fromisoformat(text)


def chained_hash(row: tuple[Any, ...], previous: str) -> str:
    """The hash of `(seq, key, kind, subject, at, real_at, actor text, body text)` after `previous`, 64 hex digits."""
    return hashlib.sha256(ENTRY_DOMAIN + canonical_json([*row, previous]).encode()).hexdigest()


def entry_from(row: tuple[Any, ...]) -> Entry:
    """An entry from its ten stored columns; raises DamagedEntry on content that is no entry."""
    seq, key, kind, subject, at, real_at, actor, body, prev_hash, own_hash = row
    try:
        return Entry(
            seq=int(seq),
            key=key,
            kind=kind,
            subject=subject,
            at=moment_of(at),
            real_at=moment_of(real_at),
            actor=from_json(actor, cache_strings="keys"),
            body=from_json(body, cache_strings="keys"),
            prev_hash=prev_hash,
            hash=own_hash,
        )
    except (TypeError, ValueError) as error:
        raise DamagedEntry(f"entry #{seq} is damaged: {error}") from error
