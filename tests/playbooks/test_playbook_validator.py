"""A playbook that would strand somebody at three in the morning is refused in review, with file and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from backends.records import Layer
from backends.yaml_text import YamlFileError
from playbooks.catalogue import STANDARD_ACTIONS, STANDARD_CHECKS
from playbooks.validator import Catalogues, check_playbook, read_playbook

TODAY = date(2013, 4, 26)
KNOWN = Catalogues(STANDARD_CHECKS, STANDARD_ACTIONS, {"model.late_gap": Layer.MODEL})
HEAD = """format: 1
id: test
version: 1
title: A test
owner: mara
verified_at: 2013-04-02
verified_by: ines
expires_at: 2013-07-01
applies_to: {rules: [model.late_gap], layer: model}
severity: critical
params: {model: {required: true}}
phases:
  investigate:
"""
FIRST_STEP = HEAD.count("\n") + 1
MODEL = 'args: {environment: production, model: "{model}"}'


def findings(steps: str, head: str = HEAD, known: Catalogues = KNOWN) -> list[tuple[int, str, str]]:
    file = read_playbook(head + steps, "test.yaml")
    return [(found.problem.line - FIRST_STEP, found.severity, found.problem.reason) for found in check_playbook(file, known, TODAY)]


def manual(name: str, more: str = "") -> str:
    return f"    - {{id: {name}, kind: manual, title: T, text: Do it{more}}}\n"


@pytest.mark.parametrize(
    ("steps", "line", "reason"),
    [
        pytest.param(manual("a", ", next: nowhere"), 0, "a goes to nowhere, which is not a step", id="unknown next"),
        pytest.param(manual("a", ", on_fail: {goto: gone}"), 0, "goes to gone", id="unknown goto"),
        pytest.param(manual("a") + manual("b", ", on_fail: {goto: a}"), 0, "come round to itself", id="cycle"),
        pytest.param(manual("a", ", next: a"), 0, "come round to itself", id="step to itself"),
        pytest.param(manual("a", ", next: c") + manual("b") + manual("c"), 1, "b can never be reached", id="unreachable"),
        pytest.param(manual("a") + manual("a"), 1, "second time, first in line 14", id="duplicate id"),
        pytest.param(manual("end"), 0, "has no dots and is not `end`", id="reserved id"),
        pytest.param("    - {id: a, kind: check, title: T, check: divine}\n", 0, "there is no check divine", id="unknown check"),
        pytest.param(
            "    - {id: a, kind: check, title: T, check: labels_sound}\n", 0, "needs the argument environment", id="missing argument"
        ),
        pytest.param(
            f"    - {{id: a, kind: check, title: T, check: labels_sound, {MODEL[:-1]}, colour: red}}}}\n",
            0,
            "has no argument colour",
            id="unknown argument",
        ),
        pytest.param(
            "    - {id: a, kind: action, title: T, action: {kind: explode}}\n", 0, "there is no action explode", id="unknown action"
        ),
        pytest.param(
            "    - {id: a, kind: action, title: T, from_decision: b}\n" + manual("b"), 0, "b is not a decision", id="not a decision"
        ),
        pytest.param(manual("a", ", on_fail: undo"), 0, "declares no undo", id="undo without undo"),
        pytest.param(
            "    - {id: a, kind: manual, title: T, text: 'Look at {colour}'}\n", 0, "the parameter colour", id="unknown parameter"
        ),
        pytest.param(
            "    - {id: a, kind: playbook, title: T, playbook: other}\n", 0, "there is no playbook other", id="unknown sub-playbook"
        ),
        pytest.param(
            "    - {id: a, kind: playbook, title: T, playbook: test, params: {model: x}}\n", 0, "call each other", id="calls itself"
        ),
    ],
)
def test_what_is_wrong_across_steps_is_named_with_its_line(steps: str, line: int, reason: str) -> None:
    found = findings(steps)
    assert any(where == line and severity == "error" and reason in text for where, severity, text in found), found


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ("    - {id: a, kind: dance, title: T}\n", "dance"),
        ("    - {id: a, kind: action, title: T}\n", "either `action` or `from_decision`"),
        ("    - {id: a, kind: wait, title: T, until: {check: signal}}\n", "needs a `deadline`"),
        ("    - {id: a, kind: wait, title: T, duration: 90}\n", "with its unit"),
        ("    - {id: a, kind: wait, title: T, duration: an hour}\n", "is not a length of time"),
        ("    - {id: a, kind: manual, title: T, text: x, on_fail: {then: goto}}\n", "`goto` needs a step"),
        ("    - {id: a, kind: manual, title: T, text: x, colour: red}\n", "unknown key"),
        ("    - {id: a, kind: playbook, title: T, playbook: b, timeout: 1h}\n", "only calls"),
        ("    - {id: A b, kind: manual, title: T, text: x}\n", "pattern"),
    ],
)
def test_what_the_format_does_not_allow_is_refused_with_file_and_line(tmp_path: Path, steps: str, reason: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(HEAD + steps)
    with pytest.raises(YamlFileError) as refused:
        read_playbook(file)
    assert reason in str(refused.value)
    assert {problem.line for problem in refused.value.problems} == {FIRST_STEP}
    assert str(refused.value).startswith(f"{file}:{FIRST_STEP}:")


def test_an_expired_playbook_warns_and_can_still_be_used() -> None:
    found = check_playbook(read_playbook(HEAD + manual("a"), "test.yaml"), KNOWN, date(2014, 1, 1))
    assert [(item.severity, item.problem.line) for item in found] == [("warning", 8)]
    assert "expired on 2013-07-01" in found[0].problem.reason


def test_a_rule_that_does_not_exist_is_an_error() -> None:
    [found] = check_playbook(read_playbook(HEAD + manual("a"), "test.yaml"), Catalogues(rules={}), TODAY)
    assert (found.severity, found.problem.line) == ("error", 9)
    assert "there is no alert rule model.late_gap" in found.problem.reason


def test_the_digest_is_of_the_content_not_of_its_writing() -> None:
    written = read_playbook(HEAD + manual("a", ", timeout: 60m")).playbook
    rewritten = read_playbook("# a comment\n" + HEAD + manual("a", ", timeout: 1h")).playbook
    other = read_playbook(HEAD + manual("a", ", timeout: 2h")).playbook
    assert written.digest == rewritten.digest != other.digest
    assert type(written).model_validate(written.body).digest == written.digest
