"""The state of control kept in a snapshot, so that acting takes as long after a year of entries as on the first day.

A snapshot is used when an entry of the journal names its digest, when the entry that it goes up to is still there, and when the
same program folded it; in every other case the journal is read from its beginning.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import zlib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from backends.journal.entries import Draft, JournalUnavailable
from backends.journal.journal import Journal
from backends.journal.snapshot import Snapshot, Upto, content_of, forget_older, newest, write_snapshot
from backends.records import Alert, Incident
from console.control import events
from console.control.approval import Approval
from console.control.layers import Kept, Layered, LayeredSet
from console.control.records import ActionRecord, Note, Review, RuleResponse, RunEvent
from console.control.state import ControlState

Value = TypeVar("Value")

_FOLDED_BY: Final = (
    "backends.records",
    *(f"console.control.{name}" for name in ("actions", "approval", "entry_effects", "folding", "identity", "records", "state")),
)
"""The modules that decide what the same entries fold to: another text of any of them may fold otherwise."""

COLLECTIONS: Final[dict[str, Any]] = {
    "actions": ActionRecord,
    "action_by_key": str,
    "approvals": Approval,
    "asked_by_key": str,
    "incidents": Incident,
    "incident_by_alert": str,
    "alerts": Alert,
    "responses": RuleResponse,
    "acknowledged": Note,
    "notes": Note,
    "runs": tuple[RunEvent, ...],
    "reviews": Review,
}
SETS: Final = ("recorded", "late")
ORDERED: Final = ("unended", "unclosed", "firing", "unreviewed")
"""Ids in order, as the keys of a dictionary."""
SMALL: Final = ("unfinished", *ORDERED, "breaks", "breakers", "elevations")


class _Bottom(Kept[Value]):
    """One collection of a snapshot; each record is read when it is first asked for."""

    def __init__(self, snapshot: Snapshot, collection: str) -> None:
        self._snapshot, self._collection = snapshot, collection
        self._known: dict[str, Value] = {}
        self._ids: list[str] | None = None
        self._loaded = False
        self._guard = threading.Lock()

    def load(self) -> None:
        """Bring every record into memory."""
        with self._guard:
            if not self._loaded:
                for identifier, body in self._snapshot.bodies(self._collection):
                    if identifier not in self._known:
                        self._known[identifier] = _parsed(self._snapshot.path, self._collection, body)
                self._loaded = True

    def __getitem__(self, key: str) -> Value:
        if key in self._known:
            return self._known[key]
        body = None if self._loaded else self._snapshot.body(self._collection, key)
        if body is None:
            raise KeyError(key)
        found: Value = _parsed(self._snapshot.path, self._collection, body)
        return self._known.setdefault(key, found)

    def __contains__(self, key: object) -> bool:
        return key in self._known or (not self._loaded and isinstance(key, str) and self._snapshot.has(self._collection, key))

    def __len__(self) -> int:
        return self._snapshot.count(self._collection)

    def __iter__(self) -> Iterator[str]:
        if self._ids is None:
            self._ids = self._snapshot.ids(self._collection)
        return iter(self._ids)


class _BottomSet(_Bottom[None]):
    """The same for keys alone."""

    def load(self) -> None:
        """There is nothing to read but the keys."""

    def __getitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)


def remembered(journal: Journal, folder: Path) -> ControlState:
    """The newest state that is kept in `folder` and stands in the journal; an empty one when there is none. Raises JournalUnavailable."""
    for upto, path in newest(folder):
        if not _vouched(journal, upto):
            continue
        try:
            content = content_of(path, upto)
            if content is None:
                continue
            snapshot = Snapshot(path, content)
            if snapshot.meta.get("folded_by") == folded_by():
                return _state_of(snapshot, upto)
            snapshot.close()
        except (JournalUnavailable, OSError):
            # What cannot be read is passed over: the journal itself says the same, only more slowly.
            continue
    return ControlState()


def keep(journal: Journal, folder: Path, state: ControlState, now: datetime, real_now: datetime) -> Upto:
    """Keep `state`, which is a fold of the journal alone, and record its digest. Raises OSError or JournalUnavailable."""
    onto = state.snapshot
    upto = write_snapshot(folder, state.last_seq, state.last_hash, _meta(state), _changes(state), onto)
    body = {"seq": upto.seq, "hash": upto.hash, "digest": upto.digest}
    journal.append(
        [Draft(_key(upto), events.CHECKPOINT, "audit", now, real_now, {"name": "journal", "host": "local", "program": True}, body)]
    )
    forget_older(folder)
    return upto


def altered(journal: Journal, folder: Path) -> list[str]:
    """What is wrong with the snapshots that the journal vouches for, one line each. Raises JournalUnavailable."""
    lines = []
    for upto, path in newest(folder):
        if not _vouched(journal, upto):
            continue
        try:
            if content_of(path, upto) is None:
                lines.append(f"{path} is not what was kept at #{upto.seq}: it was changed and is not used; remove it, it is made anew")
        except OSError as error:
            lines.append(f"{path} cannot be read: {error.strerror or error}")
    return lines


@cache
def folded_by() -> str:
    """What tells one way of folding from another: a digest of the program text that does it."""
    summed = hashlib.sha256()
    for name in _FOLDED_BY:
        file = getattr(sys.modules.get(name), "__file__", None)
        summed.update(f"\n{name}\n".encode())
        if file is not None:
            summed.update(Path(file).read_bytes())
    return summed.hexdigest()


def _vouched(journal: Journal, upto: Upto) -> bool:
    entry = journal.find(_key(upto))
    return (
        entry is not None and entry.kind == events.CHECKPOINT and entry.body == {"seq": upto.seq, "hash": upto.hash, "digest": upto.digest}
    )


def _key(upto: Upto) -> str:
    return f"{events.CHECKPOINT}/{upto.seq}/{upto.digest[:16]}"


def _state_of(snapshot: Snapshot, upto: Upto) -> ControlState:
    small = json.loads(snapshot.meta["small"])
    containers: dict[str, Any] = {name: Layered(_Bottom[Any](snapshot, name)) for name in COLLECTIONS}
    containers |= {name: LayeredSet(Layered(_BottomSet(snapshot, name))) for name in SETS}
    containers |= {name: dict.fromkeys(small[name]) for name in ORDERED}
    containers |= {"unfinished": set(small["unfinished"]), "breaks": small["breaks"], "breakers": small["breakers"]}
    containers["elevations"] = small["elevations"]
    return ControlState(last_seq=upto.seq, last_hash=upto.hash, snapshot=snapshot, **containers)


def _meta(state: ControlState) -> dict[str, str]:
    small = {name: getattr(state, name) for name in SMALL}
    small |= {name: list(small[name]) for name in ORDERED} | {"unfinished": sorted(small["unfinished"])}
    return {"folded_by": folded_by(), "seq": str(state.last_seq), "hash": state.last_hash, "small": json.dumps(small)}


def _changes(state: ControlState) -> Iterator[tuple[str, str, bytes]]:
    for name in COLLECTIONS:
        written = _adapter(name)
        for identifier, value in getattr(state, name).changes().items():
            yield name, identifier, zlib.compress(written.dump_json(value), 1)
    for name in SETS:
        for identifier in getattr(state, name).keys.changes():
            yield name, identifier, b""


def _parsed(path: Path, collection: str, body: bytes) -> Any:
    try:
        return _adapter(collection).validate_json(zlib.decompress(body))
    except (zlib.error, ValueError) as error:
        raise JournalUnavailable(f"{path} holds a record that cannot be read: remove it, it is made anew") from error


@cache
def _adapter(collection: str) -> TypeAdapter[Any]:
    return TypeAdapter(COLLECTIONS[collection])
