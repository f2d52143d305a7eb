"""The desk of a workspace for one person, under the policies in force there. Loads no store: an action never waits for a fact."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from backends.local.reading import LocalAliases, LocalSwitches
from backends.protocol import BackendError
from console.approval_terms import approval_terms, glass_terms, signer_files
from console.config import Workspace
from console.control.actions import ActionKind
from console.control.desk import Desk
from console.control.identity import Actor, current_actor
from console.control.roles import ANY, MAY, Denial, Grant, Policy, Role
from console.policies.load import Policies, load_policies
from console.policies.rules import Guardrail
from console.policies.rules import Role as RoleRule


def open_desk(
    workspace: Workspace, environment: str, *, as_of: datetime | None = None, read_only: bool = False, elevated: bool = False
) -> Desk:
    """The desk of the person of this process. Raises ValueError when QUARTERDECK_ACTOR cannot be understood."""
    clock = workspace.clock(as_of=as_of)
    actor = current_actor(clock)
    policies = load_policies(workspace.paths.policies)
    policy = control_policy(policies, workspace, environment, actor)
    return Desk(workspace.paths, clock, actor, policy=policy, read_only=read_only, elevated=elevated)


def control_policy(policies: Policies, workspace: Workspace, environment: str, actor: Actor) -> Policy:
    """The rules of the policy files as the executor takes them, for one person in one environment.

    A personal workspace makes the user of the operating system its admin, alone. Where the clock is simulated, other people can
    be played there: whoever the files give no role is admin too, but a played person is never alone, so that their requests
    need another one.
    """
    settings = workspace.settings
    environments = tuple(settings.environments)
    grants, denials = _roles(policies)
    if settings.personal:
        grants += [Grant(person=name, roles=(Role.ADMIN,)) for name in sorted(_owners(policies, actor))]
    for rail in policies.guardrails:
        denials += _denied(rail, environments, _models(workspace))
    denials += _judges(policies, environment)
    return Policy(
        grants=tuple(grants),
        denials=tuple(denials),
        solo=settings.personal and not actor.played,
        production=tuple(name for name in environments if _types_the_name(policies, name)),
        read_only=tuple(name for name, each in settings.environments.items() if each.read_only),
        terms=approval_terms(policies, environment),
        signers=signer_files(policies),
        glass=glass_terms(policies),
    )


def known_models(workspace: Workspace, environment: str) -> set[str]:
    """Models that the registry's aliases or the kill switches name; needs no store. Empty when neither can be read."""
    return {model for place, model in _named(workspace) if place == environment}


def _models(workspace: Workspace) -> set[str]:
    return {model for _, model in _named(workspace)}


def _named(workspace: Workspace) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    with contextlib.suppress(BackendError):
        found |= {(move.environment, move.model) for move in LocalAliases(workspace.paths.registry).aliases()}
    with contextlib.suppress(BackendError):
        found |= {(setting.environment, setting.model) for setting in LocalSwitches(workspace.paths.switches).switches()}
    return found


def _owners(policies: Policies, actor: Actor) -> set[str]:
    played = {actor.name} if actor.played and actor.name not in policies.people else set()
    return {Actor.from_os().name} | played


def _roles(policies: Policies) -> tuple[list[Grant], list[Denial]]:
    """Each person's role. One that is not exactly a role of the executor is admin without what the file leaves out."""
    known = {role.value: role for role in Role}
    grants: list[Grant] = []
    denials: list[Denial] = []
    for person in policies.people:
        rule = policies.role_of(person)
        if rule is None:
            continue
        may = _kinds(rule)
        same = known.get(rule.id)
        if same is not None and MAY[same] == may:
            grants.append(Grant(person=person, roles=(same,), environments=rule.environments))
            continue
        grants.append(Grant(person=person, roles=(Role.ADMIN,), environments=rule.environments))
        kept = tuple(kind for kind in ActionKind if kind not in may)
        if kept:
            denials.append(
                Denial(person=person, kinds=kept, environments=rule.environments, reason=f"the role {rule.id} does not allow it")
            )
    return grants, denials


def _kinds(rule: RoleRule) -> frozenset[ActionKind]:
    return frozenset(ActionKind) if ANY in rule.may else frozenset(kind for kind in ActionKind if kind.value in rule.may)


def _judges(policies: Policies, environment: str) -> list[Denial]:
    """Who may not approve here: people whose role no approval rule of this environment names."""
    rules = [rule for rule in policies.approvals if {environment, ANY} & set(rule.environments)]
    able = {role for rule in rules for role in rule.roles}
    reason = f"approvals in {environment} need one of the roles {', '.join(sorted(able))}"
    outside = [person for person, role in policies.people.items() if rules and role not in able]
    return [Denial(person=person, kinds=(ActionKind.APPROVE,), environments=(environment,), reason=reason) for person in outside]


def _denied(rail: Guardrail, environments: Sequence[str], models: Iterable[str]) -> list[Denial]:
    if not rail.deny:
        return []
    kinds = tuple(kind for kind in ActionKind if {kind.value, ANY} & set(rail.actions))
    places = tuple(name for name in environments if any(fnmatchcase(name, pattern) for pattern in rail.where.environments))
    # A pattern stands for the models that it fits now; its own text is kept too, for a model that is called exactly that.
    named = {*rail.where.models, *(model for model in models if any(fnmatchcase(model, pattern) for pattern in rail.where.models))}
    chosen = tuple(sorted(named))
    if not (kinds and places and chosen):
        return []
    return [Denial(kinds=kinds, environments=places, models=chosen, reason=f"guardrail {rail.id}: {rail.title}")]


def _types_the_name(policies: Policies, environment: str) -> bool:
    return any(
        rail.type_the_name and any(fnmatchcase(environment, pattern) for pattern in rail.where.environments) for rail in policies.guardrails
    )
