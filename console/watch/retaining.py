"""The retain step: rows that are due by rules which leave it to the watch are deleted, as an action like anybody's."""

from __future__ import annotations

import hashlib
from typing import Final, Literal

from backends.text import displayable
from console.acting import control_policy, outside_heads
from console.control.actions import ActionKind, ActionPlan, ActionRequest, ActionState, Confirmation
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.roles import Grant, Policy, RoleRule
from console.views.governance.due import retention_facts
from console.views.governance.retention import retention_view
from console.views.sight import Sight

BY_THE_WATCH: Final[Literal["by the watch"]] = "by the watch"

ROLE: Final = "retention"
"""Name of the program in the audit, and of the role that lets it delete and nothing else."""


def retain(sight: Sight) -> tuple[list[str], list[str]]:
    """Delete what is due in one environment: (lines, problems). The same round again finds nothing due.

    Guardrails, approvals and broken policy files hold it up as they hold up a person. Raises StoreError.
    """
    with sight.reader() as reader:
        view = retention_view(sight, reader)
    models = list(dict.fromkeys(each.model for each in view.logs if each.due_rows and each.deletes == BY_THE_WATCH))
    lines: list[str] = []
    problems: list[str] = []
    for model in models:
        with _desk(sight) as desk:
            facts = retention_facts(sight, model, only=BY_THE_WATCH)
            request = ActionRequest(kind=ActionKind.RETAIN, environment=sight.environment, model=model, reason=_reason(facts.retention))
            plan = desk.plan(request, facts)
            plan = desk.plan(request.model_copy(update={"key": _key(plan)}), facts)
            if plan.step == "ask" or plan.refusal is not None:
                problems.append(displayable(f"retention of {model}: {plan.refusal or plan.needs}; see: quarterdeck retention {model}"))
                continue
            # Read again, past everything that this look remembers: a legal hold written meanwhile counts.
            now = retention_facts(Sight(sight.workspace, sight.environment, sight.clock), model, only=BY_THE_WATCH)
            outcome = desk.execute(plan, Confirmation(typed_name=plan.typed_name, reason=request.reason), current_world=now)
        said = displayable(f"retain {sight.environment}: {model}: {outcome.message}")
        (lines if outcome.state is ActionState.EFFECTIVE else problems).append(said)
    return lines, problems


def _desk(sight: Sight) -> Desk:
    actor = Actor.of_program(ROLE)
    policy = control_policy(sight.policies, sight.workspace, sight.environment, actor)
    role = RoleRule(id=ROLE, may=(ActionKind.RETAIN, ActionKind.ELEVATE))
    mine: Policy = policy.model_copy(
        update={"roles": (*policy.roles, role), "grants": (*policy.grants, Grant(person=ROLE, roles=(ROLE,)))}
    )  # fmt: skip
    return Desk(sight.workspace.paths, sight.clock, actor, policy=mine, elevated=True, outside=outside_heads(sight.workspace))


def _key(plan: ActionPlan) -> str:
    """Given by what is deleted of what: two rounds that meet delete it once."""
    text = "\n".join((plan.environment, plan.model, plan.from_ or "", plan.to or ""))
    return f"retain-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _reason(terms: object) -> str:
    cuts = getattr(terms, "cuts", ())
    return "; ".join(dict.fromkeys(f"{cut.rule}, by the watch" for cut in cuts))[:2000]
