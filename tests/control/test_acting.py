"""What a person sees before acting, what happens when they go ahead, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from control_workspace import MODEL, NOW, TEAM, MovableClock, Workspace, confirmed, promotion, rollback, switch_to

from backends.protocol import BackendError, BackendUnavailable
from backends.records import Reader, State
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.clock import PastClock, SystemClock
from console.control import audit
from console.control.actions import (
    ActionKind,
    ActionPlan,
    ActionRequest,
    ActionState,
    Candidate,
    Confirmation,
    PlanFacts,
    WouldHelp,
    version_label,
)
from console.control.desk import Desk
from console.control.errors import NotFound, Refused
from console.control.identity import Actor
from console.control.ledger import read_state
from console.control.reach import Reach
from console.control.roles import Denial, Policy
from console.control.switches import overdue

NO_GAIN = WouldHelp(
    rows=4304,
    candidates=(Candidate(name="v2", metrics={"Brier": 0.345}, current=True), Candidate(name="v1", metrics={"Brier": 0.353})),
    verdict=Untrusted("no gain expected: v1 has Brier .353, v2 .345"),
    state=State.WARNING,
    best="fallback",
)


# -- plans ------------------------------------------------------------------------------------------------------------


def test_a_plan_shows_what_changes_what_does_not_and_what_it_takes(workspace: Workspace) -> None:
    facts = PlanFacts(
        target=(Untrusted("v1 trained on January, 26,398 flights"),),
        would_help=NO_GAIN,
        readers=(Reader(name="gate board", how=Untrusted("reads every score")),),
        scores_per_day=980,
    )
    plan = workspace.desk().plan(rollback(reason="INC-1"), facts)
    assert (plan.from_, plan.to, plan.danger, plan.allowed) == ("2", "1", "safer", True)
    assert plan.will_change[0].movement == "v2 -> v1"
    assert plan.will_change[1].note == "about 980 scores a day"
    assert "kill switch (normal)" in plan.will_not_change
    assert plan.served_until == NOW - timedelta(days=20)
    assert plan.needs == "1 operator"
    assert plan.undo == "promote v2, needs 1 approval by another person"
    assert plan.calls[0] == f"set_alias {MODEL} production=1 if 2"
    assert plan.typed_name == MODEL
    assert plan.would_help == NO_GAIN
    assert plan.verb == f"rollback {MODEL} --to 1"
    assert plan.drawn_at == NOW
    assert ActionPlan.model_validate_json(plan.model_dump_json()) == plan


@pytest.mark.parametrize(("kind", "silent"), [(ActionKind.DEGRADE, False), (ActionKind.FALLBACK, True), (ActionKind.KILL, True)])
def test_a_version_that_the_switch_keeps_silent_is_promised_no_traffic(workspace: Workspace, kind: ActionKind, silent: bool) -> None:
    with workspace.desk() as desk:
        assert desk.execute(desk.plan(switch_to(kind)), confirmed()).exit_code == 0
    plan = workspace.desk().plan(rollback(reason="INC-1"), PlanFacts(scores_per_day=980))
    assert plan.allowed
    assert any("v1 answers nobody until it is set back to normal" in each for each in plan.warnings) is silent
    assert plan.will_change[1].note == "about 980 scores a day" + (", once the switch is normal" if silent else "")


def test_drawing_a_plan_changes_nothing_on_disk(empty: Workspace) -> None:
    for request in (
        rollback(),
        promotion("1"),
        switch_to(ActionKind.KILL),
        ActionRequest(kind=ActionKind.TAKE, model=MODEL, subject="INC-1"),
    ):
        empty.desk("ada").plan(request)
    assert list(empty.paths.root.iterdir()) == []


def test_a_rollback_goes_to_the_newest_version_that_served_before(workspace: Workspace) -> None:
    workspace.promote("3")
    plan = workspace.desk().plan(rollback())
    assert plan.to == "2"
    assert workspace.desk().plan(rollback(to="1")).allowed


def test_a_rollback_never_goes_to_a_version_that_did_not_serve_before(workspace: Workspace) -> None:
    plan = workspace.desk().plan(rollback(to="9"))
    assert not plan.allowed and plan.refusal is not None and "did not serve before" in plan.refusal


def test_going_forward_again_after_a_rollback_is_a_promotion(workspace: Workspace) -> None:
    mara = workspace.desk()
    mara.execute(mara.plan(rollback()), confirmed())
    assert workspace.version == "1"
    forward = mara.plan(rollback(to="2"))
    assert not forward.allowed and forward.refusal is not None and "promotion" in forward.refusal
    assert not mara.plan(rollback()).allowed


@pytest.mark.parametrize(
    ("kind", "to", "danger"),
    [
        (ActionKind.DEGRADE, "degraded", "safer"),
        (ActionKind.FALLBACK, "fallback", "safer"),
        (ActionKind.KILL, "killed", "safer"),
    ],
)
def test_a_kill_switch_plan_names_state_end_and_way_back(workspace: Workspace, kind: ActionKind, to: str, danger: str) -> None:
    plan = workspace.desk().plan(switch_to(kind))
    assert (plan.from_, plan.to, plan.danger, plan.allowed) == ("normal", to, danger, True)
    assert plan.until == NOW + timedelta(hours=4)
    assert plan.will_change[0].note == "version 0 -> 1, replaced in one step"
    assert "restore to normal" in plan.undo
    assert plan.verb == f"kill {MODEL} --state {to}"


def test_from_killed_to_fallback_is_the_way_back_and_not_a_safer_step(workspace: Workspace) -> None:
    mara = workspace.desk()
    mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    plan = mara.plan(switch_to(ActionKind.FALLBACK))
    assert plan.danger == "dangerous"
    assert plan.refusal is not None and "elevate" in plan.refusal
    assert mara.execute(plan, confirmed()).state is ActionState.REFUSED
    assert workspace.switch == "killed"


def test_the_owner_of_a_switch_is_asked_again_and_nothing_turns_back_by_itself(workspace: Workspace, clock: MovableClock) -> None:
    mara = workspace.desk()
    mara.execute(mara.plan(switch_to(ActionKind.FALLBACK)), confirmed())
    settings = Reach.local(workspace.paths).switches.switches()  # type: ignore[attr-defined]
    assert overdue(settings, clock.now()) == []
    clock.pass_by(hours=4)
    assert [setting.model for setting in overdue(settings, clock.now())] == [MODEL]
    assert workspace.switch == "fallback"


def test_hostile_names_pass_through_plans_unchanged(workspace: Workspace) -> None:
    name = "m\x1b]52;c;ZXZpbA==\x07'; rm -rf /"
    plan = workspace.desk().plan(ActionRequest(kind=ActionKind.KILL, model=name))
    assert plan.model == name
    assert plan.verb.startswith(r"kill $'m\x1b]52;c;ZXZpbA==\x07\'; rm -rf /' --state")
    assert version_label("12") == "v12" and version_label("champion") == "champion"


# -- execution --------------------------------------------------------------------------------------------------------


def test_a_rollback_is_effective_when_it_was_read_back(workspace: Workspace) -> None:
    mara = workspace.desk()
    outcome = mara.execute(mara.plan(rollback()), confirmed())
    assert outcome.state is ActionState.EFFECTIVE and outcome.exit_code == 0
    assert outcome.after == "1" and workspace.version == "1"
    assert [call.result for call in outcome.calls] == ["ok", "1"]
    action = workspace.state.actions[outcome.action_id]
    assert action.state is ActionState.EFFECTIVE
    assert action.reason == "INC-1 late gap +.338" and action.actor.who == "mara@bastion"
    assert action.plan is not None and action.plan["would_help"] is None


def test_the_intent_is_on_record_before_the_call(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ActionState] = []

    def look(*_: object, **__: object) -> None:
        seen.extend(action.state for action in read_state(workspace.paths).actions.values() if action.kind is ActionKind.ROLLBACK)
        raise BackendError("no")

    monkeypatch.setattr("backends.local.acting.LocalAliasSetter.set_alias", look)
    mara = workspace.desk()
    outcome = mara.execute(mara.plan(rollback()), confirmed())
    assert seen == [ActionState.INTENDED]
    assert outcome.state is ActionState.FAILED and outcome.exit_code == 4


def test_the_same_key_twice_is_done_once_and_says_the_same(workspace: Workspace) -> None:
    mara = workspace.desk()
    plan = mara.plan(rollback())
    first = mara.execute(plan, confirmed())
    again = mara.execute(plan, confirmed())
    other_console = workspace.desk().execute(plan, confirmed())
    assert again.repeated and other_console.repeated
    assert {again.state, other_console.state} == {ActionState.EFFECTIVE}
    assert again.action_id == first.action_id and again.seconds == first.seconds
    assert workspace.moves == ["1", "2", "1"]


def test_a_key_is_not_accepted_for_another_action(workspace: Workspace) -> None:
    mara = workspace.desk()
    mara.execute(mara.plan(rollback()), confirmed(key="once"))
    outcome = mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed(key="once"))
    assert outcome.state is ActionState.REFUSED and "was used for" in outcome.message
    assert workspace.switch == "normal"


def test_a_plan_that_the_world_has_left_behind_is_refused_with_the_difference(workspace: Workspace) -> None:
    mara, otto = workspace.desk(), workspace.desk("otto")
    plan = mara.plan(rollback())
    workspace.promote("3")
    outcome = mara.execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED and outcome.exit_code == 3
    assert outcome.difference == ("in force: was 2 when the plan was drawn, is 3",)
    assert workspace.version == "3"
    assert otto.execute(otto.plan(rollback()), confirmed()).state is ActionState.EFFECTIVE


def test_what_was_shown_is_what_is_executed(workspace: Workspace) -> None:
    mara = workspace.desk()
    plan = mara.plan(rollback())
    forged = plan.model_copy(update={"to": "7"})
    assert mara.execute(forged, confirmed()).state is ActionState.REFUSED
    assert workspace.version == "2"


@pytest.mark.parametrize("typed", [None, "", "arrival", "Arrival-Delay", "arrival-delay "])
def test_production_asks_for_the_models_name_exactly(workspace: Workspace, typed: str | None) -> None:
    mara = workspace.desk()
    outcome = mara.execute(mara.plan(rollback()), Confirmation(typed_name=typed))
    assert outcome.state is ActionState.REFUSED and f"type {MODEL}" in outcome.message
    assert workspace.version == "2"


def test_elsewhere_no_name_is_asked_for(workspace: Workspace) -> None:
    mara = workspace.desk()
    plan = mara.plan(switch_to(ActionKind.KILL, environment="staging"))
    assert plan.typed_name is None
    assert mara.execute(plan, Confirmation()).state is ActionState.EFFECTIVE


# -- who, when, where -------------------------------------------------------------------------------------------------


ALL_MOVES = [rollback(), promotion("3"), *(switch_to(kind) for kind in (ActionKind.KILL, ActionKind.DEGRADE, ActionKind.FALLBACK))]


@pytest.mark.parametrize("request_", ALL_MOVES, ids=lambda request: request.kind.value)
def test_a_read_only_session_refuses_everything(workspace: Workspace, request_: ActionRequest) -> None:
    before = {path.name: path.read_bytes() for path in workspace.paths.root.iterdir() if path.is_file()}
    desk = workspace.desk("ada", read_only=True, elevated=True)
    plan = desk.plan(request_)
    assert not plan.allowed and plan.refusal is not None and "--read-only" in plan.refusal
    outcome = desk.execute(plan, confirmed())
    assert outcome.state is ActionState.REFUSED and outcome.exit_code == 3
    with pytest.raises(Refused, match="read-only"):
        desk.reject("APR-1", reason="no")
    desk.close()
    assert {path.name: path.read_bytes() for path in workspace.paths.root.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("request_", ALL_MOVES, ids=lambda request: request.kind.value)
def test_nothing_acts_in_the_past(workspace: Workspace, request_: ActionRequest) -> None:
    desk = Desk(workspace.paths, PastClock(NOW - timedelta(days=1)), Actor.from_os(), policy=Policy.personal(Actor.from_os().name))
    plan = desk.plan(request_)
    assert plan.refusal is not None and "past" in plan.refusal
    assert desk.execute(plan, confirmed()).state is ActionState.REFUSED
    assert workspace.version == "2" and workspace.switch == "normal"


def test_a_plan_drawn_now_is_refused_in_the_past(workspace: Workspace) -> None:
    plan = workspace.desk("ada").plan(rollback())
    past = Desk(workspace.paths, PastClock(NOW), Actor.named("ada"), policy=TEAM)
    assert past.execute(plan, confirmed()).state is ActionState.REFUSED


def test_read_only_production_lets_an_operator_act_towards_safer_and_nobody_else_way(workspace: Workspace) -> None:
    mara = workspace.desk()
    assert mara.execute(mara.plan(rollback()), confirmed()).state is ActionState.EFFECTIVE
    assert mara.execute(mara.plan(switch_to(ActionKind.FALLBACK)), confirmed()).state is ActionState.EFFECTIVE
    back = mara.execute(mara.plan(switch_to(ActionKind.RESTORE)), confirmed())
    assert back.state is ActionState.REFUSED and "elevate" in back.message
    elevated = workspace.desk("mara", elevated=True)
    assert elevated.execute(elevated.plan(switch_to(ActionKind.RESTORE)), confirmed()).state is ActionState.EFFECTIVE
    assert workspace.switch == "normal"


@pytest.mark.parametrize("person", ["nobody", "ilse", "ines"])
def test_who_is_no_operator_cannot_roll_back_or_kill(workspace: Workspace, person: str) -> None:
    desk = workspace.desk(person, elevated=True)
    for request in (rollback(), switch_to(ActionKind.KILL)):
        plan = desk.plan(request)
        assert not plan.allowed and plan.refusal is not None and "needs one of" in plan.refusal
        assert desk.execute(plan, confirmed()).state is ActionState.REFUSED
    assert workspace.version == "2" and workspace.switch == "normal"
    refused = [entry for entry in audit.log(workspace.paths) if entry.result == "refused"]
    assert len(refused) == 2 and {entry.who for entry in refused} == {f"{person}@bastion"}


def test_a_denial_wins_over_any_role(workspace: Workspace) -> None:
    policy = TEAM.model_copy(
        update={"denials": (Denial(person="ada", kinds=(ActionKind.KILL,), models=(MODEL,), reason="frozen for the audit"),)}
    )
    plan = workspace.desk("ada", policy=policy).plan(switch_to(ActionKind.KILL))
    assert plan.refusal is not None and "frozen for the audit" in plan.refusal
    assert workspace.desk("ada", policy=policy).plan(switch_to(ActionKind.KILL, environment="production")).allowed is False


def test_a_plan_allowed_for_one_person_is_checked_again_for_another(workspace: Workspace) -> None:
    plan = workspace.desk("mara").plan(rollback())
    assert workspace.desk("nobody").execute(plan, confirmed()).state is ActionState.REFUSED
    assert workspace.version == "2"


def test_a_played_person_is_refused_where_time_is_real(workspace: Workspace) -> None:
    desk = Desk(workspace.paths, SystemClock(), Actor.named("mara"), policy=TEAM)
    plan = desk.plan(rollback())
    assert plan.refusal is not None and "played" in plan.refusal


def test_the_one_person_of_a_personal_workspace_may_do_everything(workspace: Workspace) -> None:
    me = Actor.from_os()
    desk = Desk(workspace.paths, SystemClock(), me, policy=Policy.personal(me.name))
    assert desk.execute(desk.plan(rollback()), confirmed()).state is ActionState.EFFECTIVE


# -- answers that get lost --------------------------------------------------------------------------------------------


class LosesAnswers:
    """The local registry behind a network that cuts the answer, before or after the call arrived."""

    def __init__(self, paths: WorkspacePaths, *, arrives: bool, blind: bool) -> None:
        self._real = Reach.local(paths).aliases
        self._arrives = arrives
        self.blind = blind
        self.sent = 0

    def alias(self, *args: str):  # type: ignore[no-untyped-def]
        if self.blind and self.sent:
            raise BackendError("the registry does not answer")
        return self._real.alias(*args)

    def alias_history(self, *args: str):  # type: ignore[no-untyped-def]
        return self._real.alias_history(*args)

    def applied(self, key: str) -> bool:
        return self._real.applied(key)  # type: ignore[attr-defined]

    def forbid(self, key: str) -> bool:
        return self._real.forbid(key)  # type: ignore[attr-defined]

    def set_alias(self, *args, **named):  # type: ignore[no-untyped-def]
        self.sent += 1
        if self._arrives:
            self._real.set_alias(*args, **named)
        raise BackendUnavailable("connection reset")


@pytest.mark.parametrize(("arrives", "state"), [(True, ActionState.EFFECTIVE), (False, ActionState.FAILED)])
def test_a_lost_answer_is_in_doubt_until_somebody_looks_and_is_never_sent_again(
    workspace: Workspace, arrives: bool, state: ActionState
) -> None:
    cut = LosesAnswers(workspace.paths, arrives=arrives, blind=True)
    mara = workspace.desk(reach=Reach(cut, Reach.local(workspace.paths).switches))
    plan = mara.plan(rollback())
    outcome = mara.execute(plan, confirmed())
    assert outcome.state is ActionState.IN_DOUBT and outcome.exit_code == 6
    assert [action.id for action in workspace.state.open_actions()] == [outcome.action_id]
    assert mara.execute(plan, confirmed()).state is ActionState.IN_DOUBT
    assert mara.recheck(outcome.action_id).state is ActionState.IN_DOUBT
    cut.blind = False
    settled = mara.recheck(outcome.action_id)
    assert settled.state is state
    assert workspace.version == ("1" if arrives else "2")
    assert workspace.state.open_actions() == []
    assert cut.sent == 1
    assert workspace.state.actions[outcome.action_id].settled_by == "mara@bastion"


def test_a_lost_answer_that_can_be_read_back_at_once_is_effective(workspace: Workspace) -> None:
    cut = LosesAnswers(workspace.paths, arrives=True, blind=False)
    mara = workspace.desk(reach=Reach(cut, Reach.local(workspace.paths).switches))
    assert mara.execute(mara.plan(rollback()), confirmed()).state is ActionState.EFFECTIVE


def test_an_approval_in_doubtful_use_is_not_used_a_second_time(workspace: Workspace) -> None:
    cut = LosesAnswers(workspace.paths, arrives=False, blind=True)
    reach = Reach(cut, Reach.local(workspace.paths).switches)
    ines = workspace.desk("ines", elevated=True)
    asked = ines.execute(ines.plan(promotion("3")), confirmed())
    approval = workspace.state.approvals[asked.approval]
    workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    lost = workspace.desk("ines", elevated=True, reach=reach)
    doubtful = lost.execute(lost.plan(promotion("3")), confirmed())
    assert doubtful.state is ActionState.IN_DOUBT
    plan = ines.plan(promotion("3"))
    assert any("in doubt" in warning for warning in plan.warnings)
    second = ines.execute(plan, confirmed())
    assert second.state is ActionState.REFUSED and f"being used by {doubtful.action_id}" in second.message
    assert ines.recheck(doubtful.action_id).state is ActionState.FAILED
    assert ines.execute(ines.plan(promotion("3")), confirmed()).state is ActionState.EFFECTIVE
    assert workspace.moves == ["1", "2", "3"]


def test_a_call_found_without_effect_cannot_arrive_later(workspace: Workspace) -> None:
    cut = LosesAnswers(workspace.paths, arrives=False, blind=False)
    mara = workspace.desk(reach=Reach(cut, Reach.local(workspace.paths).switches))
    plan = mara.plan(rollback())
    outcome = mara.execute(plan, confirmed())
    assert mara.recheck(outcome.action_id).state is ActionState.FAILED
    with pytest.raises(BackendError, match="given up"):
        Reach.local(workspace.paths).aliases.set_alias(
            "production", MODEL, "production", "1", expected="2", key=plan.key, actor="mara@bastion", now=NOW
        )
    assert workspace.version == "2"


class NeverShows(LosesAnswers):
    """A registry that says yes and never shows it."""

    def set_alias(self, *_, **__):  # type: ignore[no-untyped-def]
        self.sent += 1

    def alias(self, *args: str):  # type: ignore[no-untyped-def]
        return self._real.alias(*args)


def test_sent_is_not_in_effect(workspace: Workspace) -> None:
    pauses: list[float] = []
    liar = NeverShows(workspace.paths, arrives=False, blind=False)
    policy = TEAM.model_copy(update={"read_back_seconds": 0.2})
    mara = workspace.desk(policy=policy, reach=Reach(liar, Reach.local(workspace.paths).switches), pause=pauses.append)
    outcome = mara.execute(mara.plan(rollback()), confirmed())
    assert outcome.state is ActionState.IN_DOUBT and "not seen in effect" in outcome.message
    assert workspace.state.actions[outcome.action_id].sent_at is not None
    assert pauses[:3] == [0.01, 0.02, 0.04]


def test_a_person_may_settle_what_nobody_can_read_back_and_must_say_why(workspace: Workspace) -> None:
    cut = LosesAnswers(workspace.paths, arrives=True, blind=True)
    mara = workspace.desk(reach=Reach(cut, Reach.local(workspace.paths).switches))
    outcome = mara.execute(mara.plan(rollback()), confirmed())
    with pytest.raises(Refused, match="reason"):
        mara.resolve(outcome.action_id, effective=True, reason=" ")
    settled = mara.resolve(outcome.action_id, effective=True, reason="seen on the serving host")
    assert settled.state is ActionState.EFFECTIVE and "seen on the serving host" in settled.message
    assert mara.recheck(outcome.action_id).message == settled.message


def test_rechecking_what_is_not_there_says_so(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="A-nothing"):
        workspace.desk().recheck("A-nothing")


# -- effect and facts -------------------------------------------------------------------------------------------------


def test_whether_it_helped_is_recorded_and_mitigates_the_incident(workspace: Workspace) -> None:
    mara = workspace.desk()
    incident = mara.declare_incident("production", MODEL, Untrusted("late gap"), key="i")
    outcome = mara.execute(mara.plan(switch_to(ActionKind.FALLBACK, incident=incident.id)), confirmed())
    mara.record_effect(outcome.action_id, "watching", "gap .338", key="1")
    assert workspace.state.incidents[incident.id].state == "open"
    mara.record_effect(outcome.action_id, "helped", "gap .05 for 2 h", key="2")
    watch = workspace.state.actions[outcome.action_id].watch
    assert watch is not None and (watch.verdict, watch.message) == ("helped", "gap .05 for 2 h")
    assert workspace.state.incidents[incident.id].state == "mitigated"


def test_every_outcome_lands_as_a_fact(workspace: Workspace) -> None:
    workspace.paths.landing.mkdir()
    mara = workspace.desk()
    mara.execute(mara.plan(rollback()), confirmed())
    mara.close()
    landed = list(workspace.paths.landing.rglob("*.parquet"))
    assert len(landed) == 1 and landed[0].parent.name == "events"


def test_an_action_does_not_care_whether_it_can_be_landed(workspace: Workspace, tmp_path: Path) -> None:
    workspace.paths.landing.mkdir()
    (workspace.paths.landing / "events").write_text("in the way")
    with workspace.desk() as mara:
        assert mara.execute(mara.plan(rollback()), confirmed()).state is ActionState.EFFECTIVE
    assert workspace.version == "1"


def test_the_audit_says_who_did_what_with_which_calls(workspace: Workspace) -> None:
    mara = workspace.desk()
    mara.execute(mara.plan(rollback(suggested="fallback"), PlanFacts(would_help=NO_GAIN)), confirmed())
    newest, intent = audit.log(workspace.paths, limit=2)
    assert (newest.who, newest.what, newest.result) == ("mara@bastion", f"rollback {MODEL} v2 -> v1", "effective")
    assert intent.result == "written first"
    assert intent.body["plan"]["would_help"]["verdict"] == NO_GAIN.verdict.raw
    assert intent.body["plan"]["suggested"] == "fallback"
    assert newest.body["calls"][0]["call"] == f"set_alias {MODEL} production=1 if 2"
    assert newest.prev_hash == intent.hash
    only = audit.log(workspace.paths, filters=audit.AuditFilter(who="ilse"))
    assert {entry.result for entry in only} == {"approved"} and len(only) == 2
    assert audit.verify(workspace.paths).whole
