"""A request for approval together with the facts that signing it is checked against, read within a bearable time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from console.control.actions import PlanFacts
from console.control.approvals import found
from console.control.identity import current_actor
from console.facts_in_time import base_facts, within
from console.views.approvals.request import ApprovalView, approval_view, world_now
from console.views.sight import Sight


@dataclass(frozen=True, slots=True)
class Asked:
    """What is shown of a request, and the world to approve it in; None where that cannot be read."""

    view: ApprovalView
    world: PlanFacts | None


def approval_at_once(sight: Sight, approval_id: str, *, key_file: Path | None = None) -> ApprovalView:
    """A request from control alone: what was asked for, without what is true now. Raises NotFound."""
    return approval_view(sight, approval_id, current_actor(sight.clock), None, key_file=key_file)


def approval_asked(sight: Sight, approval_id: str, patience: float, *, key_file: Path | None = None) -> Asked:
    """A request with what is true now, for at most `patience` seconds of waiting. Raises NotFound."""
    approval = found(sight.control, approval_id)
    read, failed = within(patience, lambda: world_now(sight, approval))
    actor = current_actor(sight.clock)
    if read is not None:
        facts, evidence = read
        return Asked(approval_view(sight, approval_id, actor, facts, evidence, key_file=key_file), facts)
    problem = f"no answer within {patience:g} s" if failed is None else (str(failed).splitlines() or [type(failed).__name__])[0]
    without = base_facts(sight.workspace, approval.payload.action, problem)
    return Asked(approval_view(sight, approval_id, actor, without, key_file=key_file), None)
