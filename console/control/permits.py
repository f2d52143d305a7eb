"""Why somebody may do something, or may not: every rule that has a say, in the order in which the executor asks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from console.control.actions import MOVING_KINDS, SWITCH_STATES, ActionKind, Danger
from console.control.glass import glass_refusal
from console.control.guardrails import Guardrail, demands, said_length
from console.control.roles import ANY, Policy

Says = Literal["yes", "no", "asks"]
"""`asks`: it may be done once what is said here is given."""

Topic = Literal["session", "role", "guardrail", "environment", "approval", "request"]


@dataclass(frozen=True, slots=True)
class Word:
    """What one rule says."""

    topic: Topic
    says: Says
    text: str
    rule: str | None = None
    """Id of the role or guardrail that says it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody would like to do."""

    person: str
    kind: ActionKind
    environment: str
    model: str
    """`*`: any model. Rules for single models have no say then."""
    amounts_to: tuple[ActionKind, ...] = ()
    """What else it comes to as things stand."""
    danger: Danger = "routine"
    elevated: bool = False
    """Whether an elevation of this person stands on this terminal."""

    @property
    def kinds(self) -> tuple[ActionKind, ...]:
        """Everything that guardrails take it for."""
        return tuple(dict.fromkeys((self.kind, *self.amounts_to)))

    @property
    def judged(self) -> ActionKind:
        """What roles and approvals take it for: the way up a kill switch is a restore, by whatever name."""
        return ActionKind.RESTORE if self.kind in SWITCH_STATES and ActionKind.RESTORE in self.kinds else self.kind

    @property
    def approved_as(self) -> ActionKind:
        """Whose terms of approval it goes by: letting a version in by steps is approved as its promotion."""
        return ActionKind.PROMOTE if self.judged is ActionKind.SHIFT else self.judged


def words(policy: Policy, question: Question) -> list[Word]:
    """Every rule that has a say. One `no` among them is a no."""
    return [*_roles(policy, question), *_guardrails(policy, question), *_environment(policy, question), *_approvals(policy, question)]


_DANGEROUS = frozenset(
    {ActionKind.PROMOTE, ActionKind.RESTORE, ActionKind.SHIFT, ActionKind.RELEASE_HOLD, ActionKind.RETRAIN, ActionKind.RETAIN}
)


def usual_danger(kind: ActionKind) -> Danger:
    """How dangerous an action is as long as nobody knows what is in force."""
    if kind not in MOVING_KINDS:
        return "routine"
    return "dangerous" if kind in _DANGEROUS else "safer"


def allowed(said: Sequence[Word]) -> bool:
    """Whether the executor would let it pass, once everything that is asked is given."""
    return all(each.says != "no" for each in said)


def _roles(policy: Policy, question: Question) -> list[Word]:
    person, environment, kind = question.person, question.environment, question.judged
    found = [
        Word("role", "no", f"{kind.value} in {environment} is denied to {denial.person}: {denial.reason}")
        for denial in policy.denials
        if denial.means(person, kind, environment, question.model)
    ]
    held = policy.held(person, environment)
    for role in held:
        if kind in role.may_not:
            found.append(Word("role", "no", f"{role.id} denies {kind.value}, whatever other roles allow", role.id))
        elif kind in role.may:
            found.append(Word("role", "yes", f"{role.id} allows {kind.value}", role.id))
    refusal = policy.refusal_by_role(person, kind, environment)
    if refusal is not None and not any(each.says == "no" and each.rule is not None for each in found):
        found.append(Word("role", "no", refusal))
    return found


def _guardrails(policy: Policy, question: Question) -> list[Word]:
    rails = policy.limits(question.kinds, question.environment, question.model).rails
    return [word for rail in rails if (word := _of_rail(rail, question)) is not None]


def _of_rail(rail: Guardrail, question: Question) -> Word | None:
    if rail.deny:
        return Word("guardrail", "no", f"{rail.title} (denied)", rail.id)
    asked = demands(rail)
    if question.danger == "routine" and question.kind not in {*MOVING_KINDS, ActionKind.APPROVE}:
        # Nothing is typed and nobody else is asked for what is only recorded.
        asked = [f"elevation for at most {said_length(rail.max_elevation)}"] if rail.max_elevation is not None else []
    return Word("guardrail", "asks", f"{rail.title} ({', '.join(asked)})", rail.id) if asked else None


def _environment(policy: Policy, question: Question) -> list[Word]:
    if question.danger != "dangerous" or question.environment not in policy.read_only:
        return []
    refusal = policy.refusal(question.person, ActionKind.ELEVATE, question.environment, question.model)
    if refusal is not None:
        return [Word("environment", "no", f"{question.environment} is read-only for this without elevation, and {refusal}")]
    if question.elevated:
        return [Word("environment", "yes", f"{question.environment} is read-only for this, and you are elevated on this terminal")]
    return [Word("environment", "asks", f"{question.environment} is read-only for this: elevate first")]


def _approvals(policy: Policy, question: Question) -> list[Word]:
    if question.danger == "routine":
        return []
    kind = question.approved_as
    terms = policy.terms_for(kind, question.environment, question.model)
    if not terms.quorum:
        return []
    apart = "" if policy.solo or "requester" not in terms.different_from else ", who did not ask for it"
    signed = ", signed with an SSH key" if terms.signature == "required" else ""
    who = "another person" if terms.quorum == 1 else f"{terms.quorum} people"
    glass = "" if glass_refusal(policy, question.danger, kind) else "; at once by breaking the glass, reviewed afterwards"
    return [Word("approval", "asks", f"approval by {'oneself (solo)' if policy.solo else who}{apart}{signed}{glass}")]


__all__ = ["ANY", "Question", "Says", "Topic", "Word", "allowed", "usual_danger", "words"]
