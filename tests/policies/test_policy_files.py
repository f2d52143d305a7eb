"""A policy file is taken as a whole or named with file and line; a broken one never loosens what is in force."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from backends.records import State
from console.policies.load import (
    PoliciesError,
    adopt,
    load_policies,
    policies_by_digest,
    read_policies,
    shipped_files,
    shipped_policies,
)
from console.policies.rules import AlertRule

SHIPPED = shipped_policies()
ASKED_FOR = {
    "model.late_gap", "model.ece", "model.auc", "model.score_psi", "model.mae", "data.schema", "data.nulls", "data.drift",
    "data.freshness", "system.latency_p95", "system.errors", "system.volume", "model.label_coverage", "slo.burn",
}  # fmt: skip

RULE = """format: 1
rules:
  - id: {id}
    title: A rule
    layer: model
    signal: late_gap
    warning: {warning}
    critical: {critical}
    playbook: quality-collapse
    severity: page
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def rule(rule_id: str = "model.late_gap", warning: str = "0.1", critical: str = "0.15") -> str:
    return RULE.format(id=rule_id, warning=warning, critical=critical)


def shipped(rule_id: str) -> AlertRule:
    found = SHIPPED.rule(rule_id)
    assert found is not None
    return found


def test_the_rules_that_ship_cover_the_triggers_of_the_metric_table() -> None:
    assert {rule.id for rule in SHIPPED.rules} >= ASKED_FOR
    latency, errors = shipped("system.latency_p95"), shipped("system.errors")
    assert (latency.hold, errors.critical, errors.hold) == (timedelta(minutes=10), 0.01, timedelta(minutes=5))
    assert shipped("system.batch_failed").judge(1, None, 0, 2) is State.WARNING
    assert shipped("data.nulls").warning.resolved(None) == 0.02  # type: ignore[union-attr]
    assert shipped("data.drift").critical == "calibrated"
    assert {layer.value for layer in {rule.layer for rule in SHIPPED.rules}} == {"system", "data", "model", "business"}


def test_a_workspace_without_policy_files_has_the_shipped_ones_in_force(tmp_path: Path) -> None:
    loaded = load_policies(tmp_path / "policies")
    assert (loaded.digest, loaded.origin, loaded.problems) == (SHIPPED.digest, "files", ())


def test_the_shipped_files_written_out_mean_the_same(tmp_path: Path) -> None:
    for name, text in shipped_files().items():
        write(tmp_path, name, text)
    assert read_policies(tmp_path).digest == SHIPPED.digest


def test_a_rule_of_the_workspace_replaces_the_shipped_one_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path, "mine.yaml", rule())
    found = read_policies(tmp_path)
    mine = found.rule("model.late_gap")
    assert mine is not None
    assert (mine.warning, mine.minimum_n) == (0.1, 30)
    assert len(found.rules) == len(SHIPPED.rules)
    assert found.digest != SHIPPED.digest


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param(rule(warning="lots"), 7, "lots", id="not a number"),
        pytest.param(rule(warning="0.3", critical="0.2"), 3, "reached before the warning", id="limits the wrong way round"),
        pytest.param(rule().replace("late_gap\n    warning", "luck\n    warning"), 3, "there is no signal luck", id="unknown signal"),
        pytest.param(rule() + "    colour: red\n", 11, "unknown key", id="unknown key"),
        pytest.param(rule().replace("    title: A rule\n", ""), 3, "missing", id="missing key"),
        pytest.param(rule().replace("severity: page", "severity: yes"), 10, "true or false", id="YAML 1.1 boolean"),
        pytest.param(rule() + "    for: 10\n", 11, "with its unit", id="duration without unit"),
        pytest.param(rule() + "    warning: 3\n", 11, "second time", id="duplicate key"),
        pytest.param(rule().replace("format: 1", "format: 2"), 1, "format", id="newer format"),
        pytest.param("format: 1\npeople: {mara: captain}\n", 2, "there is no role captain", id="unknown role"),
        pytest.param("format: 1\napprovals:\n  - {action: promote, roles: [king]}\n", 3, "no role king", id="unknown approver"),
        pytest.param("format: 1\nslos:\n  - {id: a, title: T, layer: data, objective: 1.5, good: {column: x, at_most: 1}}\n", 3,
                     "less than 1", id="objective over 1"),
        pytest.param("format: 1\ngates:\n  - {id: a, title: T, kind: at_most, metric: auc}\n", 3, "needs a limit", id="gate without limit"),
        pytest.param("- a\n", 1, "valid dictionary", id="not a mapping"),
    ],
)  # fmt: skip
def test_every_error_names_file_and_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    file = write(tmp_path, "mine.yaml", text)
    with pytest.raises(PoliciesError) as refused:
        read_policies(tmp_path)
    assert any(problem.line == line and reason in problem.reason for problem in refused.value.problems), str(refused.value)
    assert all(problem.file == str(file) for problem in refused.value.problems)


def test_the_same_rule_in_two_files_is_refused_with_both_places(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", rule())
    write(tmp_path, "b.yaml", "# mine\n" + rule())
    with pytest.raises(PoliciesError) as refused:
        read_policies(tmp_path)
    assert f"{tmp_path}/b.yaml:4" in str(refused.value)
    assert f"first at {tmp_path}/a.yaml:3" in str(refused.value)


def test_a_broken_file_leaves_the_last_good_copy_in_force_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, "mine.yaml", rule())
    good = load_policies(tmp_path)
    adopt(tmp_path, good)
    write(tmp_path, "mine.yaml", rule(warning="lots"))
    loaded = load_policies(tmp_path)
    assert (loaded.digest, loaded.origin) == (good.digest, "last good")
    assert str(loaded.problems[0]).startswith(f"{tmp_path}/mine.yaml:7:")
    with pytest.raises(ValueError, match="not adopted"):
        adopt(tmp_path, loaded)
    write(tmp_path, "mine.yaml", rule(warning="0.05"))
    mended = load_policies(tmp_path)
    assert (mended.origin, mended.problems) == ("files", ())


def test_a_broken_file_before_anything_was_adopted_falls_back_to_what_ships(tmp_path: Path) -> None:
    write(tmp_path, "mine.yaml", "rules: [\n")
    loaded = load_policies(tmp_path)
    assert (loaded.digest, loaded.origin, len(loaded.problems)) == (SHIPPED.digest, "shipped", 1)


def test_what_was_once_in_force_can_be_read_by_its_digest_for_ever(tmp_path: Path) -> None:
    write(tmp_path, "mine.yaml", rule())
    first = load_policies(tmp_path)
    adopt(tmp_path, first)
    write(tmp_path, "mine.yaml", rule(warning="0.12"))
    adopt(tmp_path, load_policies(tmp_path))
    kept = policies_by_digest(tmp_path, first.digest)
    assert kept.digest == first.digest
    assert kept.rule("model.late_gap") == first.rule("model.late_gap")


def test_a_kept_copy_that_was_changed_is_not_trusted(tmp_path: Path) -> None:
    write(tmp_path, "mine.yaml", rule())
    copy = adopt(tmp_path, load_policies(tmp_path))
    body = json.loads(copy.read_text())
    body["guardrails"] = []
    copy.write_text(json.dumps(body))
    write(tmp_path, "mine.yaml", "broken: [\n")
    loaded = load_policies(tmp_path)
    assert loaded.origin == "shipped"
    assert any("were changed" in problem.reason for problem in loaded.problems)


@pytest.mark.parametrize(
    ("rule_id", "value", "n", "state"),
    [
        ("model.late_gap", 0.338, 753, State.CRITICAL),
        ("model.late_gap", 0.275, 753, State.WARNING),
        ("model.late_gap", 0.2, 753, State.OK),
        ("model.late_gap", 0.9, 99, State.UNKNOWN),
        ("model.late_gap", None, 753, State.UNKNOWN),
        ("model.auc", 0.7, 4304, State.OK),
        ("model.auc", 0.606, 4304, State.WARNING),
        ("model.auc", 0.59, 4304, State.CRITICAL),
        ("model.label_coverage", 0.77, 981, State.OK),
        ("model.label_coverage", 0.4, 981, State.CRITICAL),
        ("data.schema", 1, None, State.CRITICAL),
        ("data.schema", 0, None, State.OK),
    ],
)
def test_a_limit_is_passed_strictly_and_too_little_data_is_unknown(rule_id: str, value: float | None, n: int | None, state: State) -> None:
    found = shipped(rule_id)
    assert isinstance(found.warning, float)
    assert isinstance(found.critical, float)
    assert found.judge(value, n, found.warning, found.critical) is state


def test_a_rule_without_a_limit_that_could_be_calibrated_is_unknown() -> None:
    assert shipped("data.drift").judge(9.9, 10_000, None, None) is State.UNKNOWN


def test_rules_are_chosen_by_task_name_and_environment(tmp_path: Path) -> None:
    write(tmp_path, "mine.yaml", rule("model.mine") + "    where: {models: ['delay-*'], environments: [staging]}\n")
    found = read_policies(tmp_path)
    assert "model.mine" in {rule.id for rule in found.rules_for("delay-2", "staging", "binary")}
    assert "model.mine" not in {rule.id for rule in found.rules_for("delay-2", "production", "binary")}
    assert "model.mine" not in {rule.id for rule in found.rules_for("price", "staging", "binary")}
    regression = {rule.id for rule in found.rules_for("price", "production", "regression")}
    assert "model.mae" in regression
    assert "model.late_gap" not in regression


def test_an_override_changes_the_limits_of_one_column_of_one_model(tmp_path: Path) -> None:
    text = rule("data.mine", "0.02", "0.05").replace("late_gap", "null_share").replace("layer: model", "layer: data")
    write(tmp_path, "mine.yaml", text + "    overrides:\n      - {models: [a], column: pressure, warning: 0.15, critical: 0.3}\n")
    found = read_policies(tmp_path).rule("data.mine")
    assert found is not None
    assert found.limits_for("a", "pressure") == (0.15, 0.3)
    assert found.limits_for("a", "temp") == (0.02, 0.05)
    assert found.limits_for("b", "pressure") == (0.02, 0.05)


def test_promotion_in_production_needs_another_person_and_a_kill_needs_nobody() -> None:
    promote = SHIPPED.approval_for("promote", "production")
    assert promote is not None
    assert (promote.quorum, promote.different_from) == (1, ("requester",))
    assert SHIPPED.approval_for("kill", "production") is None
    assert SHIPPED.approval_for("promote", "laptop") is None
    assert any(rail.confirm == "model" for rail in SHIPPED.guardrails if {"rollback", "*"} & set(rail.actions))
