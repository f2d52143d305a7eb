"""The folder of a demo knows for when and under which policies it was built, and says what to do when that is no longer so."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from console.cli.main import main
from console.config import Workspace
from console.control.ledger import read_state
from console.demo.built import BUILT
from console.demo.story import DEFAULT_START


def test_requests_of_a_demo_under_other_policies_are_void_and_how_it_is_built_anew_is_said(
    own_demo: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = own_demo.paths.root
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")

    def said(*words: str) -> str:
        main([*words])
        # A long path goes on in the next line.
        return "".join("".join(capsys.readouterr()).split())

    again = f"qddemo--rebuild--dir{root}"
    approve = ("-w", str(root), "approve", "APR-7", "--dry-run")
    for words in (approve, ("-w", str(root), "doctor", "--json"), ("demo", "--dir", str(root), "--no-open")):
        assert again not in said(*words), words
    rules = own_demo.paths.policies / "demo.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("critical: 250", "critical: 300"), encoding="utf-8")
    for words in (approve, ("-w", str(root), "doctor", "--json"), ("demo", "--dir", str(root), "--no-open")):
        assert again in said(*words), words
    (root / BUILT).write_text(json.dumps({"at": DEFAULT_START.isoformat()}), encoding="utf-8")
    assert again in said("demo", "--dir", str(root), "--no-open"), "a program that did not yet say under which"


def test_what_waits_for_a_signature_waits_for_whoever_reads_at_leisure(own_demo: Workspace) -> None:
    [request] = read_state(own_demo.paths).open_approvals(DEFAULT_START, "production")
    assert request.payload.approve_by - DEFAULT_START > timedelta(days=13)
    assert request.payload.execute_by - request.payload.approve_by > timedelta(days=6)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("", "is not a time"),
        ("tomorrow", "is not a time"),
        ("2013-04-23T09:00", "has no zone"),
        ("2013-01-15T00:00-05:00", "--at 2013-01-15T00:00-05:00 is outside what was recorded"),
        ("2014-05-01T00:00-04:00", "is outside what was recorded"),
    ],
)
def test_a_moment_without_a_demo_is_refused_before_anything_is_built(
    tmp_path, capsys: pytest.CaptureFixture[str], at: str, said: str
) -> None:
    assert main(["demo", "--dir", str(tmp_path / "demo"), "--at", at, "--no-open"]) == 2
    told = capsys.readouterr().err
    assert said in told and "building" not in told
    assert not (tmp_path / "demo").exists()


def test_a_demo_is_not_opened_for_another_moment_than_it_was_built_for(own_demo: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["demo", "--dir", str(own_demo.paths.root), "--no-open", "--at"]
    assert main([*asked, "2013-04-26T18:00-04:00"]) == 0
    assert main([*asked, "2013-04-23T09:00-04:00"]) == 2
    assert "begins at 2013-04-26T18:00-04:00; with --rebuild" in capsys.readouterr().err
