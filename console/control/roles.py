"""Who may do what where: roles as data. A denial wins over any grant; somebody unknown may look.

Where only file permissions stand behind a workspace, all of this is advice to honest people and evidence about the others.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from backends.records import Digest, Name, digest_of
from console.control.actions import ActionKind
from console.control.terms import NOBODY, GlassTerms, SignerFiles, Terms

ANY: Final = "*"


class Role(StrEnum):
    """What a person is in one environment."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    RELEASER = "releaser"
    ADMIN = "admin"


_RECORDS: Final = frozenset({ActionKind.TAKE, ActionKind.ACKNOWLEDGE, ActionKind.NOTE, ActionKind.CLOSE, ActionKind.HAND_OVER})
_SAFER: Final = frozenset({ActionKind.ROLLBACK, ActionKind.DEGRADE, ActionKind.FALLBACK, ActionKind.KILL})
_RELEASES: Final = frozenset({ActionKind.PROMOTE, ActionKind.RESTORE, ActionKind.ASK})
_JUDGES: Final = frozenset({ActionKind.APPROVE, ActionKind.REJECT})

MAY: Final[dict[Role, frozenset[ActionKind]]] = {
    Role.VIEWER: frozenset(),
    Role.OPERATOR: _RECORDS | _SAFER | {ActionKind.RESTORE, ActionKind.ASK},
    Role.APPROVER: _JUDGES | {ActionKind.NOTE},
    Role.RELEASER: _RELEASES | {ActionKind.NOTE},
    Role.ADMIN: frozenset(ActionKind),
}
"""What each role may do; roles of one person add up."""


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Grant(_Rule):
    """Gives a person roles; `*` is everybody, or every environment."""

    person: Name
    roles: tuple[Role, ...]
    environments: tuple[Name, ...] = (ANY,)


class Denial(_Rule):
    """Takes actions away from a person, whatever was granted."""

    person: Name = ANY
    kinds: tuple[ActionKind, ...]
    environments: tuple[Name, ...] = (ANY,)
    models: tuple[Name, ...] = (ANY,)
    reason: str = Field(min_length=1, max_length=500)


class Policy(_Rule):
    """The rules that the executor goes by."""

    grants: tuple[Grant, ...] = ()
    denials: tuple[Denial, ...] = ()
    solo: bool = False
    """A workspace of one person: approving one's own request is allowed and recorded as solo."""
    production: tuple[Name, ...] = ("production",)
    """Environments in which the model's name is typed before anything changes."""
    read_only: tuple[Name, ...] = ("production",)
    """Environments in which only a safer action passes without elevation."""
    terms: dict[ActionKind, Terms] = Field(default_factory=lambda: {ActionKind.PROMOTE: Terms()})
    """On what terms an action of this kind is approved; a kind that is not here needs nobody."""
    signers: SignerFiles | None = None
    """Whose keys are whose, where approvals are signed."""
    glass: GlassTerms = GlassTerms()
    override_hours: float = Field(default=4.0, gt=0)
    """After how long the owner of a switch that is not normal is asked again."""
    read_back_seconds: float = Field(default=30.0, gt=0)

    @classmethod
    def personal(cls, person: str) -> Policy:
        """One person's own workspace: admin, and alone."""
        return cls(grants=(Grant(person=person, roles=(Role.ADMIN,)),), solo=True)

    @property
    def digest(self) -> Digest:
        """Names these rules in every record made under them."""
        return digest_of(self.model_dump(mode="json"))

    def roles_of(self, person: str, environment: str) -> frozenset[Role]:
        """Every role of a person there; a viewer at least."""
        granted = {
            role
            for grant in self.grants
            if grant.person in {person, ANY} and ({environment, ANY} & set(grant.environments))
            for role in grant.roles
        }
        return frozenset(granted | {Role.VIEWER})

    def refusal(self, person: str, kind: ActionKind, environment: str, model: str) -> str | None:
        """Why a person may not do this there, None when nothing forbids it."""
        for denial in self.denials:
            places = {environment, ANY} & set(denial.environments) and {model, ANY} & set(denial.models)
            if kind in denial.kinds and denial.person in {person, ANY} and places:
                return f"{kind.value} is denied to {person} in {environment}: {denial.reason}"
        roles = self.roles_of(person, environment)
        if any(kind in MAY[role] for role in roles):
            return None
        able = ", ".join(role.value for role in Role if kind in MAY[role])
        held = ", ".join(role.value for role in Role if role in roles)
        return f"{kind.value} in {environment} needs one of {able}; {person} is {held}"

    def approvals_needed(self, kind: ActionKind) -> int:
        """How many people must approve; 0 for most."""
        return self.terms_for(kind).quorum

    def terms_for(self, kind: ActionKind) -> Terms:
        """On what terms an action of this kind is approved."""
        return self.terms.get(kind, NOBODY)
