"""For notebooks: the views of a workspace as Python objects and frames.

from console.api import open_workspace
fleet = open_workspace("demo").fleet()
"""

from __future__ import annotations

from pathlib import Path

from console.locate import locate
from console.lookout import Lookout
from console.session import Session


def open_workspace(workspace: str | Path | None = None, *, environment: str | None = None) -> Lookout:
    """Open a workspace by name or path (None: the default one) for reading. Raises WorkspaceProblem."""
    return Lookout.open(Session(locate(None if workspace is None else str(workspace)), environment))
