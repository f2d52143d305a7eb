"""The desk of a workspace for one person, under the policies in force there. Loads no store: an action never waits for a fact."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING

from backends.journal.outside import OutsideHeads
from backends.local.reading import LocalAliases, LocalSwitches
from backends.protocol import BackendError
from backends.reserve import keep_reserve
from console.approval_terms import approval_terms, glass_terms, second_person_kinds, signer_files
from console.config import Workspace
from console.control.guardrails import Confirm, Guardrail
from console.control.identity import Actor, current_actor
from console.control.roles import ANY, Grant, Policy, Role, RoleRule
from console.control.terminal import this_process, this_terminal
from console.policies.consistency import kinds_of
from console.policies.load import Policies, adopt_new, load_policies
from console.policies.rules import Guardrail as GuardrailOfFile
from console.policies.rules import Role as RoleOfFile
from console.policies.rules import roles_by_environment

if TYPE_CHECKING:
    from console.control.desk import Desk


def open_desk(
    workspace: Workspace,
    environment: str,
    *,
    as_of: datetime | None = None,
    read_only: bool = False,
    elevated: bool = False,
    keep: bool = True,
    after: Desk | None = None,
) -> Desk:
    """The desk of the person of this process. Raises ValueError when QUARTERDECK_ACTOR cannot be understood.

    `after`: a desk that stood by. Its open journal goes on; rules and person are read anew.

    `keep`: good policies are kept as the last good ones, so that a file that breaks later loosens nothing, and some room on the disk, so
    that a kill switch works on a full one; False where nothing is done.
    """
    from console.control.desk import Desk  # who only asks what may be done needs none

    clock = workspace.clock(as_of=as_of)
    actor = current_actor(clock)
    policies = load_policies(workspace.paths.policies)
    if keep and not read_only and as_of is None:
        _keep(workspace, policies)
    policy = control_policy(policies, workspace, environment, actor)
    outside = outside_heads(workspace)
    terminal = this_terminal() or this_process()
    return Desk(
        workspace.paths,
        clock,
        actor,
        policy=policy,
        read_only=read_only,
        elevated=elevated,
        outside=outside,
        terminal=terminal,
        after=after,
    )


def keep_for_later(workspace: Workspace) -> None:
    """What `open_desk` does with `keep`, for who acts first and keeps afterwards. Never raises."""
    _keep(workspace, load_policies(workspace.paths.policies))


def _keep(workspace: Workspace, policies: Policies) -> None:
    adopt_new(workspace.paths.policies, policies)
    keep_reserve(workspace.paths.root)


def outside_heads(workspace: Workspace) -> OutsideHeads:
    """Where the head of the journal is told besides the workspace."""
    settings = workspace.settings.audit
    return OutsideHeads(settings.heads, settings.syslog)


def control_policy(policies: Policies, workspace: Workspace, environment: str, actor: Actor) -> Policy:
    """The rules of the policy files as the executor takes them, for one person in one environment.

    A personal workspace makes the user of the operating system its admin, alone. Where the clock is simulated, other people can
    be played there: whoever the files give no role is admin too, but a played person is never alone, so that their requests
    need another one.
    """
    settings = workspace.settings
    grants = [
        Grant(person=person, roles=roles, environments=(place,))
        for person, given in policies.people.items()
        for place, roles in roles_by_environment(given).items()
    ]
    if settings.personal:
        grants += [Grant(person=name, roles=(Role.ADMIN,)) for name in sorted(_owners(policies, actor))]
    return Policy(
        roles=tuple(_role(rule) for rule in policies.roles),
        grants=tuple(grants),
        guardrails=tuple(_guardrail(rail) for rail in policies.guardrails),
        judges=_judges(policies, environment),
        solo=settings.personal and not actor.played,
        # Which names are typed is said by the guardrails alone.
        production=(),
        read_only=tuple(name for name, each in settings.environments.items() if each.read_only),
        terms=approval_terms(policies, environment),
        signers=signer_files(policies),
        glass=glass_terms(policies),
        trouble=policies.trouble,
        unsure=policies.origin == "shipped",
    )


def known_models(workspace: Workspace, environment: str) -> set[str]:
    """Models that the registry's aliases or the kill switches name; needs no store. Empty when neither can be read."""
    return {model for place, model in _named(workspace) if place == environment}


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


def _role(rule: RoleOfFile) -> RoleRule:
    return RoleRule(id=rule.id, may=kinds_of(rule.may), may_not=kinds_of(rule.may_not), environments=rule.environments)


def _guardrail(rail: GuardrailOfFile) -> Guardrail:
    return Guardrail(
        id=rail.id,
        title=rail.title,
        kinds=kinds_of(rail.actions),
        environments=rail.where.environments,
        models=rail.where.models,
        deny=rail.deny,
        max_bulk=rail.max_bulk,
        within=rail.within,
        confirm=Confirm(rail.confirm),
        second_person=second_person_kinds(rail),
        max_elevation=rail.max_elevation,
    )


def _judges(policies: Policies, environment: str) -> tuple[str, ...]:
    """Roles of which one is needed to approve here: those that some approval rule of this environment names."""
    rules = [rule for rule in policies.approvals if {environment, ANY} & set(rule.environments)]
    return tuple(sorted({role for rule in rules for role in rule.roles}))
