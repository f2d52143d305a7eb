"""What goes on beside the demo's score server: evaluating as simulated time passes, and knowing when the clock waits for somebody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from backends.store.errors import StoreError
from backends.store.paths import WorkspacePaths
from console.clock import Clock
from console.config import Workspace
from console.control.actions import SERVING_KINDS
from console.control.ledger import read_state
from console.watch.rounds import watch_once

EVERY: Final = timedelta(hours=1)
"""Simulated time between two evaluations."""

PLAYS_ON: Final = timedelta(hours=30)
"""Simulated time that is played after somebody acted: outcomes are known after some eight hours, and a playbook waits a day for them."""


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


def standing_still(paths: WorkspacePaths, begun: datetime) -> Callable[[datetime], bool]:
    """Whether the clock waits for somebody at the moment asked about: until a switch, an alias or traffic is moved, and again once the
    effect of that could be counted. What was moved before `begun` is history.

    So whoever reads at leisure finds the incident as it was, and what waits for a signature still waiting.
    """
    seen: tuple[object, ...] | None = None
    until = begun

    def waits(reached: datetime) -> bool:
        nonlocal seen, until
        now = _stamp(paths)
        if now != seen:
            moved = _last_moved(paths)
            seen, until = now, begun if moved is None or moved < begun else moved + PLAYS_ON
        return reached >= until

    return waits


def _stamp(paths: WorkspacePaths) -> tuple[object, ...]:
    found: list[object] = []
    for path in (paths.switches, paths.registry, paths.traffic, paths.pipelines):
        try:
            found.append(path.stat().st_mtime_ns)
        except OSError:
            found.append(None)
    return tuple(found)


def _last_moved(paths: WorkspacePaths) -> datetime | None:
    """The newest moment, by the simulated clock, at which something that serves, or a pipeline, was moved."""
    actions = read_state(paths).actions.values()
    return max((each.intended_at for each in actions if each.kind in SERVING_KINDS), default=None)
