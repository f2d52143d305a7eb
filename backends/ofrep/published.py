"""What `switches.json` says, looked at anew whenever it changed; while it cannot be read the last good content stays, called stale."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from backends.local.reading import LocalAliases, LocalSwitches, Published
from backends.protocol import BackendError

Signature = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the switches at one moment."""

    published: Published | None
    """The last good content; None: there never was any."""
    models: frozenset[tuple[str, str]]
    """Environment and model of everything that can have a switch: what the file names, and what the registry does."""
    problem: str | None = None
    """Why the file cannot be read now; None when the content is what the file says."""

    @property
    def stale(self) -> bool:
        """Whether this is older content, kept because the file cannot be read."""
        return self.problem is not None and self.published is not None


class Watched:
    """`switches.json` and, for the names of models whose switch was never set, `registry.json`. Safe to use from several threads.

    `told` is called with one line when the file cannot be read any more, and when it can again.
    """

    def __init__(self, switches: Path, registry: Path, told: Callable[[str], None] | None = None) -> None:
        self._switches, self._registry, self._told = switches, registry, told
        self._guard = threading.Lock()
        self._look = Look(None, frozenset())
        self._named: frozenset[tuple[str, str]] = frozenset()
        self._seen: dict[Path, Signature | None] = {}
        self._was_there = False

    def look(self) -> Look:
        """What the switches are now. Reads a file only when it is another one than last time. Never raises for what a file is like."""
        with self._guard:
            before = self._look.problem
            self._read_names()
            self._read_switches()
            look = self._look
        if self._told is not None and (before is None) != (look.problem is None):
            self._told(f"{self._switches.name} can be read again" if look.problem is None else _said(look))
        return look

    def _read_switches(self) -> None:
        try:
            found = _signature(self._switches)
            if found is None and self._was_there:
                raise BackendError(f"{self._switches.name} was there and is gone: put it back, or set the switches again")
            if found is None or self._look.problem is not None or found != self._seen.get(self._switches):
                published = LocalSwitches(self._switches).published()
                self._was_there = self._was_there or found is not None
                self._seen[self._switches] = found
                self._look = Look(published, frozenset(published.settings) | self._named)
            else:
                self._look = replace(self._look, models=self._look.models | self._named)
        except BackendError as error:
            self._look = replace(self._look, models=self._look.models | self._named, problem=str(error))

    def _read_names(self) -> None:
        try:
            found = _signature(self._registry)
            if found != self._seen.get(self._registry):
                self._named = frozenset((move.environment, move.model) for move in LocalAliases(self._registry).aliases())
                self._seen[self._registry] = found
        except BackendError:
            # A broken registry takes no switch away: the names that were known stay known.
            return


def _said(look: Look) -> str:
    kept = f"version {look.published.version} is served on, as STALE" if look.published is not None else "nothing can be served yet"
    return f"{look.problem}; {kept}"


def _signature(path: Path) -> Signature | None:
    """Tells one content of a file from another without reading it; None: it is not there. Raises BackendError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BackendError(f"{path.name} cannot be reached: {error.strerror}") from error
    # Rights count too: a file that was closed to this process has changed, whatever it says.
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
