"""One workspace is built for all of these tests; each works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from acting_workspace import MODEL, Place, built

from console.config import Workspace
from console.views.assessment import assess, registry_of
from console.views.kept import keep_health
from console.views.sight import Sight


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("acting") / "workspace"
    evaluated_once(built(root))
    return root


def evaluated_once(workspace: Workspace) -> None:
    """Keep the model's health, as the watch of a workspace in service does: a plan then judges a model again only when that is too old."""
    sight = Sight(workspace, "production", workspace.clock())
    with sight.reader() as reader:
        keep_health(workspace.paths, assess(sight, reader, registry_of(reader, "production", sight.at), MODEL).health)


@pytest.fixture
def place(original: Path, tmp_path: Path) -> Place:
    root = tmp_path / "workspace"
    shutil.copytree(original, root)
    return Place(root)
