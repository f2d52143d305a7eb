"""Who may do what where: roles as data. A denial wins over any grant; somebody unknown may look.

Where only file permissions stand behind a workspace, all of this is advice to honest people and evidence about the others.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.records import Digest, Name, digest_of
from console.control.actions import ActionKind
from console.control.guardrails import Confirm, Guardrail, Limits, strongest
from console.control.terms import NOBODY, GlassTerms, SignerFiles, Terms

ANY: Final = "*"


class Role(StrEnum):
    """What a person is in one environment, by the names that ship; policy files may define others."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    RELEASER = "releaser"
    ADMIN = "admin"
    AUDITOR = "auditor"


_RECORDS: Final = frozenset({ActionKind.TAKE, ActionKind.ACKNOWLEDGE, ActionKind.NOTE, ActionKind.CLOSE, ActionKind.HAND_OVER})
_SAFER: Final = frozenset(
    {ActionKind.ROLLBACK, ActionKind.DEGRADE, ActionKind.FALLBACK, ActionKind.KILL, ActionKind.ABORT, ActionKind.HOLD}
)
_RELEASES: Final = frozenset({ActionKind.PROMOTE, ActionKind.RESTORE, ActionKind.SHIFT, ActionKind.ABORT, ActionKind.ASK})
_PIPELINES: Final = frozenset({ActionKind.RELEASE_HOLD, ActionKind.RETRAIN})
_JUDGES: Final = frozenset({ActionKind.APPROVE, ActionKind.REJECT, ActionKind.REVIEW})
_KEEPS: Final = frozenset({ActionKind.PLAYBOOK, ActionKind.SETTLE})

MAY: Final[dict[Role, frozenset[ActionKind]]] = {
    Role.VIEWER: frozenset(),
    Role.OPERATOR: _RECORDS | _SAFER | _KEEPS | _PIPELINES | {ActionKind.RESTORE, ActionKind.ASK, ActionKind.ELEVATE},
    Role.APPROVER: _JUDGES | {ActionKind.NOTE},
    Role.RELEASER: _RELEASES | _PIPELINES | {ActionKind.NOTE, ActionKind.ELEVATE, ActionKind.SETTLE},
    Role.ADMIN: frozenset(ActionKind),
    Role.AUDITOR: frozenset({ActionKind.NOTE}),
}
"""What each role may do; roles of one person add up."""


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class RoleRule(_Rule):
    """What a role allows and, stronger, what it takes away; `*` is every environment."""

    id: Name
    may: tuple[ActionKind, ...]
    may_not: tuple[ActionKind, ...] = ()
    environments: tuple[Name, ...] = (ANY,)


NOBODY_NAMED: Final = "no policy file names anybody who is: add  people: {NAME: ROLE}  to one"
NOT_KNOWN: Final = (
    "who is one cannot be read in the broken policy files: whoever may write them mends them, line by line with: config validate"
)

SHIPPED_ROLES: Final = tuple(RoleRule(id=role.value, may=tuple(sorted(may))) for role, may in MAY.items())


class Grant(_Rule):
    """Gives a person roles; `*` is everybody, or every environment."""

    person: Name
    roles: tuple[Name, ...]
    environments: tuple[Name, ...] = (ANY,)


class Denial(_Rule):
    """Takes actions away from a person, whatever was granted."""

    person: Name = ANY
    kinds: tuple[ActionKind, ...]
    environments: tuple[Name, ...] = (ANY,)
    models: tuple[Name, ...] = (ANY,)
    reason: str = Field(min_length=1, max_length=500)

    def means(self, person: str, kind: ActionKind, environment: str, model: str) -> bool:
        """Whether this is one of what it forbids."""
        places = {environment, ANY} & set(self.environments) and {model, ANY} & set(self.models)
        return bool(kind in self.kinds and self.person in {person, ANY} and places)


class Policy(_Rule):
    """The rules that the executor goes by."""

    roles: tuple[RoleRule, ...] = SHIPPED_ROLES
    grants: tuple[Grant, ...] = ()
    denials: tuple[Denial, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    judges: tuple[Name, ...] = ()
    """Roles of which one is needed to approve; empty: any that may."""
    solo: bool = False
    """A workspace of one person: approving one's own request is allowed and recorded as solo."""
    production: tuple[Name, ...] = ("production",)
    """Environments in which the model's name is typed before anything changes, whatever the guardrails say."""
    read_only: tuple[Name, ...] = ("production",)
    """Environments in which only a safer action passes without elevation."""
    terms: dict[ActionKind, Terms] = Field(default_factory=lambda: {ActionKind.PROMOTE: Terms()})
    """On what terms an action of this kind is approved; a kind that is not here needs nobody."""
    signers: SignerFiles | None = None
    """Whose keys are whose, where approvals are signed."""
    glass: GlassTerms = GlassTerms()
    direct_promotions: Literal["allow", "flag", "refuse"] = "flag"
    """What is said of a promotion that no rollout of the same version went before."""
    override_hours: float = Field(default=4.0, gt=0)
    """After how long the owner of a switch that is not normal is asked again."""
    read_back_seconds: float = Field(default=30.0, gt=0)
    elevation_minutes: float = Field(default=240.0, gt=0)
    """The longest elevation; a guardrail may shorten it."""

    trouble: str = Field(default="", exclude=True)
    """What is wrong with the files that these rules were to come from; no rule itself, so no part of the digest."""
    unsure: bool = Field(default=False, exclude=True)
    """True where those files are broken and no good copy of them is known: what they deny is unknown then."""

    @classmethod
    def personal(cls, person: str) -> Policy:
        """One person's own workspace: admin, and alone."""
        return cls(grants=(Grant(person=person, roles=(Role.ADMIN,)),), solo=True)

    @cached_property
    def digest(self) -> Digest:
        """Names these rules in every record made under them."""
        return digest_of(self.model_dump(mode="json"))

    def roles_of(self, person: str, environment: str) -> frozenset[str]:
        """Every role of a person there; a viewer at least."""
        granted = {
            role
            for grant in self.grants
            if grant.person in {person, ANY} and ({environment, ANY} & set(grant.environments))
            for role in grant.roles
        }
        return frozenset(str(role) for role in granted | {Role.VIEWER})

    def held(self, person: str, environment: str) -> list[RoleRule]:
        """The rules of a person's roles that say something there."""
        held = self.roles_of(person, environment)
        return [role for role in self.roles if role.id in held and {environment, ANY} & set(role.environments)]

    def refusal(self, person: str, kind: ActionKind, environment: str, model: str) -> str | None:
        """Why a person may not do this there, None when nothing forbids it. Denials and guardrails come before any role."""
        denied = self.limits((kind,), environment, model).denied
        if denied is not None:
            return self.denial(denied, kind, environment, model)
        for denial in self.denials:
            if denial.means(person, kind, environment, model):
                return f"{kind.value} is denied to {person} in {environment}: {denial.reason}"
        return self.refusal_by_role(person, kind, environment)

    @staticmethod
    def denial(rail: Guardrail, kind: ActionKind, environment: str, model: str) -> str:
        """What people are told when a guardrail denies an action."""
        return f"{kind.value} of {model} in {environment} is denied by guardrail {rail.id}: {rail.title}"

    def refusal_by_role(self, person: str, kind: ActionKind, environment: str) -> str | None:
        """Why none of a person's roles allows this, whatever the guardrails say."""
        held, rules = self.roles_of(person, environment), self.held(person, environment)
        forbidding = next((role for role in rules if kind in role.may_not), None)
        if forbidding is not None:
            return f"{kind.value} in {environment} is denied to {person} by the role {forbidding.id}, whatever other roles allow"
        if not any(kind in role.may for role in rules):
            able = ", ".join(self.able(kind, environment)) or "a role that nobody has"
            said = f"{kind.value} in {environment} needs one of {able}; {person} is {self.said_roles(person, environment)}"
            return said if self._somebody_may(kind, environment) else f"{said}, and {NOT_KNOWN if self.unsure else NOBODY_NAMED}"
        if kind is ActionKind.APPROVE and self.judges and not held & set(self.judges):
            able = ", ".join(self.judges)
            return f"approving in {environment} needs one of {able}; {person} is {self.said_roles(person, environment)}"
        return None

    def _somebody_may(self, kind: ActionKind, environment: str) -> bool:
        able = set(self.able(kind, environment))
        return any(able & set(grant.roles) and {environment, ANY} & set(grant.environments) for grant in self.grants)

    def able(self, kind: ActionKind, environment: str) -> list[str]:
        """Roles that allow an action there, in the order of the rules."""
        return [
            role.id for role in self.roles if kind in role.may and kind not in role.may_not and {environment, ANY} & set(role.environments)
        ]

    def said_roles(self, person: str, environment: str) -> str:
        """`approver, auditor`; `viewer` alone for who has no other."""
        held = self.roles_of(person, environment)
        known = [role.id for role in self.roles if role.id in held]
        more = [each for each in known if each != Role.VIEWER] or known
        return ", ".join(more or sorted(held))

    def limits(self, kinds: Collection[ActionKind], environment: str, model: str) -> Limits:
        """What the guardrails ask of an action that amounts to `kinds`."""
        return Limits(tuple(rail for rail in self.guardrails if rail.matches(kinds, environment, model)))

    def confirm(self, kinds: Collection[ActionKind], environment: str, model: str) -> Confirm:
        """What must be given to go ahead with an action."""
        base = Confirm.MODEL if environment in self.production else Confirm.PRESS
        return strongest((base, self.limits(kinds, environment, model).confirm))

    def typed_name(self, kinds: Collection[ActionKind], environment: str, model: str) -> str | None:
        """What must be typed to go ahead: the model's or the environment's name; None: nothing."""
        names = {Confirm.PRESS: None, Confirm.MODEL: model, Confirm.ENVIRONMENT: environment}
        return names[self.confirm(kinds, environment, model)]

    def approvals_needed(self, kind: ActionKind, environment: str, model: str) -> int:
        """How many people must approve; 0 for most."""
        return self.terms_for(kind, environment, model).quorum

    def terms_for(self, kind: ActionKind, environment: str, model: str) -> Terms:
        """On what terms an action of this kind is approved: those of its approval rule, tightened by guardrails."""
        terms = self.terms.get(kind, NOBODY)
        if self.limits((kind,), environment, model).second_person(kind) is None:
            return terms
        # A guardrail only tightens: whoever else agrees is somebody else.
        apart = tuple(sorted({*terms.different_from, "requester"}))
        return terms.model_copy(update={"quorum": max(1, terms.quorum), "different_from": apart})
