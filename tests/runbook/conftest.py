"""One workspace is built for all of these tests; each works on a copy, in which mara is on call and ilse comes after her."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from incident_workspace import NOW, build

from backends.store.compactor import compact
from console.config import Workspace, open_workspace
from console.views.health.assessment import assess_fleet
from console.views.health.basis import ground
from console.views.health.kept import keep_health
from console.views.sight import Sight


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runbook") / "workspace"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("QUARTERDECK_ACTOR", "mara@bastion")
        built = build(root)
        compact(built.paths, NOW)
        # As the watch of a workspace in service does: only what is too old is judged again.
        sight = Sight(built, "production", built.clock())
        with sight.reader() as reader:
            for each in assess_fleet(sight, reader)[1].values():
                keep_health(built.paths, each.health, ground(built.paths).under(sight, each.health.model))
    return root


@pytest.fixture
def workspace(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "mara@bastion")
    root = tmp_path / "workspace"
    shutil.copytree(original, root)
    return open_workspace(root)
