"""Whoever is paged finds a playbook, and the one for a collapse of quality leads to what helps."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from fake_host import FakeHost

from backends.records import State
from console.policies.load import known_rules, missing_playbooks, shipped_policies
from console.policies.signals import is_signal
from playbooks.binding import names_in
from playbooks.catalogue import STANDARD_ACTIONS, STANDARD_CHECKS
from playbooks.host import OptionFigures
from playbooks.library import load_library, read_library
from playbooks.run import StepStatus
from playbooks.runner import Runner, start_run
from playbooks.validator import Catalogues, check_playbook

SHIPPED = read_library()
POLICIES = shipped_policies()
VERIFIED = date(2026, 12, 1)


def test_every_alert_rule_that_ships_has_a_playbook_that_ships_and_speaks_of_it() -> None:
    assert missing_playbooks(POLICIES, set(SHIPPED.playbooks)) == []
    for rule in POLICIES.rules:
        assert rule.id in SHIPPED.playbooks[rule.playbook].applies_to.rules


@pytest.mark.parametrize("name", sorted(SHIPPED.files))
def test_a_shipped_playbook_has_nothing_wrong(name: str) -> None:
    known = Catalogues(STANDARD_CHECKS, STANDARD_ACTIONS, known_rules(POLICIES), SHIPPED.playbooks)
    assert [str(found) for found in check_playbook(SHIPPED.files[name], known, VERIFIED)] == []


@pytest.mark.parametrize("name", sorted(SHIPPED.files))
def test_a_shipped_playbook_watches_signals_that_exist(name: str) -> None:
    book = SHIPPED.playbooks[name]
    default = book.params["signal"].default if "signal" in book.params else None
    for _, step in book.placed():
        signal = getattr(getattr(step, "until", None), "args", {}).get("signal")
        if signal and not names_in(signal):
            assert is_signal(str(signal))
    assert default is None or is_signal(str(default))


def test_a_playbook_of_the_users_own_replaces_the_shipped_one_and_a_broken_one_is_named(tmp_path: Path) -> None:
    text = SHIPPED.files["stale-data"].playbook
    shipped = Path(str(files("playbooks.library") / "stale-data.yaml"))
    (tmp_path / "mine.yaml").write_text(shipped.read_text().replace("owner: on-call", "owner: our-team"))
    (tmp_path / "broken.yaml").write_text("format: 1\nid: x\nid: y\n")
    (tmp_path / "twice.yaml").write_text(shipped.read_text())
    library = read_library(tmp_path)
    assert text.owner == "on-call"
    assert library.playbooks["stale-data"].owner == "our-team"
    assert [(Path(problem.file).name, problem.line) for problem in library.problems] == [("broken.yaml", 3), ("twice.yaml", 2)]
    assert set(load_library(tmp_path)) == set(SHIPPED.playbooks)


def _collapse(host: FakeHost, **params: str) -> Runner:
    book = SHIPPED.playbooks["quality-collapse"]
    start_run(host, "RUN-1", book, actor="rule", params={"model": "arrival-delay", **params}, library=SHIPPED.playbooks, driver="mara")
    return Runner(host, "RUN-1", "mara")


def test_the_collapse_playbook_has_eight_steps_and_waits_at_the_fourth() -> None:
    host = FakeHost()
    host.answers["would_help"] = host.result(State.OK, "fallback has the lowest Brier", best="fallback", n=4304)
    run = _collapse(host).answer_checks()
    assert [state.phase.value for state in run.steps.values()] == ["investigate"] * 3 + ["mitigate"] * 3 + ["learn"] * 2
    assert [state.step.kind for state in run.steps.values()] == [
        "check", "check", "check", "decision", "action", "wait", "approval", "note",
    ]  # fmt: skip
    assert run.cursor == "choose"
    asked = next(call for call in host.asked if call.check == "would_help")
    assert asked.args == {"environment": "production", "model": "arrival-delay", "signal": "late_gap"}


@pytest.mark.parametrize(
    ("signal", "best", "action"),
    [("late_gap", "fallback", "fallback"), ("mae_ratio", "rollback", "rollback"), ("brier_ratio", "rollback", "rollback")],
)
def test_the_collapse_playbook_leads_to_what_helps_most_and_ends_well(signal: str, best: str, action: str) -> None:
    host = FakeHost()
    host.answers["would_help"] = host.result(
        State.OK, "on the same rows", best=best, options=(OptionFigures(choice=best, figures={"brier": 0.265}, better=True),)
    )
    host.answers["challenger"] = State.CRITICAL
    runner = _collapse(host, signal=signal)
    run = runner.answer_checks()
    assert run.steps["choose"].suggestion is not None
    assert run.steps["choose"].suggestion.choice == best
    runner.decide(best)
    runner.act(runner.plan(), confirmation="arrival-delay")
    assert [call.kind for call in host.effects.values()] == [action]
    watched = []
    for _ in range(30):
        runner.poll()
        watched += [call.args for call in host.asked if call.check == "signal"]
        host.step(300)
    assert watched[0] == {"environment": "production", "model": "arrival-delay", "signal": signal, "since": "mitigation"}
    assert runner.run.steps["cure"].status is StepStatus.SKIPPED
    assert runner.complete("refit by 3 May, ines").outcome == "succeeded"


def test_a_model_without_a_fallback_is_never_suggested_one() -> None:
    host = FakeHost()
    host.answers["would_help"] = host.result(State.OK, "x", best="fallback")
    host.answers["fallback"] = host.result(State.CRITICAL, "no fallback is declared")
    run = _collapse(host).answer_checks()
    assert run.steps["choose"].suggestion is not None
    assert run.steps["choose"].suggestion.choice is None
    assert run.steps["choose"].suggestion.not_now == {"fallback": "no fallback is declared"}


def test_what_playbooks_and_roles_call_an_action_is_what_the_console_calls_it() -> None:
    from console.control.actions import ActionKind
    from console.control.roles import MAY, Role

    kinds = {kind.value for kind in ActionKind}
    assert set(STANDARD_ACTIONS) <= kinds
    assert {rule.action for rule in POLICIES.approvals} <= kinds
    for role in POLICIES.roles:
        allowed = kinds if role.may == ("*",) else set(role.may)
        assert allowed == {kind.value for kind in MAY[Role(role.id)]}
