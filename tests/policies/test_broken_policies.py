"""Policy files broken in every way: refused with file, line and reason, and what was good last stays in force."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from backends.yaml_text import YamlProblem
from console.contracts.kept import load_contracts
from console.policies.load import Policies, PoliciesError, adopt_new, load_policies, read_policies

GOOD = """format: 1
guardrails:
  - {id: frozen, title: Frozen until Monday, actions: [promote], deny: true}
"""

NOBODY = 65534
Way = Callable[[Path], None]


def text(content: str | bytes) -> Way:
    """Something else in the file."""

    def broken(file: Path) -> None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    return broken


def bomb() -> str:
    lines = ["format: 1", "people:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    return "\n".join(lines)


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def a_link_in_a_circle(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)


def of_somebody_else(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    os.chown(file, NOBODY, NOBODY)


WAYS = [
    pytest.param(text(GOOD + "gardrails: []\n"), 4, "gardrails: unknown key", id="unknown section"),
    pytest.param(text(GOOD.replace("deny", "denny")), 3, "unknown key", id="unknown key"),
    pytest.param(text(GOOD + "format: 1\n"), 4, "second time, first in line 1", id="duplicate key"),
    pytest.param(text(GOOD + "people: &p {mara: *p}\n"), 4, "deeper than 40", id="cycle"),
    pytest.param(text(GOOD.replace("true", "perhaps")), 3, "boolean", id="wrong type"),
    pytest.param(text(GOOD.replace("[promote]", "promote")), 3, "valid tuple", id="text for a list"),
    pytest.param(text(GOOD.replace("deny: true", "max_bulk: -9223372036854775808")), 3, "greater than or equal to 1", id="smallest number"),
    pytest.param(text(bomb()), None, "aliases expand", id="bomb"),
    pytest.param(text("format: 1\npeople: " + "[" * 300_000), 2, "deeper than 40", id="nested without end"),
    pytest.param(text(GOOD + "#" * 10_000_000), 0, "larger than 1,000,000 bytes", id="10 MB"),
    pytest.param(text(GOOD.encode() + b"people: {m\xe4ra: operator}\n"), 4, "not UTF-8: byte 0xe4", id="Latin-1"),
    pytest.param(text(GOOD.encode("utf-16")), 1, "not UTF-8", id="UTF-16"),
    pytest.param(text(b"\x00" * 100), 1, "the control character U+0000", id="zeros"),
    pytest.param(text(""), 1, "the file is empty", id="empty"),
    pytest.param(text(GOOD[:-10]), 4, "", id="cut off"),
    pytest.param(lambda file: file.chmod(0o666), 0, "anybody on this machine may write it (0666)", id="writable by others"),
    pytest.param(of_somebody_else, 0, "it belongs to somebody else (uid 65534)", id="of somebody else"),
    pytest.param(a_pipe, 0, "no regular file", id="a pipe"),
    pytest.param(a_link_in_a_circle, 0, "cannot be read", id="a link in a circle"),
]  # fmt: skip


def good(folder: Path) -> tuple[Path, Policies]:
    """A file of good policies, kept as the last good ones."""
    folder.mkdir(exist_ok=True, mode=0o700)
    file = folder / "mine.yaml"
    file.write_text(GOOD)
    policies = load_policies(folder)
    assert policies.origin == "files" and policies.trouble == ""
    adopt_new(folder, policies)
    return file, policies


@pytest.mark.parametrize(("breaks", "line", "reason"), WAYS)
def test_it_is_refused_at_its_place_and_the_last_good_policies_stay_in_force(
    tmp_path: Path, breaks: Way, line: int | None, reason: str
) -> None:
    file, policies = good(tmp_path / "policies")
    breaks(file)
    with pytest.raises(PoliciesError) as refused:
        read_policies(file.parent)
    problems = refused.value.problems
    assert any(each.file == str(file) and line in {None, each.line} and reason in each.reason for each in problems), str(refused.value)
    assert all(str(each).isprintable() and len(str(each)) < 1000 for each in problems)
    in_force = load_policies(file.parent)
    assert (in_force.digest, in_force.origin) == (policies.digest, "last good")
    assert [rail.id for rail in in_force.guardrails if rail.deny] == ["frozen"]
    assert "what was adopted last is in force. First: " + str(file) in in_force.trouble
    # What is broken is never kept in place of what was good.
    adopt_new(file.parent, in_force)
    assert load_policies(file.parent).digest == policies.digest


@pytest.mark.parametrize("mode", [0o777, 0o770], ids=["anybody", "a group"])
def test_a_folder_that_others_may_write_is_refused_as_a_whole(tmp_path: Path, mode: int) -> None:
    file, policies = good(tmp_path / "policies")
    file.parent.chmod(mode)
    in_force = load_policies(file.parent)
    assert {each.file for each in in_force.problems} >= {str(file.parent)} and f"({mode:04o})" in in_force.problems[0].reason
    assert (in_force.origin, in_force.digest) == ("last good", policies.digest)


@pytest.mark.parametrize("reads", [lambda folder: load_policies(folder).problems, lambda folder: load_contracts(folder).problems])
def test_a_link_in_a_folder_of_a_group_tells_nobody_what_it_leads_to(
    tmp_path: Path, reads: Callable[[Path], Sequence[YamlProblem]]
) -> None:
    """Any member may put it there, and whoever reads it next may read more than they."""
    secret = tmp_path / "secret"
    secret.write_text("token: S3cr3tValue\n")
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "rules.yaml").symlink_to(secret)
    assert any("token: unknown key" in str(each) for each in reads(folder)), "one's own link is followed"
    folder.chmod(0o2770)
    said = " ".join(str(each) for each in reads(folder))
    assert "rules.yaml: a link, which is not followed in a folder that a group may write" in said
    assert "token" not in said and "S3cr3tValue" not in said


@pytest.mark.parametrize("which", [".in-force", ".in-force/current.json", "the copy"])
def test_a_copy_that_others_may_write_is_no_good_one(tmp_path: Path, which: str) -> None:
    file, policies = good(tmp_path / "policies")
    name = f".in-force/{policies.digest.removeprefix('sha256:')}.json" if which == "the copy" else which
    (file.parent / name).chmod(0o777)
    file.write_text("gardrails: []")
    found = load_policies(file.parent)
    assert found.origin == "shipped" and any("anybody on this machine may write it" in each.reason for each in found.problems)


def test_a_copy_is_kept_where_everybodys_files_are_usually_the_groups(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        file, policies = good(tmp_path / "policies")
        file.parent.chmod(0o755)
        file.chmod(0o644)
        assert stat.S_IMODE((file.parent / ".in-force").stat().st_mode) == 0o755
        file.write_text("gardrails: []")
        assert (load_policies(file.parent).origin, load_policies(file.parent).digest) == ("last good", policies.digest)
    finally:
        os.umask(before)


def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(tmp_path: Path) -> None:
    file, _ = good(tmp_path / "policies")
    if os.geteuid() != 0:
        file.parent.chmod(0o000)
        found = load_policies(file.parent)
        file.parent.chmod(0o700)
    else:
        tmp_path.chmod(0o711)
        os.seteuid(NOBODY)
        try:
            found = load_policies(file.parent)
        finally:
            os.seteuid(0)
    assert found.origin == "shipped" and "cannot be looked into: Permission denied" in found.problems[0].reason
    assert any("the last good copy cannot be used" in each.reason for each in found.problems)


def test_good_policies_are_kept_once_and_nothing_is_written_where_there_is_no_folder(tmp_path: Path) -> None:
    file, policies = good(tmp_path / "policies")
    kept = file.parent / ".in-force" / "current.json"
    before = kept.stat().st_mtime_ns
    adopt_new(file.parent, load_policies(file.parent))
    assert kept.stat().st_mtime_ns == before
    adopt_new(tmp_path / "nowhere", policies)
    assert not (tmp_path / "nowhere").exists()
