"""A full disk, a workspace of somebody else, no terminal: clear words, nothing lost, and all is well again afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from broken_workspaces import Answer, ask, evaluated, lived_in, whole

from console.cli.main import main

PROGRAM = [sys.executable, "-m", "console.cli.main"]
NOBODY = 65534


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_what_is_asked_for_is_done_although_nobody_listens(tmp_path: Path, closed: str) -> None:
    root = whole(tmp_path / "w").root
    command = f"{sys.executable} -m console.cli.main -w {root} note delay words {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "words" in ask(root, "audit log").out
    assert ask(root, "audit verify").code == 0


@pytest.mark.parametrize(
    ("words", "code"), [("can-i kill delay --read-only", 1), ("note delay words", 0), ("audit verify", 1), ("audit verify --json", 1)]
)
def test_a_reader_that_goes_away_changes_no_answer(tmp_path: Path, words: str, code: int) -> None:
    """As in `qd audit verify | head -1`, whose exit code is what a script goes by."""
    root = whole(tmp_path / "w").root
    assert ask(root, "note delay earlier").code == 0
    with sqlite3.connect(root / "control.sqlite") as journal:
        for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            journal.execute(f"DROP TRIGGER {name}")
        if words.startswith("audit"):
            journal.execute("UPDATE events SET body = replace(body, 'earlier', 'changed')")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*PROGRAM, "-w", str(root), *words.split()], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


@pytest.mark.parametrize("words", ["fleet", "fleet --json", "audit log --json", "--help", "--version"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_answer_that_found_no_room_is_none(tmp_path: Path, words: str, unbuffered: str) -> None:
    """As in `qd fleet --json > a/full/disk`: a script that reads it must know."""
    root = whole(tmp_path / "w").root
    with Path("/dev/full").open("wb") as full:
        command = [*PROGRAM, "-w", str(root), *words.split()] if not words.startswith("--") else [*PROGRAM, words]
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1) and "No space left on device" in done.stderr


def test_what_was_done_says_so_although_its_receipt_found_no_room(tmp_path: Path) -> None:
    root = whole(tmp_path / "w").root
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "-w", str(root), "note", "delay", "words"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 0 and "what stands there is not whole" in done.stderr
    assert "words" in ask(root, "audit log").out


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB of the test's own."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount: {mounted.stderr.decode()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_full_disk_nothing_is_lost_and_everything_says_so(small_disk: Path, tmp_path: Path) -> None:
    made = lived_in(evaluated(whole(tmp_path / "w"))).root
    root = small_disk / "w"
    shutil.copytree(made, root)
    rows = tmp_path / "rows.csv"
    rows.write_text("event_at,key,score\n" + "".join(f"2024-02-09T0{n % 10}:00:00Z,n{n},0.5\n" for n in range(2000)))
    before = counted(root)
    switches = (root / "switches.json").read_bytes()
    ballast = small_disk / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, b"\0" * 4096)
    os.close(descriptor)
    refused = {
        words: ask(root, *words)
        for words in (
            ("ingest predictions", str(rows), "--model", "delay", "--version", "1"),
            ("note delay words",),
            ("restore delay --confirm delay --reason r",),
            ("watch --once",),
            ("backup create", str(small_disk / "b.tar.gz")),
        )
    }
    for words, answer in refused.items():
        assert answer.problem is None, (words, answer.problem)
        assert answer.code in {2, 3, 4}, (words, answer.out)
        assert "space" in answer.err or "full" in answer.err, (words, answer.err)
        assert "free some" in answer.err, "what to do"
        assert "exception_type" not in answer.err, "said in words, not in those of the engine"
    for words in ("fleet", "model delay", "labels delay", "sources", "audit verify", "incidents", "switches"):
        answer = ask(root, words)
        assert answer.problem is None
        assert answer.code == 0, (words, answer.err)
    doctor = ask(root, "doctor --json")
    assert doctor.code == 1
    [disk] = [each for each in json.loads(doctor.out)["findings"] if each["id"] == "disk.room"]
    assert disk["state"] == "critical"
    [reserve] = [each for each in json.loads(doctor.out)["findings"] if each["id"] == "disk.reserve"]
    assert (root / "switches.json").read_bytes() == switches
    assert counted(root) == before
    assert reserve["state"] == "ok"
    killed = ask(root, "kill delay --state killed --confirm delay --reason r")
    assert killed.code == 0, killed.err
    assert "effective" in killed.out and '"state": "killed"' in (root / "switches.json").read_text()
    landed = counted(root)
    assert [path.name for path in small_disk.iterdir() if path.name.endswith(".tmp")] == []
    assert counted(root) == landed
    ballast.unlink()
    assert counted(root) == landed
    assert ask(root, "note delay words").code == 0
    answer = ask(root, "ingest predictions", str(rows), "--model", "delay", "--version", "1")
    assert "2,000 accepted, 0 repeated, 0 refused" in answer.out
    assert ask(root, "audit verify").code == 0


def test_room_for_a_kill_switch_is_kept_back_from_the_start_and_made_anew(tmp_path: Path) -> None:
    root = tmp_path / "w"
    assert ask(root, "init").code == 0

    def doctor() -> tuple[str, str]:
        findings = json.loads(ask(root, "doctor --json").out)["findings"]
        [found] = [each for each in findings if each["id"] == "disk.reserve"]
        return found["state"], found["what"]

    whole_reserve = ("ok", "1,024 of 1,024 KiB are kept back: a kill switch can be set on a full disk")
    assert doctor() == whole_reserve
    for words in ("watch --once", "kill delay --confirm delay --reason r"):
        shutil.rmtree(root / "reserve")
        assert doctor() == ("warning", "0 of 1,024 KiB are kept back for a kill switch on a full disk: one may fail there")
        ask(root, words)
        assert doctor() == whole_reserve
    assert ask(root, "backup", "create", str(tmp_path / "b.tar.gz")).code == 0
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        assert not [name for name in archive.getnames() if "reserve" in name]


def as_nobody(root: Path, *words: str) -> Answer:
    """Run a verb as a user who owns nothing here. What it loads was loaded before: that user may not be able to read the program."""
    ask(root.parent / "well", " ".join(words))
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                os.environ.pop("HOME", None)
                with redirect_stdout(out), redirect_stderr(err):
                    code = main(["-w", str(root), *words])
                out.flush()
                err.flush()
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return Answer(" ".join(words), code, out.read(), err.read())


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, with a workspace of our own that is well; the folders of pytest are closed."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    folder = Path(tempfile.mkdtemp(prefix="qd-robust-", dir="/tmp"))
    folder.chmod(0o755)
    lived_in(evaluated(whole(folder / "well")))
    yield folder
    shutil.rmtree(folder)


STRANGE = (
    "fleet", "model delay", "drift delay", "alerts", "incidents", "incident INC-1", "switches", "actions", "audit log", "audit verify",
    "sources", "config validate", "kill delay --confirm delay", "note delay words", "watch --once", "ingest predictions /etc/hostname",
    "backup create /tmp/never.tar.gz",
)  # fmt: skip


def test_a_workspace_that_may_not_be_read_is_named_with_its_reason(open_folder: Path) -> None:
    root = open_folder / "closed"
    shutil.copytree(open_folder / "well", root)
    for words in STRANGE:
        answer = as_nobody(root, *words.split())
        assert answer.problem is None, (words, answer.problem)
        assert answer.code == 2, (words, answer.out, answer.err)
        assert "permission denied" in answer.err.lower(), (words, answer.err)
        assert answer.out == "", words
    doctor = as_nobody(root, "doctor")
    assert doctor.code == 1
    assert "permission denied" in doctor.out.lower()


def test_who_may_only_read_sees_everything_and_changes_nothing(open_folder: Path) -> None:
    root = open_folder / "readable"
    shutil.copytree(open_folder / "well", root)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and "sqlite-" not in path.name}
    for words in ("fleet", "model delay", "drift delay", "incidents", "switches", "audit verify", "sources"):
        answer = as_nobody(root, *words.split())
        assert answer.problem is None, (words, answer.problem)
        assert answer.code == 0, (words, answer.err)
    assert "INC-1" in as_nobody(root, "incidents").out
    for words in ("note delay words", "restore delay --confirm delay --reason r", "watch --once"):
        answer = as_nobody(root, *words.split())
        assert answer.problem is None, (words, answer.problem)
        assert answer.code in {3, 4}, (words, answer.out)
    doctor = as_nobody(root, "doctor")
    assert "you may only look here" in doctor.out
    assert doctor.code == 1, "open to everybody"
    assert {path: path.read_bytes() for path in before} == before


def test_without_a_terminal_verbs_work_and_the_console_says_so(tmp_path: Path) -> None:
    root = whole(tmp_path / "w").root
    environ = {**os.environ, "TERM": "dumb"}
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        fleet = subprocess.run([*PROGRAM, "-w", str(root), "fleet"], stdin=stdin, capture_output=True, text=True, env=environ, check=False)
        assert fleet.returncode == 0, fleet.stderr
        assert "delay" in fleet.stdout
    console = subprocess.run(
        [*PROGRAM, "-w", str(root)], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environ, check=False
    )
    assert console.returncode == 2
    assert "the console needs a terminal" in console.stderr
    kill = subprocess.run(
        [*PROGRAM, "-w", str(root), "kill", "delay"], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environ, check=False
    )
    assert kill.returncode == 2
    assert "--confirm delay" in kill.stderr
    assert not (root / "switches.json").exists()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_locale_that_cannot_show_a_character_stops_nothing(tmp_path: Path, encoding: str) -> None:
    root = whole(tmp_path / "w").root
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    for words in (["note", "delay", "naïve → β"], ["audit", "log"], ["audit", "log", "--json"], ["fleet"]):
        done = subprocess.run([*PROGRAM, "-w", str(root), *words], capture_output=True, env=environ, check=False)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr


def counted(root: Path) -> str:
    findings = json.loads(ask(root, "doctor --json").out)["findings"]
    [reading] = [each for each in findings if each["id"] == "store.reading"]
    return str(reading["what"])
