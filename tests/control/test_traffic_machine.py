"""Whatever people do to the traffic in whatever order: nobody gets a version that was not let in, and what is claimed is so."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from control_workspace import MODEL, MovableClock, Workspace, confirmed, promotion, rollback
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rollouts import TOO_EARLY, WELL, WORSE, abort, counts, published, shares, shift

from backends.records import State
from console.control import audit
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, PlanFacts
from console.control.errors import Refused
from console.control.rollout import BEGINNINGS, RolloutMove

PEOPLE = st.sampled_from(["mara", "ines", "ada", "nobody"])
VERSIONS = st.sampled_from(["1", "2", "3"])
FACTS = st.sampled_from([WELL, WELL, WORSE, TOO_EARLY, PlanFacts()])
MOVES = st.sampled_from(sorted(BEGINNINGS))
SHARES = st.sampled_from([0.01, 0.1, 0.3, 0.9])


class Traffic(RuleBasedStateMachine):
    """A model of what may answer: the alias, the versions that were approved, and the candidate's share."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="qd-traffic-"))
        self.workspace = Workspace(self.root, MovableClock())
        self.serving = "1"
        self.share: tuple[str, float] | None = None
        """The candidate and its share, while a rollout is under way."""
        self.approved: set[str] = {"1"}
        """Versions that another person has ever agreed to."""

    def teardown(self) -> None:
        self.workspace.close()
        shutil.rmtree(self.root)

    @initialize()
    def two_versions_served(self) -> None:
        self.workspace.promote("1")
        self.workspace.promote("2")
        self.serving = "2"
        self.approved |= {"2"}

    def do(self, request: ActionRequest, who: str, elevated: bool, facts: PlanFacts) -> ActionOutcome:
        desk = self.workspace.desk(who, elevated=elevated)
        plan = desk.plan(request, facts)
        outcome = desk.execute(plan, confirmed(), current_world=facts)
        if outcome.state is ActionState.EFFECTIVE:
            assert plan.danger == "safer" or elevated
        if outcome.state is ActionState.WAITING and who == "ines":
            approval = self.workspace.state.approvals[outcome.approval or ""]
            try:
                self.workspace.desk("ilse").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
                self.approved.add(approval.payload.to)
            except Refused:
                assert approval.ended or approval.granted
        return outcome

    @rule(
        who=PEOPLE,
        elevated=st.booleans(),
        facts=FACTS,
        move=MOVES,
        to=VERSIONS,
        share=SHARES,
        again=st.booleans(),
    )
    def begin(self, who: str, elevated: bool, facts: PlanFacts, move: RolloutMove, to: str, share: float, again: bool) -> None:
        request = shift(move, to, steps=(share,), hours=2.0) if move is RolloutMove.CANARY else shift(move, to, share=share, hours=2.0)
        outcome = self.do(request, who, elevated, facts)
        if outcome.state is ActionState.WAITING and again:
            outcome = self.do(request, who, elevated, facts)
        if outcome.state is ActionState.EFFECTIVE:
            assert self.share is None and to != self.serving
            live = move in {RolloutMove.CANARY, RolloutMove.AB}
            assert not live or to in self.approved
            self.share = (to, share if live else 0.0)

    @rule(who=PEOPLE, elevated=st.booleans(), facts=FACTS, share=SHARES, unjudged=st.booleans())
    def set_share(self, who: str, elevated: bool, facts: PlanFacts, share: float, unjudged: bool) -> None:
        outcome = self.do(shift(RolloutMove.SHARE, share=share, unjudged=unjudged), who, elevated, facts)
        if outcome.state is ActionState.EFFECTIVE:
            assert self.share is not None
            candidate, before = self.share
            judged = facts.judged.state if facts.judged is not None else State.UNKNOWN
            # Forward with a version that never served: only a step that is well, or by saying that it was not judged.
            assert share < before or candidate == "1" or judged is State.OK or (unjudged and judged is State.UNKNOWN)
            self.share = (candidate, share)

    @rule(who=PEOPLE, move=st.sampled_from([RolloutMove.PAUSE, RolloutMove.RESUME]), elevated=st.booleans())
    def pause_or_resume(self, who: str, move: RolloutMove, elevated: bool) -> None:
        outcome = self.do(shift(move), who, elevated, WELL)
        assert outcome.state is not ActionState.EFFECTIVE or self.share is not None

    @rule(who=PEOPLE, elevated=st.booleans())
    def give_up(self, who: str, elevated: bool) -> None:
        outcome = self.do(abort(), who, elevated, PlanFacts())
        if who in {"mara", "ada", "ines"}:
            assert (outcome.state is ActionState.EFFECTIVE) == (self.share is not None), outcome.message
        if outcome.state is ActionState.EFFECTIVE:
            self.share = None

    @rule(who=PEOPLE, elevated=st.booleans(), facts=FACTS, to=VERSIONS)
    def promote(self, who: str, elevated: bool, facts: PlanFacts, to: str) -> None:
        outcome = self.do(promotion(to), who, elevated, facts)
        if outcome.state is ActionState.EFFECTIVE:
            assert to in self.approved
            self.moved(to)

    @rule(who=PEOPLE)
    def roll_back(self, who: str) -> None:
        outcome = self.do(rollback(), who, False, PlanFacts())
        if outcome.state is ActionState.EFFECTIVE:
            self.moved(outcome.to or "")

    def moved(self, to: str) -> None:
        setting = published(self.workspace)
        kept = setting is not None and setting.running and setting.strategy == "blue-green"
        self.share = (self.serving, 0.0) if kept and self.share is not None and self.share[0] == to else None
        self.serving = to

    @rule()
    def restart(self) -> None:
        self.workspace.close()

    @invariant()
    def requests_go_where_the_model_says(self) -> None:
        candidate, share = self.share or ("", 0.0)
        found = shares(self.workspace, 600)
        assert abs(found.get(candidate, 0.0) - share) < 0.08
        assert set(found) <= {self.serving, candidate}
        setting = counts(self.workspace)
        assert (setting is None) == (self.share is None)
        assert setting is None or abs(setting.share - share) < 1e-9

    @invariant()
    def nobody_gets_a_version_that_was_not_agreed_to(self) -> None:
        assert set(shares(self.workspace, 600)) <= self.approved

    @invariant()
    def the_journal_says_the_same_and_is_whole(self) -> None:
        state = self.workspace.state
        assert state.problem is None and state.open_actions() == []
        assert audit.verify(self.workspace.paths).whole
        shifts = {ActionKind.SHIFT, ActionKind.ABORT}
        last = [each for each in state.actions.values() if each.kind in shifts and each.state is ActionState.EFFECTIVE]
        setting = published(self.workspace)
        if last and setting is not None and setting.key == last[-1].key:
            assert setting.value == last[-1].after


Traffic.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TestTraffic = Traffic.TestCase
