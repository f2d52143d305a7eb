"""`doctor` and its screen: each thing that can be wrong is found, named with what to do, and decides the exit code."""

from __future__ import annotations

import grp
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot

from backends.filesystems import filesystem_of, over_a_network
from console.app import ConsoleApp
from console.config import init_workspace
from console.locate import Located
from console.screens.base import DeckScreen
from console.session import Session
from console.terminal import Terminal, colours
from console.views.own.machine import program_findings, terminal_findings

sys.path.insert(0, str(Path(__file__).parents[1] / "robustness"))
from broken_workspaces import NOW, Made, ask, evaluated, lived_in, stand_at, whole


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived_in(evaluated(whole(tmp_path_factory.mktemp("doctor") / "w"))).root


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "w"
    shutil.copytree(original, copy)
    copy.chmod(0o700)
    yield copy


def looked(root: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    answer = ask(root, "doctor --json")
    return answer.code, {each["id"]: each for each in json.loads(answer.out)["findings"]}


def test_a_workspace_that_is_well_has_nothing_critical(root: Path) -> None:
    code, found = looked(root)
    assert code == 0
    assert "critical" not in {each["state"] for each in found.values()}
    assert {name.partition(".")[0] for name in found} == {
        "program", "terminal", "workspace", "store", "control", "policies", "evaluator", "clock", "disk", "faults"
    }  # fmt: skip


def edited(pattern: str, replacement: str, name: str = "workspace.toml") -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        text = path.read_text()
        assert re.search(pattern, text)
        path.write_text(re.sub(pattern, replacement, text))

    return change


def journal_tampered(root: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(root / "control.sqlite")
    connection.execute("DROP TRIGGER events_are_never_changed")
    connection.execute("UPDATE events SET actor = replace(actor, 'root', 'eve') WHERE seq = 2")
    connection.execute("UPDATE events SET body = replace(body, 'late', 'early') WHERE seq = 2")
    connection.commit()
    connection.close()


def head_cut(root: Path) -> None:
    (root / "audit-head").unlink()


def orphaned(root: Path) -> None:
    segment = next((root / "store" / "segments").rglob("*.parquet"))
    copy = segment.with_name("99999999-left.parquet")
    shutil.copy(segment, copy)
    old = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    os.utime(copy, (old, old))


def backlogged(root: Path) -> None:
    (root / "landing" / "labels").mkdir(exist_ok=True)
    path = shutil.copy(next((root / "store" / "segments" / "labels").rglob("*.parquet")), root / "landing" / "labels" / "old.parquet")
    old = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    os.utime(path, (old, old))


def expired(root: Path) -> None:
    import playbooks.library

    shipped = Path(playbooks.library.__file__).parent / "stale-data.yaml"
    text = re.sub(r"expires_at: .*", "expires_at: 2020-01-02", shipped.read_text())
    (root / "playbooks" / "stale-data.yaml").write_text(re.sub(r"verified_at: .*", "verified_at: 2020-01-01", text))


def spooled(root: Path) -> None:
    (root / "spool").mkdir(exist_ok=True)
    (root / "spool" / "control-x.jsonl").write_text("not a note\n")


def written(name: str, content: str = "") -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)

    return change


TROUBLES: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "open to everybody": (lambda root: root.chmod(0o755), "workspace.rights", "critical", "chmod 0700"),
    "open to a group": (lambda root: root.chmod(0o750), "workspace.rights", "warning", "chmod 0700"),
    "a journal that was edited": (journal_tampered, "control.journal", "critical", "audit verify"),
    "a head that is gone": (head_cut, "control.journal", "critical", "audit verify"),
    "a registry that is broken": (written("registry.json", "{"), "control.registry", "critical", "backup"),
    "switches that are broken": (written("switches.json", "{"), "control.switches", "critical", "backup"),
    "policies that are broken": (written("policies/x.yaml", "rules: 3"), "policies.files", "warning", "config validate"),
    "a playbook that is broken": (written("playbooks/x.yaml", "id: 3"), "policies.playbooks", "warning", "config validate"),
    "a playbook that nobody verified": (expired, "policies.expired", "warning", "verified_at"),
    "a segment that is gone": (
        lambda root: next((root / "store" / "segments").rglob("*.parquet")).unlink(), "store.segments", "critical", "backup restore"
    ),
    "segments that nobody knows": (orphaned, "store.orphans", "warning", "never read"),
    "landing files that wait": (backlogged, "store.landing", "warning", "watch --once"),
    "refused files": (written("rejects/rows.jsonl", "{}"), "store.rejects", "warning", "ingest again"),
    "a crash report": (written("crash/crash-20240101T000000.txt"), "faults.reports", "warning", "read it"),
    "a clock that is none": (written("clock.json", "{"), "clock.kind", "critical", "delete it"),
    "a note that cannot be read": (spooled, "control.gap", "warning", "takes them over"),
}  # fmt: skip


@pytest.mark.parametrize("trouble", sorted(TROUBLES))
def test_what_is_wrong_is_found_and_says_what_to_do(root: Path, trouble: str) -> None:
    change, name, state, to_do = TROUBLES[trouble]
    assert looked(root)[1].get(name, {"state": "ok"})["state"] in {"ok", "unknown"}, "it is well before"
    change(root)
    code, found = looked(root)
    assert found[name]["state"] == state, found[name]
    assert to_do in (found[name]["to_do"] or ""), found[name]
    assert code == (1 if state == "critical" else 0)
    page = ask(root, "doctor").out
    assert max(map(len, page.splitlines())) <= 80
    assert page.splitlines()[1].startswith(" X CRIT" if state == "critical" else " ! warn")


CONTRACT = "format: 1\nname: flights\nmodel: delay\ncolumns:\n  - {name: temp, kind: numeric}\n"


def test_a_segment_with_junk_where_its_values_were_is_found_where_every_fact_is_read(root: Path) -> None:
    segments = sorted((root / "store" / "segments" / "predictions").rglob("*.parquet"))
    content = segments[0].read_bytes()
    segments[0].write_bytes(content[:40] + b"\xa5" * 200 + content[240:])
    answer = ask(root, "doctor --deep --json")
    found = {each["id"]: each for each in json.loads(answer.out)["findings"]}
    wrong = found[f"store.facts.{segments[0].stem}"]
    assert answer.code == 1
    assert wrong["what"].startswith(f"{segments[0].relative_to(root)} cannot be read: ")
    assert wrong["to_do"] == "restore a backup: quarterdeck backup restore FILE DIR"
    segments[0].write_bytes(content)
    answer = ask(root, "doctor --deep --json")
    said = {each["id"]: each["what"] for each in json.loads(answer.out)["findings"]}
    number = len(list((root / "store" / "segments").rglob("*.parquet")))
    assert said["store.facts"] == f"every value of {number} segments can be read"


def test_a_contract_that_broke_is_named_with_its_line_and_what_is_in_force(root: Path) -> None:
    assert "policies.contracts" not in looked(root)[1], "without a contract there is nothing to say"
    written("contracts/flights.yaml", CONTRACT)(root)
    assert ask(root, "watch --once").code in {0, 1}
    assert looked(root)[1]["policies.contracts"]["what"] == "1 contract, all can be read"
    written("contracts/flights.yaml", CONTRACT.replace("kind: numeric", "kind: numbers"))(root)
    code, found = looked(root)
    broken = found["policies.contract.contracts/flights.yaml"]
    assert (code, broken["state"]) == (0, "warning") and "policies.contracts" not in found
    assert broken["what"].startswith("contracts/flights.yaml:5:18: ") and "numbers" in broken["what"]
    assert broken["what"].endswith("; the copy that was good last is in force for delay")
    assert "config validate" in broken["to_do"]
    shutil.rmtree(root / "contracts" / ".in-force")
    code, found = looked(root)
    broken = found["policies.contract.contracts/flights.yaml"]
    assert (code, broken["state"]) == (1, "critical") and broken["what"].endswith("nothing of it is in force")


def test_a_second_contract_of_a_model_is_not_in_force(root: Path) -> None:
    for name in ("a", "b"):
        written(f"contracts/{name}.yaml", CONTRACT)(root)
    code, found = looked(root)
    second = found["policies.contract.contracts/b.yaml"]
    assert (code, second["state"]) == (0, "warning")
    assert second["what"] == "contracts/b.yaml:3:1: 'delay' has a contract already, in contracts/a.yaml; it is not in force"


def test_policies_that_were_never_good_are_critical(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w", name="w")
    written("policies/x.yaml", "rules: 3")(tmp_path / "w")
    code, found = looked(tmp_path / "w")
    assert (code, found["policies.files"]["state"]) == (1, "critical")
    assert "what ships is in force" in found["policies.files"]["what"]


def test_an_evaluator_that_is_overdue_is_stale_and_says_what_to_run(root: Path) -> None:
    from console.config import open_workspace

    stand_at(Made(open_workspace(root)), NOW + timedelta(minutes=29))
    assert looked(root)[1]["evaluator.production"]["state"] == "ok"
    stand_at(Made(open_workspace(root)), NOW + timedelta(minutes=31))
    found = looked(root)[1]["evaluator.production"]
    assert found["state"] == "stale"
    assert "no alert can fire" in found["what"]
    assert "quarterdeck watch" in found["to_do"]


def test_a_workspace_that_cannot_be_opened_is_still_looked_at(root: Path) -> None:
    edited("format = 1", "format = 12")(root)
    answer = ask(root, "doctor")
    assert answer.code == 1
    assert "format 12, newer than 1" in " ".join(answer.out.split()), answer.out
    assert "-> update quarterdeck" in answer.out
    assert "python 3" in answer.out


def test_a_missing_workspace_is_critical_only_when_somebody_named_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from console.cli.main import main

    assert ask(tmp_path / "nowhere", "doctor").code == 1
    assert main(["doctor"]) == 0
    assert "quarterdeck init --personal" in capsys.readouterr().out


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files to any group")
def test_rights_of_a_shared_workspace(tmp_path: Path) -> None:
    group = grp.getgrgid(1).gr_name
    root = tmp_path / "shared"
    init_workspace(root, name="shared", group=group)
    assert looked(root)[1]["workspace.rights"]["state"] == "ok"
    (root / "registry.json").write_text("{}")
    (root / "registry.json").chmod(0o640)
    assert "registry.json" in looked(root)[1]["workspace.files"]["what"]
    root.chmod(0o770)
    assert "closed to the others" in looked(root)[1]["workspace.rights"]["what"]
    os.chown(root, 0, 0)
    assert looked(root)[1]["workspace.group"]["to_do"] == f"chgrp -R {group} {root}"


MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
31 22 0:25 / /home rw - nfs4 server:/home rw,vers=4.2
32 31 0:26 / /home/mara/work rw master:3 - xfs /dev/vdb rw
33 22 0:27 / /mnt/with\040blank rw - fuse.sshfs mara@host:/ rw
34 22 0:28 / /twice rw - cifs //a/b rw
35 34 0:29 / /twice rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "remote"),
    [
        ("/var/lib", "ext4", False), ("/home/mara", "nfs4", True), ("/home/mara/work/ws", "xfs", False), ("/homes", "ext4", False),
        ("/mnt/with blank/ws", "fuse.sshfs", True), ("/twice/x", "tmpfs", False),
    ],
)  # fmt: skip
def test_the_file_system_of_a_path_is_the_deepest_and_newest_mount(path: str, kind: str, remote: bool) -> None:
    assert filesystem_of(Path(path), MOUNTS) == kind
    assert over_a_network(kind) is remote


def test_a_network_file_system_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import console.views.own.folder

    monkeypatch.setattr(console.views.own.folder, "filesystem_of", lambda _path: "nfs4")
    code, found = looked(root)
    assert code == 1
    assert "SQLite's locks cannot be relied on" in found["workspace.filesystem"]["what"]


@pytest.mark.parametrize(("free", "state"), [(50 * 2**20, "critical"), (500 * 2**20, "warning"), (5 * 2**30, "ok")])
def test_room_on_the_disk(root: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    import console.views.own.folder

    usage = SimpleNamespace(total=10 * 2**30, used=0, free=free)
    monkeypatch.setattr(console.views.own.folder, "shutil", SimpleNamespace(disk_usage=lambda _path: usage))
    assert looked(root)[1]["disk.room"]["state"] == state


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, "none"), ({"TERM": "dumb"}, "none"), ({"TERM": "xterm"}, "16"), ({"TERM": "screen-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "16 million"), ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none"),
    ],
)  # fmt: skip
def test_colours_of_a_terminal(environ: dict[str, str], wanted: str) -> None:
    assert colours(environ) == wanted


@pytest.mark.parametrize(
    ("terminal", "states"),
    [
        (Terminal((120, 40), "xterm", "16", True, True), {"terminal.size": "ok"}),
        (Terminal((79, 24), "xterm", "16", True, True), {"terminal.size": "warning"}),
        (Terminal((80, 24), "dumb", "none", True, True), {"terminal.size": "ok", "terminal.kind": "warning"}),
        (Terminal((80, 24), "xterm", "16", False, True), {"terminal.size": "ok", "terminal.characters": "warning"}),
        (Terminal(None, "", "none", True, False), {"terminal.size": "unknown"}),
    ],
)
def test_what_a_terminal_can_show(terminal: Terminal, states: dict[str, str]) -> None:
    assert {each.id: each.state.value for each in terminal_findings(terminal)} == states


def test_versions_that_are_missing_or_too_old_are_found() -> None:
    versions = {"python": "3.12.1", "sqlite": "3.30.0", "quarterdeck": "0.1.0", "duckdb": "1.4.0", "textual": "missing", "pydantic": "2.11"}
    found = {each.id: each.state.value for each in program_findings(versions)}
    assert found == {"program.packages": "critical", "program.duckdb": "warning", "program.sqlite": "critical"}
    versions |= {"sqlite": "3.45.1", "duckdb": "2.0.0", "textual": "8.2.8"}
    assert {each.id for each in program_findings(versions)} == {"program.versions"}


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError("the screen never came to that state")


def text_of(app: ConsoleApp) -> str:
    screen = app.screen
    assert isinstance(screen, DeckScreen)
    return "\n".join(row.line.text for row in screen.content.rows) if screen.view is not None else ""


def showing(app: ConsoleApp, words: str) -> Callable[[], bool]:
    return lambda: isinstance(app.screen, DeckScreen) and app.screen.scope == "own" and words in text_of(app)


async def test_g_h_opens_the_same_on_the_screen(root: Path) -> None:
    (root / "crash" / "crash-20240101T000000.txt").write_text("x")
    app = ConsoleApp(Session(Located(root, "the test")))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DeckScreen) and app.screen.view is not None)
        await pilot.press("g", "h")
        await until(pilot, showing(app, "1 crash report"))
        screen = app.screen
        assert isinstance(screen, DeckScreen)
        assert screen.content.cursor_key == "control.warning.1", "what needs somebody stands first"
        assert max(row.line.width for row in screen.content.rows) <= 80
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, DeckScreen) and app.screen.scope == "fleet")


async def test_the_screen_shows_a_workspace_that_cannot_be_opened(root: Path) -> None:
    edited("format = 1", "format = 12")(root)
    app = ConsoleApp(Session(Located(root, "the test")), start=("own", None))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, showing(app, "update quarterdeck"))


def test_a_personal_workspace_of_somebody_else_is_said_to_be_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "theirs"
    init_workspace(root, name="theirs")
    owner = os.geteuid()
    assert "workspace.owner" not in looked(root)[1]
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    found = looked(root)[1]["workspace.owner"]
    assert found["state"] == "warning" and f"uid {owner}," in found["what"]
