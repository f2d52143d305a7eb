"""Whatever people do in whatever order, with old plans, repeated keys and restarts: what is claimed is so, and happened once."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from control_workspace import MODEL, NOW, TEAM, MovableClock, Workspace
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from backends.journal.journal import Journal
from backends.local.reading import LocalAliases, LocalSwitches
from backends.records import SAFETY_ORDER, SwitchState
from console.control import audit
from console.control.actions import ALIAS_KINDS, ActionKind, ActionOutcome, ActionPlan, ActionRequest, ActionState, Confirmation
from console.control.approval import ApprovalState
from console.control.desk import Desk
from console.control.errors import NotFound, Refused
from console.control.folding import fold
from console.control.ledger import read_state
from console.control.roles import MAY

PEOPLE = st.sampled_from(["mara", "ines", "ilse", "otto", "ada", "nobody"])
RELEASERS = st.sampled_from(["ines", "ada"])
JUDGES = st.sampled_from(["ilse", "otto", "ada"])
VERSIONS = st.sampled_from(["1", "2", "3"])
KINDS = st.sampled_from(
    [ActionKind.ROLLBACK, ActionKind.PROMOTE, ActionKind.KILL, ActionKind.DEGRADE, ActionKind.FALLBACK, ActionKind.RESTORE]
)


class Control(RuleBasedStateMachine):
    plans = Bundle("plans")

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="qd-machine-"))
        self.clock = MovableClock()
        self.workspace = Workspace(self.root, self.clock)
        self.desks: dict[tuple[str, bool], Desk] = {}
        self.version: str | None = None
        self.switch = SwitchState.NORMAL
        self.first_outcomes: dict[str, ActionOutcome] = {}
        self.moves = 0

    def teardown(self) -> None:
        self.workspace.close()
        shutil.rmtree(self.root)

    def desk(self, person: str, elevated: bool) -> Desk:
        key = (person, elevated)
        if key not in self.desks:
            self.desks[key] = self.workspace.desk(person, elevated=elevated)
        return self.desks[key]

    @initialize()
    def one_version_serves(self) -> None:
        self.workspace.promote("1")
        self.version, self.moves = "1", 1

    @rule(target=plans, person=PEOPLE, elevated=st.booleans(), kind=KINDS, to=VERSIONS)
    def plan(self, person: str, elevated: bool, kind: ActionKind, to: str) -> tuple[ActionPlan, str, bool]:
        request = ActionRequest(kind=kind, model=MODEL, to=to if kind in ALIAS_KINDS else None)
        drawn = self.desk(person, elevated).plan(request)
        if drawn.allowed and drawn.step == "act":
            roles = TEAM.roles_of(person, "production")
            judged = kind if drawn.danger == "safer" or kind is ActionKind.PROMOTE else ActionKind.RESTORE
            assert any(judged in MAY[role] for role in roles)
            assert elevated or drawn.danger == "safer"
        return drawn, person, elevated

    @rule(planned=plans, typed=st.sampled_from([MODEL, MODEL, MODEL, "other"]), other_person=st.none() | PEOPLE)
    def execute(self, planned: tuple[ActionPlan, str, bool], typed: str, other_person: str | None) -> None:
        plan, person, elevated = planned
        person = other_person or person
        outcome = self.desk(person, elevated).execute(plan, Confirmation(typed_name=typed, reason="r"))
        first = self.first_outcomes.get(plan.key)
        if first is not None and first.state is ActionState.EFFECTIVE:
            assert outcome.state is ActionState.EFFECTIVE and outcome.repeated
            return
        if outcome.state is not ActionState.EFFECTIVE:
            assert outcome.state in {ActionState.REFUSED, ActionState.WAITING}
            return
        assert typed == MODEL and not outcome.repeated
        self.first_outcomes[plan.key] = outcome
        if plan.kind in ALIAS_KINDS:
            assert plan.from_ == self.version
            self.version, self.moves = plan.to, self.moves + 1
            if plan.kind is ActionKind.PROMOTE:
                self.check_approval(plan)
        else:
            assert plan.from_ == self.switch.value
            upwards = SAFETY_ORDER.index(SwitchState(plan.to or "")) < SAFETY_ORDER.index(self.switch)
            assert elevated or not upwards
            self.switch = SwitchState(plan.to or "")

    def check_approval(self, plan: ActionPlan) -> None:
        approval = read_state(self.root_paths).approvals[plan.approval or ""]
        assert approval.ended == "executed" and approval.executing == plan.action_id and approval.payload.to == plan.to
        assert {vote.person for vote in approval.votes} - {approval.payload.requester}
        assert approval.payload.requester not in {vote.person for vote in approval.votes}

    @property
    def root_paths(self):  # type: ignore[no-untyped-def]
        return self.workspace.paths

    @rule(target=plans, requester=RELEASERS, approver=JUDGES, to=VERSIONS)
    def ask_and_approve(self, requester: str, approver: str, to: str) -> tuple[ActionPlan, str, bool]:
        """What leads to a promotion, when the two are different people."""
        desk = self.desk(requester, True)
        request = ActionRequest(kind=ActionKind.PROMOTE, model=MODEL, to=to)
        asked = desk.request_approval(desk.plan(request), Confirmation(typed_name=MODEL))
        if asked.approval is not None:
            approval = read_state(self.root_paths).approvals[asked.approval]
            try:
                self.desk(approver, False).approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
            except Refused:
                assert approver == approval.payload.requester or approval.ended or approval.granted
        return desk.plan(request), requester, True

    @rule(person=PEOPLE, number=st.integers(1, 6), typed=st.sampled_from([MODEL, MODEL, "x"]))
    def approve(self, person: str, number: int, typed: str) -> None:
        state = read_state(self.root_paths)
        approval = state.approvals.get(f"APR-{number}")
        try:
            digest = approval.payload_digest if approval else "sha256:" + "0" * 64
            self.desk(person, False).approve(f"APR-{number}", seen_digest=digest, typed_name=typed)
        except NotFound:
            assert approval is None
        except Refused:
            assert approval is not None

    @rule(person=PEOPLE, number=st.integers(1, 6))
    def reject(self, person: str, number: int) -> None:
        try:
            self.desk(person, False).reject(f"APR-{number}", reason="no")
        except (NotFound, Refused):
            return

    @rule(hours=st.sampled_from([1, 23, 25, 49]))
    def time_passes(self, hours: int) -> None:
        self.clock.pass_by(hours=hours)

    @rule()
    def restart(self) -> None:
        self.workspace.close()
        self.desks.clear()

    @rule(person=PEOPLE)
    def keep(self, person: str) -> None:
        """What the journal adds up to is kept: from here on nothing before it is read again."""
        assert self.desk(person, False).keep_state(after=0)

    @invariant()
    def the_world_is_what_was_claimed(self) -> None:
        aliases, switches = LocalAliases(self.root_paths.registry), LocalSwitches(self.root_paths.switches)
        move = aliases.alias("production", MODEL, "production")
        assert (None if move is None else move.version) == self.version
        assert len(aliases.alias_history("production", MODEL)) == self.moves
        setting = switches.switch("production", MODEL)
        assert (SwitchState.NORMAL if setting is None else setting.state) is self.switch

    @invariant()
    def the_journal_says_the_same_and_is_whole(self) -> None:
        if not self.root_paths.control.exists():
            return
        state = read_state(self.root_paths)
        assert state.problem is None and state.gap is None and state.open_actions() == []
        effective = {action.key for action in state.actions.values() if action.state is ActionState.EFFECTIVE}
        assert effective >= set(self.first_outcomes)
        assert audit.verify(self.root_paths).whole
        for approval in state.approvals.values():
            if approval.state_at(NOW + timedelta(days=3650)) is ApprovalState.APPROVED:
                raise AssertionError("an approval lasts for ever")

    @invariant()
    def folding_in_portions_gives_the_same_state(self) -> None:
        if not self.root_paths.control.exists():
            return
        journal = Journal(self.root_paths.control, self.root_paths.audit_head, read_only=True)
        entries = journal.entries()
        journal.close()
        half = len(entries) // 2
        assert fold(entries[half:], fold(entries[:half])) == fold(entries) == read_state(self.root_paths)


Control.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TestControl = Control.TestCase
