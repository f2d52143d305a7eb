"""One thing that waits for a person: since when, who is asked, and whom it goes to once it has waited too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backends.records import Moment, State
from backends.text import Untrusted
from console.policies.escalation import WaitKind
from console.policies.load import Policies
from console.views.health.model import View

HOUR = timedelta(hours=1)


class WaitRow(View):
    """One thing that waits."""

    id: str
    """Of the request, review, action or incident; of an override `switch M`, `hold M`, `breaker NAME`; of scores their queue."""
    kind: WaitKind
    model: str | None
    """None: a breaker, which belongs to no model."""
    what: Untrusted
    state: State
    """`critical` when it is overdue, `unknown` where nobody says since when it waits, else `warning`."""
    since: Moment | None
    waited_hours: float | None
    due_at: Moment | None
    """From then on it is overdue: by its own deadline, or by the first escalation, whichever comes first."""
    overdue: bool
    asked: Untrusted
    """Who is asked to answer it."""
    escalation: str | None
    """The rule whose time has passed, the last of them."""
    escalated_to: Untrusted | None
    """Whom that names; None: no time has passed yet, or no rule is about it."""
    next_to: Untrusted | None
    """Whom the next rule names."""
    next_at: Moment | None
    verb: Untrusted
    """What answers it, without the program's name."""
    count: int | None = None
    """How many scores wait; None for everything else."""
    counted_at: Moment | None = None
    """When the service counted them last."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What is known of something that waits, before it is judged."""

    id: str
    kind: WaitKind
    model: str | None
    what: str
    since: datetime | None
    asked: str
    verb: str
    deadline: datetime | None = None
    """Its own, whatever the policies say."""
    count: int | None = None
    counted_at: datetime | None = None


def judged(wait: Wait, at: datetime, environment: str, policies: Policies, owners: Mapping[str, str | None]) -> WaitRow:
    """How long it has waited at `at`, and whom it is with by now."""
    model = wait.model or ""
    levels = policies.escalations_for(wait.kind, model, environment)
    timed = [(wait.since + each.after, each) for each in levels] if wait.since is not None else []
    passed = [each for when, each in timed if when <= at]
    coming = next(((when, each) for when, each in timed if when > at), None)
    due = min([*(when for when, _ in timed[:1]), *([wait.deadline] if wait.deadline is not None else [])], default=None)
    overdue = due is not None and due <= at
    owner = owners.get(model)
    return WaitRow(
        id=wait.id,
        kind=wait.kind,
        model=wait.model,
        what=Untrusted(wait.what),
        state=State.CRITICAL if overdue else State.UNKNOWN if wait.since is None else State.WARNING,
        since=wait.since,
        waited_hours=max(0.0, (at - wait.since) / HOUR) if wait.since is not None else None,
        due_at=due,
        overdue=overdue,
        asked=Untrusted(wait.asked),
        escalation=passed[-1].id if passed else None,
        escalated_to=Untrusted(passed[-1].contact(model, owner)) if passed else None,
        next_to=Untrusted(coming[1].contact(model, owner)) if coming else None,
        next_at=coming[0] if coming else None,
        verb=Untrusted(wait.verb),
        count=wait.count,
        counted_at=wait.counted_at,
    )


def longest_overdue_first(row: WaitRow) -> tuple[bool, float, float, str]:
    """What is overdue before what is not, each with the one first that has been so, or has waited, for longest."""
    late = row.due_at.timestamp() if row.overdue and row.due_at is not None else 0.0
    return not row.overdue, late, -(row.waited_hours or 0.0), row.id
