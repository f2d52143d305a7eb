"""Guardrails bind everybody who acts through the executor: they combine, only tighten, and have no side door."""

from __future__ import annotations

from datetime import timedelta

import pytest
from control_workspace import MODEL, TEAM, Workspace, confirmed, promotion, rollback, switch_to
from hypothesis import given
from hypothesis import strategies as st

from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation
from console.control.guardrails import Confirm, Guardrail, Limits, strongest
from console.control.roles import Grant, Policy, RoleRule

KINDS = tuple(ActionKind)
MINUTES = st.integers(1, 600).map(lambda minutes: timedelta(minutes=minutes))
RAILS = st.builds(
    Guardrail,
    id=st.sampled_from(["a", "b", "c"]),
    title=st.just("a reason"),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4).map(tuple),
    environments=st.sampled_from([("*",), ("production",), ("stag*",)]),
    models=st.sampled_from([("*",), (MODEL,), ("air-*", "arr*")]),
    deny=st.booleans(),
    max_bulk=st.none() | st.integers(1, 5),
    within=st.none() | MINUTES,
    confirm=st.sampled_from(Confirm),
    second_person=st.lists(st.sampled_from(KINDS), max_size=3).map(tuple),
    max_elevation=st.none() | MINUTES,
)


def with_rails(*rails: Guardrail) -> Policy:
    return TEAM.model_copy(update={"guardrails": rails})


def denying(*kinds: ActionKind, models: tuple[str, ...] = ("*",)) -> Policy:
    return with_rails(Guardrail(id="frozen", title="Frozen until Monday", kinds=kinds, models=models, deny=True))


@given(
    st.lists(RAILS, max_size=5), RAILS, st.sampled_from(KINDS), st.sampled_from(["production", "staging"]), st.sampled_from([MODEL, "x"])
)
def test_one_more_rule_never_allows_anything_that_was_not(
    rails: list[Guardrail], more: Guardrail, kind: ActionKind, place: str, model: str
) -> None:
    before, after = with_rails(*rails), with_rails(*rails, more)
    for person in ("mara", "ines", "ilse", "ada", "nobody"):
        if before.refusal(person, kind, place, model) is not None:
            assert after.refusal(person, kind, place, model) is not None
    levels = list(Confirm)
    assert levels.index(after.confirm((kind,), place, model)) >= levels.index(before.confirm((kind,), place, model))
    assert after.approvals_needed(kind, place, model) >= before.approvals_needed(kind, place, model)
    old, new = (each.limits((kind,), place, model) for each in (before, after))
    if old.over_bulk(2, lambda _: 1) is not None:
        assert new.over_bulk(2, lambda _: 1) is not None
    if old.max_elevation is not None:
        assert new.max_elevation is not None and new.max_elevation[0] <= old.max_elevation[0]


@given(st.permutations([Confirm.PRESS, Confirm.MODEL, Confirm.ENVIRONMENT]))
def test_of_confirmations_the_strongest_wins_in_any_order(levels: list[Confirm]) -> None:
    assert strongest(levels) is Confirm.ENVIRONMENT
    assert strongest([level for level in levels if level is not Confirm.ENVIRONMENT]) is Confirm.MODEL
    assert strongest([]) is Confirm.PRESS


def test_a_denied_action_is_refused_with_its_reason_and_nothing_moves(workspace: Workspace) -> None:
    desk = workspace.desk("ada", elevated=True, policy=denying(ActionKind.KILL))
    plan = desk.plan(switch_to(ActionKind.KILL))
    outcome = desk.execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED
    assert "guardrail frozen: Frozen until Monday" in outcome.message
    assert workspace.switch == "normal"


def test_a_plan_from_before_the_rule_is_refused_after_it(workspace: Workspace) -> None:
    plan = workspace.desk("ada").plan(switch_to(ActionKind.KILL))
    assert plan.allowed
    outcome = workspace.desk("ada", policy=denying(ActionKind.KILL)).execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED and "frozen" in outcome.message
    assert workspace.switch == "normal"


def test_a_denied_restore_is_not_reached_through_the_way_up_by_another_name(workspace: Workspace) -> None:
    ada = workspace.desk("ada", elevated=True)
    assert ada.execute(ada.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
    bound = workspace.desk("ada", elevated=True, policy=denying(ActionKind.RESTORE))
    for kind in (ActionKind.RESTORE, ActionKind.FALLBACK, ActionKind.DEGRADE):
        outcome = bound.execute(bound.plan(switch_to(kind)), confirmed())
        assert outcome.state is ActionState.REFUSED and "frozen" in outcome.message, kind
    assert workspace.switch == "killed"


def test_a_denied_degrade_is_not_reached_on_the_way_up_either(workspace: Workspace) -> None:
    ada = workspace.desk("ada", elevated=True)
    ada.execute(ada.plan(switch_to(ActionKind.KILL)), confirmed())
    bound = workspace.desk("ada", elevated=True, policy=denying(ActionKind.DEGRADE))
    assert "frozen" in (bound.plan(switch_to(ActionKind.DEGRADE)).refusal or "")
    assert bound.plan(switch_to(ActionKind.RESTORE)).allowed


def test_a_denied_rollback_is_not_reached_by_promoting_what_served_before(workspace: Workspace) -> None:
    desk = workspace.desk("ada", elevated=True, policy=denying(ActionKind.ROLLBACK))
    assert "frozen" in (desk.plan(rollback()).refusal or "")
    target = workspace.desk("ada").plan(rollback()).to
    assert target is not None
    assert "frozen" in (desk.plan(promotion(target)).refusal or "")
    assert desk.plan(promotion("3")).allowed


def test_what_is_denied_cannot_be_asked_for(workspace: Workspace) -> None:
    before = set(workspace.state.approvals)
    desk = workspace.desk("ines", elevated=True, policy=denying(ActionKind.PROMOTE))
    outcome = desk.execute(desk.plan(promotion("3")), confirmed())
    assert outcome.state is ActionState.REFUSED and set(workspace.state.approvals) == before


def test_a_rule_binds_the_models_that_its_patterns_mean_and_later_ones_too(workspace: Workspace) -> None:
    policy = denying(ActionKind.KILL, models=("arr*",))
    desk = workspace.desk("ada", policy=policy)
    assert not desk.plan(switch_to(ActionKind.KILL)).allowed
    assert not desk.plan(ActionRequest(kind=ActionKind.KILL, model="arriving-next-year")).allowed
    assert desk.plan(ActionRequest(kind=ActionKind.KILL, model="cancellation")).allowed


@pytest.mark.parametrize(
    ("levels", "typed"),
    [((Confirm.PRESS,), MODEL), ((Confirm.MODEL, Confirm.PRESS), MODEL), ((Confirm.ENVIRONMENT, Confirm.MODEL), "production")],
)
def test_the_strongest_confirmation_is_asked_for_and_nothing_less_will_do(
    workspace: Workspace, levels: tuple[Confirm, ...], typed: str
) -> None:
    rails = [Guardrail(id=f"r{n}", title="t", kinds=(ActionKind.KILL,), confirm=level) for n, level in enumerate(levels)]
    desk = workspace.desk("mara", policy=with_rails(*rails))
    plan = desk.plan(switch_to(ActionKind.KILL))
    assert plan.typed_name == typed
    for wrong in {None, "", MODEL, "production"} - {typed}:
        assert desk.execute(plan, Confirmation(typed_name=wrong, reason="r")).state is ActionState.REFUSED
        assert workspace.switch == "normal"
    assert desk.execute(plan, Confirmation(typed_name=typed, reason="r")).state is ActionState.EFFECTIVE


def test_a_confirmation_that_a_rule_made_stronger_meanwhile_is_not_given_by_the_weaker_one(workspace: Workspace) -> None:
    plan = workspace.desk("mara").plan(switch_to(ActionKind.KILL))
    rail = Guardrail(id="sure", title="Stopping is rare", kinds=(ActionKind.KILL,), confirm=Confirm.ENVIRONMENT)
    mara = workspace.desk("mara", policy=with_rails(rail))
    refused = mara.execute(plan, confirmed())
    assert refused.state is ActionState.REFUSED and workspace.switch == "normal"
    assert refused.message == "what is typed to confirm it is production by now: draw it again"
    again = mara.execute(mara.plan(switch_to(ActionKind.KILL)), Confirmation(typed_name="production", reason="r"))
    assert again.state is ActionState.EFFECTIVE


def test_without_any_rule_only_the_button_is_asked_for_outside_production(workspace: Workspace) -> None:
    plan = workspace.desk("ada").plan(ActionRequest(kind=ActionKind.KILL, environment="staging", model=MODEL))
    assert plan.typed_name is None


def test_a_second_person_for_one_model_leaves_the_others_alone(workspace: Workspace) -> None:
    rail = Guardrail(id="two", title="Two people", kinds=(ActionKind.RESTORE,), models=(MODEL,), second_person=(ActionKind.RESTORE,))
    policy = with_rails(rail)
    assert policy.approvals_needed(ActionKind.RESTORE, "production", MODEL) == 1
    assert policy.approvals_needed(ActionKind.RESTORE, "production", "cancellation") == 0
    mara = workspace.desk("mara", elevated=True, policy=policy)
    mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    plan = mara.plan(switch_to(ActionKind.RESTORE))
    assert plan.step == "ask" and plan.guardrails == ("two: Two people (a second person)",)


def test_more_models_at_once_than_a_rule_allows_are_refused_before_the_first_moves(workspace: Workspace) -> None:
    rail = Guardrail(id="few", title="Two at most", kinds=(ActionKind.KILL,), max_bulk=2)
    desk = workspace.desk("ada", policy=with_rails(rail))
    refused = desk.plan(switch_to(ActionKind.KILL, bulk=3))
    assert "3 models at once are more than the 2 of guardrail few" in (refused.refusal or "")
    assert desk.execute(refused, confirmed()).state is ActionState.REFUSED and workspace.switch == "normal"
    two = desk.plan(switch_to(ActionKind.KILL, bulk=2))
    assert two.allowed and two.typed_name == "2 models"


def test_one_after_the_other_counts_like_all_at_once_where_the_rule_says_within(workspace: Workspace) -> None:
    rail = Guardrail(id="few", title="Two in ten minutes", kinds=(ActionKind.KILL,), max_bulk=2, within=timedelta(minutes=10))
    policy = with_rails(rail)

    def kill(person: str, model: str) -> str | None:
        desk = workspace.desk(person, policy=policy)
        plan = desk.plan(ActionRequest(kind=ActionKind.KILL, model=model))
        outcome = desk.execute(plan, Confirmation(typed_name=model, reason="r"))
        return None if outcome.state is ActionState.EFFECTIVE else outcome.message

    assert kill("mara", "one") is None and kill("mara", "two") is None
    assert "after 2 in the last 10 min" in (kill("mara", "three") or "")
    assert kill("otto", "three") is None, "another person has a count of their own"
    assert kill("mara", "one") is None, "the same model again is not one more"
    workspace.clock.pass_by(minutes=11)  # type: ignore[union-attr]
    assert kill("mara", "four") is None


def test_rules_of_no_demand_are_told_with_what_they_ask() -> None:
    rail = Guardrail(
        id="r", title="T", kinds=KINDS, max_bulk=3, within=timedelta(minutes=5), max_elevation=timedelta(minutes=30), deny=True
    )
    assert Limits((rail,)).told() == ("r: T (denied, at most 3 models in 5 min, elevation for at most 30 min)",)


def test_a_denial_of_one_role_wins_over_the_grant_of_another() -> None:
    frozen = RoleRule(id="trainee", may=(), may_not=(ActionKind.KILL,))
    policy = TEAM.model_copy(
        update={
            "roles": (*TEAM.roles, frozen),
            "grants": (*TEAM.grants, Grant(person="ada", roles=("trainee",), environments=("production",))),
        }
    )
    assert "whatever other roles allow" in (policy.refusal("ada", ActionKind.KILL, "production", MODEL) or "")
    assert policy.refusal("ada", ActionKind.KILL, "staging", MODEL) is None
    assert policy.refusal("ada", ActionKind.DEGRADE, "production", MODEL) is None


@pytest.mark.parametrize("kind", ActionKind)
def test_somebody_whom_no_rule_names_may_do_nothing(workspace: Workspace, kind: ActionKind) -> None:
    assert TEAM.refusal("nobody", kind, "production", MODEL) is not None


def test_a_viewer_neither_moves_a_run_nor_settles_an_action(workspace: Workspace) -> None:
    from console.control.errors import Refused

    mara = workspace.desk("mara")
    run = mara.open_run("late-gap", {"digest": "d"}, environment="production", model=MODEL, incident=None, key="k")
    done = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    for person in ("nobody", "ilse"):
        desk = workspace.desk(person)
        with pytest.raises(Refused, match="playbook in production needs one of operator, admin"):
            desk.append_run_event(run, "note", {"text": "x"}, key=person)
        with pytest.raises(Refused, match="playbook in production"):
            desk.open_run("late-gap", {"digest": "d"}, environment="production", model=MODEL, incident=None, key=person)
        with pytest.raises(Refused, match="settle in production needs one of operator, releaser, admin"):
            desk.resolve(done.action_id, effective=False, reason="I say so")
    mara.append_run_event(run, "note", {"text": "x"}, key="mara")


def test_one_action_without_the_environments_read_only_mode_needs_a_role_that_may(workspace: Workspace) -> None:
    calm = RoleRule(id="calm", may=(ActionKind.KILL, ActionKind.RESTORE))
    policy = TEAM.model_copy(update={"roles": (*TEAM.roles, calm), "grants": (*TEAM.grants, Grant(person="tom", roles=("calm",)))})
    tom = workspace.desk("tom", elevated=True, policy=policy)
    assert tom.execute(tom.plan(switch_to(ActionKind.KILL)), confirmed()).state is ActionState.EFFECTIVE
    refused = tom.plan(switch_to(ActionKind.RESTORE))
    assert "elevate in production needs one of" in (refused.refusal or "")
