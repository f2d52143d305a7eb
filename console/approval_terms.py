"""What the policy files say about approvals, as the executor takes it."""

from __future__ import annotations

from typing import Final

from console.control.actions import MOVING_KINDS, ActionKind
from console.control.terms import GlassTerms, SignerFiles, Terms
from console.policies.consistency import kinds_of
from console.policies.load import Policies
from console.policies.rules import Guardrail

_GATED: Final = frozenset({ActionKind.PROMOTE, ActionKind.RESTORE})
"""What `*` in a guardrail asks a second person for. A step towards safety waits for one only where it is named."""


def approval_terms(policies: Policies, environment: str) -> dict[ActionKind, Terms]:
    """The terms of every kind of action in `environment`, as its approval rule has them; guardrails tighten them for some models."""
    return {kind: _terms(policies, kind, environment) for kind in ActionKind if kind in MOVING_KINDS}


def second_person_kinds(rail: Guardrail) -> tuple[ActionKind, ...]:
    """For which kinds a guardrail asks a second person: those it names, and of `*` those that can wait."""
    if not rail.second_person:
        return ()
    return tuple(kind for kind in kinds_of(rail.actions) if kind in _GATED or kind.value in rail.actions)


def signer_files(policies: Policies) -> SignerFiles | None:
    """Whose keys are whose; None where nothing is signed."""
    given = policies.signatures
    return None if given is None else SignerFiles(allowed_signers=given.allowed_signers, revoked=given.revoked)


def glass_terms(policies: Policies) -> GlassTerms:
    """What may be done without approval and reviewed afterwards."""
    given = policies.break_glass
    if given is None:
        return GlassTerms()
    beyond = tuple(kind for kind in ActionKind if kind.value in given.beyond_safer)
    return GlassTerms(beyond_safer=beyond, review_within_hours=given.review_within.total_seconds() / 3600)


def _terms(policies: Policies, kind: ActionKind, environment: str) -> Terms:
    rule = policies.approval_for(kind.value, environment)
    if rule is None:
        return Terms(quorum=0)
    return Terms(
        quorum=rule.quorum,
        signature=rule.signature,
        different_from=rule.different_from,
        approve_within_hours=rule.approve_within.total_seconds() / 3600,
        execute_within_hours=rule.execute_within.total_seconds() / 3600,
    )
