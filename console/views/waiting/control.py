"""What control alone knows to wait for a person: requests, broken glass, actions in doubt, and overrides past their time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backends.pipeline_protocol import EVERY_PIPELINE
from backends.protocol import BackendError
from backends.shell_words import command_line
from console.control.actions import ActionState, version_label
from console.control.approval import Approval, ApprovalState
from console.policies.load import Policies
from console.policies.rules import BreakGlass
from console.views.own.breakers import breakers_view
from console.views.release.holds import holds_of
from console.views.sight import Sight
from console.views.waiting.row import Wait, WaitRow, judged


def waiting_requests(sight: Sight) -> Iterator[Wait]:
    """Requests that wait for a vote, and those that are approved and wait for whoever carries them out."""
    for each in sight.control.open_approvals(sight.at, sight.environment):
        payload = each.payload
        what = f"{payload.action.value} {payload.model} {version_label(payload.from_)} -> {version_label(payload.to)}: {payload.reason}"
        if each.state_at(sight.at) is ApprovalState.PENDING:
            verb = command_line("approve", each.id)
            yield Wait(each.id, "approval", payload.model, what, payload.requested_at, _voters(sight, each), verb, each.deadline)
        elif each.executing is None:
            granted = max((vote.at for vote in each.votes), default=payload.requested_at)
            yield Wait(each.id, "execution", payload.model, what, granted, payload.requester, each.execute_with, each.deadline)


def _voters(sight: Sight, approval: Approval) -> str:
    payload = approval.payload
    rule = sight.policies.approval_for(payload.action.value, payload.environment)
    roles = " or ".join(rule.roles) if rule is not None else "approver"
    barred = [name for name in (payload.requester if "requester" in payload.different_from else None, _trainer(approval)) if name]
    missing = payload.needed - approval.granted
    return f"{missing} {roles}{f', not {barred[0]}' if barred else ''}"


def _trainer(approval: Approval) -> str | None:
    payload = approval.payload
    return payload.trained_by if "trainer" in payload.different_from else None


def waiting_reviews(sight: Sight) -> Iterator[Wait]:
    """What was done by breaking the glass, for whoever else looks at it."""
    within = (sight.policies.break_glass or BreakGlass()).review_within
    for each in sight.control.open_reviews(sight.environment):
        action = sight.control.actions.get(each.action)
        did = f"{action.kind.value} {each.model}" if action is not None else each.action
        deadline = each.opened_at + within
        asked = f"anybody but {each.actor.name}"
        verb = command_line("review", each.id)
        yield Wait(each.id, "broken glass", each.model, f"{did} without approval: {each.reason}", each.opened_at, asked, verb, deadline)


def waiting_doubts(sight: Sight) -> Iterator[Wait]:
    """Actions of which nobody knows how they ended; what is being carried out, or waits for something elsewhere, is in no doubt."""
    for each in sight.control.open_actions():
        if each.environment != sight.environment or each.state is not ActionState.IN_DOUBT or each.in_flight or each.awaits:
            continue
        what = f"{each.kind.value} {each.model}: it may or may not have happened"
        since = each.sent_at or each.intended_at
        yield Wait(each.id, "in doubt", each.model, what, since, each.actor.who, command_line("action", "recheck", each.id))


def waiting_overrides(sight: Sight) -> Iterator[Wait]:
    """Switches and holds whose owner is asked whether they go on. Raises BackendError."""
    if isinstance(sight.published, BackendError) and not sight.past:
        raise sight.published
    settings = sight.published.settings if not isinstance(sight.published, BackendError) else {}
    models = {model for place, model in settings if place == sight.environment} | {each.model for each in sight.serving_actions(None)}
    for model in sorted(models):
        standing = sight.switch_standing(model)
        if standing.published is not None and standing.overdue(sight.at):
            found = standing.published
            verb = command_line("kill", model, options={"--state": found.state.value, "--until": "4h"})
            what = f"{found.state.value} goes on until somebody decides: {found.reason}"
            yield Wait(f"switch {model}", "override", model, what, found.until, found.asked, verb, found.until)
    for hold in holds_of(sight):
        if hold.overdue:
            named = {"--pipeline": hold.pipeline} if hold.pipeline not in {None, EVERY_PIPELINE} else {}
            what = f"{hold.pipeline or 'every job'} stays held until somebody decides: {hold.reason.raw}"
            verb = command_line("release-hold", hold.model, options=named)
            name = f"hold {hold.model}" if hold.pipeline is None else f"hold {hold.model} {hold.pipeline}"
            yield Wait(name, "override", hold.model, what, hold.until, hold.owner, verb, hold.until)


def waiting_breakers(sight: Sight, policies: Policies, owners: Mapping[str, str | None]) -> Iterator[WaitRow]:
    """Breakers that somebody holds past their time: by the clock on the wall, whatever clock the workspace has. None of the past."""
    if sight.past:
        return
    view = breakers_view(sight)
    for each in view.rows:
        if each.overdue:
            verb = command_line("breaker", each.name, "automatic")
            wait = Wait(
                f"breaker {each.name}", "override", None, each.why.raw, each.until, each.owner or "whoever holds it", verb, each.until
            )
            yield judged(wait, view.at, sight.environment, policies, owners)
