"""Runs as the journal keeps them."""

from __future__ import annotations

from console.control.state import ControlState
from playbooks.fold import fold
from playbooks.host import RunEvent
from playbooks.run import Run

OPENED = "opened"
"""The entry that gives a run its number; everything after it is the run's own."""


def run_events(state: ControlState, run: str) -> list[RunEvent]:
    """Every event of a run, in order; empty for one that was never started."""
    return [RunEvent.model_validate(event.body) for event in state.runs.get(run, ()) if event.name != OPENED]


def run_of(state: ControlState, run: str | None) -> Run | None:
    """A run as control knows it; None when it was not started. Raises RunError when its record cannot be read."""
    events = run_events(state, run) if run is not None else []
    return fold(events) if events else None
