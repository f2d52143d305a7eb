"""Reads the whole chain and says what is wrong with it.

Found: an edited, removed, inserted or moved entry; a cut tail and a rewritten chain (both through the mirrored head); a fork; a
break that was recorded when it happened; a database that holds more than a journal does, such as a trigger or a view. A wall clock that
went back is a warning. Who may rewrite the database and the head together can still cut both, unless the heads were also told to a file
where they may not write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backends.journal.entries import BREAK_KIND, GENESIS, JournalUnavailable, chained_hash
from backends.journal.head import Head, read_head
from backends.journal.journal import Journal
from backends.journal.outside import heads_in

Manipulation = Literal["edited", "removed", "inserted", "reordered", "truncated", "forked", "break", "unmirrored", "unreadable", "altered"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `seq` is the entry it was seen at."""

    kind: Manipulation
    seq: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What the chain is worth. `warnings` do not make it broken."""

    entries: int
    last_seq: int
    last_hash: str
    head: Head | None
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.findings


def verify_journal(path: Path, head_path: Path, outside: Path | None = None) -> Verification:
    """Recompute every hash of the journal at `path` and compare it with the mirrored head, and with the heads told to the file `outside`.

    A missing journal is an empty chain; one that cannot be read is a finding.
    """
    findings: list[Finding] = []
    warnings: list[str] = []
    head: Head | None = None
    try:
        # The head is read first: what is committed afterwards can only make the chain longer than the head says.
        head = read_head(head_path)
    except ValueError as error:
        findings.append(Finding("unmirrored", None, str(error)))
    told = _told(outside, findings)
    count, last_seq, last_hash, mirrored = 0, 0, GENESIS, GENESIS if head and head.seq == 0 else None
    try:
        if path.exists():
            journal = Journal(path, head_path, read_only=True, altered=True)
            try:
                findings += [Finding("altered", None, f"{path} holds {what}: nothing is recorded there") for what in journal.foreign()]
                count, last_seq, last_hash, mirrored = _walk(journal.rows(), head, told, findings, warnings)
                if not journal.guarded():
                    warnings.append("the triggers that keep entries from being changed are missing")
            finally:
                journal.close()
    except (JournalUnavailable, OSError) as error:
        findings.append(Finding("unreadable", None, str(error)))
        return Verification(count, last_seq, last_hash, head, tuple(findings), tuple(warnings))
    later = max(told, default=0)
    if outside is not None and later > last_seq:
        findings.append(Finding("truncated", last_seq, f"the chain ends at #{last_seq}, but {outside} had been told of #{later}"))
    elif outside is not None and later < last_seq:
        warnings.append(f"{outside} was told of #{later} last, and not of the {last_seq - later} entries since")
    _compare_head(head, head_path, last_seq, mirrored, findings)
    if head is not None and head.seq < last_seq and _still_lags(head_path, last_seq):
        warnings.append(f"the mirrored head lags behind: it names #{head.seq} of {last_seq}; the next entry catches up")
    return Verification(count, last_seq, last_hash, head, tuple(findings), tuple(warnings))


def _walk(
    rows: Iterable[tuple[Any, ...]], head: Head | None, told: Mapping[int, str], findings: list[Finding], warnings: list[str]
) -> tuple[int, int, str, str | None]:
    count, last_seq, previous, last_real_at = 0, 0, GENESIS, ""
    mirrored = GENESIS if head is not None and head.seq == 0 else None
    seen: dict[str, int] = {}
    for row in rows:
        seq, real_at, prev_hash, own_hash = row[0], row[5], row[8], row[9]
        count += 1
        if not isinstance(seq, int) or not isinstance(own_hash, str) or not isinstance(prev_hash, str):
            findings.append(Finding("edited", None, "a row has values that no entry can have"))
            continue
        if seq != last_seq + 1:
            kind: Manipulation = "removed" if seq > last_seq + 1 else "inserted"
            findings.append(Finding(kind, seq, f"#{seq} follows #{last_seq}: {_between(last_seq, seq)}"))
        try:
            recomputed = chained_hash(row[:8], prev_hash)
        except (TypeError, ValueError):
            recomputed = ""
        if recomputed != own_hash:
            findings.append(Finding("edited", seq, f"#{seq} was changed after it was recorded"))
        if prev_hash != previous and seq == last_seq + 1:
            findings.append(_wrong_link(seq, prev_hash, seen))
        if row[2] == BREAK_KIND:
            findings.append(Finding("break", seq, f"#{seq} records that the chain was broken before it"))
        if isinstance(real_at, str):
            if real_at < last_real_at:
                warnings.append(f"the wall clock went back between #{last_seq} and #{seq}, from {last_real_at} to {real_at}")
            last_real_at = max(last_real_at, real_at)
        if head is not None and head.seq == seq:
            mirrored = own_hash
        if told.get(seq, own_hash) != own_hash:
            findings.append(Finding("forked", seq, f"#{seq} is not the entry that was told outside: the chain was rewritten"))
        seen[own_hash] = seq
        last_seq, previous = seq, own_hash
    return count, last_seq, previous, mirrored


def _told(outside: Path | None, findings: list[Finding]) -> Mapping[int, str]:
    """The heads that were told outside; a file that says nothing to be understood is a finding."""
    try:
        return {} if outside is None else heads_in(outside)
    except (OSError, ValueError) as error:
        findings.append(Finding("unmirrored", None, f"{outside} cannot be read: {getattr(error, 'strerror', None) or error}"))
        return {}


def _between(last_seq: int, seq: int) -> str:
    if seq == last_seq + 2:
        return f"#{last_seq + 1} was removed"
    return f"#{last_seq + 1} to #{seq - 1} were removed" if seq > last_seq else "it does not belong there"


def _wrong_link(seq: int, prev_hash: str, seen: dict[str, int]) -> Finding:
    if prev_hash in seen:
        return Finding("forked", seq, f"#{seq} continues #{seen[prev_hash]} and not #{seq - 1}: two chains start there")
    return Finding("reordered", seq, f"#{seq} does not continue #{seq - 1}: an entry was inserted, moved or rewritten before it")


def _still_lags(head_path: Path, last_seq: int) -> bool:
    """Whether the head is behind also now: what was recorded during the walk has been mirrored since."""
    try:
        head = read_head(head_path)
    except ValueError:
        return True
    return head is None or head.seq < last_seq


def _compare_head(head: Head | None, head_path: Path, last_seq: int, mirrored: str | None, findings: list[Finding]) -> None:
    if head is None:
        if last_seq and not any(finding.kind == "unmirrored" for finding in findings):
            findings.append(Finding("unmirrored", None, f"{head_path} is missing, so a cut tail could not be seen"))
        return
    if head.seq > last_seq:
        findings.append(Finding("truncated", last_seq, f"the chain ends at #{last_seq}, but #{head.seq} had been mirrored"))
    elif mirrored != head.hash:
        findings.append(Finding("forked", head.seq, f"#{head.seq} is not the entry that had been mirrored: the chain was rewritten"))
