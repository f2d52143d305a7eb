"""Guards that stand behind others: each is met alone here, where the one before it cannot help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from control_workspace import MODEL, TEAM, Workspace, confirmed, promotion, switch_to

from console.control.actions import ActionKind, ActionRequest, ActionState, PlanFacts
from console.control.aliases import AliasMovement
from console.control.approval import ApprovalState
from console.control.errors import Refused
from console.control.execution import Execution
from console.control.guardrails import Guardrail
from console.control.retention_terms import HeldDays, RetentionCut, RetentionTerms


def approved(workspace: Workspace) -> str:
    """A promotion of version 3 that two people agreed on; the id of the request."""
    ines = workspace.desk("ines", elevated=True)
    asked = ines.execute(ines.plan(promotion("3")), confirmed()).approval
    assert asked is not None
    workspace.desk("ilse").approve(asked, seen_digest=workspace.state.approvals[asked].payload_digest, typed_name=MODEL)
    return asked


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_request_that_an_action_in_doubt_uses_up_can_be_neither_vetoed_nor_used_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = approved(workspace)
    ines = workspace.desk("ines", elevated=True)
    with monkeypatch.context() as patched:
        patched.setattr(AliasMovement, "send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ines.execute(ines.plan(promotion("3")), confirmed(key="lost"))
    with pytest.raises(Refused, match="is being executed by A-"):
        workspace.desk("otto").reject(request, reason="not now")
    found = workspace.state.approvals[request]
    assert found.ended is None and found.executing is not None


def test_a_request_that_somebody_takes_up_between_the_look_and_the_intent_is_used_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = approved(workspace)
    ines, other = workspace.desk("ines", elevated=True), workspace.desk("ines", elevated=True)
    intend: Callable[[Execution], None] = Execution._intend

    def overtaken(self: Execution) -> None:
        monkeypatch.setattr(Execution, "_intend", intend)
        with monkeypatch.context() as patched:
            # The other one is killed before its call, so nothing in the registry tells of it.
            patched.setattr(AliasMovement, "send", interrupted)
            with pytest.raises(KeyboardInterrupt):
                other.execute(other.plan(promotion("3")), confirmed(key="faster"))
        intend(self)

    plan = ines.plan(promotion("3"))
    monkeypatch.setattr(Execution, "_intend", overtaken)
    outcome = ines.execute(plan, confirmed(key="slower"))
    assert outcome.state is ActionState.REFUSED and f"{request} is being used by A-" in outcome.message
    assert workspace.moves == ["1", "2"] and workspace.state.action("slower") is None
    assert workspace.state.approvals[request].state_at(workspace.clock.now()) is ApprovalState.APPROVED


def test_what_was_moved_in_another_environment_does_not_count_for_a_rule_here(workspace: Workspace) -> None:
    rail = Guardrail(id="one", title="One in ten minutes", kinds=(ActionKind.KILL,), max_bulk=1, within=timedelta(minutes=10))
    ada = workspace.desk("ada", policy=TEAM.model_copy(update={"guardrails": (rail,)}))
    for environment, model, state in (
        ("staging", "fares", ActionState.EFFECTIVE),
        ("production", MODEL, ActionState.EFFECTIVE),
        ("production", "fares", ActionState.REFUSED),
    ):
        request = ActionRequest(kind=ActionKind.KILL, environment=environment, model=model)
        outcome = ada.execute(ada.plan(request), confirmed().model_copy(update={"typed_name": model}))
        assert outcome.state is state, outcome.message


def test_nothing_is_deleted_at_a_desk_whose_policy_files_are_broken(workspace: Workspace) -> None:
    every_day = HeldDays(first="0001-01-01", last="9999-12-31", reason="held")
    cut = RetentionCut(table="events", before="2013-01-01", held=(every_day,), rule="r", rows=1, days=1, oldest=None, kept_rows=0)
    facts, request = PlanFacts(retention=RetentionTerms(cuts=(cut,))), ActionRequest(kind=ActionKind.RETAIN, model=MODEL)
    assert workspace.desk("ada", elevated=True).plan(request, facts).allowed
    broken = TEAM.model_copy(update={"trouble": "retention.yaml:3: no such key"})
    plan = workspace.desk("ada", elevated=True, policy=broken).plan(request, facts)
    assert plan.refusal == "nothing is deleted while the policy files are broken: retention.yaml:3: no such key"


def test_the_serving_alias_is_not_named_like_one_that_serves_nobody(workspace: Workspace) -> None:
    with pytest.raises(Refused, match="moved by a promotion or a rollback"):
        workspace.desk("ines").name_version("production", MODEL, "production", "3", key="n")
    assert workspace.moves == ["1", "2"]


def test_a_breaker_is_not_held_until_a_moment_that_is_over_as_it_begins(workspace: Workspace) -> None:
    now = workspace.clock.real_now()
    mara = workspace.desk("mara")
    workspace.clock.real_now = lambda: now  # type: ignore[method-assign]
    with pytest.raises(Refused, match="has passed already"):
        mara.hold_breaker("notify", open_=True, until=now, reason="r", key="k", environment="production")
    assert "notify" not in workspace.state.breakers
    assert mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
