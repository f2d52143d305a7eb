"""Files of a workspace that are missing, cut off, or something else: a clear line, the right code, never an empty answer for a lost one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from broken_workspaces import ask, evaluated, lived_in, whole

ASKED = (
    "fleet", "model delay", "drift delay", "quality delay", "lineage delay", "alerts", "incidents", "switches", "actions", "audit log",
    "audit verify", "sources", "doctor", "config validate", "playbook list", "kill delay --dry-run", "note delay words",
    "restore delay --confirm delay --reason r", "watch --once",
)  # fmt: skip

FILES = (
    "workspace.toml", "clock.json", "control.sqlite", "audit-head", "registry.json", "switches.json", "store/summary.json",
    "store/evaluated.json", "store/profiles.sqlite", "store/catalog.sqlite", "store/generations/*.duckdb", "store/health/*.json",
    "store/looks/drift/*.json", "store/looks/drift-columns/*.json", "store/looks/quality/*.json", "store/looks/labels/*.json",
    "store/segments/predictions/*/*/*.parquet", "store/segments/labels/*/*/*.parquet",
)  # fmt: skip


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived_in(evaluated(whole(tmp_path_factory.mktemp("files") / "w"))).root


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "w"
    shutil.copytree(original, copy)
    yield copy
    shutil.rmtree(copy)


def newest(root: Path, pattern: str) -> Path:
    return sorted(root.glob(pattern))[-1]


@pytest.mark.exhaustive
@pytest.mark.parametrize("how", ["cut off", "missing", "something else"])
@pytest.mark.parametrize("pattern", FILES)
def test_every_verb_answers_with_its_code_and_a_line(root: Path, pattern: str, how: str) -> None:
    path = newest(root, pattern)
    if how == "cut off":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "missing":
        path.unlink()
    else:
        path.write_bytes(b"\x00\xff something else \x1b[31m")
    found = {words: ask(root, words) for words in ASKED}
    assert {words: answer.problem for words, answer in found.items() if answer.problem is not None} == {}
    assert not any("\x1b" in answer.out + answer.err for answer in found.values())


WRONG = (
    ("registry.json", "[]"), ("store/summary.json", '{"rows": 3}'), ("workspace.toml", 'format = "one"\nname = 3'),
    ("policies/x.yaml", "rules: 3"),
)  # fmt: skip
WRONG_TOO = (
    ("registry.json", '{"format": "quarterdeck/registry/1", "version": "many"}'), ("switches.json", "null"), ("store/summary.json", "[]"),
    ("store/evaluated.json", "7"), ("clock.json", "[1]"), ("workspace.toml", "format = 99\nname = 'x'"), ("audit-head", "{}"),
    ("playbooks/x.yaml", "[]"), ("policies/x.yaml", "a: &a [*a]"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "content"), [*WRONG, *(pytest.param(*each, marks=pytest.mark.exhaustive) for each in WRONG_TOO)])
def test_wrong_types_are_said_and_break_nothing_else(root: Path, name: str, content: str) -> None:
    (root / name).write_text(content)
    found = {words: ask(root, words) for words in ASKED}
    assert {words: answer.problem for words, answer in found.items() if answer.problem is not None} == {}


def test_a_newer_workspace_is_refused_by_everything_and_left_as_it_is(root: Path) -> None:
    path = root / "workspace.toml"
    path.write_text(path.read_text().replace("format = 1", "format = 2"))
    before = {each: each.read_bytes() for each in root.rglob("*") if each.is_file()}
    for words in ASKED:
        answer = ask(root, words)
        assert answer.code == (1 if words == "doctor" else 2), words
        assert "update quarterdeck" in answer.err + answer.out
    assert {each: each.read_bytes() for each in root.rglob("*") if each.is_file()} == before


def test_a_lost_journal_is_not_an_empty_one(root: Path) -> None:
    (root / "control.sqlite").unlink()
    for words in ("incidents", "audit log", "incident INC-1"):
        answer = ask(root, words)
        assert answer.code in {4, 5}, words
    assert "is gone, but #" in ask(root, "audit log").err
    assert "no incident" not in ask(root, "incidents").out.lower()
    assert ask(root, "doctor").code == 1


def test_a_damaged_journal_leaves_the_incidents_of_fleet_unknown(root: Path) -> None:
    (root / "control.sqlite").write_bytes(b"no database" * 500)
    answer = ask(root, "fleet")
    assert "nobody knows which incidents are open" in " ".join(answer.out.split())
    assert json.loads(ask(root, "fleet --json").out)["control_problem"] is not None
    for words in ("incidents", "alerts"):
        heading = ask(root, words).out.splitlines()[0]
        assert heading.split() == [words.capitalize(), "unknown"]


def test_a_workspace_that_has_lost_its_settings_is_not_made_anew(root: Path) -> None:
    (root / "workspace.toml").unlink()
    for words in ("fleet", "kill delay --confirm delay --reason r", "doctor"):
        told = " ".join((answer := ask(root, words)).err.split() + answer.out.split())
        assert "holds parts of a workspace, but its workspace.toml is gone" in told, words
        assert "quarterdeck backup restore FILE DIR" in told, words
        assert "quarterdeck init" not in told, words


def test_a_lost_catalogue_is_not_an_empty_store_and_the_facts_come_back(root: Path) -> None:
    before = counted(root)
    (root / "store" / "catalog.sqlite").unlink()
    for name in ("summary.json", "health"):
        shutil.move(root / "store" / name, root / f"moved-{name}")
    for words in ("fleet", "model delay", "drift delay"):
        answer = ask(root, words)
        assert answer.code == 4, words
        assert "quarterdeck watch --once takes them in again" in answer.err
    assert ask(root, "doctor").code == 1
    assert ask(root, "watch --once").code in {0, 1}
    assert counted(root) == before
    assert ask(root, "fleet").code == 0


def test_a_store_that_has_lost_everything_is_not_an_empty_one(root: Path) -> None:
    (root / "store" / "segments").rename(root / "elsewhere")
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (root / "store" / name).unlink(missing_ok=True)
    for words in ("fleet", "model delay", "quality delay"):
        answer = ask(root, words)
        assert answer.code == 4
        assert "has lost its facts" in answer.err


def test_a_lost_segment_is_named_and_never_counted_as_no_rows(root: Path) -> None:
    path = newest(root, "store/segments/predictions/*/*/*.parquet")
    path.unlink()
    for words in ("drift delay -f temp", "drift delay --against previous", "quality delay --by week"):
        answer = ask(root, words)
        assert answer.code == 4, words
        assert f"{path} cannot be read (it is gone)" in answer.err and "quarterdeck backup restore" in answer.err, words
    findings = json.loads(ask(root, "doctor --json").out)["findings"]
    [found] = [each for each in findings if each["id"] == "store.segments"]
    assert found["state"] == "critical"
    assert str(path.relative_to(root)) in found["what"]


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_its_end(content: bytes) -> bytes:
    return content[:-4] + b"nope"


def with_other_columns(content: bytes) -> bytes:
    """What describes the columns is overwritten: size and ends stay."""
    return content[:-120] + b"\x0f" * 100 + content[-20:]


@pytest.mark.parametrize("damage", [halved, without_its_end, with_other_columns])
def test_a_damaged_segment_is_named_with_the_way_out_by_who_reads_and_by_doctor(root: Path, damage: Callable[[bytes], bytes]) -> None:
    path = newest(root, "store/segments/predictions/*/*/*.parquet")
    path.write_bytes(damage(path.read_bytes()))
    for words in ("drift delay -f temp", "quality delay --by week"):
        answer = ask(root, words)
        assert answer.code == 4, words
        assert f"{path} cannot be read" in answer.err and "quarterdeck backup restore" in answer.err, answer.err
    assert ask(root, "doctor").code == 1
    bad = [each for each in json.loads(ask(root, "doctor --json").out)["findings"] if each["state"] == "critical"]
    assert any(str(path.relative_to(root)) in each["what"] for each in bad), bad


def test_the_kill_switch_works_whatever_is_broken(root: Path) -> None:
    for name in ("control.sqlite", "registry.json", "store/catalog.sqlite", "policies/x.yaml", "playbooks/x.yaml"):
        (root / name).write_bytes(b"broken: [")
    answer = ask(root, "kill delay --state killed --confirm delay --reason x")
    assert answer.code == 0, answer.err
    assert json.loads((root / "switches.json").read_text())["switches"]["production"]["delay"]["state"] == "killed"


def counted(root: Path) -> str:
    findings = json.loads(ask(root, "doctor --json").out)["findings"]
    [reading] = [each for each in findings if each["id"] == "store.reading"]
    return reading["what"]
