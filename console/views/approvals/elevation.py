"""Whether somebody is elevated on this terminal, until when and why."""

from __future__ import annotations

from backends.records import Moment
from backends.text import Untrusted
from console.control.elevation import Elevation
from console.views.health.model import View


class ElevationView(View):
    """The elevation of one person on the terminal of this process."""

    person: str
    environment: str
    terminal: str | None
    """`pts/3`; None where there is none."""
    elevated: bool
    since: Moment | None
    until: Moment | None
    """Of the clock on the wall, like `since` and `at`: a simulated clock may stand still."""
    seconds_left: float | None
    reason: Untrusted | None
    at: Moment


def elevation_view(found: Elevation | None, *, person: str, environment: str, terminal: str | None, at: Moment) -> ElevationView:
    """What stands at `at`, by the clock on the wall."""
    return ElevationView(
        person=person,
        environment=environment,
        terminal=terminal,
        elevated=found is not None,
        since=found.since if found else None,
        until=found.until if found else None,
        seconds_left=(found.until - at).total_seconds() if found else None,
        reason=Untrusted(found.reason) if found else None,
        at=at,
    )
