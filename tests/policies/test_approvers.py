"""What is asked of approvers can be met, or the file that asks for it is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.policies.load import PoliciesError, adopt, load_policies, read_policies
from console.policies.rules import ApprovalRule

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 40 + "{}aa"
PEOPLE = "people: {mara: operator, ines: releaser, ilse: approver, otto: approver, ada: admin}\n"


def written(folder: Path, rule: str, *, people: str = PEOPLE, more: str = "") -> Path:
    path = folder / "approvals.yaml"
    path.write_text(f"format: 1\n{people}approvals:\n  - {rule}\n{more}")
    return path


def problems(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(PoliciesError) as refused:
        read_policies(folder)
    return [(problem.file, problem.line, problem.reason) for problem in refused.value.problems]


@pytest.mark.parametrize(("quorum", "taken"), [(0, True), (1, True), (2, True), (3, False), (4, False), (10, False)])
def test_the_quorum_is_smaller_than_the_number_of_people_who_may_approve(tmp_path: Path, quorum: int, taken: bool) -> None:
    path = written(tmp_path, f"{{action: promote, quorum: {quorum}}}")
    if taken:
        assert read_policies(tmp_path).approval_for("promote", "production") is not None
        return
    [(file, line, reason)] = problems(tmp_path)
    assert (file, line) == (str(path), 4)
    assert f"asks for {quorum}, but only 3 may approve: ada, ilse, otto" in reason


def test_only_people_of_the_roles_that_the_rule_names_count(tmp_path: Path) -> None:
    written(tmp_path, "{action: promote, quorum: 2, roles: [approver]}")
    assert "only 2 may approve: ilse, otto" in problems(tmp_path)[0][2]


def test_where_signatures_are_required_only_people_with_a_key_count(tmp_path: Path) -> None:
    (tmp_path / "allowed_signers").write_text(f"ilse {KEY.format('A')}\notto {KEY.format('B')}\n")
    written(tmp_path, "{action: promote, quorum: 2, signature: required}", more="signatures: {}\n")
    assert "only 2 may approve with a key to sign with: ilse, otto" in problems(tmp_path)[0][2]
    written(tmp_path, "{action: promote, quorum: 1, signature: required}", more="signatures: {}\n")
    assert read_policies(tmp_path).signatures is not None


def test_a_workspace_of_one_person_is_not_asked_for_more(tmp_path: Path) -> None:
    written(tmp_path, "{action: promote, quorum: 1}", people="people: {ada: admin}\n")
    read_policies(tmp_path)


@pytest.mark.parametrize("signature", ["optional", "required"])
def test_signatures_need_somebody_whose_keys_are_known(tmp_path: Path, signature: str) -> None:
    written(tmp_path, f"{{action: promote, signature: {signature}}}")
    [(_, line, reason)] = problems(tmp_path)
    assert line == 4 and "whose keys are whose" in reason


@pytest.mark.parametrize(("name", "given"), [("allowed_signers", "{}"), ("revoked", "{revoked: gone}")])
def test_a_file_of_keys_that_is_named_must_be_there(tmp_path: Path, name: str, given: str) -> None:
    if name == "revoked":
        (tmp_path / "allowed_signers").write_text(f"ilse {KEY.format('A')}\n")
    path = written(tmp_path, "{action: promote}", more=f"signatures: {given}\n")
    [(file, line, reason)] = problems(tmp_path)
    assert (file, line) == (str(path), 5) and "there is no file" in reason


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ilse", "no public key"),
        ("ilse ssh-ed25519 AAAA!", "not in base64"),
        ("ilse ssh-rsa " + KEY.format("A").split()[1], "not of the kind ssh-rsa"),
        (f"ilse,otto {KEY.format('A')}", "not one person's name"),
        (f"*@example.org {KEY.format('A')}", "without patterns"),
        (f"ilse cert-authority {KEY.format('A')}", "cert-authority"),
        (f'ilse valid-before="tomorrow" {KEY.format("A")}', "valid-before is no time"),
        (f'ilse valid-before="20261332" {KEY.format("A")}', "valid-before is no time"),
        (f'ilse valid-after="20270101Z",valid-before="20260101Z" {KEY.format("A")}', "never valid"),
        (f'ilse valid-after="20270101Z",valid-after="20260101Z" {KEY.format("A")}', "given twice"),
        (f'ilse namespaces="git {KEY.format("A")}', "is not closed"),
        (f"ilse colour=red {KEY.format('A')}", "unknown option colour"),
        (f"otto {KEY.format('Z')}", "a key is one person's"),
        (f"mara {KEY.format('Z')}", "stands in line 2 already"),
        (f"ilse\x1b[2K {KEY.format('A')}", "a control character"),
        (f"ilse {KEY.format('A')} laptop\u2028otto {KEY.format('B')}", "a control character"),
        (f"ilse {KEY.format('A')} laptop\x0cotto {KEY.format('B')}", "a control character"),
    ],
)
def test_a_line_of_keys_that_is_wrong_is_named_with_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    keys = tmp_path / "allowed_signers"
    keys.write_text(f"# who signs\nmara {KEY.format('Z')} laptop\n\n{line}\n")
    written(tmp_path, "{action: promote}", more="signatures: {}\n")
    [(file, number, reason)] = problems(tmp_path)
    assert (file, number) == (str(keys), 4)
    assert said in reason


def test_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    (tmp_path / "allowed_signers").write_bytes(f"ilse {KEY.format('A')}\r\notto {KEY.format('B')}\r\n".encode())
    written(tmp_path, "{action: promote, quorum: 1, signature: required}", more="signatures: {}\n")
    assert read_policies(tmp_path).signatures is not None


@pytest.mark.parametrize(
    ("content", "said"), [(b"# x\n" * 300_000, "larger than 1,000,000 bytes"), (b"ilse \xff\xfe\n", "no UTF-8")], ids=["large", "not UTF-8"]
)
def test_a_file_of_keys_that_is_no_such_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "allowed_signers").write_bytes(content)
    written(tmp_path, "{action: promote}", more="signatures: {}\n")
    [(file, line, reason)] = problems(tmp_path)
    assert f"{tmp_path}/allowed_signers" in file + reason and said in f"{line}{reason}"


def test_the_last_good_policies_stay_in_force_while_the_keys_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "allowed_signers").write_text(f"ilse {KEY.format('A')}\notto {KEY.format('B')}\n")
    written(tmp_path, "{action: promote, signature: required}", more="signatures: {}\n")
    good = load_policies(tmp_path)
    adopt(tmp_path, good)
    (tmp_path / "allowed_signers").write_text("ilse\n")
    loaded = load_policies(tmp_path)
    assert (loaded.origin, loaded.digest) == ("last good", good.digest)
    rule = loaded.approval_for("promote", "production")
    assert isinstance(rule, ApprovalRule) and rule.signature == "required"


@pytest.mark.parametrize("section", ["signatures: {}", "break_glass: {}"])
def test_a_section_that_stands_once_is_refused_in_a_second_file(tmp_path: Path, section: str) -> None:
    (tmp_path / "allowed_signers").write_text("")
    (tmp_path / "a.yaml").write_text(f"format: 1\n{section}\n")
    (tmp_path / "b.yaml").write_text(f"format: 1\n{section}\n")
    [(file, line, reason)] = problems(tmp_path)
    assert (file, line) == (str(tmp_path / "b.yaml"), 2)
    assert f"first at {tmp_path}/a.yaml:2" in reason
