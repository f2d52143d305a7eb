"""The facts of one request, the gates of a promotion among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from backends.store import queries
from backends.store.reader import Reader
from console.control.actions import TRAFFIC_KINDS, ActionKind, ActionRequest, Gate, Judgement, PlanFacts
from console.control.aliases import rollback_targets
from console.control.approval import Approval
from console.control.drawing import went_on_under
from console.control.passing import standing_in_the_way
from console.views.governance.due import retention_facts
from console.views.not_found import NothingKnown
from console.views.release.gates import gates_of
from console.views.release.measured import judgement_of, measured
from console.views.release.plan_facts import Evidence, evidence_of, facts_for
from console.views.release.rollout import rollout_in_force
from console.views.sight import Sight


def requested_facts(sight: Sight, request: ActionRequest, *, waiver: str | None = None) -> PlanFacts:
    """Read the store for one request. Raises NothingKnown, NoSuchModel or StoreError."""
    if request.kind is ActionKind.RETAIN:
        return retention_facts(sight, request.model)
    return facts_of_kinds(sight, request.model, (request.kind,), request.to, waiver=waiver)[request.kind]


def facts_of_kinds(
    sight: Sight, model: str, kinds: Sequence[ActionKind], to: str | None, *, waiver: str | None = None
) -> dict[ActionKind, PlanFacts]:
    """The facts of several kinds of action on one model, the store read once. Raises as `requested_facts`."""
    with sight.reader() as reader:
        if not queries.models(reader, sight.environment):
            raise NothingKnown(f"the store at {sight.workspace.paths.store} knows no model")
        evidence = evidence_of(sight, reader, model)
        return {kind: facts_of(evidence, reader, kind, to, waiver=waiver) for kind in kinds}


def facts_of(evidence: Evidence, reader: Reader, kind: ActionKind, to: str | None, *, waiver: str | None = None) -> PlanFacts:
    """The facts of one kind of action on a model whose evidence has been read."""
    if kind is ActionKind.ROLLBACK and to is None:
        targets = rollback_targets(evidence.sight.alias_history(evidence.model.name))
        to = targets[0] if targets else None
    if kind in TRAFFIC_KINDS:
        running = rollout_in_force(evidence.sight, evidence.model.name)
        to = to or (running.candidate if running is not None else None)
    facts = facts_for(evidence, kind, to)
    if kind is ActionKind.RETRAIN:
        from console.views.incidents.retraining import retraining_of  # loads the arithmetic of drift

        return facts.model_copy(update={"retraining": retraining_of(evidence.sight, reader, evidence.health)[0]})
    if kind not in {ActionKind.PROMOTE, ActionKind.SHIFT} or to is None:
        return facts
    facts = facts.model_copy(update={"judged": _step_so_far(evidence, reader, to)})
    standing = _standing(evidence, to) if waiver is None else None
    judged = gates_of(evidence, reader, to, waivers_for(evidence, standing, waiver), until=_judged_until(standing))
    changes: dict[str, Any] = {"gates": judged.gates, "shown": {**facts.shown, "gates": judged.shown()}}
    if facts.refusal is None and kind is ActionKind.PROMOTE:
        # A shadow answers nobody: of a shift of traffic, control says whether gates stand in its way.
        changes["refusal"] = standing_in_the_way(judged.gates)
    return facts.model_copy(update=changes)


def _step_so_far(evidence: Evidence, reader: Reader, to: str) -> Judgement | None:
    """What the rollout of `to` has shown; None when none is under way."""
    running = rollout_in_force(evidence.sight, evidence.model.name)
    if running is None or running.candidate != to:
        return None
    return judgement_of(measured(evidence.sight, reader, evidence.model, running))


def _standing(evidence: Evidence, to: str) -> Approval | None:
    """The open request for the same promotion, or the one that its rollout goes on under: it is judged as it was asked."""
    sight, model = evidence.sight, evidence.model.name
    standing = sight.control.approval_for(ActionKind.PROMOTE, sight.environment, model, to, sight.at)
    running = rollout_in_force(sight, model)
    if standing is None and running is not None and running.candidate == to:
        standing = went_on_under(sight.control, running)
    return standing


def waivers_for(evidence: Evidence, standing: Approval | None, waiver: str | None) -> Mapping[str, str]:
    """Waivers by gate: those of a request that stands; else the one given, else the open incident, for every gate (`*`)."""
    if standing is not None:
        return waivers_in(standing.payload.gates)
    incidents = evidence.sight.control.open_incidents(evidence.sight.environment, evidence.model.name)
    reason = waiver or (incidents[-1].id if incidents else None)
    return {"*": reason} if reason else {}


def _judged_until(standing: Approval | None) -> datetime | None:
    """Where the rows of a request end that were taken from before something broke; None: it was judged on all there were.

    As time goes on the breach may be dated otherwise. Other rows are no news of the candidate: they must not void what was asked.
    """
    gates = ((standing.plan or {}).get("shown") or {}).get("gates") or {} if standing is not None else {}
    return datetime.fromisoformat(gates["until"]) if gates.get("before_onset") else None


def waivers_in(gates: tuple[Gate, ...]) -> Mapping[str, str]:
    """The waivers that a request carries."""
    return {gate.name: gate.waiver for gate in gates if gate.waiver is not None}
