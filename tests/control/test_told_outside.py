"""Whoever can rewrite the whole workspace is still found out by what was told elsewhere; and telling never holds up an action."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from control_workspace import MODEL, NOW, MovableClock, Workspace, confirmed, switch_to

from backends.journal.entries import Draft, Entry, JournalUnavailable, chained_hash
from backends.journal.head import Head
from backends.journal.journal import Journal
from backends.journal.outside import OutsideHeads
from backends.records import canonical_json
from backends.store.paths import WorkspacePaths
from console.control import audit
from console.control.actions import ActionKind, ActionState
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.roles import Policy


def act(paths: WorkspacePaths, outside: OutsideHeads, kinds: tuple[ActionKind, ...], reason: str = "rain") -> None:
    with Desk(paths, MovableClock(), Actor.named("mara"), policy=Policy.personal("mara"), elevated=True, outside=outside) as desk:
        for kind in kinds:
            assert desk.execute(desk.plan(switch_to(kind)), confirmed(reason)).state is ActionState.EFFECTIVE


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "heads.log"


@pytest.fixture
def told(empty: Workspace, heads: Path) -> WorkspacePaths:
    heads.parent.mkdir()
    act(empty.paths, OutsideHeads(heads), (ActionKind.KILL, ActionKind.RESTORE))
    return empty.paths


def test_each_append_is_told_and_the_chain_agrees(told: WorkspacePaths, heads: Path) -> None:
    lines = [line.split() for line in heads.read_text().splitlines()]
    entries = {str(entry.seq): entry.hash for entry in audit.each(told)}
    assert [int(line[0]) for line in lines] == [1, 2, 3, 4] and all(entries[line[0]] == line[1] for line in lines)
    found = audit.verify(told, heads)
    assert found.whole and not found.warnings


def test_a_workspace_that_was_rewritten_from_the_start_is_found_out(told: WorkspacePaths, heads: Path) -> None:
    """Journal, mirrored head and switches are all made anew, so that they agree with one another."""
    for path in (told.control, told.audit_head, told.switches):
        for leftover in told.root.glob(f"{path.name}*"):
            leftover.unlink()
    act(told, OutsideHeads(), (ActionKind.KILL, ActionKind.RESTORE), "nothing happened")
    assert audit.verify(told).whole
    found = audit.verify(told, heads)
    assert not found.whole and found.findings[0].kind == "forked" and "told outside" in found.findings[0].message


def test_a_workspace_put_back_to_an_earlier_state_is_found_out(empty: Workspace, heads: Path, tmp_path: Path) -> None:
    heads.parent.mkdir()
    act(empty.paths, OutsideHeads(heads), (ActionKind.KILL,))
    earlier = tmp_path / "earlier"
    shutil.copytree(empty.paths.root, earlier)
    act(empty.paths, OutsideHeads(heads), (ActionKind.RESTORE,))
    shutil.rmtree(empty.paths.root)
    shutil.copytree(earlier, empty.paths.root)
    assert audit.verify(empty.paths).whole
    found = audit.verify(empty.paths, heads)
    assert [finding.kind for finding in found.findings] == ["truncated"] and "#4" in found.findings[0].message


def test_a_place_that_cannot_be_reached_holds_up_nothing_and_shows(empty: Workspace, tmp_path: Path) -> None:
    gone = tmp_path / "not-mounted" / "heads.log"
    act(empty.paths, OutsideHeads(gone, str(tmp_path / "no-socket")), (ActionKind.KILL,))
    assert empty.switch == "killed"
    found = audit.verify(empty.paths, gone)
    assert not found.whole and found.findings[0].kind == "unmirrored" and "not-mounted" in found.findings[0].message


def test_entries_that_were_not_told_are_a_warning(told: WorkspacePaths, heads: Path) -> None:
    act(told, OutsideHeads(), (ActionKind.KILL,))
    found = audit.verify(told, heads)
    assert found.whole and any("not of the 2 entries since" in warning for warning in found.warnings)


@pytest.mark.parametrize("content", ["one two three\n", "5 short now\n", "\x1b[2J\n", "9\n"])
def test_a_file_that_is_none_is_said_with_its_line(told: WorkspacePaths, heads: Path, content: str) -> None:
    heads.write_text(heads.read_text() + content)
    found = audit.verify(told, heads)
    assert [finding.kind for finding in found.findings] == ["unmirrored"] and "line 5" in found.findings[0].message


def test_a_last_line_that_a_crash_cut_is_no_finding(told: WorkspacePaths, heads: Path) -> None:
    heads.write_text(heads.read_text() + "5 ab")
    assert audit.verify(told, heads).whole


def test_the_system_log_is_told_number_and_hash_and_nothing_else(empty: Workspace, tmp_path: Path) -> None:
    address = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(address))
        log.settimeout(5)
        act(empty.paths, OutsideHeads(log=str(address)), (ActionKind.KILL,), "a secret reason")
        lines = [log.recv(4096).decode() for _ in range(2)]
    entries = list(audit.each(empty.paths))
    assert lines == [f"<85>quarterdeck-audit: head {entry.seq} {entry.hash}" for entry in entries]


def test_the_chain_can_be_recomputed_from_what_is_exported(told: WorkspacePaths) -> None:
    """As `docs/control.md` says it, with nothing of this program but canonical JSON."""
    from console.render.audit_export import jsonl

    previous = hashlib.sha256(b"quarterdeck/audit/genesis/1\n").hexdigest()
    for line in jsonl(audit.each(told)):
        row = json.loads(line)
        stored = [row["seq"], row["key"], row["kind"], row["subject"], row["at"], row["real_at"]]
        stored += [canonical_json(row["actor"]), canonical_json(row["body"])]
        assert row["prev_hash"] == previous
        assert row["hash"] == hashlib.sha256(b"quarterdeck/audit/1\n" + canonical_json([*stored, previous]).encode()).hexdigest()
        assert row["hash"] == chained_hash(tuple(stored), previous)
        previous = row["hash"]
    assert row["model"] == MODEL and row["at"].startswith(f"{NOW:%Y-%m-%d}")


class Slow(OutsideHeads):
    """A place that may be far away; notes what the switch was when it was told of each head."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        object.__setattr__(self, "told", [])
        object.__setattr__(self, "workspace", workspace)

    def tell(self, head: Head) -> list[str]:
        self.told.append((head.seq, self.workspace.switch))  # type: ignore[attr-defined]  # set by the fixture
        return []


def test_a_step_towards_safety_waits_for_no_place_outside_and_the_way_back_is_told_first(empty: Workspace) -> None:
    place = Slow(empty)
    act(empty.paths, place, (ActionKind.KILL, ActionKind.RESTORE))
    assert place.told == [(1, "killed"), (2, "killed"), (3, "killed"), (4, "normal")]  # type: ignore[attr-defined]  # set by the fixture


def test_what_was_not_told_yet_is_told_when_the_end_cannot_be_recorded(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Slow(empty)
    append = Journal.append

    def full(self: Journal, drafts: Sequence[Draft], **more: Any) -> list[Entry]:
        if drafts[0].kind != "action.intended":
            raise JournalUnavailable("the disk is full")
        return append(self, drafts, **more)

    monkeypatch.setattr(Journal, "append", full)
    act(empty.paths, place, (ActionKind.KILL,))
    assert place.told == [(1, "killed")]  # type: ignore[attr-defined]  # set by the fixture
