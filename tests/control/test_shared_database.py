"""In a workspace of a group the files beside a database are open to every member from their first moment, whatever anybody's umask is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from control_workspace import MovableClock, Workspace, confirmed, switch_to

from backends.store.catalogue import open_catalogue
from console.control.actions import ActionKind


@pytest.fixture
def careful() -> Iterator[None]:
    """A umask that takes the right to write away from the group."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def kills(root: Path) -> None:
    desk = Workspace(root, MovableClock()).desk("ada")
    desk.execute(desk.plan(switch_to(ActionKind.KILL)), confirmed())
    desk.close()


def looks_into_the_store(root: Path) -> None:
    with open_catalogue(Workspace(root, MovableClock()).paths):
        pass


@pytest.mark.parametrize(("name", "use"), [("control.sqlite", kills), ("store/catalog.sqlite", looks_into_the_store)])
def test_no_member_meets_a_file_that_only_its_maker_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, careful: None, name: str, use: Callable[[Path], None]
) -> None:
    """Who met one was told that the journal or the store is read-only, though it was not."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2770)
    use(shared)
    for what in ("wal", "shm"):
        (shared / f"{name}-{what}").unlink(missing_ok=True)
    met: set[int | None] = set()
    real = sqlite3.connect

    def looked_at(database: Any, *given: Any, **named: Any) -> sqlite3.Connection:
        if str(shared / name) in str(database):
            beside = [shared / f"{name}-{what}" for what in ("wal", "shm")]
            met.update(path.stat().st_mode & 0o777 if path.exists() else None for path in beside)
        return real(database, *given, **named)

    monkeypatch.setattr(sqlite3, "connect", looked_at)
    use(shared)
    assert met == {0o660}
