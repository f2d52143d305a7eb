"""One workspace is built for all of these tests; each works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from acting_workspace import Place, built


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("acting") / "workspace"
    built(root)
    return root


@pytest.fixture
def place(original: Path, tmp_path: Path) -> Place:
    root = tmp_path / "workspace"
    shutil.copytree(original, root)
    return Place(root)
