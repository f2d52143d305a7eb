"""Who may stop a model in a workspace of several people: whom the policy files name, also while some of them are broken."""

from __future__ import annotations

import grp
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.local.reading import LocalSwitches
from console.cli.main import main
from console.config import ClockSettings, init_workspace

PEOPLE = "format: 1\npeople: {mara: operator, ines: {production: releaser}, otto: [operator, restrained]}\n"
BROKEN = "format: 1\nguardrails:\n  - {id: frozen, title: Frozen, actions: [kill], denny: true}\n"


class Group:
    """A workspace of a group, and what is said there."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.policies, self.capsys, self.monkeypatch = root, root / "policies", capsys, monkeypatch
        self.said = ""

    def __call__(self, who: str, *words: str) -> int:
        self.monkeypatch.setenv("QUARTERDECK_ACTOR", f"{who}@desk")
        return self.as_it_is(*words)

    def as_it_is(self, *words: str) -> int:
        """As whoever this process is."""
        code = int(main(["--workspace", str(self.root), *words]))
        captured = self.capsys.readouterr()
        self.said = " ".join((captured.out + captured.err).split())
        return code

    def write(self, name: str, text: str, mode: int = 0o660) -> None:
        (self.policies / name).write_text(text)
        (self.policies / name).chmod(mode)

    def forget_copies(self) -> None:
        shutil.rmtree(self.policies / ".in-force", ignore_errors=True)

    @property
    def switch(self) -> str:
        found = LocalSwitches(self.root / "switches.json").switch("production", "m")
        return "normal" if found is None else found.state.value

    def kill(self, who: str) -> int:
        return self(who, "kill", "m", "--state", "killed", "--confirm", "m", "--reason", "INC-1")

    def people_found(self, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
        monkeypatch.delenv("QUARTERDECK_ACTOR", raising=False)
        main(["--workspace", str(self.root), "doctor", "--json"])
        [found] = [each for each in json.loads(self.capsys.readouterr().out)["findings"] if each["id"] == "policies.people"]
        return found["state"], found["what"]


@pytest.fixture
def group(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Group:
    clock = ClockSettings(start=datetime(2013, 4, 26, 22, 0, tzinfo=UTC), speed=0)
    init_workspace(tmp_path / "w", name="w", group=grp.getgrgid(os.getgid()).gr_name, clock=clock)
    return Group(tmp_path / "w", capsys, monkeypatch)


def test_where_nobody_is_named_everything_says_what_to_write(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    assert group.kill("mara") == 3
    assert "no policy file names anybody who is: add people: {NAME: ROLE} to one" in group.said
    assert "ask whoever may write them" in group.said and "Ask somebody who has that role" not in group.said
    assert group.people_found(monkeypatch) == ("critical", "nobody may set a kill switch in production: no operator is named in policies/")
    group.write("people.yaml", PEOPLE.replace(", restrained", ""))
    assert group.people_found(monkeypatch)[0] == "ok"
    assert group.kill("zoe") == 3 and "Ask somebody who has that role" in group.said
    assert group.kill("mara") == 0 and group.switch == "killed"


def test_the_first_command_of_a_group_is_told_with_its_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workspace", str(tmp_path / "w"), "init", "--group", grp.getgrgid(os.getgid()).gr_name]) == 0
    told = capsys.readouterr().out
    written = told.partition("write  ")[2].partition("  to policies/people.yaml")[0]
    (tmp_path / "w" / "policies" / "people.yaml").write_text(written)
    assert main(["--workspace", str(tmp_path / "w"), "can-i", "kill", "m"]) == 0


RESTRAINED = "roles: [{id: restrained, title: Stops nothing, may_not: [kill]}]\n"
"""What it denies cannot be known while it stands in a file that is broken."""


def test_while_first_policies_are_broken_whom_the_others_name_may_go_towards_safety_and_nowhere_else(group: Group) -> None:
    group.write("people.yaml", PEOPLE)
    group.write("rails.yaml", BROKEN + RESTRAINED)
    assert group.kill("mara") == 0 and group.switch == "killed"
    assert "rails.yaml:3" in group.said
    group.forget_copies()
    assert group("mara", "restore", "m", "--confirm", "m", "--reason", "r", "--elevate") == 3
    assert "only steps towards safety are done while the policy files are broken" in group.said
    for nobody in ("ines", "otto", "zoe"):
        assert group.kill(nobody) == 3 and "needs one of operator, admin" in group.said
    assert group.switch == "killed"


@pytest.mark.parametrize(
    ("name", "text", "mode"),
    [
        pytest.param("people.yaml", PEOPLE.replace("people", "poeple"), 0o660, id="the key is wrong"),
        pytest.param("people.yaml", PEOPLE, 0o662, id="anybody may write it"),
        pytest.param("again.yaml", PEOPLE, 0o660, id="named twice"),
    ],
)
def test_whom_a_file_names_that_cannot_be_trusted_may_nothing_and_is_told_who_mends_it(
    group: Group, name: str, text: str, mode: int
) -> None:
    group.write("people.yaml", PEOPLE)
    group.write(name, text, mode)
    assert group.kill("mara") == 3 and group.switch == "normal"
    assert "cannot be read in the broken policy files: whoever may write them mends them" in group.said
    assert f"policies/{name}" in group.said or "policies/people.yaml" in group.said


def test_who_would_play_somebody_where_time_is_real_is_told_who_acts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "real"
    init_workspace(root, name="real")
    ask = Group(root, capsys, monkeypatch)
    for words in (("can-i", "kill", "m"), ("note", "m", "hello"), ("kill", "m", "--dry-run")):
        assert ask("ilse", *words) == 0
        assert "QUARTERDECK_ACTOR=ilse@desk counts only in a workspace with a simulated clock; here you are" in ask.said
    assert ask("ilse", "can-i", "kill", "m", "--as", "ines") in {0, 1}
    assert "QUARTERDECK_ACTOR" not in ask.said, "it was asked for somebody else"
