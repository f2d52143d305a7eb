"""What somebody puts in the place of a published file, or takes away, is told by what the journal says of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from control_workspace import MODEL, NOW, MovableClock, Workspace, confirmed, rollback, switch_to

from console.control import audit
from console.control.actions import ActionKind, ActionState


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "w", MovableClock())
    made.paths.root.mkdir()
    for days, version in ((40, "1"), (20, "2")):
        made.clock.at = NOW - timedelta(days=days)  # type: ignore[union-attr]
        made.promote(version)
    made.clock.at = NOW  # type: ignore[union-attr]
    yield made
    made.close()


def act(workspace: Workspace, *kinds: ActionKind) -> None:
    desk = workspace.desk("mara", elevated=True)
    for kind in kinds:
        assert desk.execute(desk.plan(switch_to(kind)), confirmed()).state is ActionState.EFFECTIVE


def told(workspace: Workspace) -> list[str]:
    return [line for line in audit.verify(workspace.paths).warnings if "stands in its place" in line]


def test_a_kill_switch_file_of_before_is_told_and_so_is_one_that_is_gone(workspace: Workspace) -> None:
    act(workspace, ActionKind.DEGRADE)
    before = workspace.paths.switches.read_bytes()
    act(workspace, ActionKind.KILL)
    assert told(workspace) == []
    workspace.paths.switches.write_bytes(before)
    [line] = told(workspace)
    assert f"the switch of {MODEL} in production is degraded, and A-" in line and "made it killed" in line
    workspace.paths.switches.unlink()
    [line] = told(workspace)
    assert f"nothing is published of the switch of {MODEL} in production" in line and "made it killed" in line
    act(workspace, ActionKind.KILL)
    assert told(workspace) == [], "done again it is as recorded"


def test_a_registry_of_before_is_told(workspace: Workspace) -> None:
    before = workspace.paths.registry.read_bytes()
    desk = workspace.desk("mara")
    assert desk.execute(desk.plan(rollback(to="1")), confirmed()).state is ActionState.EFFECTIVE
    assert told(workspace) == []
    workspace.paths.registry.write_bytes(before)
    [line] = told(workspace)
    assert f"production of {MODEL} in production is v2, and A-" in line and "made it 1" in line


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("put", [pipe, Path.mkdir], ids=["a pipe", "a folder"])
def test_what_cannot_be_read_by_now_is_called_that_and_not_changed(workspace: Workspace, put: Callable[[Path], None]) -> None:
    act(workspace, ActionKind.DEGRADE)
    desk = workspace.desk("mara")
    plan = desk.plan(switch_to(ActionKind.KILL))
    workspace.paths.switches.unlink()
    put(workspace.paths.switches)
    outcome = desk.execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED
    assert "switches.json cannot be read" in outcome.message and "None" not in outcome.message


def test_a_link_in_the_place_of_the_switches_is_replaced_and_what_it_leads_to_stays(workspace: Workspace, tmp_path: Path) -> None:
    act(workspace, ActionKind.DEGRADE)
    victim = tmp_path / "victim.json"
    victim.write_bytes(workspace.paths.switches.read_bytes())
    kept = victim.read_bytes()
    workspace.paths.switches.unlink()
    workspace.paths.switches.symlink_to(victim)
    act(workspace, ActionKind.KILL)
    assert workspace.switch == "killed" and not workspace.paths.switches.is_symlink() and victim.read_bytes() == kept
