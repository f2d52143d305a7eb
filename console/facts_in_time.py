"""Facts for a plan, waited for no longer than is bearable: an action never waits for the store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

from console.acting import known_models
from console.config import Workspace
from console.control.actions import ALIAS_KINDS, NEEDS_FACTS, ActionKind, ActionPlan, ActionRequest, PlanFacts
from console.control.rollout import RolloutMove
from console.policies.load import load_policies
from console.views.not_found import NothingKnown

PATIENCE: Final = {
    ActionKind.ROLLBACK: 10.0,
    ActionKind.PROMOTE: 60.0,
    ActionKind.SHIFT: 60.0,
    ActionKind.RETRAIN: 60.0,
    ActionKind.RETAIN: 60.0,
}
SHORT_PATIENCE: Final = 3.0
"""Seconds that a verb waits for facts, by kind; the rest, kill switches above all, the short time."""

Result = TypeVar("Result")

WITHOUT: Final = "facts"
"""Key in `PlanFacts.shown` under which it stands why facts are missing."""


@dataclass(frozen=True, slots=True)
class FactsRead:
    """The facts, or as much of them as there is without the store. `unknown_model` says that nobody has heard of the model."""

    facts: PlanFacts
    problem: str | None = None
    unknown_model: str | None = None


def base_facts(workspace: Workspace, kind: ActionKind, problem: str | None = None) -> PlanFacts:
    """What is known without the store. What lets a version in is judged by its gates, so without them it is refused."""
    refusal = None
    if kind is ActionKind.RETRAIN:
        refusal = f"real or a bug? cannot be told: {problem or 'the facts are still being read'}"
    elif kind is ActionKind.RETAIN:
        refusal = f"what is due cannot be counted: {problem or 'the facts are still being read'}"
    elif kind in NEEDS_FACTS:
        refusal = f"its gates cannot be judged: {problem or 'the facts are still being read'}"
    shown = {WITHOUT: f"could not be read: {problem}"} if problem else {}
    unread = problem or "the facts are still being read"
    return PlanFacts(policy_digest=load_policies(workspace.paths.policies).digest, refusal=refusal, shown=shown, unread=unread)


def read_facts(
    workspace: Workspace,
    environment: str,
    request: ActionRequest,
    *,
    as_of: datetime | None = None,
    waiver: str | None = None,
    patience: float | None = None,
) -> FactsRead:
    """The facts of one request, read within `patience` seconds (default: by its kind). Never raises for what the store is like."""
    hurried = request.wish is not None and request.wish.move is RolloutMove.PAUSE
    usual = SHORT_PATIENCE if hurried else PATIENCE.get(request.kind, SHORT_PATIENCE)
    seconds = usual if patience is None else patience

    def reading() -> PlanFacts:
        # Loads the store's database engine, which the fast path of a plan must not wait for.
        from console.views.approvals.facts import requested_facts
        from console.views.sight import Sight

        return requested_facts(Sight(workspace, environment, workspace.clock(as_of=as_of)), request, waiver=waiver)

    found, failed = within(seconds, reading)
    if found is not None:
        return FactsRead(found)
    problem = f"no answer within {seconds:g} s" if failed is None else _said(failed)
    known = known_models(workspace, environment)
    # With nothing known anywhere, nobody can say that the name is wrong: then the typed name has to do.
    if isinstance(failed, LookupError) and request.model not in known and (known or not isinstance(failed, NothingKnown)):
        refused = base_facts(workspace, request.kind, problem).model_copy(update={"refusal": problem})
        return FactsRead(refused, problem, unknown_model=problem)
    return FactsRead(base_facts(workspace, request.kind, problem), problem)


def facts_at_execution(
    workspace: Workspace,
    environment: str,
    request: ActionRequest,
    plan: ActionPlan,
    *,
    as_of: datetime | None = None,
    waiver: str | None = None,
    patience: float | None = None,
) -> PlanFacts | None:
    """What a confirmed plan is checked against as things are now: it may have stood on a screen for an hour.

    None where nothing that is read counts: a step towards safety that nobody had to approve waits for no fact.
    """
    if plan.step != "act":
        return None
    if plan.kind in {ActionKind.RETRAIN, ActionKind.RETAIN}:
        # For one of them also an incident that was opened meanwhile, and another day that has passed.
        return read_facts(workspace, environment, request, as_of=as_of, patience=patience).facts
    if plan.approved_as not in ALIAS_KINDS:
        # The state of a switch, or a version kept out: of what its approval is bound to, only the policies can have changed.
        return base_facts(workspace, plan.kind) if plan.approval is not None else None
    if plan.approval is None and (plan.safer or plan.kind not in NEEDS_FACTS):
        return None
    wanted = request.model_copy(update={"to": plan.released})
    return read_facts(workspace, environment, wanted, as_of=as_of, waiver=waiver, patience=patience).facts


def within(seconds: float, work: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """Run `work` on a thread of its own: its result, or its error, or neither when it takes longer than `seconds`."""
    answers: SimpleQueue[tuple[Result | None, Exception | None]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except Exception as error:
            answers.put((None, error))

    threading.Thread(target=run, name="facts", daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except Empty:
        return None, None


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
