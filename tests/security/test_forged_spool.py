"""The spool is a folder that anybody with write access may put files into: it must not be a way around the rules."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backends.journal.entries import Draft, Entry
from backends.journal.journal import Journal
from backends.text import Untrusted
from console.control import audit
from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation, action_id_of
from console.control.approval import ApprovalState
from console.control.desk import Desk
from console.control.identity import Actor, not_of
from console.control.spool import read_notes, write_note
from console.locate import Located
from console.overrides import broken_glass
from console.session import Session

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from control_workspace import MODEL, NOW, TEAM, MovableClock, Workspace, confirmed, promotion, switch_to

ONE, OTHER = 61235, 61236


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    found = Workspace(tmp_path, MovableClock())
    yield found
    found.close()


def spooled(workspace: Workspace, kind: str, subject: str, body: dict[str, Any], key: str = "k") -> Path:
    folder = workspace.paths.spool
    folder.mkdir(exist_ok=True)
    at = NOW.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    actor = {"name": "ilse", "host": "bastion"}
    note = {"key": key, "kind": kind, "subject": subject, "at": at, "real_at": at, "actor": actor, "body": body, "reason": "full"}
    path: Path = folder / "control-20130426T220000000000-abc.jsonl"
    path.write_text(json.dumps(note) + "\n")
    return path


def noted(workspace: Workspace) -> ActionState:
    mara = workspace.desk()
    request = ActionRequest(kind=ActionKind.NOTE, model=MODEL, reason="x")
    state: ActionState = mara.execute(mara.plan(request), Confirmation()).state
    return state


def test_an_approval_cannot_be_given_by_way_of_a_file(workspace: Workspace) -> None:
    workspace.promote("1")
    ines = workspace.desk("ines", elevated=True)
    asked = ines.execute(ines.plan(promotion("2")), confirmed())
    approval = workspace.state.approvals[asked.approval]
    vote = {"reason": "ok", "payload_digest": approval.payload_digest, "solo": False, "signature": None}
    forged = spooled(workspace, "approval.approved", approval.id, vote, f"approval/{approval.id}/vote/ilse")
    assert workspace.state.approvals[approval.id].state_at(NOW) is ApprovalState.PENDING
    assert noted(workspace) is ActionState.DONE
    assert workspace.state.approvals[approval.id].state_at(NOW) is ApprovalState.PENDING
    assert ines.execute(ines.plan(promotion("2")), confirmed()).state is ActionState.WAITING
    assert workspace.version == "1"
    assert not forged.exists()
    assert "gap" in {entry.result for entry in audit.log(workspace.paths)}


@pytest.mark.parametrize(
    ("kind", "subject", "body"),
    [
        ("action.intended", "A-1", {}),
        ("action.intended", "A-1", {"plan": {"danger": "dangerous"}}),
        ("action.effective", "A-1", {"message": 3}),
        ("action.effective", "A-1", {"message": "ok", "calls": [1]}),
        ("approval.executed", "APR-99", {"action": "A-1"}),
        ("run.opened", "RUN-x", {}),
        ("incident.opened", "INC-1", {"incident": {}}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_note_that_could_never_be_read_again_does_not_reach_the_journal(
    workspace: Workspace, kind: str, subject: str, body: dict[str, Any]
) -> None:
    assert noted(workspace) is ActionState.DONE
    spooled(workspace, kind, subject, body)
    mara = workspace.desk()
    assert mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
    assert workspace.state.problem is None
    assert noted(workspace) is ActionState.DONE
    assert kind not in {entry.kind for entry in audit.log(workspace.paths)} - {"action.intended", "action.effective"}
    assert audit.verify(workspace.paths).whole


@pytest.mark.parametrize("forged", ["nothing", "subject", "key", "named in the plan", "end", "use of an approval"])
def test_a_note_never_takes_the_place_of_an_action_that_somebody_else_did(workspace: Workspace, forged: str) -> None:
    mara = workspace.desk()
    killed = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    before = dict(workspace.state.actions)
    journal = Journal(workspace.paths.control, workspace.paths.audit_head, read_only=True)
    intent = journal.find(f"action/{killed.key}/intended")
    journal.close()
    assert intent is not None
    theirs, own = killed.action_id, action_id_of("k")
    plan = {**intent.body["plan"], "key": "k", "action_id": own}
    body, stolen = {**intent.body, "key": "k", "plan": plan}, {**intent.body, "key": "k", "plan": {**plan, "action_id": theirs}}
    kind, subject, content, key = {
        "nothing": ("action.intended", own, body, "action/k/intended"),
        "subject": ("action.intended", theirs, body, "action/k/intended"),
        "key": ("action.intended", own, body, "k"),
        "named in the plan": ("action.intended", own, stolen, "action/k/intended"),
        "end": ("action.failed", theirs, {"message": "it never was"}, "action/k/outcome"),
        "use of an approval": ("approval.released", "APR-1", {"action": theirs}, "approval/APR-1/approval.released/k"),
    }[forged]
    note = spooled(workspace, kind, subject, content, key)
    [read] = read_notes(workspace.paths.spool)
    assert (read.problem is None) == (forged == "nothing"), read.problem
    assert noted(workspace) is ActionState.DONE
    after = dict(workspace.state.actions)
    assert after.pop(own, None) is None or forged == "nothing"
    assert after == before
    assert not note.exists()
    assert note.with_name(note.name + ".broken").exists() == (forged != "nothing")


@pytest.mark.parametrize("place", ["spool", "switches"])
def test_a_named_pipe_does_not_hold_up_a_kill_switch(workspace: Workspace, place: str) -> None:
    workspace.paths.spool.mkdir()
    os.mkfifo(workspace.paths.switches if place == "switches" else workspace.paths.spool / "control-20130426T220000000000-abc.jsonl")
    mara = workspace.desk()
    outcome = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    assert outcome.state is (ActionState.REFUSED if place == "switches" else ActionState.EFFECTIVE)


def test_however_many_notes_make_no_sense_whoever_acts_waits_for_the_disk_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.promote("1")
    workspace.paths.spool.mkdir(exist_ok=True)
    for number in range(40):
        (workspace.paths.spool / f"control-{number}.jsonl").write_text("{}")
    appended: list[list[str]] = []
    append = Journal.append

    def counted(self: Journal, drafts: Sequence[Draft], **more: Any) -> list[Entry]:
        appended.append([draft.kind for draft in drafts])
        return append(self, drafts, **more)

    monkeypatch.setattr(Journal, "append", counted)
    mara = workspace.desk()
    assert mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
    assert appended == [["audit.gap"] * 40, ["action.intended"], ["action.effective"]]
    files = {name for entry in audit.log(workspace.paths) if entry.kind == "audit.gap" for name in entry.body["files"]}
    assert files == {f"control-{number}.jsonl" for number in range(40)}
    assert not read_notes(workspace.paths.spool) and len(list(workspace.paths.spool.glob("*.broken"))) == 40


def test_bytes_that_are_no_text_in_the_environment_stop_no_later_record(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "\udc9b 22")
    mara = Desk(workspace.paths, workspace.clock, Actor.from_os().model_copy(update={"name": "mara", "ssh": "10.0.0.1\udc9b"}), policy=TEAM)
    outcome = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    mara.close()
    assert outcome.state is ActionState.EFFECTIVE and outcome.gap is None
    assert workspace.state.actions[outcome.action_id].actor.ssh == "10.0.0.1\\udc9b"
    assert Actor.from_os().ssh == "\\udc9b"
    assert noted(workspace) is ActionState.DONE


def test_a_title_that_is_no_text_is_kept_with_its_bytes_written_out(workspace: Workspace) -> None:
    incident = workspace.desk().declare_incident("production", MODEL, Untrusted("caf\udce9"), key="k1")
    assert workspace.state.incidents[incident.id].title == Untrusted("caf\\udce9")
    assert noted(workspace) is ActionState.DONE


@pytest.mark.parametrize(
    ("owner", "named", "simulated", "taken"),
    [
        (0, {"name": "ilse", "uid": 1000}, False, True),
        (ONE, {"name": f"uid-{ONE}", "uid": ONE}, False, True),
        (ONE, {"name": f"uid-{ONE}"}, False, True),
        (ONE, {"name": "ilse", "uid": OTHER}, False, False),
        (ONE, {"name": "ilse", "uid": ONE}, False, False),
        (ONE, {"name": "ilse"}, False, False),
        (ONE, {"name": "ilse", "uid": ONE, "played": True}, False, False),
        (ONE, {"name": "ilse", "uid": ONE, "played": True}, True, True),
        (ONE, {"name": "ilse", "uid": OTHER, "played": True}, True, False),
        (ONE, {"name": "root", "uid": 0, "sudo": "root"}, False, False),
    ],
    ids=str,
)
def test_a_note_counts_only_for_whom_its_file_belongs_to(owner: int, named: dict[str, Any], simulated: bool, taken: bool) -> None:
    said = not_of(Actor.model_validate({"host": "h", **named}), owner, simulated=simulated)
    assert (said is None) == taken
    assert said is None or (f"uid {owner}" in said and named["name"] in said)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to somebody else")
def test_a_made_up_action_in_the_name_of_somebody_else_is_left_where_it_is_and_said_everywhere(workspace: Workspace) -> None:
    workspace.paths.workspace_toml.write_text('format = 1\nname = "w"\npersonal = false\n')
    mara = workspace.desk()
    killed = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    journal = Journal(workspace.paths.control, workspace.paths.audit_head, read_only=True)
    intent = journal.find(f"action/{killed.key}/intended")
    journal.close()
    assert intent is not None
    plan = {**intent.body["plan"], "key": "k", "action_id": action_id_of("k")}
    note = spooled(workspace, "action.intended", action_id_of("k"), {**intent.body, "key": "k", "plan": plan}, "action/k/intended")
    os.chown(note, ONE, ONE)
    assert noted(workspace) is ActionState.DONE
    assert note.exists() and action_id_of("k") not in workspace.state.actions
    [said] = workspace.state.refused_notes
    assert said == f"{note} is not taken over: uid {ONE} (uid-{ONE}) wrote it, in the name of ilse; ask them, then move it away"
    verdict = audit.verify(workspace.paths)
    assert verdict.whole and verdict.warnings[0] == said and verdict.gap_entries == 0
    session = Session(Located(workspace.paths.root, "given"))
    assert broken_glass(session, "production") == ("NOTE REFUSED",)
    # The same note is taken over once it belongs to whom it names, and the entry keeps whose file it was.
    told = json.loads(note.read_text())
    note.write_text(json.dumps({**told, "actor": {"name": f"uid-{ONE}", "host": "bastion", "uid": ONE}}) + "\n")
    assert noted(workspace) is ActionState.DONE
    assert not note.exists() and workspace.state.refused_notes == ()
    journal = Journal(workspace.paths.control, workspace.paths.audit_head, read_only=True)
    taken = journal.find("action/k/intended")
    [gap] = [entry for entry in journal.each() if entry.kind == "audit.gap"]
    journal.close()
    assert taken is not None and taken.body["spooled"]["uid"] == ONE and gap.body["owners"] == [ONE]


def test_a_link_in_the_spool_is_no_note_of_whom_it_leads_to(workspace: Workspace, tmp_path: Path) -> None:
    note = spooled(workspace, "action.failed", action_id_of("k"), {"message": "no"}, "action/k/outcome")
    elsewhere = note.rename(tmp_path / "elsewhere")
    note.symlink_to(elsewhere)
    [read] = read_notes(workspace.paths.spool)
    assert read.drafts == () and read.problem is not None


def test_what_others_than_its_owner_may_write_says_nothing_of_who_wrote_it(workspace: Workspace) -> None:
    """A member of the group could put other words into a note that waits, and they would count as its owner's."""
    mara = workspace.desk()
    killed = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    journal = Journal(workspace.paths.control, workspace.paths.audit_head, read_only=True)
    intent = journal.find(f"action/{killed.key}/intended")
    journal.close()
    assert intent is not None
    own = action_id_of("k")
    plan = {**intent.body["plan"], "key": "k", "action_id": own}
    note = spooled(workspace, "action.intended", own, {**intent.body, "key": "k", "plan": plan}, "action/k/intended")
    assert read_notes(workspace.paths.spool)[0].drafts
    note.chmod(0o660)
    [read] = read_notes(workspace.paths.spool)
    assert not read.drafts
    assert read.refused is not None and "others than its owner may write it" in read.refused
    assert noted(workspace) is ActionState.DONE
    assert own not in workspace.state.actions
    assert note.exists()


def test_a_note_in_a_group_can_be_read_by_all_and_written_by_its_owner_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)
    at = NOW
    path = write_note(tmp_path / "spool", [Draft("k", "action.failed", "A-1", at, at, {"name": "mara"}, {"message": "m"})], "full")
    assert path.stat().st_mode & 0o777 == 0o640
