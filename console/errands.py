"""One thing that a person set out to do on a screen: its plans, the facts that arrive later, and its execution. Knows no terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from backends.local.reading import LocalAliases
from backends.protocol import BackendError
from backends.store.paths import WorkspacePaths
from console.acting import keep_for_later, open_desk
from console.config import Workspace, open_workspace
from console.control.actions import (
    CHALLENGER_ALIAS,
    KIND_OF_STATE,
    MOVING_KINDS,
    SWITCH_STATES,
    ActionKind,
    ActionOutcome,
    ActionPlan,
    ActionRequest,
    Confirmation,
    PlanFacts,
    new_key,
)
from console.control.desk import Desk
from console.control.ledger import read_state
from console.control.records import ActionRecord
from console.control.rollout import RolloutWish
from console.control.state import ControlState
from console.facts_in_time import base_facts, facts_at_execution, within
from console.session import Session
from console.standing_by import StandingBy

PATIENCE: Final = 30.0
"""Seconds after which a screen stops waiting for facts; the plan stands without them from the first moment."""

SWITCH_CHOICES: Final = (ActionKind.RESTORE, ActionKind.DEGRADE, ActionKind.FALLBACK, ActionKind.KILL)
"""States of the kill switch, safer downwards."""


@dataclass
class Errand:
    """An action on one model, chosen when the dialog was opened and kept whatever the list behind does."""

    session: Session
    model: str
    kinds: tuple[ActionKind, ...]
    to: str | None = None
    subject: str | None = None
    incident: str | None = None
    run: str | None = None
    suggested: str | None = None
    """What a playbook or plan suggested, kept beside what is chosen."""
    wish: RolloutWish | None = None
    """How traffic is to be shifted."""
    break_glass: bool = False
    """Go on without the approval that it needs; the reason is then typed, never filled in."""
    bulk: int = 1
    """How many models are acted on together, of which this is one."""
    bulk_index: int = 0
    """Which of them, counted from 0."""
    problem: str | None = None
    """Why facts are missing."""
    facts: dict[ActionKind, PlanFacts] = field(default_factory=dict)
    keys: dict[ActionKind, str] = field(default_factory=dict)
    _ready: StandingBy = field(default_factory=StandingBy, repr=False, compare=False)

    @cached_property
    def workspace(self) -> Workspace:
        """The opened workspace. Raises WorkspaceProblem."""
        return open_workspace(self.session.located.root)

    @property
    def reading(self) -> bool:
        """Whether the facts are still to come."""
        return not self.facts and self.problem is None

    @property
    def environment(self) -> str:
        return self.session.environment or self.workspace.environment

    def desk(self, *, keep: bool = False, after: Desk | None = None) -> Desk:
        """The desk of the person at this console; `keep` when something is done there, `after` as of `open_desk`."""
        session = self.session
        return open_desk(self.workspace, self.environment, as_of=session.as_of, read_only=session.read_only, keep=keep, after=after)

    def stand_by(self) -> None:
        """Have the journal open from here on: on a busy disk, opening it may take longer than everything else that a key does."""
        self._ready.fill(self.desk)

    def stand_down(self) -> None:
        """Close what `stand_by` opened and nothing took. It may wait for the disk."""
        self._ready.empty()

    def desk_that_acts(self) -> Desk:
        """A desk for something that was confirmed; it need not open the journal where one stood by."""
        ready = self._ready.take()
        try:
            return self.desk(after=ready)
        except BaseException:
            if ready is not None:
                ready.close()
            raise

    def keep_for_later(self) -> None:
        """What is kept by who acts, afterwards: it does not stand between the key and a step towards safety."""
        if not self.session.read_only and self.session.as_of is None:
            keep_for_later(self.workspace)

    def state(self) -> ControlState:
        """What control knows."""
        return read_state(self.workspace.paths, until=self.session.as_of)

    def reason(self) -> str:
        """What the reason is filled in with: the newest open incident of the model."""
        if self.break_glass:
            return ""
        incidents = self.state().open_incidents(self.environment, self.model)
        return f"{incidents[-1].id} {incidents[-1].title.raw}" if incidents else ""

    def plans(self) -> dict[ActionKind, ActionPlan]:
        """A plan for each choice, from control alone or with the facts that have arrived. Each keeps its key and so its id."""
        incidents = self.state().open_incidents(self.environment, self.model)
        incident = self.incident or (incidents[-1].id if incidents else None)
        with self.desk() as desk:
            return {kind: desk.plan(self.request(kind, incident), self._facts(kind)) for kind in self.kinds}

    def read_facts(self) -> None:
        """Read the facts from the store, for at most PATIENCE seconds; what is missing is said in `problem`."""

        def reading() -> dict[ActionKind, PlanFacts]:
            from console.views.approvals.facts import facts_of_kinds, requested_facts  # loads the store
            from console.views.sight import Sight

            sight = Sight(self.workspace, self.environment, self.workspace.clock(as_of=self.session.as_of))
            if ActionKind.RETAIN in self.kinds:
                return {kind: requested_facts(sight, self.request(kind, self.incident)) for kind in self.kinds}
            return facts_of_kinds(sight, self.model, self.kinds, self.to)

        if not set(self.kinds) & MOVING_KINDS:
            return
        found, failed = within(PATIENCE, reading)
        if found is not None:
            self.facts, self.problem = found, None
        elif failed is not None:
            self.problem = str(failed).splitlines()[0] if str(failed) else type(failed).__name__
        else:
            self.problem = f"no answer within {PATIENCE:g} s"

    def execute(self, plan: ActionPlan, *, reason: str, typed: str) -> ActionOutcome:
        """Carry out a plan that was shown and confirmed. What an approval is bound to, and gates, are read again at this moment."""
        request = self.request(plan.kind, self.incident)
        world = facts_at_execution(self.workspace, self.environment, request, plan, as_of=self.session.as_of, patience=PATIENCE)
        with self.desk_that_acts() as desk:
            outcome = desk.execute(plan, Confirmation(typed_name=typed or None, reason=reason), current_world=world)
        self.keep_for_later()
        return outcome

    def record(self, action_id: str) -> ActionRecord | None:
        """What the journal knows of an action."""
        return self.state().actions.get(action_id)

    def _facts(self, kind: ActionKind) -> PlanFacts:
        return self.facts.get(kind) or base_facts(self.workspace, kind, self.problem)

    def request(self, kind: ActionKind, incident: str | None) -> ActionRequest:
        """What is asked for with one of the choices, always with the same key."""
        return ActionRequest(
            kind=kind,
            environment=self.environment,
            model=self.model,
            to=None if kind in SWITCH_STATES else self.to,
            subject=self.subject,
            key=self.keys.setdefault(kind, new_key()),
            incident=incident,
            run=self.run,
            suggested=self.suggested,
            wish=self.wish,
            bulk=self.bulk,
            bulk_index=self.bulk_index,
            break_glass=self.break_glass,
        )


def switch_errand(session: Session, model: str, *, suggested: str | None = None, break_glass: bool = False) -> Errand:
    """Setting the kill switch of a model, to any of its states."""
    return Errand(session, model, SWITCH_CHOICES, suggested=suggested, break_glass=break_glass)


def offered(plans: dict[ActionKind, ActionPlan]) -> list[ActionKind]:
    """The choices: every state, the one in force to renew it; normal needs no renewal."""
    return [kind for kind, plan in plans.items() if plan.from_ != SWITCH_STATES[kind].value or kind is not ActionKind.RESTORE]


def preselected(plans: dict[ActionKind, ActionPlan], suggested: str | None = None) -> ActionKind:
    """The suggested state; else fallback, or the next step back up from it. Never killed: nobody stops a model by accident."""
    choices = [kind for kind in offered(plans) if kind is not ActionKind.KILL and not plans[kind].renewal]
    wanted = next((kind for state, kind in KIND_OF_STATE.items() if state.value == suggested), None)
    if wanted in choices:
        return wanted
    return ActionKind.FALLBACK if ActionKind.FALLBACK in choices else choices[0]


def version_that_waits(paths: WorkspacePaths, environment: str, model: str, now: datetime) -> str | None:
    """The version that a promotion means when none is named: of the open request, else where the alias of challengers points."""
    waiting = read_state(paths).open_approvals(now, environment, model)
    asked = [each.payload.to for each in waiting if each.payload.action == "promote"]
    if asked:
        return asked[-1]
    try:
        move = LocalAliases(paths.registry).alias(environment, model, CHALLENGER_ALIAS)
    except BackendError:
        return None
    return None if move is None else move.version
