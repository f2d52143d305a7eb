"""A workspace with a model that has served two versions, and the people around it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from control_workspace import NOW, MovableClock, Workspace


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def empty(tmp_path: Path, clock: MovableClock) -> Iterator[Workspace]:
    """A workspace in which nothing was ever done."""
    root = tmp_path / "workspace"
    root.mkdir()
    workspace = Workspace(root, clock)
    yield workspace
    workspace.close()


@pytest.fixture
def workspace(empty: Workspace, clock: MovableClock) -> Workspace:
    """Version 1 served from 40 days ago, version 2 serves since 20 days ago."""
    clock.at = NOW - timedelta(days=40)
    empty.promote("1")
    clock.at = NOW - timedelta(days=20)
    empty.promote("2")
    clock.at = NOW
    empty.close()
    return empty
