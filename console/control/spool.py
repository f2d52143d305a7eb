"""Notes kept outside the journal while it cannot be written: only a step towards a safer state may leave one.

Each note is a file of its own in `spool/`, one JSON object a line, flushed before anything moves. The next writer that reaches
the journal takes the notes over, records the gap, and only then removes the files.
"""

from __future__ import annotations

import contextlib
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import from_json

from backends.durable import make_folder, private_mode, sync_folder
from backends.journal.entries import Draft, Entry, moment_of, moment_text
from backends.plain_file import read_owned, read_plain, why_unread
from backends.records import canonical_json, digest_of_bytes
from backends.reserve import write_by_all_means
from backends.store.paths import WorkspacePaths
from console.control import events
from console.control.actions import Call, Moved, action_id_of
from console.control.folding import fold
from console.control.identity import Actor, not_of

PREFIX: Final = "control-"
SUFFIX: Final = ".jsonl"
BROKEN_SUFFIX: Final = ".broken"

OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
ASK: Final = "ask them, then move it away"

_ENDS: Final = frozenset({events.EFFECTIVE, events.FAILED, events.REFUSED})
_WITH_THE_END: Final = frozenset({events.EXECUTED, events.RELEASED})
"""What becomes of an approval when the action that used it ends."""


class _End(BaseModel):
    """The body of an entry that ends an action."""

    message: str
    after: str | None = None
    seconds: float | None = None
    calls: tuple[Call, ...] = ()
    difference: tuple[str, ...] = ()
    settled_by: str | None = None
    moved: Moved | None = None


@dataclass(frozen=True, slots=True)
class SpooledNote:
    """One file of the spool; `drafts` is empty when it cannot be read, and `problem` says why."""

    path: Path
    drafts: tuple[Draft, ...]
    reason: str
    problem: str | None = None
    owner: int | None = None
    """The uid of the operating system that the file belongs to."""
    refused: str | None = None
    """Why it is not taken over and stays where it is: somebody else than it names has written it. `drafts` is empty then."""


def write_note(folder: Path, drafts: Sequence[Draft], reason: str) -> Path:
    """Put `drafts` into the spool and flush them; `reason` is why the journal could not take them. Raises OSError."""
    make_folder(folder)
    lines = b"".join(_line(draft, reason) for draft in drafts)
    moment = drafts[0].real_at.strftime("%Y%m%dT%H%M%S%f")
    path = folder / f"{PREFIX}{moment}-{digest_of_bytes(lines)[7:19]}{SUFFIX}"
    mode = private_mode(folder) & ~OTHERS_WRITE
    beside = path.with_name(f".{path.name}.tmp")
    # Its owner says whose note it is, so nobody else may write it.
    write_by_all_means(folder.parent, beside, lines, mode, own=True)
    beside.replace(path)
    sync_folder(folder)
    return path


def read_notes(folder: Path) -> list[SpooledNote]:
    """Every note of the spool, oldest first; a folder that is not there has none."""
    try:
        notes = sorted(path for path in folder.iterdir() if path.name.startswith(PREFIX) and path.name.endswith(SUFFIX))
    except OSError:
        return []
    if not notes:
        return []
    simulated = _simulated(WorkspacePaths(folder.parent).workspace_toml)
    return [_read(path, simulated) for path in notes]


def set_aside(note: SpooledNote) -> None:
    """Keep a note that cannot be read, out of the way of the next writers."""
    with contextlib.suppress(OSError):
        note.path.replace(note.path.with_name(note.path.name + BROKEN_SUFFIX))


def forget(note: SpooledNote) -> None:
    """Remove a note that the journal has taken over."""
    with contextlib.suppress(OSError):
        note.path.unlink()


def _line(draft: Draft, reason: str) -> bytes:
    return (
        canonical_json(
            {
                "key": draft.key,
                "kind": draft.kind,
                "subject": draft.subject,
                "at": moment_text(draft.at),
                "real_at": moment_text(draft.real_at),
                "actor": draft.actor,
                "body": draft.body,
                "reason": reason,
            }
        ).encode()
        + b"\n"
    )


def _simulated(settings: Path) -> bool:
    """Whether the workspace has a simulated clock, where people are played. Without settings nobody has opened it at all."""
    try:
        return "clock" in tomllib.loads(read_plain(settings).decode())
    except (OSError, ValueError):
        return True


def _read(path: Path, simulated: bool) -> SpooledNote:
    drafts: list[Draft] = []
    reason = ""
    owner: int | None = None
    try:
        content, status = read_owned(path)
        owner = status.st_uid
        for line in content.decode().splitlines():
            # Read as the journal reads: what only a more lenient reader takes would hold up every later note.
            found: dict[str, Any] = from_json(line)
            reason = str(found["reason"])
            draft = Draft(
                str(found["key"]),
                str(found["kind"]),
                str(found["subject"]),
                moment_of(found["at"]),
                moment_of(found["real_at"]),
                dict(found["actor"]),
                dict(found["body"]),
            )
            _require_notable(draft)
            drafts.append(draft)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return SpooledNote(path, (), reason, f"{path} cannot be read: {why_unread(error)}", owner)
    if not drafts:
        return SpooledNote(path, (), reason, f"{path} is empty", owner)
    if status.st_mode & OTHERS_WRITE:
        return SpooledNote(path, (), reason, owner=owner, refused=f"{path} is not taken over: others than its owner may write it; {ASK}")
    for draft in drafts:
        forged = not_of(Actor.model_validate(draft.actor), owner, simulated=simulated)
        if forged is not None:
            return SpooledNote(path, (), reason, owner=owner, refused=f"{path} is not taken over: {forged}; {ASK}")
    return SpooledNote(path, tuple(drafts), reason, owner=owner)


def _require_notable(draft: Draft) -> None:
    """Only what this program notes outside the journal is taken over: nobody approves, or takes, or promotes by way of a file.

    Raises ValueError, KeyError or TypeError; what is appended to the journal once can never be taken out of it again.
    """
    Actor.model_validate(draft.actor)
    if draft.kind == events.INTENDED:
        if draft.body["plan"]["danger"] != "safer":
            raise ValueError(f"{draft.subject} is no step towards safety: it is never noted outside the journal")
        _require_own(draft, events.intent_key(str(draft.body["key"])), draft.subject, str(draft.body["key"]))
        _require_own(draft, draft.key, str(draft.body["plan"]["action_id"]), str(draft.body["key"]))
        fold([Entry(0, draft.key, draft.kind, draft.subject, draft.at, draft.real_at, draft.actor, draft.body, "", "")])
    elif draft.kind in _ENDS:
        _End.model_validate(draft.body)
        action_key = _inside(draft.key, *events.outcome_key("\n").split("\n"))
        _require_own(draft, events.outcome_key(action_key), draft.subject, action_key)
    elif draft.kind in _WITH_THE_END:
        action_key = _inside(draft.key, f"approval/{draft.subject}/{draft.kind}/", "")
        _require_own(draft, draft.key, str(draft.body["action"]), action_key)
    else:
        raise ValueError(f"an entry {draft.kind} is never noted outside the journal")


def _inside(key: str, before: str, after: str) -> str:
    """The key of the action in the key of an entry. Raises ValueError when it is not such a key."""
    if not key.startswith(before) or not key.endswith(after) or len(key) <= len(before) + len(after):
        raise ValueError(f"{key} is no key of such an entry")
    return key[len(before) : len(key) - len(after)]


def _require_own(draft: Draft, key: str, action: str, action_key: str) -> None:
    """An action is named by its key. Under another name a note would take the place of an action that somebody else did."""
    if draft.key != key or action != action_id_of(action_key):
        raise ValueError(f"{draft.subject} is not the action that the key {draft.key} names")
