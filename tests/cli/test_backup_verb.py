"""`backup`: a workspace comes back whole or not at all, and an archive is never trusted."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.store.archive import create_archive
from backends.store.compactor import compact
from backends.store.errors import ArchiveProblem
from backends.store.landing import land
from backends.store.paths import WorkspacePaths
from backends.store.unpacking import restore_archive
from console.cli.main import main
from console.views.health.estimated import Estimates, KeptCalibration, keep_estimates, kept_estimates

sys.path.insert(0, str(Path(__file__).parents[1] / "robustness"))
from broken_workspaces import ask, evaluated, lived_in, whole

NOW = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lived_in(evaluated(whole(tmp_path_factory.mktemp("backup") / "w"))).root
    land(WorkspacePaths(root), "predictions", rows("landed"), now=NOW)
    for days in (3, 2):
        keep_estimates(WorkspacePaths(root), learnt(days))
    (root / "artifacts").mkdir()
    (root / "artifacts" / "1.bin").write_bytes(b"bytes of version 1")
    (root / "policies" / ".in-force").mkdir(exist_ok=True)
    (root / "policies" / ".in-force" / "x.json").write_text("{}")
    return root


@pytest.fixture(scope="module")
def archive(original: Path) -> Path:
    path = original.parent / "b.tar.gz"
    create_archive(WorkspacePaths(original), path, now=NOW)
    return path


def learnt(days_ago: int) -> Estimates:
    line = ((0.0, 1.0), (0.0, 1.0))
    moment = NOW - timedelta(days=days_ago)
    kept = KeptCalibration(since=moment, until=moment, learnt_at=moment, n=500 + days_ago, digest="sha256:0", maps=(line, line))
    return Estimates(environment="production", model="delay", version="1", made_at=moment, calibration=kept)


def rows(key: str, count: int = 1) -> dict[str, list[object]]:
    return {
        "event_at": [datetime(2024, 2, 9, 5, tzinfo=UTC)] * count, "model": ["delay"] * count, "version": ["1"] * count,
        "key": [f"{key}{each}" for each in range(count)], "score": [0.5] * count,
    }  # fmt: skip


def counted(root: Path) -> str:
    [reading] = [each for each in json.loads(ask(root, "doctor --json").out)["findings"] if each["id"] == "store.reading"]
    return str(reading["what"])


def test_what_is_restored_answers_as_the_original_does(original: Path, archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "again"
    answer = ask(original, "backup restore", str(archive), str(target))
    assert answer.code == 0, answer.err
    assert "every digest is right" in answer.out
    for words in ("fleet", "model delay", "incidents", "switches", "audit log", "audit verify", "versions delay"):
        assert ask(target, words).out == ask(original, words).out, words
    for days in (3, 2):
        at = NOW - timedelta(days=days)
        assert kept_estimates(WorkspacePaths(target), "production", "delay", "1", at) == learnt(days)
    assert counted(target) == counted(original)
    assert "1,601 predictions" in counted(target)
    assert (target / "artifacts" / "1.bin").read_bytes() == b"bytes of version 1"
    assert (target / "policies" / ".in-force" / "x.json").exists()
    assert ask(target, "note delay words").code == 0
    assert ask(target, "watch --once").code in {0, 1}
    assert "1,601 predictions" in counted(target)


def test_a_restored_workspace_is_closed_to_others(archive: Path, original: Path, tmp_path: Path) -> None:
    target = tmp_path / "again"
    ask(original, "backup restore", str(archive), str(target))
    assert {path.stat().st_mode & 0o777 for path in target.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o7777 for path in [target, *target.rglob("*")] if path.is_dir()} == {0o700}
    assert archive.stat().st_mode & 0o777 == 0o600


def test_a_backup_replaces_no_file_and_lies_outside(original: Path, archive: Path, tmp_path: Path) -> None:
    before = archive.read_bytes()
    assert ask(original, "backup create", str(archive)).code == 2
    assert archive.read_bytes() == before
    assert ask(original, "backup create", str(original / "inside.tar.gz")).code == 2
    assert not (original / "inside.tar.gz").exists()
    assert ask(original, "backup create", str(tmp_path / "no" / "such" / "folder.tar.gz")).code == 2


def test_a_folder_that_holds_something_is_not_restored_into(original: Path, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    assert ask(original, "backup restore", str(archive), str(tmp_path)).code == 2
    assert ask(original, "backup restore", str(archive), str(tmp_path / "mine")).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine").read_text() == "kept"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_an_archive_that_was_cut_off_leaves_nothing_behind(original: Path, archive: Path, tmp_path: Path, share: float) -> None:
    cut = tmp_path / "cut.tar.gz"
    content = archive.read_bytes()
    cut.write_bytes(content[: int(len(content) * share)])
    answer = ask(original, "backup restore", str(cut), str(tmp_path / "again"))
    assert answer.code == 2
    assert "nothing was restored" in answer.err
    assert answer.problem is None
    assert [path.name for path in tmp_path.iterdir()] == ["cut.tar.gz"]


def test_a_changed_byte_is_found(archive: Path, tmp_path: Path) -> None:
    with gzip.open(archive) as packed:
        content = bytearray(packed.read())
    content[content.index(b"bytes of version 1")] ^= 1
    changed = tmp_path / "changed.tar.gz"
    changed.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(ArchiveProblem, match=r"artifacts/1.bin' is not what the manifest says; nothing was restored"):
        restore_archive(changed, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> Callable[[tarfile.TarFile], None]:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type = kind
        for field, value in more.items():
            setattr(info, field, value)
        info.size = 3 if kind == tarfile.REGTYPE else 0
        tar.addfile(info, io.BytesIO(b"abc"))

    return add


@pytest.mark.parametrize(
    "hostile",
    [
        member("../escaped"), member("a/../../escaped"), member("/escaped"), member("a//escaped"), member("./escaped"),
        member("a\\..\\escaped"),
        member("link", tarfile.SYMTYPE, linkname="/etc/passwd"), member("link", tarfile.LNKTYPE, linkname="workspace.toml"),
        member("device", tarfile.CHRTYPE), member("device", tarfile.BLKTYPE), member("pipe", tarfile.FIFOTYPE),
        member("folder", tarfile.DIRTYPE),
        member("workspace.toml/file"),
    ],
)  # fmt: skip
def test_an_archive_that_leads_elsewhere_is_refused(tmp_path: Path, hostile: Callable[[tarfile.TarFile], None]) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    bad = inner / "bad.tar.gz"
    with tarfile.open(bad, "w:gz") as tar:
        member("workspace.toml")(tar)
        hostile(tar)
    with pytest.raises(ArchiveProblem, match="nothing was restored"):
        restore_archive(bad, inner / "again")
    assert [path.name for path in inner.iterdir()] == ["bad.tar.gz"]
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]


def test_a_link_in_the_workspace_is_left_out_and_named(tmp_path: Path) -> None:
    place = whole(tmp_path / "w")
    (place.root / "evidence" / "passwd").symlink_to("/etc/passwd")
    answer = ask(place.root, "backup create", str(tmp_path / "b.tar.gz"), "--json")
    assert json.loads(answer.out)["left_out"] == ["evidence/passwd"]
    with tarfile.open(tmp_path / "b.tar.gz") as tar:
        assert all(each.isreg() for each in tar)
        assert "evidence/passwd" not in tar.getnames()


def test_a_workspace_of_a_newer_program_is_not_restored(original: Path, tmp_path: Path) -> None:
    place = whole(tmp_path / "w")
    path = place.root / "workspace.toml"
    path.write_text(path.read_text().replace("format = 1", "format = 7"))
    create_archive(place.workspace.paths, tmp_path / "b.tar.gz", now=NOW)
    answer = ask(original, "backup restore", str(tmp_path / "b.tar.gz"), str(tmp_path / "again"))
    assert answer.code == 2
    assert "update quarterdeck" in answer.err
    assert not (tmp_path / "again").exists()


def test_a_backup_while_facts_land_and_are_compacted_holds_each_fact_once(tmp_path: Path) -> None:
    place = whole(tmp_path / "w")
    paths = place.workspace.paths
    stop = threading.Event()
    landed = 0

    def produce() -> None:
        nonlocal landed
        while not stop.is_set():
            land(paths, "predictions", rows(f"n{landed}-"), now=NOW)
            landed += 1
            compact(paths, NOW)

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        made = []
        for number in range(4):
            at_least = landed
            create_archive(paths, tmp_path / f"{number}.tar.gz", now=NOW + timedelta(minutes=number))
            made.append((at_least, landed + 1))
    finally:
        stop.set()
        producer.join()
    for number, (least, most) in enumerate(made):
        restore_archive(tmp_path / f"{number}.tar.gz", tmp_path / f"again{number}")
        total = int(counted(tmp_path / f"again{number}").split(" predictions")[0].replace(",", ""))
        assert 1600 + least <= total <= 1600 + most


def test_wrong_words_are_said(original: Path) -> None:
    for words in (["backup", "restore", "x"], ["backup", "create", "x", "y"], ["backup"], ["backup", "keep", "x"]):
        assert main(["-w", str(original), *words]) == 2
