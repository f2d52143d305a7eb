"""For notebooks: every view of a workspace as Python objects and as frames. Nothing here changes anything.

    from console.api import open_workspace

    workspace = open_workspace("demo")
    workspace.fleet().to_pandas()
    workspace.drift("arrival-delay").to_polars()
    workspace.quality("arrival-delay").to_pandas("course")
    workspace.drift("arrival-delay", DriftAsked(first=date(2013, 4, 1), last=date(2013, 4, 7), against="previous")).to_pandas()

The views are those of the screens and of `qd ... --json`. `tables(type(view))` names the tables in one; the first is the main one.
`DriftAsked`, `QualityAsked` and `ParityAsked` say what else is asked: other periods, slices, keys.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from console.locate import locate
from console.lookout import Lookout
from console.session import Session
from console.views.data.parity import ParityAsked
from console.views.drift.view import Asked as DriftAsked
from console.views.frames import NoSuchTable, tables
from console.views.quality.view import QualityAsked

__all__ = ["DriftAsked", "NoSuchTable", "ParityAsked", "QualityAsked", "open_workspace", "tables"]


def open_workspace(workspace: str | Path | None = None, *, environment: str | None = None, as_of: datetime | None = None) -> Lookout:
    """Open a workspace by name or path (None: the default one) for reading, as it is now or was known at `as_of` (aware).

    Raises WorkspaceProblem, and ValueError for a time without a zone.
    """
    if as_of is not None and as_of.tzinfo is None:
        raise ValueError(f"as_of={as_of.isoformat()} has no zone: add one, such as datetime(..., tzinfo=UTC)")
    return Lookout.open(Session(locate(None if workspace is None else str(workspace)), environment, as_of=as_of))
