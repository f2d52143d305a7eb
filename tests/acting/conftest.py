"""One workspace is built for all of these tests; each works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from acting_workspace import MODEL, Place, built

from console.config import Workspace
from console.views.health.assessment import assess_fleet
from console.views.health.basis import ground
from console.views.health.kept import keep_fleet, keep_health
from console.views.sight import Sight


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("acting") / "workspace"
    evaluated_once(built(root))
    return root


def evaluated_once(workspace: Workspace) -> None:
    """Keep what a look at each model says, as the watch of a workspace in service does: only what is too old is judged again."""
    sight = Sight(workspace, "production", workspace.clock())
    with sight.reader() as reader:
        fleet, evaluated = assess_fleet(sight, reader)
    lies = ground(workspace.paths)
    keep_health(workspace.paths, evaluated[MODEL].health, lies.under(sight, MODEL))
    keep_fleet(workspace.paths, fleet, lies.under(sight, None))


@pytest.fixture
def place(original: Path, tmp_path: Path) -> Place:
    root = tmp_path / "workspace"
    shutil.copytree(original, root)
    return Place(root)
