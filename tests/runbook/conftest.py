"""Every test stands in its own workspace, in which mara is on call and ilse comes after her."""

from __future__ import annotations

from pathlib import Path

import pytest
from incident_workspace import build

from console.config import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "mara@bastion")
    return build(tmp_path / "workspace")
