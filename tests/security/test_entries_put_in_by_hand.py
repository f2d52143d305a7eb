"""Whoever can write the journal can write one that nobody can make sense of: everything else in it stays to be seen."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from control_workspace import NOW, MovableClock, Workspace, confirmed, promotion, switch_to

from backends.journal.entries import Draft
from backends.journal.journal import Journal
from console.cli.exits import Exit
from console.cli.main import main
from console.config import init_workspace
from console.control import audit, events
from console.control.actions import ActionKind, ActionState

SENSELESS: dict[str, dict[str, Any]] = {
    events.INTENDED: {"plan": {}},
    events.ASKED: {"payload": {}},
    events.REVIEWED: {},
    events.RESPONDED: {"response": {}},
    events.BREAKER_HELD: {},
    events.ELEVATED: {"until": 5},
    events.SENT: {"plan": []},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "w"
    init_workspace(root, name="w")
    made = Workspace(root, MovableClock())
    made.promote("1")
    made.close()
    yield made
    made.close()


@pytest.mark.parametrize("kind", SENSELESS)
@pytest.mark.parametrize("actor", [{"name": "mara", "host": "bastion"}, {"name": 5}], ids=["somebody", "nobody"])
def test_an_entry_without_sense_hides_no_other_and_stops_no_kill_switch(
    workspace: Workspace, kind: str, actor: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(workspace.paths.control, workspace.paths.audit_head)
    before = journal.last()[0]
    journal.append([Draft("by-hand", kind, "x", NOW, NOW, actor, SENSELESS[kind])])
    journal.close()
    for words in (["audit", "log", "--json"], ["audit", "log"], ["audit", "export"]):
        assert main(["--workspace", str(workspace.paths.root), *words]) == Exit.OK
        told = capsys.readouterr().out
        assert kind in told and "promote" in told
    newest, *others = audit.log(workspace.paths)
    assert (newest.kind, newest.result, json.dumps(newest.body)) == (kind, "break", json.dumps(SENSELESS[kind]))
    assert [entry.seq for entry in others] == list(range(before, 0, -1))
    mara = workspace.desk("mara")
    outcome = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    assert outcome.state is ActionState.EFFECTIVE and workspace.switch == "killed"


def test_a_vote_for_something_else_is_no_vote_for_this(workspace: Workspace) -> None:
    ines = workspace.desk("ines", elevated=True)
    approvals = [ines.execute(ines.plan(promotion(version)), confirmed()).approval or "" for version in ("2", "3")]
    wanted, other = (workspace.state.approvals[each] for each in approvals)
    journal = Journal(workspace.paths.control, workspace.paths.audit_head)
    body = {"reason": "", "payload_digest": other.payload_digest, "solo": False, "signature": None}
    journal.append([Draft("by-hand", events.APPROVED, wanted.id, NOW, NOW, {"name": "ilse", "host": "desk", "played": True}, body)])
    assert workspace.state.approvals[wanted.id].granted == 0
    journal.append([Draft("again", events.APPROVED, other.id, NOW, NOW, {"name": "ilse", "host": "desk", "played": True}, body)])
    journal.close()
    assert workspace.state.approvals[other.id].granted == 1
    plan = ines.plan(promotion("2"))
    assert plan.step == "ask" and ines.execute(plan, confirmed()).state is ActionState.WAITING
