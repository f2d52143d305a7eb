"""A registry that keeps no keys and lets the last writer win, behind a network that loses answers: what many registries are like.

What it holds is one file, so that several processes share it. Its network is told by a word: `fine`, `answer lost` (the call was
applied), `call lost` (it never arrived), `late` (it is applied when `arrive` is called), `blind` (it cannot even be read).
"""

from __future__ import annotations

import fcntl
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from backends.protocol import AliasMove, BackendError, BackendUnavailable


class LastWriterRegistry:
    """Moves one alias of one model. Nothing is remembered of a move but its version, its time and who made it."""

    def __init__(self, path: Path, network: str = "fine") -> None:
        self.path = path
        self.network = network
        self.sent = 0
        self.reads = 0
        self._late: list[tuple[str, str, datetime]] = []

    @property
    def moves(self) -> list[dict[str, Any]]:
        """Every move that arrived, oldest first."""
        return json.loads(self.path.read_text()) if self.path.exists() else []

    @property
    def version(self) -> str | None:
        return self.moves[-1]["version"] if self.moves else None

    def alias(self, environment: str, model: str, _alias: str) -> AliasMove | None:
        history = self.alias_history(environment, model)
        return history[-1] if history else None

    def alias_history(self, environment: str, model: str) -> list[AliasMove]:
        self.reads += 1
        if self.network == "blind":
            raise BackendError("the registry does not answer")
        return [
            AliasMove(environment, model, "production", each["version"], datetime.fromisoformat(each["at"]), each["by"], f"move-{number}")
            for number, each in enumerate(self.moves)
        ]

    def set_alias(
        self, environment: str, model: str, alias: str, version: str, *, actor: str, now: datetime, **_unheeded: str | None
    ) -> AliasMove:
        """Neither the expected value nor the key means anything here."""
        self.sent += 1
        if self.network in {"fine", "answer lost"}:
            self.write(version, actor, now)
        if self.network == "late":
            self._late.append((version, actor, now))
        if self.network != "fine":
            raise BackendUnavailable("connection reset")
        return AliasMove(environment, model, alias, version, now, actor, "")

    def arrive(self) -> None:
        """What had been on its way takes effect now."""
        for late in self._late:
            self.write(*late)
        self._late.clear()

    def write(self, version: str, by: str, at: datetime) -> None:
        """Somebody moves it: nobody is asked what stands there."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Those who read at the same moment take no lock.
            whole = self.path.with_suffix(".whole")
            whole.write_text(json.dumps([*self.moves, {"version": version, "by": by, "at": at.isoformat()}]))
            whole.replace(self.path)
