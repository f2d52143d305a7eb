"""Whether somebody may do something, and which rules say so, with the file and line of each."""

from __future__ import annotations

from typing import Literal

from backends.records import Moment
from backends.text import Untrusted
from console.acting import control_policy
from console.closest import closest
from console.control.actions import SERVING_KINDS, ActionKind, ActionPlan, ActionRequest, PlanFacts
from console.control.agreeing import afterwards, approvers
from console.control.desk import Desk
from console.control.identity import Actor, current_actor
from console.control.permits import ANY, Question, Says, Topic, Word, allowed, usual_danger, words
from console.control.roles import Policy
from console.control.terminal import this_process, this_terminal
from console.enforcement import enforcement
from console.views.approvals.request import refusal_of
from console.views.health.model import View
from console.views.sight import Sight

OTHER_WORDS = {"ack": ActionKind.TAKE, "kill-switch": ActionKind.KILL, "recheck": ActionKind.SETTLE, "resolve": ActionKind.SETTLE}
"""Verbs that have another name than what they do."""


class RuleWord(View):
    """What one rule says."""

    topic: Topic
    says: Says
    rule: str | None
    """Id of the role or guardrail."""
    place: str | None
    """File and line where it stands; None: it is built in, or comes from the last good copy."""
    text: Untrusted


class MayView(View):
    """The answer to one `can-i`."""

    allowed: bool
    """True also where more is asked first: each rule that asks has `says` = `asks`."""
    may_ask: bool
    """True where it may not be done, but the same verb files a request for it."""
    request_goes_to: Untrusted | None
    """Where a request may be filed instead: who approves it; None: nothing is filed."""
    carried_out_by: Untrusted | None
    """Who does it then, once it is approved."""
    person: str
    roles: tuple[str, ...]
    """What the person is in the environment; viewer at least."""
    roles_place: str | None
    """Where they are given; None for the owner of a personal workspace and for people whom nobody names."""
    roles_why: str
    action: ActionKind
    amounts_to: tuple[ActionKind, ...]
    """What it comes to as things stand: `fallback` of a killed model is a restore."""
    environment: str
    target: Untrusted
    model: Untrusted
    at: Moment
    rules: tuple[RuleWord, ...]
    now: Untrusted | None
    """What else stands in the way just now, though no rule forbids it; None: nothing that is known."""
    policies: Literal["files", "last good", "shipped"]
    """Which rules are in force: `last good` when the files are broken."""
    policy_problems: tuple[Untrusted, ...]
    advisory: bool
    """True where only file permissions stand behind the rules, and they do not bind the person of this process."""
    enforcement: Untrusted


def action_named(word: str) -> ActionKind:
    """The kind of action that `word` means. Raises ValueError with what is near."""
    known = {kind.value: kind for kind in ActionKind} | OTHER_WORDS
    if word in known:
        return known[word]
    near = closest(word, sorted(known), n=3, cutoff=0.5)
    raise ValueError(
        f"there is no action {word!r}; " + (f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}")
    )


def somebody(sight: Sight, name: str | None) -> Actor:
    """The person asked about: of this process, or `name` as it would stand here."""
    own = current_actor(sight.clock)
    if name is None or name == own.name:
        return own
    return Actor.named(name, host=own.host, played=sight.clock.kind == "sim" and name != Actor.from_os().name)


def may_view(sight: Sight, kind: ActionKind, target: str | None, actor: Actor, *, read_only: bool = False) -> MayView:
    """Whether `actor` may do `kind` to `target`: a model, `model@version`, a request, incident, alert or action; None: any model."""
    environment, model, version = _meant(sight, target)
    policy = control_policy(sight.policies, sight.workspace, environment, actor)
    terminal = this_terminal() or this_process()
    with Desk(sight.workspace.paths, sight.clock, actor, policy=policy, read_only=read_only, elevated=True, terminal=terminal) as desk:
        plan = _plan(desk, kind, environment, model, version)
        standing = desk.standing_refusal()
        elevated = desk.elevation(environment) is not None
    # Which way traffic is to be shifted is not said here: that it goes forward is the most that it can be.
    known = plan is not None and plan.danger != "routine" and kind is not ActionKind.SHIFT
    danger = plan.danger if plan is not None and known else usual_danger(kind)
    question = Question(actor.name, kind, environment, model, plan.amounts_to if plan is not None else (), danger, elevated)
    said = words(policy, question)
    if standing is not None:
        said.insert(0, Word("session", "no", standing))
    approval = sight.control.approvals.get(target or "")
    if approval is not None and kind is ActionKind.APPROVE and allowed(said):
        refusal = refusal_of(approval, sight, actor, policy)
        said += [Word("request", "no", refusal)] if refusal is not None else []
    unasked = policy.refusal(actor.name, ActionKind.ASK, environment, model) if _waits(policy, question, plan if known else None) else None
    if unasked is not None and allowed(said):
        # Whoever may do it must ask for it first, as things stand.
        said.append(Word("role", "no", unasked))
    rules = [_rule(sight, each) for each in said]
    yes = allowed(said)
    may_ask = not yes and standing is None and unasked is None and _waits(policy, question, plan if known else None)
    terms = policy.terms_for(question.approved_as, environment, model)
    guarded = danger == "dangerous" and environment in policy.read_only
    found = enforcement(sight.workspace)
    return MayView(
        allowed=yes,
        may_ask=may_ask,
        request_goes_to=Untrusted(approvers(policy, actor.name, environment, model, terms)) if may_ask else None,
        carried_out_by=Untrusted(afterwards(policy, actor.name, question.judged, environment, model, guarded=guarded) or "")
        if may_ask
        else None,
        person=actor.name,
        roles=tuple(sorted(policy.roles_of(actor.name, environment))),
        roles_place=sight.policies.place("people", actor.name),
        roles_why=_why_roles(sight, policy, actor),
        action=kind,
        amounts_to=question.kinds,
        environment=environment,
        target=Untrusted(target or ANY),
        model=Untrusted(model),
        at=sight.at,
        rules=tuple(rules),
        now=Untrusted(plan.refusal) if (yes or may_ask) and plan is not None and plan.refusal is not None else None,
        policies=sight.policies.origin,
        policy_problems=tuple(Untrusted(str(problem)) for problem in sight.policies.problems),
        advisory=found.advisory,
        enforcement=Untrusted(found.text),
    )


def _waits(policy: Policy, question: Question, plan: ActionPlan | None) -> bool:
    """Whether the verb would file a request, if the person may; `plan`: as things stand, where that is known."""
    if plan is not None and plan.released is not None and plan.step != "ask":
        return False
    if question.danger == "routine" or not policy.approvals_needed(question.approved_as, question.environment, question.model):
        return False
    return policy.limits(question.kinds, question.environment, question.model).denied is None


def _meant(sight: Sight, target: str | None) -> tuple[str, str, str | None]:
    """Environment, model and version that a target stands for."""
    if target is None:
        return sight.environment, ANY, None
    control = sight.control
    approval, action = control.approvals.get(target), control.action(target)
    if approval is not None:
        return approval.payload.environment, approval.payload.model, approval.payload.to
    if action is not None:
        return action.environment, action.model, action.to
    about = control.incidents.get(target) or control.alerts.get(target)
    if about is not None:
        return about.environment, about.model, None
    model, _, version = target.partition("@")
    return sight.environment, model or ANY, version or None


def _plan(desk: Desk, kind: ActionKind, environment: str, model: str, version: str | None) -> ActionPlan | None:
    """The plan of an action that moves something, drawn as if the person were elevated; None for all others, and for any model."""
    if kind not in SERVING_KINDS or model == ANY:
        return None
    to = version if kind in {ActionKind.ROLLBACK, ActionKind.PROMOTE} else None
    return desk.plan(ActionRequest(kind=kind, environment=environment, model=model, to=to), PlanFacts())


def _rule(sight: Sight, word: Word) -> RuleWord:
    section = {"role": "roles", "guardrail": "guardrails"}.get(word.topic)
    place = sight.policies.place(section, word.rule) if section is not None and word.rule is not None else None
    return RuleWord(topic=word.topic, says=word.says, rule=word.rule, place=place, text=Untrusted(word.text))


def _why_roles(sight: Sight, policy: Policy, actor: Actor) -> str:
    if actor.name in sight.policies.people:
        return "named in people"
    if any(grant.person == actor.name for grant in policy.grants):
        return "owner of a personal workspace" if not actor.played else "played in a personal workspace with a simulated clock"
    return "nobody names this person: a viewer"
