"""What goes on beside the demo's score server: evaluating as simulated time passes, and knowing when somebody has acted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from backends.store.errors import StoreError
from backends.store.paths import WorkspacePaths
from console.clock import Clock
from console.config import Workspace
from console.watch.rounds import watch_once

EVERY: Final = timedelta(hours=1)
"""Simulated time between two evaluations."""


class Evaluator:
    """Evaluates the workspace whenever enough simulated time has passed."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._last: datetime | None = None

    def __call__(self, clock: Clock) -> None:
        now = clock.now()
        if self._last is not None and now - self._last < EVERY:
            return
        self._last = now
        try:
            # At an hour a second nobody can wait for learning: what was learnt stays, and says how old it is.
            watch_once(self.workspace, clock, learn=False)
        except StoreError:
            # A busy store is tried again at the next step; serving goes on.
            return


def acted_since(paths: WorkspacePaths) -> Callable[[], bool]:
    """A question that is True as long as no switch, alias or traffic has moved since it was made."""

    def stamp() -> tuple[object, ...]:
        found: list[object] = []
        for path in (paths.switches, paths.registry, paths.traffic):
            try:
                found.append(path.stat().st_mtime_ns)
            except OSError:
                found.append(None)
        return tuple(found)

    begun = stamp()
    return lambda: stamp() == begun
