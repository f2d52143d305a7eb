"""One hostile or broken file in a workspace costs that file, with its name said, and never the view of everything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest

from backends.durable import replace_file
from backends.journal.entries import JournalUnavailable
from backends.journal.head import read_head
from backends.journal.journal import Journal
from backends.local.reading import LocalAliases, LocalSwitches, LocalTraffic
from backends.protocol import BackendError
from backends.store.compactor import compact
from backends.store.paths import WorkspacePaths
from backends.yaml_text import YamlFileError, load_yaml
from console.config import ClockSettings, WorkspaceProblem, init_workspace, open_workspace
from console.control.signatures import TrustUnavailable, open_trust
from console.control.terms import SignerFiles
from console.simulation import BrokenClock, read_clock, write_atomically

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))
from store_facts import NOON, count, predictions, put


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[WorkspacePaths]:
    yield WorkspacePaths(tmp_path / "w")


def test_a_landing_file_whose_name_is_not_utf8_hides_no_other_fact(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a", "b"]))
    other = put(paths, "predictions", predictions(["c"]))
    other.rename(other.with_name(os.fsdecode(b"g\x9b.parquet")))
    assert count(paths) == 2
    done = compact(paths, now=NOON + timedelta(hours=1))
    [(name, reason)] = done.rejected
    assert name == "predictions/g\\udc9b.parquet" and "UTF-8" in reason
    assert count(paths) == 2
    [told] = [json.loads(each.read_text()) for each in paths.rejects.glob("*.reason.json")]
    assert told["file"] == name


def test_a_refused_file_with_the_longest_name_there_is_can_be_moved_away(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    name = "\u65e5" * 80 + "xxxxxxx.parquet"
    (paths.landing / "predictions" / name).write_text("nothing of the kind")
    done = compact(paths, now=NOON + timedelta(hours=1))
    assert [refused for refused, _ in done.rejected] == [f"predictions/{name}"]
    assert count(paths) == 1


@pytest.mark.parametrize(("mode", "taken"), [(0o2770, 1), (0o700, 4)], ids=["a group's", "one person's"])
def test_a_link_in_landing_leads_whoever_reads_facts_to_no_file_of_their_own(paths: WorkspacePaths, mode: int, taken: int) -> None:
    """A member would have facts of somebody else read, published to the group and backed up, with the rights of whoever reads."""
    own = WorkspacePaths(paths.root.with_name("own"))
    put(paths, "predictions", predictions(["z"]))
    (paths.landing / "predictions" / "one.parquet").symlink_to(put(own, "predictions", predictions(["a", "b", "c"])))
    (paths.landing / "labels").symlink_to(own.root)
    paths.root.chmod(mode)
    assert count(paths) == 1
    done = compact(paths, now=NOON + timedelta(hours=1))
    assert count(paths) == done.rows == taken
    refused = {name for name, reason in done.rejected if "a link, which is not followed" in reason}
    assert refused == (set() if taken > 1 else {"predictions/one.parquet", "labels/labels"})
    assert count(own) == 3


def test_a_folder_that_lets_nothing_go_holds_up_nobody_who_watches(paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one that a producer of the group made with a umask of its own."""
    put(paths, "predictions", predictions(["a", "b"]))
    broken = put(paths, "predictions", predictions(["c"]))
    broken.write_text("nothing of the kind")
    rename = Path.rename

    def held(self: Path, target: Path) -> Path:
        if self.parent == broken.parent:
            raise PermissionError(13, "Permission denied", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", held)
    for published in (True, False, False):
        done = compact(paths, now=NOON + timedelta(hours=1))
        [(_, reason)] = done.rejected
        assert done.published is published and count(paths) == 2
        assert "it stays where it is (permission denied): ask the owner of the folder" in reason
    assert list(paths.rejects.iterdir()) == []
    monkeypatch.undo()
    compact(paths, now=NOON + timedelta(hours=1))
    assert count(paths) == 2 and list(broken.parent.iterdir()) == []
    assert len(list(paths.rejects.iterdir())) == 2


@pytest.mark.parametrize(
    "content",
    [
        '{"start": "2013-01-01T00:00:00Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": NaN}',
        '{"start": "2013-01-01T00:00:00Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": 1e300}',
        '{"start": "2013-01-01T00:00:00Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": -1}',
        '{"start": "0001-01-01T00:00:00Z", "anchored_at": "2999-01-01T00:00:00Z", "speed": 1}',
        '{"start": "0001-01-01T00:00:00Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": 0}',
        '{"start": "9999-12-31T23:59:59Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": 0}',
        "[" * 100_000,
        "[]",
    ],
    ids=lambda content: content[:60],
)
def test_a_clock_that_is_none_is_told_and_never_a_fault(paths: WorkspacePaths, content: str) -> None:
    paths.root.mkdir()
    paths.clock_json.write_text(content)
    with pytest.raises(BrokenClock, match=r"clock\.json is not a clock"):
        read_clock(paths)


def test_a_named_pipe_among_the_policies_is_told_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "a.yaml"
    os.mkfifo(pipe)
    with pytest.raises(YamlFileError, match="no regular file"):
        load_yaml(pipe)


@pytest.mark.parametrize("line", ["a = " + "[" * 20_000, "[environments]"], ids=["too deep", "no environment"])
def test_settings_that_cannot_be_used_are_told_and_never_a_fault(paths: WorkspacePaths, line: str) -> None:
    init_workspace(paths.root, name="w")
    paths.workspace_toml.write_text(f'format = 1\nname = "w"\npersonal = true\n{line}\n')
    with pytest.raises(WorkspaceProblem, match=r"workspace\.toml"):
        open_workspace(paths.root)


IN_THE_WAY = {
    "a folder": (lambda path: path.mkdir(), "is a directory"),
    "a named pipe": (os.mkfifo, "no regular file: move it away"),
    "a link to itself": (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
    "a letter of another time": (lambda path: path.write_bytes(b"\x7b\xfc\x7d"), "byte 2 is no UTF-8 text"),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
@pytest.mark.parametrize("name", ["workspace.toml", "clock.json", "switches.json"])
def test_what_stands_in_the_place_of_a_file_is_told_in_words_and_the_file_named_once(tmp_path: Path, name: str, what: str) -> None:
    make, told = IN_THE_WAY[what]
    paths = init_workspace(tmp_path / "w", name="w", clock=ClockSettings(start=NOON)).paths
    path = paths.root / name
    path.unlink(missing_ok=True)
    make(path)
    with pytest.raises((WorkspaceProblem, BrokenClock, BackendError)) as caught:
        open_workspace(paths.root)
        read_clock(paths)
        LocalSwitches(paths.switches).switch("production", "m")
    assert told in str(caught.value)
    assert "Errno" not in str(caught.value) and str(caught.value).count(str(path)) == 1


PROGRAM = (sys.executable, "-c", "import sys; from console.cli.main import entry; sys.exit(entry())")
BESIDE = ("audit-head", "policies/.in-force/current.json", ".switches.json.tmp", ".audit-head.tmp", "heads")


@pytest.mark.parametrize(
    "names", [BESIDE, ("control.sqlite",), ("control.sqlite-journal",), ("workspace.toml",), ("clock.json",)], ids=lambda names: names[0]
)
def test_a_named_pipe_holds_up_neither_the_kill_switch_nor_the_verification(tmp_path: Path, names: tuple[str, ...]) -> None:
    root = tmp_path / "w"
    workspace = init_workspace(root, name="w", clock=ClockSettings(start=NOON))
    with workspace.paths.workspace_toml.open("a") as settings:
        settings.write(f'\n[audit]\nheads = "{root / "heads"}"\n')
    for name in names:
        pipe = root / name
        pipe.parent.mkdir(parents=True, exist_ok=True)
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
    kill = ["kill", "delay", "--state", "fallback", "--until", "2h", "--reason", "r", "--confirm", "delay"]
    (code, said), (verified, _) = (_ended([*words, "--json", "-w", str(root)]) for words in (kill, ["audit", "verify"]))
    assert code is not None and verified is not None, "it was waited for"
    assert verified != 0
    if names[0] in {"workspace.toml", "clock.json"}:
        assert code == 2 and "no regular file" in said
    else:
        assert code == 0
        assert json.loads((root / "switches.json").read_text())["switches"]["production"]["delay"]["state"] == "fallback"


@pytest.mark.parametrize("name", ["control.sqlite", "control.sqlite-journal"])
def test_a_named_pipe_put_in_place_between_the_look_and_the_opening_is_not_waited_for(tmp_path: Path, name: str) -> None:
    journal, head = tmp_path / "control.sqlite", tmp_path / "audit-head"
    Journal(journal, head).close()
    # In a process of its own: what waits in the engine can only be ended from outside.
    asked = f"""
import os, threading
from pathlib import Path
from backends.journal import journal
from backends.journal.entries import JournalUnavailable
pipe = Path({str(tmp_path / name)!r})
looked = journal.ready_database
def swapped(path):
    looked(path)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
journal.ready_database = swapped
try:
    journal.Journal(Path({str(journal)!r}), Path({str(head)!r}), read_only=True, busy_seconds=0.1)
except JournalUnavailable as problem:
    print(problem)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
"""
    ran = subprocess.run([sys.executable, "-c", asked], check=False, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    assert f"{journal} cannot be opened: no answer" in ran.stdout and "named pipe" in ran.stdout


def _ended(words: list[str]) -> tuple[int | None, str]:
    """The exit code and what was said on stderr; None when it had to be ended."""
    try:
        ran = subprocess.run([*PROGRAM, *words], check=False, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None, ""
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("link", ["symbolic", "hard"])
def test_what_is_written_beside_a_file_is_never_written_through_a_link(tmp_path: Path, link: str) -> None:
    victim, target = tmp_path / "victim", tmp_path / "target.json"
    victim.write_text("of somebody else")
    victim.chmod(0o644)
    for beside in (tmp_path / f".target.json.{os.getpid()}.tmp", tmp_path / ".target.json.tmp"):
        beside.symlink_to(victim) if link == "symbolic" else os.link(victim, beside)
    write_atomically(target, "new")
    assert not target.is_symlink() and target.read_text() == "new"
    replace_file(target, b"newer", 0o600)
    assert not target.is_symlink() and target.read_text() == "newer"
    assert victim.read_text() == "of somebody else" and victim.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "name", ["store/catalog.sqlite", "store/catalog.sqlite-journal", "store/profiles.sqlite", "store/generations/1.duckdb", "a segment"]
)
def test_a_named_pipe_in_the_store_is_refused_and_never_waited_for(tmp_path: Path, name: str) -> None:
    root = tmp_path / "w"
    paths = init_workspace(root, name="w").paths
    put(paths, "predictions", predictions(["a", "b"]))
    compact(paths, now=NOON + timedelta(hours=1))
    pipe = next((root / "store" / "segments" / "predictions").rglob("*.parquet")) if name == "a segment" else root / name
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    # In a process of its own: what waits in the engine can only be ended from outside.
    asked = f"""
import sqlite3, sys
from pathlib import Path
from datetime import UTC, datetime
from backends.store.archive import create_archive
from backends.store.errors import ArchiveProblem, StoreError
from backends.store.paths import WorkspacePaths
from backends.store.reader import open_reader
from backends.profile.stored import keep_days, stored_days
paths = WorkspacePaths(Path({str(root)!r}))
def tried(act):
    try:
        return act()
    except (StoreError, ArchiveProblem, OSError, sqlite3.Error) as problem:
        return f"{{problem}}"
def read():
    with open_reader(paths) as reader:
        return reader.database(), reader.sql("SELECT count(*) FROM predictions WHERE score >= 0")
print(tried(read))
print(tried(lambda: stored_days(paths.store / "profiles.sqlite", "e", "m", "d", {{}})))
print(tried(lambda: keep_days(paths.store / "profiles.sqlite", "e", "m", "d", {{}}, {{}})))
print(tried(lambda: create_archive(paths, Path({str(tmp_path / "backup")!r}), now=datetime.now(UTC))))
"""
    ran = subprocess.run([sys.executable, "-c", asked], check=False, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    read, _, kept, backed_up = ran.stdout.splitlines()
    assert read == "(False, [(2,)])" if "duckdb" in name else (name in {"store/profiles.sqlite"} or "no regular file" in read)
    assert ("no regular file" in kept) == (name == "store/profiles.sqlite")
    assert name == "store/profiles.sqlite" or "no regular file" in backed_up
    assert not pipe.is_file()


@pytest.mark.parametrize("mode", [0o2770, 0o700], ids=["a group's", "one person's"])
@pytest.mark.parametrize("name", ["switches.json", "registry.json", "traffic.json", "control.sqlite", "audit-head", "allowed_signers"])
def test_a_link_that_a_member_may_have_put_there_is_not_followed(tmp_path: Path, name: str, mode: int) -> None:
    """Whoever follows it reads a file of their own, and tells the group in what is wrong with it what stands there."""
    root, elsewhere = tmp_path / "w", tmp_path / "elsewhere"
    for folder in (root, elsewhere):
        folder.mkdir()
        Journal(folder / "control.sqlite", folder / "audit-head").close()
    (elsewhere / "allowed_signers").write_text("")
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to(elsewhere / name)
    root.chmod(mode)
    read: dict[str, Callable[[], object]] = {
        "switches.json": LocalSwitches(root / name).switches,
        "registry.json": LocalAliases(root / name).aliases,
        "traffic.json": LocalTraffic(root / name).rollouts,
        "control.sqlite": lambda: Journal(root / name, root / "audit-head").close(),
        "audit-head": lambda: read_head(root / name),
        "allowed_signers": lambda: open_trust(SignerFiles(allowed_signers=name), root),
    }
    refused = (BackendError, JournalUnavailable, ValueError, TrustUnavailable)
    with pytest.raises(refused, match="a link, which") if mode & 0o2000 else nullcontext():
        read[name]()
