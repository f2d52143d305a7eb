"""A workspace of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.store.paths import WorkspacePaths


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    """An empty workspace folder, its name full of characters that mean something elsewhere."""
    root = tmp_path / "it's [a] *work=space"
    root.mkdir()
    return WorkspacePaths(root)
