"""What a plan is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from console.control.actions import ActionRequest, PlanFacts
from console.control.reach import Reach
from console.control.roles import Policy
from console.control.state import ControlState


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a plan is drawn from."""

    request: ActionRequest
    facts: PlanFacts
    state: ControlState
    journal_problem: str | None
    policy: Policy
    person: str
    now: datetime
    standing: str | None
    """Why nothing at all may be done in this session, or not without elevation."""
    elevated: bool
    reach: Reach
