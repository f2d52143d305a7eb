"""The two files of the local registry: `registry.json` (aliases) and `switches.json` (kill switches).

Both are JSON objects with a `format` and a `version` that grows by one at each change, and are replaced in one step, so a reader
needs no lock. Unknown fields, double keys and times without a zone are refused: a file that was broken by hand is never guessed at.

`switches.json`, for serving processes (an absent file or entry means `normal`):

    {"format": "quarterdeck/switches/1", "version": 13,
     "switches": {"production": {"arrival-delay": {"state": "fallback", "set_at": "2013-04-26T22:03:14Z", "set_by": "mara@bastion",
       "reason": "INC-1 late gap", "until": "2013-04-27T02:03:14Z", "key": "0198...", "owner": null, "since": null}}},
     "applied": {"0198...": 13}, "forbidden": []}

`until` is when its owner is asked again; it never turns anything back on by itself. The JSON Schema is `docs/switches.schema.json`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backends.plain_file import read_plain, why_unread
from backends.protocol import AliasMove, BackendError, SwitchSetting
from backends.records import Moment, Name, SwitchState

REMEMBERED_KEYS: Final = 500
"""Keys of calls that took effect kept in switches.json and traffic.json, so that a late repetition is recognised.

Keys that were given up are all kept: a call that was said to have failed must never arrive.
"""

MAX_BYTES: Final = 64 * 2**20


class Part(BaseModel):
    """Base of everything in these files: immutable, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Move(Part):
    """One move of one alias; the last one of each `(environment, model, alias)` is in force."""

    environment: Name
    model: Name
    alias: Name
    version: Name | None
    moved_at: Moment
    moved_by: Name
    key: Name

    def public(self) -> AliasMove:
        return AliasMove(self.environment, self.model, self.alias, self.version, self.moved_at, self.moved_by, self.key)


class RegistryDocument(Part):
    """`registry.json`: every move, oldest first, and the keys whose calls may no longer take effect."""

    format: Literal["quarterdeck/registry/1"] = "quarterdeck/registry/1"
    version: int = Field(default=0, ge=0)
    moves: tuple[Move, ...] = ()
    forbidden: tuple[Name, ...] = ()

    def in_force(self, environment: str, model: str, alias: str) -> Move | None:
        wanted = (environment, model, alias)
        return next((move for move in reversed(self.moves) if (move.environment, move.model, move.alias) == wanted), None)


def reaches_back(applied: dict[Name, int], published: int, version: int | None) -> bool:
    """Whether `applied` holds every call that took effect after `version` of a file that is at `published` now."""
    if version is not None and published < version:
        # An older file was put in its place: what came after it is not in there.
        return False
    oldest_kept = min(applied.values(), default=0) if len(applied) >= REMEMBERED_KEYS else 0
    return oldest_kept <= (version or 0) + 1


class Setting(Part):
    """The state of one kill switch."""

    state: Literal["normal", "degraded", "fallback", "killed"] = Field(description="What the model may answer.")
    set_at: Moment = Field(description="When it was set, or renewed last.")
    set_by: Name = Field(description="Who set or renewed it: `mara@bastion`.")
    reason: str = Field(max_length=4000, description="Why, in the words of whoever set it.")
    until: Moment | None = Field(
        default=None, description="When its owner is asked again. It stays in force after that, until somebody acts."
    )
    key: Name = Field(description="Key of the call that set it.")
    owner: Name | None = Field(default=None, description="Who is asked at `until`; null: whoever set it.")
    since: Moment | None = Field(default=None, description="Since when it is in this state, if it was renewed; null: since `set_at`.")

    def public(self, environment: str, model: str) -> SwitchSetting:
        return SwitchSetting(
            environment, model, SwitchState(self.state), self.set_at, self.set_by, self.key, self.reason, self.until, self.owner, self.since
        )


class SwitchesDocument(Part):
    """`switches.json`: the state of every kill switch, replaced in one step. No file, or no entry, means `normal`."""

    format: Literal["quarterdeck/switches/1"] = Field(
        default="quarterdeck/switches/1", description="Another number after the last stroke is another format: refuse it."
    )
    version: int = Field(default=0, ge=0, description="Grows by one at each change.")
    switches: dict[Name, dict[Name, Setting]] = Field(default_factory=dict, description="By environment, then by model.")
    applied: dict[Name, int] = Field(
        default_factory=dict, description="Key of each recent call and the version that it made; for the console alone."
    )
    forbidden: tuple[Name, ...] = Field(default=(), description="Keys of calls that may no longer take effect; for the console alone.")


Document = TypeVar("Document", bound=BaseModel)


def read_document(path: Path, kind: type[Document]) -> Document:
    """Read one of the files; an absent one is empty.

    Raises BackendError with file and reason on anything else; the file is left as it is.
    """
    try:
        raw = read_plain(path, MAX_BYTES)
    except FileNotFoundError:
        return kind()
    except OSError as error:
        raise BackendError(f"{path} cannot be read: {why_unread(error)}; it was left as it is") from error
    try:
        return kind.model_validate(_parsed(raw, kind))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BackendError(_broken(path, f"{where}: {first['msg']}")) from error
    except (ValueError, RecursionError) as error:
        raise BackendError(_broken(path, why_unread(error))) from error


@lru_cache(maxsize=6)
def _parsed(raw: bytes, kind: type[BaseModel]) -> BaseModel:
    """What these bytes say; documents are immutable. An action reads its file several times, and equal bytes are understood once."""
    json.loads(raw.decode(), object_pairs_hook=_without_doubles, parse_constant=_refused_constant)
    # Strictly, as the schema has it: a number is no time and `1.0` no count, whatever another reader may make of them.
    return kind.model_validate_json(raw, strict=True)


def document_bytes(document: BaseModel) -> bytes:
    """What is written: indented, for people; `format` and `version` first."""
    return (document.model_dump_json(indent=1, ensure_ascii=True) + "\n").encode()


def _broken(path: Path, reason: str) -> str:
    return f"{path} is broken ({reason}): it was left as it is; mend it or restore it from a backup"


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} appears twice")
        found[name] = value
    return found


def _refused_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number that JSON has")
